from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack

from tests.constructs.builders import number, only, properties, resources, text, warnings
from tests.constructs.scaling_builders import ALARM, MOST, POLICY, TARGET, of_component, tracked

COPIES = [{"Name": "InferenceComponentName", "Value": "one"}]


def test_copies_scale(stack: Stack) -> None:
    scaling = of_component(stack)
    (component,) = resources(stack, "AWS::SageMaker::InferenceComponent")
    target = only(stack, TARGET)
    assert target["DependsOn"] == [component]
    assert target["Properties"] == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
        "ResourceId": "inference-component/one",
        "MinCapacity": 2,
        "MaxCapacity": 6,
    }
    assert (scaling.min_capacity, scaling.max_capacity) == (2, 6)
    assert not resources(stack, POLICY)
    assert not warnings(stack)


def test_on_invocations(stack: Stack) -> None:
    of_component(stack).on_invocations(90, scale_out_cooldown=Duration.minutes(1))
    assert properties(stack, POLICY)["PolicyName"] == "one-Invocations"
    assert tracked(stack) == {
        "TargetValue": 90,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"},
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
        "DisableScaleIn": False,
    }


def test_on_concurrent_requests(stack: Stack) -> None:
    of_component(stack).on_concurrent_requests(5)
    predefined = tracked(stack)["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert predefined == "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    assert tracked(stack)["TargetValue"] == 5


@pytest.mark.parametrize(("options", "value"), [({}, 300), ({"safety_factor": 0.7}, 420), ({"safety_factor": 1}, 600)])
def test_on_requests_per_second(stack: Stack, options: dict[str, float], value: float) -> None:
    of_component(stack).on_requests_per_second(10, **options)  # type: ignore[arg-type] # a number
    assert tracked(stack)["TargetValue"] == value
    predefined = tracked(stack)["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert predefined == "SageMakerInferenceComponentInvocationsPerCopy"


def test_a_late_peak_is_compared_by_cloudwatch(app: App, stack: Stack) -> None:
    of_component(stack).on_requests_per_second(number(stack), safety_factor=number(stack, "Factor"))
    app.synth()
    assert tracked(stack)["TargetValue"] == {"Ref": "Number"}
    requests, peak = tracked(stack)["CustomizedMetricSpecification"]["Metrics"]
    assert requests["MetricStat"] == {
        "Metric": {"Namespace": "AWS/SageMaker", "MetricName": "InvocationsPerCopy", "Dimensions": COPIES},
        "Stat": "Sum",
    }
    assert peak["Expression"] == {"Fn::Join": ["", ["requests / 60 / ", {"Ref": "Factor"}]]}


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("on_invocations", "per_copy_per_minute"),
        ("on_requests_per_second", "per_copy"),
        ("on_concurrent_requests", "per_copy"),
    ],
)
def test_refuses_no_load(stack: Stack, method: str, argument: str) -> None:
    for load in (0, -1):
        with pytest.raises(ValueError, match=f"{argument} must be above 0, got {load}"):
            getattr(of_component(stack), method)(load)
        stack = Stack(App(), "Other")
    getattr(of_component(stack), method)(number(stack))


@pytest.mark.parametrize("factor", [0, -0.5, 1.01])
def test_refuses_no_safety(stack: Stack, factor: float) -> None:
    with pytest.raises(ValueError, match=f"safety_factor must be (above 0|between 0 and 1), got {factor}"):
        of_component(stack).on_requests_per_second(1, safety_factor=factor)


def test_zero_copies_come_with_a_way_back(stack: Stack) -> None:
    """Target tracking cannot divide by no copies: without the step, the component would never answer again."""
    of_component(stack, min_capacity=0)
    (policy,) = resources(stack, POLICY)
    assert properties(stack, POLICY)["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 60,
        "MetricAggregationType": "Maximum",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    assert properties(stack, ALARM) == {
        "AlarmName": "one-FromZero",
        "AlarmDescription": "Scales inference component one",
        "Namespace": "AWS/SageMaker",
        "MetricName": "NoCapacityInvocationFailures",
        "Dimensions": COPIES,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [{"Ref": policy}],
    }
    assert not warnings(stack)


def test_one_copy_is_a_warning(stack: Stack) -> None:
    of_component(stack, min_capacity=1)
    (warning,) = warnings(stack)
    assert "inference component one may scale in to one copy" in warning


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"min_capacity": -1}, "min_capacity must be between 0 and 2,147,483,647, got -1"),
    ({"max_capacity": 0}, "max_capacity must be between 1 and 2,147,483,647, got 0"),
    ({"max_capacity": MOST + 1}, "max_capacity must be between 1 and 2,147,483,647, got 2147483648"),
    ({"min_capacity": 7}, "max_capacity must be at least min_capacity, 7, got 6"),
    ({"copies": 1}, "copies of component one must be between min_capacity and max_capacity, 2 and 6, got 1"),
    ({"copies": 7}, "copies of component one must be between min_capacity and max_capacity, 2 and 6, got 7"),
    ({"copies": -1}, "copies must be between 0 and 2,147,483,647, got -1"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_beyond_the_edge(stack: Stack, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        of_component(stack, **options)


@pytest.mark.parametrize("options", [{"min_capacity": 6}, {"max_capacity": MOST}, {"copies": 2}, {"copies": 6}])
def test_at_the_edge(stack: Stack, options: dict[str, Any]) -> None:
    assert of_component(stack, **options)


def test_tokens_pass(app: App, stack: Stack) -> None:
    value = number(stack)
    of_component(stack, component_name=text(stack), copies=value, min_capacity=value, max_capacity=value)
    app.synth()
    target = properties(stack, TARGET)
    assert target["ResourceId"] == {"Fn::Join": ["", ["inference-component/", {"Ref": "Text"}]]}
    assert target["MinCapacity"] == {"Ref": "Number"}
    # A least that is known only at deployment may be zero.
    assert properties(stack, ALARM)["MetricName"] == "NoCapacityInvocationFailures"
