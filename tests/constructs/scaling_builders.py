"""What the tests of scaling share: things that scale, without the endpoints that hold them."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs.scaling.component_scaling import ComponentScaling
from ml_constructs.scaling.concurrency_scaling import ConcurrencyScaling
from ml_constructs.scaling.variant_scaling import VariantScaling
from tests.constructs.builders import properties, variant

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"
MOST = 2**31 - 1


def an_endpoint(stack: Stack) -> sagemaker.CfnEndpoint:
    return sagemaker.CfnEndpoint(stack, "Endpoint", endpoint_name="Name", endpoint_config_name="config")


def of_variant(stack: Stack, *, instance_count: int = 2, **options: Any) -> VariantScaling:  # noqa: ANN401
    """Two to six instances."""
    return VariantScaling(
        stack,
        "Scaling",
        endpoint=an_endpoint(stack),
        endpoint_name="Name",
        variant=variant(instance_count=instance_count),
        **{"max_capacity": 6, **options},
    )


def of_component(stack: Stack, **options: Any) -> ComponentScaling:  # noqa: ANN401
    """Two to six copies."""
    component = sagemaker.CfnInferenceComponent(
        stack,
        "Component",
        endpoint_name="Name",
        variant_name="main",
        inference_component_name="one",
        runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(copy_count=2),
        specification=sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty(model_name="m"),
    )
    return ComponentScaling(
        stack, "Scaling", **{"component": component, "component_name": "one", "max_capacity": 6, **options}
    )


def of_concurrency(stack: Stack, **options: Any) -> ConcurrencyScaling:  # noqa: ANN401
    """Provisioned concurrency of 1 to 20."""
    defaults: dict[str, Any] = {"provisioned_concurrency": 2, "max_concurrency": 40, "max_capacity": 20}
    return ConcurrencyScaling(
        stack,
        "Scaling",
        endpoint=an_endpoint(stack),
        endpoint_name="Name",
        variant_name="only",
        **{**defaults, **options},
    )


def a_metric(**options: Any) -> cloudwatch.Metric:  # noqa: ANN401
    """Any metric, by the minute."""
    defaults: dict[str, Any] = {
        "namespace": "Example",
        "metric_name": "Queue",
        "period": Duration.minutes(1),
        "dimensions_map": {"Name": "a"},
    }
    return cloudwatch.Metric(**{**defaults, **options})


def a_sum(**options: Any) -> cloudwatch.MathExpression:  # noqa: ANN401
    """Metric math of two metrics, by the minute."""
    defaults: dict[str, Any] = {
        "expression": "a + b",
        "using_metrics": {"a": a_metric(), "b": a_metric(metric_name="Other", statistic="p90")},
        "period": Duration.minutes(1),
    }
    return cloudwatch.MathExpression(**{**defaults, **options})


def tracked(stack: Stack) -> dict[str, Any]:
    """The configuration of the one target tracking policy."""
    return dict(properties(stack, POLICY)["TargetTrackingScalingPolicyConfiguration"])


def stepped(stack: Stack) -> dict[str, Any]:
    """The configuration of the one step policy."""
    return dict(properties(stack, POLICY)["StepScalingPolicyConfiguration"])
