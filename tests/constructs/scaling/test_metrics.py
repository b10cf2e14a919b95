from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs.scaling.steps import ScalingStep
from ml_constructs.scaling.variant_scaling import VariantScaling
from tests.constructs.builders import number, only, properties, text
from tests.constructs.scaling_builders import ALARM, MOST, POLICY, a_metric, a_sum, of_variant, tracked

DIMENSIONS = [{"Name": "Name", "Value": "a"}]
QUEUE = {"Namespace": "Example", "MetricName": "Queue", "Dimensions": DIMENSIONS}
OTHER = {**QUEUE, "MetricName": "Other"}


def on_metric(scaling: VariantScaling, name: str = "Custom", **options: Any) -> None:  # noqa: ANN401
    defaults: dict[str, Any] = {"metric": a_metric(), "target": 5}
    scaling.on_metric(name, **{**defaults, **options})


def on_steps(scaling: VariantScaling, **options: Any) -> None:  # noqa: ANN401
    defaults: dict[str, Any] = {"threshold": 5, "steps": [ScalingStep(change=1)]}
    scaling.on_steps("Custom", **{**defaults, **options})


def test_tracks_any_metric(stack: Stack) -> None:
    on_metric(of_variant(stack), metric=a_metric(unit=cloudwatch.Unit.BYTES_PER_SECOND), disable_scale_in=True)
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-Custom"
    assert tracked(stack) == {
        "TargetValue": 5,
        "CustomizedMetricSpecification": {**QUEUE, "Statistic": "Average", "Unit": "Bytes/Second"},
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 300,
        "DisableScaleIn": True,
    }


def test_tracks_a_percentile(stack: Stack) -> None:
    on_metric(of_variant(stack), metric=a_metric(statistic="p99", unit=cloudwatch.Unit.SECONDS))
    assert tracked(stack)["CustomizedMetricSpecification"] == {
        "Metrics": [
            {
                "Id": "result",
                "MetricStat": {"Metric": QUEUE, "Stat": "p99", "Unit": "Seconds"},
                "ReturnData": True,
            }
        ]
    }


def test_tracks_metric_math(app: App, stack: Stack) -> None:
    """The peer's construct throws: https://github.com/aws/aws-cdk/issues/20659."""
    nested = a_sum(expression="10 * s", using_metrics={"s": a_sum(label="sum"), "a": a_metric()}, label="tenfold")
    on_metric(of_variant(stack), metric=nested)
    app.synth()
    assert tracked(stack)["CustomizedMetricSpecification"]["Metrics"] == [
        {"Id": "a", "MetricStat": {"Metric": QUEUE, "Stat": "Average"}, "ReturnData": False},
        {"Id": "b", "MetricStat": {"Metric": OTHER, "Stat": "p90"}, "ReturnData": False},
        {"Id": "s", "Expression": "a + b", "Label": "sum", "ReturnData": False},
        {"Id": "result", "Expression": "10 * s", "Label": "tenfold", "ReturnData": True},
    ]


def test_steps_on_metric_math(app: App, stack: Stack) -> None:
    on_steps(of_variant(stack), metric=a_sum(period=Duration.seconds(30)), below=True)
    app.synth()
    alarm = only(stack, ALARM)["Properties"]
    assert alarm["Metrics"] == [
        {"Id": "a", "MetricStat": {"Metric": QUEUE, "Stat": "Average", "Period": 30}, "ReturnData": False},
        {"Id": "b", "MetricStat": {"Metric": OTHER, "Stat": "p90", "Period": 30}, "ReturnData": False},
        {"Id": "result", "Expression": "a + b", "ReturnData": True},
    ]
    single = {"Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit"}
    assert not single & set(alarm)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (5, "LessThanOrEqualToThreshold")


def test_an_alarm_has_the_unit_of_its_metric(stack: Stack) -> None:
    on_steps(of_variant(stack), metric=a_metric(unit=cloudwatch.Unit.COUNT))
    assert properties(stack, ALARM)["Unit"] == "Count"


def test_the_result_has_a_name_of_its_own(stack: Stack) -> None:
    on_metric(of_variant(stack), metric=a_sum(expression="result", using_metrics={"result": a_metric()}))
    names = [each["Id"] for each in tracked(stack)["CustomizedMetricSpecification"]["Metrics"]]
    assert names == ["result", "result_"]


def test_only_what_can_be_written_out_is_tracked(stack: Stack) -> None:
    search = cloudwatch.SearchExpression(expression="SEARCH('a', 'Sum')")
    with pytest.raises(TypeError, match="metric must use only Metric and MathExpression, got "):
        on_metric(of_variant(stack), metric=a_sum(using_metrics={"a": search, "b": a_metric()}))


def test_metric_math_has_a_metric(stack: Stack) -> None:
    with pytest.raises(ValueError, match="metric must be an expression of at least one metric, got one of none"):
        on_metric(of_variant(stack), metric=a_sum(expression="1", using_metrics={}))


@pytest.mark.parametrize("seconds", [10, 30, 300])
@pytest.mark.parametrize("metric", [a_metric, a_sum])
def test_target_tracking_reads_by_the_minute(stack: Stack, seconds: int, metric: Any) -> None:  # noqa: ANN401
    message = f"metric must have a period of 60 seconds, at which target tracking reads all, got {seconds} seconds"
    with pytest.raises(ValueError, match=message):
        on_metric(of_variant(stack), metric=metric(period=Duration.seconds(seconds)))


@pytest.mark.parametrize("target", [2.0**360, -(2.0**360), 0, 0.1])
def test_targets_at_the_edge(stack: Stack, target: float) -> None:
    on_metric(of_variant(stack), target=target)
    assert tracked(stack)["TargetValue"] == target


@pytest.mark.parametrize("target", [2.0**361, -(2.0**361)])
def test_targets_beyond_the_edge(stack: Stack, target: float) -> None:
    with pytest.raises(ValueError, match=r"target must be between -2\^360 and 2\^360, got -?4\.69"):
        on_metric(of_variant(stack), target=target)


def test_tokens_pass(app: App, stack: Stack) -> None:
    metric = a_metric(dimensions_map={"Name": text(stack)})
    on_metric(of_variant(stack), metric=metric, target=number(stack))
    app.synth()
    assert tracked(stack)["TargetValue"] == {"Ref": "Number"}


def test_each_policy_tracks_another_metric(stack: Stack) -> None:
    scaling = of_variant(stack)
    on_metric(scaling, "A")
    with pytest.raises(ValueError, match="metric must be tracked by one policy of variant only, got B with it again"):
        on_metric(scaling, "B", target=6)
    on_metric(scaling, "C", metric=a_metric(statistic="Maximum"))
    on_metric(scaling, "D", metric=a_sum())
    with pytest.raises(ValueError, match="metric must be tracked by one policy .*, got E with it again"):  # noqa: RUF043
        on_metric(scaling, "E", metric=a_sum())
    scaling.on_cpu(50)
    cpu = a_metric(
        namespace="/aws/sagemaker/Endpoints",
        metric_name="CPUUtilization",
        dimensions_map={"EndpointName": "Name", "VariantName": "only"},
    )
    with pytest.raises(ValueError, match="metric must be tracked by one policy .*, got F with it again"):  # noqa: RUF043
        on_metric(scaling, "F", metric=cpu)


def test_policies_have_an_end(stack: Stack) -> None:
    scaling = of_variant(stack)
    for index in range(50):
        on_metric(scaling, f"A{index}", metric=a_metric(metric_name=f"M{index}"))
    with pytest.raises(ValueError, match="variant only must have at most 50 policies, got one more"):
        scaling.on_cpu(50)


@pytest.mark.parametrize("what", ["region", "account"])
@pytest.mark.parametrize("way", [on_metric, on_steps])
def test_a_metric_of_elsewhere_is_refused(app: App, what: str, way: Any) -> None:  # noqa: ANN401
    """Neither Application Auto Scaling nor an alarm's single metric can look there; an alarm would watch nothing."""
    stack = Stack(app, "Here", env=Environment(region="eu-west-1", account="111122223333"))
    here, there = {"region": ("eu-west-1", "us-east-1"), "account": ("111122223333", "444455556666")}[what]
    scaling = of_variant(stack)
    with pytest.raises(ValueError, match=f"metric must be of the {what} of what scales, {here}, got one of {there}"):
        way(scaling, metric=a_metric(**{what: there}))
    way(scaling, metric=a_metric(**{what: here}))


def test_a_metric_of_elsewhere_passes_where_here_is_unknown(stack: Stack) -> None:
    on_metric(of_variant(stack), metric=a_metric(region="us-east-1"))
    assert tracked(stack)["TargetValue"] == 5


def test_the_largest_capacity_is_that_of_an_integer(stack: Stack) -> None:
    assert of_variant(stack, max_capacity=MOST).max_capacity == MOST
