from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack

from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from tests.constructs.builders import number, properties, variant


def policy(stack: Stack, deployment: Deployment | None) -> dict[str, Any]:
    """The deployment policy of an endpoint, without its alarms."""
    Endpoint(stack, "Endpoint", variants=[variant()], deployment=deployment)
    config = dict(properties(stack, "AWS::SageMaker::Endpoint")["DeploymentConfig"])
    config.pop("AutoRollbackConfiguration", None)
    return config


def test_default_is_canary(stack: Stack) -> None:
    assert policy(stack, None) == {
        "BlueGreenUpdatePolicy": {
            "MaximumExecutionTimeoutInSeconds": 600 + 300 + 3600,
            "TerminationWaitInSeconds": 300,
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": 600,
            },
        }
    }


def test_linear(stack: Stack) -> None:
    linear = Deployment.linear(percent=30, wait=Duration.minutes(1), termination_wait=Duration.minutes(2))
    assert policy(stack, linear) == {
        "BlueGreenUpdatePolicy": {
            "MaximumExecutionTimeoutInSeconds": 4 * 60 + 120 + 3600,
            "TerminationWaitInSeconds": 120,
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 30},
                "WaitIntervalInSeconds": 60,
            },
        }
    }


def test_rolling(stack: Stack) -> None:
    assert policy(stack, Deployment.rolling(percent=50, timeout=Duration.hours(1))) == {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "MaximumExecutionTimeoutInSeconds": 3600,
            "WaitIntervalInSeconds": 300,
        }
    }


def test_all_at_once(stack: Stack) -> None:
    assert policy(stack, Deployment.all_at_once()) == {
        "BlueGreenUpdatePolicy": {
            "MaximumExecutionTimeoutInSeconds": 4200,
            "TerminationWaitInSeconds": 600,
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        }
    }


PERCENT: list[tuple[Callable[..., Deployment], int, int]] = [
    (Deployment.canary, 1, 50),
    (Deployment.linear, 10, 50),
    (Deployment.rolling, 5, 50),
]


@pytest.mark.parametrize(("make", "low", "high"), PERCENT)
def test_percent_at_and_beyond_the_edge(make: Callable[..., Deployment], low: int, high: int) -> None:
    for percent in (low, high):
        assert make(percent=percent).percent == percent
    for percent in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"percent must be between {low} and {high} percent, got {percent}"):
            make(percent=percent)
    with pytest.raises(ValueError, match=rf"percent must be a whole number between {low} and {high}, got 20\.5"):
        make(percent=20.5)


@pytest.mark.parametrize(("make", "low", "high"), PERCENT)
def test_waits_at_and_beyond_the_edge(make: Callable[..., Deployment], low: int, high: int) -> None:
    assert make(wait=Duration.seconds(0)).percent in range(low, high + 1)
    assert make(wait=Duration.seconds(3600), percent=high)
    for wait in (Duration.seconds(3601), Duration.millis(1500)):
        with pytest.raises(ValueError, match=r"wait must be .* 0 and 3,600 whole seconds, got (3601|1\.5) seconds"):
            make(wait=wait)


@pytest.mark.parametrize("make", [Deployment.canary, Deployment.linear, Deployment.all_at_once])
def test_termination_wait_at_and_beyond_the_edge(make: Callable[..., Deployment]) -> None:
    for seconds in (0, 3600):
        assert make(termination_wait=Duration.seconds(seconds))
    with pytest.raises(ValueError, match="termination_wait must be between 0 and 3,600 whole seconds, got 3601"):
        make(termination_wait=Duration.seconds(3601))


def test_timeout_at_and_beyond_the_edge() -> None:
    none = Duration.seconds(0)
    for seconds in (600, 28_800):
        assert Deployment.canary(wait=none, termination_wait=none, timeout=Duration.seconds(seconds))
    for seconds in (599, 28_801):
        with pytest.raises(ValueError, match=f"timeout must be between 600 and 28,800 whole seconds, got {seconds}"):
            Deployment.canary(wait=none, termination_wait=none, timeout=Duration.seconds(seconds))


def test_timeout_is_longer_than_all_waits() -> None:
    waits: dict[str, Any] = {"wait": Duration.seconds(600), "termination_wait": Duration.seconds(300)}
    assert Deployment.canary(**waits, timeout=Duration.seconds(901))
    assert Deployment.linear(percent=25, **waits, timeout=Duration.seconds(2701))
    assert Deployment.rolling(percent=25, wait=Duration.seconds(600), timeout=Duration.seconds(2401))
    with pytest.raises(ValueError, match="timeout must be longer than all waits, 900 seconds, got 900 seconds"):
        Deployment.canary(**waits, timeout=Duration.seconds(900))
    with pytest.raises(ValueError, match="timeout must be longer than all waits, 2,700 seconds, got 2700 seconds"):
        Deployment.linear(percent=25, **waits, timeout=Duration.seconds(2700))
    with pytest.raises(ValueError, match="timeout must be longer than all waits, 2,400 seconds, got 2400 seconds"):
        Deployment.rolling(percent=25, wait=Duration.seconds(600), timeout=Duration.seconds(2400))


def test_all_waits_fit_into_the_longest_deployment() -> None:
    assert Deployment.linear(percent=10, wait=Duration.seconds(2879), termination_wait=Duration.seconds(9))
    with pytest.raises(ValueError, match=r"shorter than the longest deployment, 28,800 seconds, got 28,800 seconds"):
        Deployment.linear(percent=10, wait=Duration.seconds(2880), termination_wait=Duration.seconds(0))


def test_the_default_timeout_stays_within_its_range(stack: Stack) -> None:
    slow = Deployment.linear(percent=20, wait=Duration.hours(1), termination_wait=Duration.hours(1))
    assert policy(stack, slow)["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 6 * 3600 + 3600
    slower = Deployment.linear(percent=10, wait=Duration.seconds(2700))
    other = Stack(App(builtin_cloud_formation_validation=False), "Other")
    assert policy(other, slower)["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 28_800


def test_the_strategies_are_four() -> None:
    with pytest.raises(ValueError, match="strategy must be one of CANARY, LINEAR, ROLLING, ALL_AT_ONCE, got 'SHADOW'"):
        Deployment(strategy="SHADOW")  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", ["CANARY", "LINEAR", "ROLLING"])
def test_steps_need_a_size(strategy: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match="percent must be between .* and 50 percent, got None"):  # noqa: RUF043
        Deployment(strategy=strategy)


def test_refuses_what_a_strategy_does_not_use() -> None:
    with pytest.raises(ValueError, match="percent must not be given when all traffic moves at once, got 10"):
        Deployment(strategy="ALL_AT_ONCE", percent=10)
    with pytest.raises(ValueError, match="wait must not be given when all traffic moves at once"):
        Deployment(strategy="ALL_AT_ONCE", wait=Duration.seconds(1))
    with pytest.raises(ValueError, match="termination_wait must not be given for a rolling deployment"):
        Deployment(strategy="ROLLING", percent=10, termination_wait=Duration.seconds(1))


def test_every_argument_takes_a_token(stack: Stack) -> None:
    value = number(stack)
    seconds = Duration.seconds(value)
    tokens = Deployment.linear(percent=value, wait=seconds, termination_wait=seconds, timeout=seconds)
    ref = {"Ref": "Number"}
    assert policy(stack, tokens) == {
        "BlueGreenUpdatePolicy": {
            "MaximumExecutionTimeoutInSeconds": ref,
            "TerminationWaitInSeconds": ref,
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": ref},
                "WaitIntervalInSeconds": ref,
            },
        }
    }


def test_waits_known_at_deployment_get_the_longest_timeout(stack: Stack) -> None:
    late = Deployment.canary(wait=Duration.seconds(number(stack)))
    assert policy(stack, late)["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 28_800
