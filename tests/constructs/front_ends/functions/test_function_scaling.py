from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling

from tests.constructs.front_ends.functions.functions import (
    build,
)
from tests.constructs.front_ends.helpers import (
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
)


def scalable(stack: Stack) -> dict[str, Any]:
    properties: dict[str, Any] = one(stack, "AWS::ApplicationAutoScaling::ScalableTarget")["Properties"]
    return properties


def test_provisioned_concurrency_scales(stack: Stack) -> None:
    front_end = build(stack, provisioned_concurrency=2)
    scaling = front_end.auto_scale(min_capacity=2, max_capacity=50)
    scaling.on_utilization(70)
    scaling.on_schedule("Morning", schedule=autoscaling.Schedule.cron(hour="7", minute="0"), min_capacity=20)
    function = stack.resolve(front_end.function.function_name)
    properties = scalable(stack)
    assert properties["ServiceNamespace"] == "lambda"
    assert properties["ScalableDimension"] == "lambda:function:ProvisionedConcurrency"
    assert properties["ResourceId"] == {"Fn::Join": ["", ["function:", function, ":live"]]}
    assert (properties["MinCapacity"], properties["MaxCapacity"]) == (2, 50)
    assert [each["ScalableTargetAction"] for each in properties["ScheduledActions"]] == [{"MinCapacity": 20}]
    policy = one(stack, "AWS::ApplicationAutoScaling::ScalingPolicy")["Properties"]
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 0.7
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
    }
    (target,) = resources(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    (alias,) = resources(stack, "AWS::Lambda::Alias")
    assert alias in depends_on(stack, target)
    assert_acyclic(stack)
    assert findings(stack) == {"NIST.800.53.R5-LambdaInsideVPC"}
    assert literal_partitions(stack) == []


def test_utilization_may_be_a_token(stack: Stack) -> None:
    build(stack).auto_scale(max_capacity=5).on_utilization(
        CfnParameter(stack, "Percent", type="Number").value_as_number
    )
    policy = one(stack, "AWS::ApplicationAutoScaling::ScalingPolicy")["Properties"]
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == {"Ref": "Percent"}
    used, _ = tracking["CustomizedMetricSpecification"]["Metrics"]
    assert used["MetricStat"]["Metric"]["MetricName"] == "ProvisionedConcurrencyUtilization"
    assert used["MetricStat"]["Metric"]["Namespace"] == "AWS/Lambda"


@pytest.mark.parametrize("percent", [10, 90])
def test_accepts_utilization_at_its_limits(stack: Stack, percent: int) -> None:
    build(stack).auto_scale(max_capacity=5).on_utilization(percent)


@pytest.mark.parametrize("percent", [0, 9.9, 90.1, float("nan")])
def test_refuses_utilization_beyond_its_limits(stack: Stack, percent: float) -> None:
    scaling = build(stack).auto_scale(max_capacity=5)
    with pytest.raises(ValueError, match="percent must be"):
        scaling.on_utilization(percent)


@pytest.mark.parametrize(
    ("made", "range_", "message"),
    [
        ({}, {"min_capacity": 0, "max_capacity": 5}, r"min_capacity must be between 1 and"),
        ({}, {"min_capacity": 6, "max_capacity": 5}, r"max_capacity must be at least min_capacity, 6, got 5"),
        ({}, {"max_capacity": 51}, r"max_capacity must be at most reserved_concurrency, 50, got 51"),
        (
            {"provisioned_concurrency": 6},
            {"max_capacity": 5},
            r"provisioned_concurrency must be between .*1 and 5, got 6",
        ),
        ({"snap_start": True}, {"max_capacity": 5}, r"auto_scale must not be called with snap_start"),
    ],
)
def test_refuses_a_range(stack: Stack, made: dict[str, Any], range_: dict[str, int], message: str) -> None:
    front_end = build(stack, **made)
    with pytest.raises(ValueError, match=message):
        front_end.auto_scale(**range_)


def test_scales_once(stack: Stack) -> None:
    front_end = build(stack)
    front_end.auto_scale(max_capacity=50)
    with pytest.raises(ValueError, match="auto_scale must be called once"):
        front_end.auto_scale(max_capacity=5)


def test_a_range_may_be_of_tokens(stack: Stack) -> None:
    number: Any = CfnParameter(stack, "Number", type="Number").value_as_number
    build(stack, reserved_concurrency=number, provisioned_concurrency=number).auto_scale(
        min_capacity=number, max_capacity=number
    )
    assert scalable(stack)["MaxCapacity"] == {"Ref": "Number"}
