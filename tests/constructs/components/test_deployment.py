from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack

from ml_constructs.components.deployment import ComponentDeployment
from ml_constructs.endpoints.rollback import RollbackThresholds
from tests.constructs.builders import number, properties
from tests.constructs.component_builders import COMPONENT, component


def rendered(stack: Stack, total: int = 2, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    component(stack, copies=total, deployment=ComponentDeployment(**options))
    return dict(properties(stack, COMPONENT)["DeploymentConfig"])


def test_a_quarter_at_a_time(stack: Stack) -> None:
    assert rendered(stack)["RollingUpdatePolicy"] == {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        "WaitIntervalInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 4 * 300 + 3600,
    }


def test_copies_at_a_time(stack: Stack) -> None:
    policy = rendered(stack, 6, copies=3, wait=Duration.minutes(10), rollback_percent=50)["RollingUpdatePolicy"]
    assert policy == {
        "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 3},
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 600,
        "MaximumExecutionTimeoutInSeconds": 2 * 600 + 3600,
    }


def test_without_alarms(stack: Stack) -> None:
    assert "AutoRollbackConfiguration" not in rendered(stack, rollback=None)


def test_never_longer_than_a_deployment_may_take(stack: Stack) -> None:
    policy = rendered(stack, percent=12, wait=Duration.seconds(3100))["RollingUpdatePolicy"]
    assert policy["MaximumExecutionTimeoutInSeconds"] == 28_800


GOOD: list[dict[str, Any]] = [
    {"percent": 5, "wait": Duration.seconds(0)},
    {"percent": 50},
    {"copies": 1},
    {"rollback_percent": 5},
    {"rollback_percent": 100},
    {"wait": Duration.seconds(3600), "percent": 50},
    {"timeout": Duration.seconds(600), "wait": Duration.seconds(0)},
    {"timeout": Duration.seconds(28_800)},
]


@pytest.mark.parametrize("options", GOOD)
def test_accepts_the_edges(options: dict[str, Any]) -> None:
    ComponentDeployment(**options)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"percent": 4}, "percent must be between 5 and 50 percent, got 4"),
    ({"percent": 51}, "percent must be between 5 and 50 percent, got 51"),
    ({"percent": 25, "copies": 1}, "copies must not be given beside percent, got 1"),
    ({"copies": 0}, "copies must be between 1 and 2,147,483,647, got 0"),
    ({"rollback_percent": 4}, "rollback_percent must be between 5 and 100 percent, got 4"),
    ({"rollback_percent": 101}, "rollback_percent must be between 5 and 100 percent, got 101"),
    ({"wait": Duration.seconds(3601)}, "wait must be between 0 and 3,600 whole seconds, got 3601"),
    ({"timeout": Duration.seconds(599)}, "timeout must be between 600 and 28,800 whole seconds, got 599"),
    ({"timeout": Duration.seconds(28_801)}, "timeout must be between 600 and 28,800 whole seconds, got 28801"),
    ({"timeout": Duration.seconds(1200)}, "timeout must be longer than all waits, 1,200 seconds, got 1200 seconds"),
    ({"percent": 5, "wait": Duration.seconds(1440)}, "wait, once per batch, .* 28,800 seconds, got 28,800 seconds"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_refuses_what_sagemaker_does(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ComponentDeployment(**options)


@pytest.mark.parametrize(("batch", "copies"), [(1, 2), (1, 20), (5, 10), (2, 40)])
def test_a_batch_is_a_share_of_the_copies(stack: Stack, batch: int, copies: int) -> None:
    rendered(stack, copies, copies=batch)


@pytest.mark.parametrize(("batch", "copies"), [(1, 1), (2, 3), (6, 10), (1, 21)])
def test_refuses_a_batch_of_another_share(stack: Stack, batch: int, copies: int) -> None:
    with pytest.raises(
        ValueError, match=f"copies of a batch must be 5 to 50 percent of all, of {copies} copies, got {batch}"
    ):
        rendered(stack, copies, copies=batch)


def test_tokens_pass(stack: Stack) -> None:
    late = number(stack)
    policy = rendered(stack, late, copies=late, wait=Duration.seconds(late), rollback_percent=late)
    assert policy["RollingUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 28_800
    ComponentDeployment(percent=late, timeout=Duration.seconds(late))


def test_thresholds_make_alarms(stack: Stack) -> None:
    thresholds = RollbackThresholds(error_percent=5, model_latency=Duration.seconds(2))
    names = [
        alarm["AlarmName"] for alarm in rendered(stack, rollback=thresholds)["AutoRollbackConfiguration"]["Alarms"]
    ]
    assert [name.rpartition("-rollback-")[2] for name in names] == ["5xx", "latency"]
