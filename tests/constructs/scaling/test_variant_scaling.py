from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.scaling.steps import ScalingStep
from ml_constructs.scaling.variant_scaling import VariantScaling
from tests.constructs.builders import number, only, properties, resources, synthesised, text, variant, warnings
from tests.constructs.scaling_builders import ALARM, MOST, POLICY, TARGET, a_metric, of_variant


def scaling(stack: Stack, *, least: Any = 2, most: Any = 6, **options: Any) -> VariantScaling:  # noqa: ANN401
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(**options)], endpoint_name="Name")
    return endpoint.auto_scale(min_capacity=least, max_capacity=most)


def tracking(stack: Stack) -> dict[str, Any]:
    config: dict[str, Any] = properties(stack, POLICY)["TargetTrackingScalingPolicyConfiguration"]
    return config


def test_the_target_waits_for_the_endpoint(stack: Stack) -> None:
    scaling(stack)
    (endpoint,) = resources(stack, "AWS::SageMaker::Endpoint")
    target = only(stack, TARGET)
    assert target["DependsOn"] == [endpoint]
    assert target["Properties"] == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/Name/variant/only",
        "MinCapacity": 2,
        "MaxCapacity": 6,
    }


def test_two_variants_scale_independently(app: App, stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(name="a"), variant(name="b", instance_count=3)])
    for name, most in (("a", 4), ("b", 8)):
        scale = endpoint.auto_scale(name, max_capacity=most)
        scale.on_invocations(600)
        scale.on_cpu(70)
    app.synth()
    targets = {each["Properties"]["ResourceId"][-1]: each["Properties"] for each in resources(stack, TARGET).values()}
    assert {name: each["MaxCapacity"] for name, each in targets.items()} == {"a": 4, "b": 8}
    policies = [each["Properties"] for each in resources(stack, POLICY).values()]
    assert len({each["PolicyName"] for each in policies}) == len(policies) == 4
    assert {each["ScalingTargetId"]["Ref"] for each in policies} == set(resources(stack, TARGET))


@pytest.mark.parametrize("argument", ["min_capacity", "max_capacity"])
def test_capacities_at_and_beyond_the_edge(stack: Stack, argument: str) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()])
    valid: dict[str, Any] = {"min_capacity": 1, "max_capacity": MOST}
    for wrong in (0, -1, MOST + 1):
        with pytest.raises(ValueError, match=f"{argument} must be between 1 and 2,147,483,647, got {wrong}"):
            endpoint.auto_scale(**{**valid, argument: wrong})
    with pytest.raises(ValueError, match=rf"{argument} must be a whole number .*, got 2\.5"):
        endpoint.auto_scale(**{**valid, argument: 2.5})
    made = endpoint.auto_scale(**valid)
    assert (made.min_capacity, made.max_capacity) == (1, MOST)


def test_min_is_at_most_max(stack: Stack) -> None:
    assert scaling(stack, least=2, most=2)
    other = Endpoint(stack, "Other", variants=[variant()])
    with pytest.raises(ValueError, match="max_capacity must be at least min_capacity, 3, got 2"):
        other.auto_scale(min_capacity=3, max_capacity=2)


@pytest.mark.parametrize("count", [1, 5])
def test_a_variant_starts_inside_its_range(stack: Stack, count: int) -> None:
    with pytest.raises(ValueError, match=rf"instance_count of variant only must be between .* 2 and 4, got {count}"):
        scaling(stack, least=2, most=4, instance_count=count)


@pytest.mark.parametrize("instance_type", ["ml.t2.medium", "ml.t3.large"])
def test_burstable_types_do_not_scale(stack: Stack, instance_type: str) -> None:
    with pytest.raises(
        ValueError, match=f"instance_type of a scaled variant must not be burstable, got {instance_type}"
    ):
        scaling(stack, instance_type=instance_type)


@pytest.mark.parametrize("instance_type", ["ml.trn1.2xlarge", "ml.trn1n.32xlarge", "ml.trn2.48xlarge"])
def test_trainium_scales(stack: Stack, instance_type: str) -> None:
    assert scaling(stack, instance_type=instance_type)


def test_capacities_take_tokens(app: App, stack: Stack) -> None:
    scaling(stack, least=number(stack, "Least"), most=number(stack, "Most"), instance_type=text(stack))
    app.synth()
    rendered = properties(stack, TARGET)
    assert (rendered["MinCapacity"], rendered["MaxCapacity"]) == ({"Ref": "Least"}, {"Ref": "Most"})


def test_a_variant_named_at_deployment_scales(app: App, stack: Stack) -> None:
    scaling(stack, name=text(stack)).on_cpu(50)
    app.synth()
    assert properties(stack, TARGET)["ResourceId"]["Fn::Join"][1][-1] == {"Ref": "Text"}


def test_one_instance_is_a_warning(stack: Stack) -> None:
    scaling(stack, least=1)
    (warning,) = warnings(stack)
    assert "may scale in to one instance" in warning


def test_a_variant_scales_once(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(name="a"), variant(name="b")])
    endpoint.auto_scale("a", max_capacity=3)
    with pytest.raises(ValueError, match="variant must be scaled once, got 'a' again"):
        endpoint.auto_scale("a", max_capacity=3)
    for name in ("c", None):
        with pytest.raises(ValueError, match=r"variant must be one of the endpoint's variants \(a, b\), got "):
            endpoint.auto_scale(name, max_capacity=3)


def test_a_refused_scaling_leaves_nothing_behind(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()])
    with pytest.raises(ValueError, match="max_capacity"):
        endpoint.auto_scale(max_capacity=1)
    assert "RetainAllVariantProperties" not in properties(stack, "AWS::SageMaker::Endpoint")
    assert endpoint.auto_scale(max_capacity=2)


# Target tracking.


def test_on_invocations(stack: Stack) -> None:
    scaling(stack).on_invocations(600)
    assert properties(stack, POLICY)["PolicyType"] == "TargetTrackingScaling"
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-Invocations"
    assert tracking(stack) == {
        "TargetValue": 600,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 300,
        "DisableScaleIn": False,
    }


@pytest.mark.parametrize(
    ("instance_type", "value"), [("ml.m5.large", 140), ("ml.m5.4xlarge", 1120), ("ml.c4.8xlarge", 2520)]
)
def test_on_cpu_counts_cores(stack: Stack, instance_type: str, value: float) -> None:
    scaling(stack, instance_type=instance_type).on_cpu(70)
    assert tracking(stack)["TargetValue"] == value
    assert tracking(stack)["CustomizedMetricSpecification"] == {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Unit": "Percent",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}, {"Name": "VariantName", "Value": "only"}],
    }


def test_on_cpu_needs_the_cores_of_an_unknown_type(stack: Stack) -> None:
    scale = scaling(stack, instance_type=text(stack))
    with pytest.raises(ValueError, match="vcpus must be given where the instance type is known only at deployment"):
        scale.on_cpu(70)
    scale.on_cpu(70, vcpus=8)
    assert tracking(stack)["TargetValue"] == 560


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_refuses_cpu_beyond_the_edge(stack: Stack, percent: float) -> None:
    with pytest.raises(ValueError, match=f"percent must be (above 0|between 0 and 100 percent), got {percent}"):
        scaling(stack).on_cpu(percent)


def test_cpu_at_the_edge(stack: Stack) -> None:
    scale = scaling(stack)
    assert (scale.cpu_value(0.5), scale.cpu_value(100), scale.cpu_value(50, vcpus=1)) == (1, 200, 50)
    with pytest.raises(ValueError, match="vcpus must be between 1 and .*, got 0"):  # noqa: RUF043
        scale.cpu_value(50, vcpus=0)


@pytest.mark.parametrize("late", ["percent", "vcpus", "both"])
def test_cpu_known_at_deployment_is_computed_there(stack: Stack, late: str) -> None:
    percent = 70 if late == "vcpus" else number(stack, "Percent")
    vcpus = None if late == "percent" else number(stack, "Cores")
    scale = scaling(stack)
    scale.on_cpu(percent, vcpus=vcpus)
    rendered = tracking(stack)
    assert rendered["TargetValue"] == (70 if late == "vcpus" else {"Ref": "Percent"})
    cpu, share = rendered["CustomizedMetricSpecification"]["Metrics"]
    assert cpu["MetricStat"]["Metric"] == {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}, {"Name": "VariantName", "Value": "only"}],
    }
    assert (cpu["MetricStat"]["Stat"], cpu["MetricStat"]["Unit"], cpu["Id"]) == ("Average", "Percent", "cpu")
    cores = {"Fn::Join": ["", ["cpu / ", {"Ref": "Cores"}]]}
    assert share["Expression"] == ("cpu / 2" if late == "percent" else cores)
    assert (cpu["ReturnData"], share["ReturnData"]) == (False, True)
    assert "e+28" not in json.dumps(synthesised(stack))
    with pytest.raises(ValueError, match="percent and vcpus must be known at synth, got a token"):
        scale.cpu_value(percent, vcpus=vcpus)


@pytest.mark.parametrize("load", [0, -5])
def test_refuses_no_load(stack: Stack, load: float) -> None:
    with pytest.raises(ValueError, match=f"per_instance_per_minute must be above 0, got {load}"):
        scaling(stack).on_invocations(load)


def test_invocations_take_tokens(stack: Stack) -> None:
    seconds = Duration.seconds(number(stack, "Seconds"))
    scaling(stack).on_invocations(number(stack), scale_in_cooldown=seconds, scale_out_cooldown=seconds)
    assert tracking(stack)["TargetValue"] == {"Ref": "Number"}
    assert tracking(stack)["ScaleInCooldown"] == tracking(stack)["ScaleOutCooldown"] == {"Ref": "Seconds"}


@pytest.mark.parametrize("argument", ["scale_in_cooldown", "scale_out_cooldown"])
def test_cooldowns(stack: Stack, argument: str) -> None:
    scale = scaling(stack)
    scale.on_invocations(1, **{argument: Duration.seconds(0)}, disable_scale_in=True)
    assert tracking(stack)["DisableScaleIn"] is True
    assert tracking(stack)[argument.title().replace("_", "")] == 0
    with pytest.raises(ValueError, match=rf"{argument} must be .* whole seconds, got 0\.5 seconds"):
        scale.on_cpu(1, **{argument: Duration.millis(500)})  # type: ignore[arg-type]


@pytest.mark.parametrize("again", [lambda scale: scale.on_cpu(1), lambda scale: scale.on_invocations(1)])
def test_a_metric_is_tracked_once(stack: Stack, again: Callable[[VariantScaling], None]) -> None:
    scale = scaling(stack)
    again(scale)
    with pytest.raises(ValueError, match="policies of variant only must have different names, got .* again"):  # noqa: RUF043
        again(scale)


@pytest.mark.parametrize(
    ("peak", "options", "value"),
    [(20, {}, 600), (20, {"safety_factor": 0.8}, 960), (1.5, {"safety_factor": 1}, 90), (0.1, {}, 3)],
)
def test_requests_per_second_become_requests_per_minute(
    stack: Stack, peak: float, options: dict[str, float], value: float
) -> None:
    """The formula of https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html."""
    of_variant(stack).on_requests_per_second(peak, **options)  # type: ignore[arg-type] # a number
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-Invocations"
    assert tracking(stack)["TargetValue"] == pytest.approx(value)
    predefined = tracking(stack)["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert predefined == "SageMakerVariantInvocationsPerInstance"


@pytest.mark.parametrize("late", ["peak", "factor"])
def test_a_late_peak_is_compared_by_cloudwatch(app: App, stack: Stack, late: str) -> None:
    peak = number(stack) if late == "peak" else 20
    factor = number(stack) if late == "factor" else 0.5
    of_variant(stack).on_requests_per_second(peak, safety_factor=factor)
    app.synth()
    assert tracking(stack)["TargetValue"] == ({"Ref": "Number"} if late == "peak" else 20)
    requests, result = tracking(stack)["CustomizedMetricSpecification"]["Metrics"]
    assert requests["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": "Name"}, {"Name": "VariantName", "Value": "only"}],
        },
        "Stat": "Sum",
    }
    joined = {"Fn::Join": ["", ["requests / 60 / ", {"Ref": "Number"}]]}
    assert result["Expression"] == ("requests / 60 / 0.5" if late == "peak" else joined)


@pytest.mark.parametrize("factor", [0, -0.5, 1.01])
def test_refuses_no_safety(stack: Stack, factor: float) -> None:
    with pytest.raises(ValueError, match=f"safety_factor must be (above 0|between 0 and 1), got {factor}"):
        of_variant(stack).on_requests_per_second(1, safety_factor=factor)


def test_requests_are_counted_by_one_policy(stack: Stack) -> None:
    scale = of_variant(stack)
    scale.on_requests_per_second(10)
    with pytest.raises(ValueError, match="policies of variant only must have different names, got Invocations again"):
        scale.on_invocations(10)


def test_on_concurrent_requests(stack: Stack) -> None:
    of_variant(stack).on_concurrent_requests(5, scale_out_cooldown=Duration.minutes(1))
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-ConcurrentRequests"
    assert tracking(stack) == {
        "TargetValue": 5,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
        "DisableScaleIn": False,
    }


# Asynchronous endpoints.


def test_on_backlog(stack: Stack) -> None:
    of_variant(stack, asynchronous=True).on_backlog(5)
    assert tracking(stack)["TargetValue"] == 5
    assert tracking(stack)["CustomizedMetricSpecification"] == {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}],
    }


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("on_requests_per_second", "per_instance"),
        ("on_concurrent_requests", "per_model"),
        ("on_backlog", "per_instance"),
    ],
)
def test_refuses_no_load_of_any_kind(stack: Stack, method: str, argument: str) -> None:
    follow = getattr(of_variant(stack, asynchronous=method == "on_backlog"), method)
    for load in (0, -1):
        with pytest.raises(ValueError, match=f"{argument} must be above 0, got {load}"):
            follow(load)
    follow(number(stack))


@pytest.mark.parametrize("method", ["on_invocations", "on_requests_per_second", "on_concurrent_requests"])
def test_an_asynchronous_endpoint_counts_no_invocations(stack: Stack, method: str) -> None:
    """The peer's policy would follow a metric that is never published."""
    scale = of_variant(stack, asynchronous=True)
    with pytest.raises(ValueError, match=f"{method} must not be used on an asynchronous .*: use on_backlog, got "):
        getattr(scale, method)(5)
    scale.on_cpu(50)


def test_a_synchronous_endpoint_has_no_backlog(stack: Stack) -> None:
    """The peer attaches that policy to every endpoint."""
    with pytest.raises(ValueError, match="on_backlog must only be used on an asynchronous .*: use on_invocations or"):  # noqa: RUF043
        of_variant(stack).on_backlog(5)


def test_zero_instances_come_with_a_way_back(stack: Stack) -> None:
    of_variant(stack, asynchronous=True, min_capacity=0)
    (policy,) = resources(stack, POLICY)
    assert properties(stack, POLICY)["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 300,
        "MetricAggregationType": "Average",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    alarm = properties(stack, ALARM)
    assert alarm == {
        "AlarmName": "Name-only-FromZero",
        "AlarmDescription": "Scales variant only of endpoint Name",
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [{"Ref": policy}],
    }
    assert not warnings(stack)


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_least_known_at_deployment_may_be_zero(app: App, stack: Stack, *, asynchronous: bool) -> None:
    of_variant(stack, asynchronous=asynchronous, min_capacity=number(stack))
    app.synth()
    assert len(resources(stack, POLICY)) == asynchronous


def test_no_way_back_where_there_is_no_zero(stack: Stack) -> None:
    of_variant(stack, asynchronous=True)
    assert not resources(stack, POLICY)


def test_only_asynchronous_variants_scale_to_zero(stack: Stack) -> None:
    message = "min_capacity must be between 1 and .*, got 0: only asynchronous endpoints and inference components"
    with pytest.raises(ValueError, match=message):
        of_variant(stack, min_capacity=0)
    for wrong in (-1, MOST + 1):
        with pytest.raises(ValueError, match=f"min_capacity must be between 0 and 2,147,483,647, got {wrong}"):
            of_variant(Stack(App(), "Other"), asynchronous=True, min_capacity=wrong)


@pytest.mark.parametrize("count", [1, 4])
def test_an_asynchronous_variant_starts_inside_its_range(stack: Stack, count: int) -> None:
    assert of_variant(stack, asynchronous=True, min_capacity=0, max_capacity=4, instance_count=count)
    with pytest.raises(ValueError, match="instance_count of variant only must be between .* 0 and 4, got 5"):  # noqa: RUF043
        of_variant(Stack(App(), "Other"), asynchronous=True, min_capacity=0, max_capacity=4, instance_count=5)


def test_the_largest_capacity_of_one_with_a_floor_of_zero_is_no_warning(stack: Stack) -> None:
    of_variant(stack, asynchronous=True, min_capacity=0, max_capacity=1, instance_count=1)
    assert not warnings(stack)


# Steps.


def on_steps(scale: VariantScaling, *steps: ScalingStep, name: str = "Steps", **options: Any) -> None:  # noqa: ANN401
    defaults: dict[str, Any] = {"metric": a_metric(), "threshold": 10}
    scale.on_steps(name, steps=steps, **{**defaults, **options})


def adjustments(stack: Stack) -> list[dict[str, float]]:
    steps: list[dict[str, float]] = properties(stack, POLICY)["StepScalingPolicyConfiguration"]["StepAdjustments"]
    return steps


def the_alarm(stack: Stack) -> dict[str, Any]:
    (alarm,) = (
        each["Properties"] for key, each in resources(stack, "AWS::CloudWatch::Alarm").items() if "Steps" in key
    )
    return dict(alarm)


def test_one_step_up(stack: Stack) -> None:
    on_steps(scaling(stack), ScalingStep(change=1), metric=a_metric(period=Duration.seconds(30)))
    (policy,) = resources(stack, POLICY)
    assert properties(stack, POLICY)["PolicyType"] == "StepScaling"
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-Steps"
    assert properties(stack, POLICY)["ScalingTargetId"] == {"Ref": next(iter(resources(stack, TARGET)))}
    assert properties(stack, POLICY)["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 300,
        "MetricAggregationType": "Average",
        "StepAdjustments": [{"ScalingAdjustment": 1, "MetricIntervalLowerBound": 0}],
    }
    assert the_alarm(stack) == {
        "AlarmName": "Name-only-Steps",
        "AlarmDescription": "Scales variant only of endpoint Name",
        "Namespace": "Example",
        "MetricName": "Queue",
        "Dimensions": [{"Name": "Name", "Value": "a"}],
        "Statistic": "Average",
        "Period": 30,
        "EvaluationPeriods": 1,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [{"Ref": policy}],
    }


def test_one_step_down(stack: Stack) -> None:
    on_steps(scaling(stack), ScalingStep(change=-1), below=True, cooldown=Duration.minutes(1), evaluation_periods=3)
    assert adjustments(stack) == [{"ScalingAdjustment": -1, "MetricIntervalUpperBound": 0}]
    assert properties(stack, POLICY)["StepScalingPolicyConfiguration"]["Cooldown"] == 60
    assert the_alarm(stack)["ComparisonOperator"] == "LessThanOrEqualToThreshold"
    assert the_alarm(stack)["EvaluationPeriods"] == 3


def test_a_ladder_in_any_order(stack: Stack) -> None:
    on_steps(scaling(stack), ScalingStep(change=3, lower=20), ScalingStep(change=1, upper=20))
    assert adjustments(stack) == [
        {"ScalingAdjustment": 3, "MetricIntervalLowerBound": 20},
        {"ScalingAdjustment": 1, "MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20},
    ]


def test_a_ladder_down(stack: Stack) -> None:
    on_steps(scaling(stack), ScalingStep(change=-1, lower=-5), ScalingStep(change=-2, upper=-5), below=True)
    assert adjustments(stack) == [
        {"ScalingAdjustment": -1, "MetricIntervalLowerBound": -5, "MetricIntervalUpperBound": 0},
        {"ScalingAdjustment": -2, "MetricIntervalUpperBound": -5},
    ]


Bounds = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("below", "bounds"),
    [
        (False, [(0, 10)]),  # ends
        (False, [(0, 10), (20, None)]),  # a gap
        (False, [(0, 10), (5, None)]),  # an overlap
        (False, [(None, None), (10, None)]),
        (False, [(None, -5)]),  # ends before it begins
        (False, [(-5, None)]),
        (True, [(-5, None)]),
        (True, [(None, -5), (-3, None)]),
        (True, [(5, None)]),
    ],
)
def test_refuses_other_ladders(stack: Stack, bounds: list[Bounds], *, below: bool) -> None:
    steps = [ScalingStep(change=1, lower=lower, upper=upper) for lower, upper in bounds]
    with pytest.raises(ValueError, match="steps must adjoin, and reach from the threshold without end, got "):
        on_steps(scaling(stack), *steps, below=below)


def test_needs_a_step(stack: Stack) -> None:
    with pytest.raises(ValueError, match="steps must contain at least one step, got none"):
        on_steps(scaling(stack))


def test_a_step_changes_something() -> None:
    with pytest.raises(ValueError, match="change must not be 0, got 0"):
        ScalingStep(change=0)
    for lower in (5, 6):
        with pytest.raises(ValueError, match=f"lower must be below upper, 5, got {lower}"):
            ScalingStep(change=1, lower=lower, upper=5)


@pytest.mark.parametrize("seconds", [10, 30, 60, 120, 86_400, 604_800])
def test_accepts_periods(stack: Stack, seconds: int) -> None:
    on_steps(scaling(stack), ScalingStep(change=1), metric=a_metric(period=Duration.seconds(seconds)))
    assert the_alarm(stack)["Period"] == seconds


@pytest.mark.parametrize("period", [Duration.seconds(1), Duration.seconds(5), Duration.seconds(604_860)])
def test_refuses_periods(stack: Stack, period: Duration) -> None:
    got = int(period.to_seconds())
    with pytest.raises(ValueError, match=f"metric must have a period of 10, 20, 30 .*, got {got} seconds"):
        on_steps(scaling(stack), ScalingStep(change=1), metric=a_metric(period=period))


@pytest.mark.parametrize(
    ("statistic", "key"),
    [
        *[(plain, "Statistic") for plain in ("SampleCount", "Average", "Sum", "Minimum", "Maximum")],
        *[(extended, "ExtendedStatistic") for extended in ("p99", "tm90")],
    ],
)
def test_percentiles_are_extended_statistics(stack: Stack, statistic: str, key: str) -> None:
    on_steps(scaling(stack), ScalingStep(change=1), metric=a_metric(statistic=statistic))
    alarm = the_alarm(stack)
    assert alarm[key] == statistic
    assert len({"Statistic", "ExtendedStatistic"} & set(alarm)) == 1


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-", "a" * 64])
def test_refuses_names_of_policies(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match=f"name must be at most 63 letters, .*, got '{name}'"):
        on_steps(scaling(stack), ScalingStep(change=1), name=name)


def test_no_policy_has_an_alarm_that_rolls_back(stack: Stack) -> None:
    scale = scaling(stack)
    on_steps(scale, ScalingStep(change=1), name="rollback")
    with pytest.raises(ValueError, match=r"^name must not begin with rollback-, .* got 'rollback-5xx'"):
        on_steps(scale, ScalingStep(change=1), name="rollback-5xx")


def test_names_of_policies_differ(stack: Stack) -> None:
    scale = scaling(stack)
    scale.on_cpu(70)
    on_steps(scale, ScalingStep(change=1))
    for name in ("Steps", "Cpu"):
        with pytest.raises(ValueError, match=f"policies of variant only must have different names, got {name} again"):
            on_steps(scale, ScalingStep(change=1), name=name)
    with pytest.raises(ValueError, match="name must be known at synth, because it names constructs, got a token"):
        on_steps(scale, ScalingStep(change=1), name=text(stack))


@pytest.mark.parametrize(
    ("seconds", "most"), [(10, 8640), (60, 1440), (3540, 24), (3600, 168), (86_400, 7), (604_800, 1)]
)
def test_an_alarm_looks_back_a_day_or_a_week(stack: Stack, seconds: int, most: int) -> None:
    scale, metric = scaling(stack), a_metric(period=Duration.seconds(seconds))
    for periods in (0, most + 1):
        message = f"evaluation_periods must be between 1 and {most:,} periods of {seconds} seconds, got {periods}"
        with pytest.raises(ValueError, match=message):
            on_steps(scale, ScalingStep(change=1), metric=metric, evaluation_periods=periods)
    on_steps(scale, ScalingStep(change=1), metric=metric, evaluation_periods=most)
    assert the_alarm(stack)["EvaluationPeriods"] == most


def test_cooldown_of_steps_at_and_beyond_the_edge(stack: Stack) -> None:
    scale = scaling(stack)
    with pytest.raises(ValueError, match=r"cooldown must be between 0 and .* whole seconds, got 0\.5"):
        on_steps(scale, ScalingStep(change=1), cooldown=Duration.millis(500))
    on_steps(scale, ScalingStep(change=1), evaluation_periods=1, cooldown=Duration.seconds(0))
    assert the_alarm(stack)["EvaluationPeriods"] == 1


def test_steps_take_tokens(app: App, stack: Stack) -> None:
    value = number(stack)
    on_steps(
        scaling(stack),
        ScalingStep(change=value, lower=0, upper=value),
        ScalingStep(change=1, lower=value),
        threshold=value,
        evaluation_periods=value,
        cooldown=Duration.seconds(value),
    )
    app.synth()
    assert adjustments(stack)[0] == {
        "ScalingAdjustment": {"Ref": "Number"},
        "MetricIntervalLowerBound": 0,
        "MetricIntervalUpperBound": {"Ref": "Number"},
    }
    assert the_alarm(stack)["Threshold"] == the_alarm(stack)["EvaluationPeriods"] == {"Ref": "Number"}
