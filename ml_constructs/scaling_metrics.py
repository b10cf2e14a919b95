"""What target tracking follows where Application Auto Scaling predefines no metric: the CPU of an instance."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Token
from aws_cdk import aws_applicationautoscaling as autoscaling

from ml_constructs.endpoint_interface import INSTANCE_NAMESPACE


def cpu_sum(dimensions: Mapping[str, str]) -> autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
    """CPU summed over the cores, as SageMaker publishes it."""
    return autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
        namespace=INSTANCE_NAMESPACE,
        metric_name="CPUUtilization",
        statistic="Average",
        unit="Percent",
        dimensions=[
            autoscaling.CfnScalingPolicy.MetricDimensionProperty(name=name, value=value)
            for name, value in dimensions.items()
        ],
    )


def cpu_share(
    dimensions: Mapping[str, str], cores: int
) -> autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
    """CPU as a share of all cores, computed by CloudWatch, for values that are known only at deployment."""
    policy = autoscaling.CfnScalingPolicy
    metric = policy.TargetTrackingMetricProperty(
        namespace=INSTANCE_NAMESPACE,
        metric_name="CPUUtilization",
        dimensions=[
            policy.TargetTrackingMetricDimensionProperty(name=name, value=value) for name, value in dimensions.items()
        ],
    )
    return policy.CustomizedMetricSpecificationProperty(
        metrics=[
            policy.TargetTrackingMetricDataQueryProperty(
                id="cpu",
                metric_stat=policy.TargetTrackingMetricStatProperty(metric=metric, stat="Average", unit="Percent"),
                return_data=False,
            ),
            policy.TargetTrackingMetricDataQueryProperty(
                id="share", expression=f"cpu / {Token.as_string(cores)}", return_data=True
            ),
        ]
    )
