from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from aws_cdk import App, Environment, Stack
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.steps import ScalingStep
from tests.constructs.builders import creation_order, properties, resources, synthesised
from tests.constructs.scaling.test_schedule import DAILY
from tests.constructs.scaling_builders import (
    ALARM,
    POLICY,
    TARGET,
    a_metric,
    a_sum,
    of_component,
    of_concurrency,
    of_variant,
)

KINDS: list[Callable[[Stack], IScaling]] = [
    of_variant,
    of_component,
    of_concurrency,
    lambda stack: of_variant(stack, asynchronous=True, min_capacity=0),
    lambda stack: of_component(stack, min_capacity=0),
]


# How to make each kind of two to begin with, and the least that AWS allows.
FLOORS: dict[str, tuple[Callable[[Stack, int, int], IScaling], int]] = {
    "variant": (lambda stack, low, high: of_variant(stack, min_capacity=low, max_capacity=high), 1),
    "asynchronous": (
        lambda stack, low, high: of_variant(stack, asynchronous=True, min_capacity=low, max_capacity=high),
        0,
    ),
    "component": (lambda stack, low, high: of_component(stack, copies=2, min_capacity=low, max_capacity=high), 0),
    "serverless": (lambda stack, low, high: of_concurrency(stack, min_capacity=low, max_capacity=high), 1),
}


def everything(scaling: IScaling) -> None:
    scaling.on_metric("Custom", metric=a_metric(), target=5)
    scaling.on_metric("Math", metric=a_sum(), target=5)
    scaling.on_steps("Up", metric=a_sum(), threshold=5, steps=[ScalingStep(percent=50)], min_change=1)
    scaling.on_steps("Down", metric=a_metric(), threshold=1, steps=[ScalingStep(change=-1)], below=True)
    scaling.on_schedule("Night", schedule=DAILY, min_capacity=2, max_capacity=2)
    scaling.suspend(scale_out=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", [None, "eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_everything_that_scales_offers_all(kind: Callable[[Stack], IScaling], region: str | None) -> None:
    """With the CDK's own validation of templates, which is on by default."""
    app = App()
    stack = Stack(app, "Stack", env=None if region is None else Environment(region=region, account="111122223333"))
    everything(kind(stack))
    app.synth()
    target = properties(stack, TARGET)
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_finds_fault(app: App, stack: Stack, kind: Callable[[Stack], IScaling]) -> None:
    everything(kind(stack))
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        found = [each for each in pack(app).validate_scope(stack).violations if "Scaling" in str(each)]
        assert found == []


@pytest.mark.parametrize("kind", KINDS)
def test_alarms_and_policies_go_before_the_target_and_that_before_what_scales(
    stack: Stack, kind: Callable[[Stack], IScaling]
) -> None:
    """CloudFormation deletes in the reverse of the order in which it creates."""
    everything(kind(stack))
    template = synthesised(stack)
    kinds = [template["Resources"][key]["Type"] for key in creation_order(template)]
    scaled, target, *rest = dict.fromkeys(kinds)
    assert scaled in {"AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent"}
    assert target == TARGET
    assert set(rest) == {POLICY, ALARM}
    for key, each in template["Resources"].items():
        if each["Type"] == ALARM:
            policy = each["Properties"]["AlarmActions"][0]["Ref"]
            assert creation_order(template).index(policy) < creation_order(template).index(key)


@pytest.mark.parametrize("state", list(product([True, False], repeat=3)))
def test_suspends_and_resumes(stack: Stack, state: tuple[bool, bool, bool]) -> None:
    scale_in, scale_out, schedules = state
    of_variant(stack).suspend(scale_in=scale_in, scale_out=scale_out, schedules=schedules)
    assert tuple(properties(stack, TARGET)["SuspendedState"].values()) == state


def test_suspends_everything_by_default(stack: Stack) -> None:
    of_variant(stack).suspend()
    assert set(properties(stack, TARGET)["SuspendedState"].values()) == {True}


def test_nothing_is_suspended_or_scheduled_unless_asked_for(stack: Stack) -> None:
    of_variant(stack)
    assert not {"SuspendedState", "ScheduledActions"} & set(properties(stack, TARGET))


def test_a_forecast_is_not_offered_and_the_reader_is_sent_to_schedules() -> None:
    assert "predictive" in (IScaling.__doc__ or "")
    assert "schedule" in (IScaling.__doc__ or "")
    assert not [name for name in dir(IScaling) if "predict" in name or "forecast" in name]


CAPACITIES = st.integers(-1, 4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(kind=st.sampled_from([*FLOORS]), least=CAPACITIES, most=CAPACITIES, low=CAPACITIES, high=CAPACITIES)
def test_any_range_is_valid_or_a_value_error(kind: str, least: int, most: int, low: int, high: int) -> None:
    """The range and that of a schedule: accepted and synthesised, or refused in words, never a broken template."""
    make, floor = FLOORS[kind]
    app = App()
    stack = Stack(app, "Stack")
    if not (floor <= least <= most and most >= 1 and least <= 2 <= most):  # all of them start with two
        with pytest.raises(
            ValueError, match=r"^(min_capacity|max_capacity|instance_count|copies|provisioned_concurrency)"
        ):
            make(stack, least, most)
        return
    scaling = make(stack, least, most)
    if floor <= low <= high:
        scaling.on_schedule("Night", schedule=DAILY, min_capacity=low, max_capacity=high)
    else:
        with pytest.raises(ValueError, match=r"^(min_capacity|max_capacity) must "):
            scaling.on_schedule("Night", schedule=DAILY, min_capacity=low, max_capacity=high)
    app.synth()
    wakes = kind in {"asynchronous", "component"} and (least == 0 or (low == 0 and low <= high))
    assert len(resources(stack, ALARM)) == wakes
