"""Scaling of a variant's instances: target tracking on load and CPU, and steps on any metric.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import Annotations, CfnResource, Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import (
    check_finite,
    check_given,
    check_pattern,
    check_range,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs.scaling_metrics import cpu_share, cpu_sum
from ml_constructs.scaling_steps import ScalingStep, step_adjustments
from ml_constructs.variants import NAME_PATTERN, NAME_RULE, InstanceVariant

_DEFAULT_COOLDOWN: Final = 300
_MAX_INSTANCES: Final = 2**31 - 1
_STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")  # all others are extended
_HIGH_RESOLUTION: Final = (10, 20, 30)  # seconds; other alarm periods are whole minutes
# How far back an alarm looks in seconds, with periods of less than an hour and with longer ones:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_LOOK_BACK: Final = (86_400, 604_800)


class VariantScaling(Construct):
    """The range in which a variant's instances scale; add policies with the `on_*` methods.

    Several policies may act on one variant: Application Auto Scaling takes the largest capacity any of them asks for.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: What must exist before the variant can be scaled.
        endpoint_name: The name of the endpoint.
        variant: The variant.
        min_capacity: The fewest instances, 1 or more. Default: 2, one in each of two zones.
        max_capacity: The most instances, at least `min_capacity`.

    Raises:
        ValueError: a capacity is out of its range, the variant starts outside it, or its instance type is burstable.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: CfnResource,
        endpoint_name: str,
        variant: InstanceVariant,
        min_capacity: int = 2,
        max_capacity: int,
    ) -> None:
        check_given(min_capacity=min_capacity, max_capacity=max_capacity)
        check_whole("min_capacity", min_capacity, 1, _MAX_INSTANCES)
        check_whole("max_capacity", max_capacity, 1, _MAX_INSTANCES)
        if not is_token(min_capacity) and not is_token(max_capacity):
            if min_capacity > max_capacity:
                raise ValueError(f"max_capacity must be at least min_capacity, {min_capacity}, got {max_capacity}")
            if not is_token(variant.instance_count) and not min_capacity <= variant.instance_count <= max_capacity:
                raise ValueError(
                    f"instance_count of variant {variant.name} must be between min_capacity and max_capacity, "
                    f"{min_capacity} and {max_capacity}, got {variant.instance_count}"
                )
        if not is_token(variant.instance_type) and re.match(r"ml\.t\d", variant.instance_type):
            # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html: burstable types do not scale
            raise ValueError(
                f"instance_type of a scaled variant must not be burstable, got {variant.instance_type} ({variant.name})"
            )
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint_name
        self._variant = variant
        self._policies: set[str] = set()
        self._target = autoscaling.CfnScalableTarget(
            self,
            "Resource",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint_name}/variant/{variant.name}",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        self._target_id = self._target.ref
        self._target.add_resource_dependency(endpoint)  # the resource id is a literal, so no reference orders the two
        if not is_token(min_capacity) and min_capacity == 1:
            Annotations.of(self).add_warning_v2(
                "ml-constructs:SingleInstance",
                f"variant {variant.name} may scale in to one instance, and so to one Availability Zone. "
                "Use min_capacity=2 or more, or acknowledge this.",
            )

    @property
    def min_capacity(self) -> float:
        """The fewest instances."""
        return self._target.min_capacity or 0

    @property
    def max_capacity(self) -> float:
        """The most instances."""
        return self._target.max_capacity or 0

    def on_invocations(
        self,
        per_instance_per_minute: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the load of each instance near a number of requests per minute.

        Args:
            per_instance_per_minute: Requests per instance and minute, above 0: measure what one instance sustains, and
                leave a margin.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: `per_instance_per_minute` is not above 0, or a cooldown is negative.
        """
        self._track(
            "Invocations",
            _positive("per_instance_per_minute", per_instance_per_minute),
            _cooldowns(scale_in_cooldown, scale_out_cooldown),
            disable_scale_in=disable_scale_in,
            predefined="SageMakerVariantInvocationsPerInstance",
        )

    def on_cpu(
        self,
        percent: float,
        *,
        vcpus: int | None = None,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the CPU of the instances near a share of what they have.

        SageMaker publishes `CPUUtilization` as a sum over cores, so that 70 percent of an `ml.m5.large` is a value of
        140; this method multiplies by the number of vCPUs.

        Args:
            percent: CPU in use, above 0 and at most 100 percent of all cores.
            vcpus: The vCPUs of one instance. Default: those of the variant's instance type.
            scale_in_cooldown: Rest after removing instances. Default: 5 minutes.
            scale_out_cooldown: Rest after adding instances. Default: 5 minutes.
            disable_scale_in: Whether to only ever add instances. Default: False.

        Raises:
            ValueError: `percent` is out of its range, or `vcpus` is missing for an instance type unknown at synth.
        """
        cores = self._cores(percent, vcpus)
        dimensions = {"EndpointName": self._endpoint_name, "VariantName": self._variant.name}
        late = is_token(percent) or is_token(cores)
        self._track(
            "Cpu",
            percent if late else percent * cores,
            _cooldowns(scale_in_cooldown, scale_out_cooldown),
            disable_scale_in=disable_scale_in,
            customized=cpu_share(dimensions, cores) if late else cpu_sum(dimensions),
        )

    def cpu_value(self, percent: float, *, vcpus: int | None = None) -> float:
        """What `CPUUtilization` reads when this share of all cores of an instance is in use.

        Raises:
            ValueError: `percent` is out of its range, `vcpus` is missing for an instance type unknown at synth, or
                one of them is a token, which CloudFormation cannot multiply.
        """
        cores = self._cores(percent, vcpus)
        if is_token(percent) or is_token(cores):
            raise ValueError("percent and vcpus must be known at synth, got a token")
        return percent * cores

    def _cores(self, percent: float, vcpus: int | None) -> int:
        check_range("percent", _positive("percent", percent), 0, 100, "percent")
        check_whole("vcpus", vcpus, 1, _MAX_INSTANCES)
        cores = self._variant.vcpus if vcpus is None else vcpus
        if cores is None:
            raise ValueError("vcpus must be given where the instance type is known only at deployment, got None")
        return cores

    def on_steps(
        self,
        name: str,
        *,
        metric: cloudwatch.Metric,
        threshold: float,
        steps: Sequence[ScalingStep],
        evaluation_periods: int = 1,
        below: bool = False,
        cooldown: Duration | None = None,
    ) -> cloudwatch.CfnAlarm:
        """Add or remove instances in steps when a metric crosses a threshold.

        Args:
            name: Names the policy and its alarm, e.g. `CpuHigh`.
            metric: Any metric; its period is that of the alarm: 10, 20, 30 seconds, or whole minutes up to
                a week.
            threshold: The value beyond which to act.
            steps: What to do, by distance from the threshold; one step may cover all.
            evaluation_periods: Periods beyond the threshold before acting, 1 or more: at most one day, or one week
                with periods of an hour or longer. Default: 1.
            below: Whether to act when the metric is at or below the threshold rather than at or above. Default: False.
            cooldown: Rest between two actions of this policy. Default: 5 minutes.

        Returns:
            The alarm that triggers the policy.

        Raises:
            ValueError: an argument is out of its range.
        """
        check_type(str, name=name)
        check_type(cloudwatch.Metric, metric=metric)
        check_type(bool, below=below)
        check_finite("threshold", threshold)
        check_given(evaluation_periods=evaluation_periods)
        check_pattern("name", name, NAME_PATTERN, NAME_RULE)
        self._check_new(name)
        check_seconds("cooldown", cooldown, 0, _MAX_INSTANCES)
        period = metric.period.to_seconds(integral=False)
        if (period not in _HIGH_RESOLUTION and (period % 60 or not period)) or period > _LOOK_BACK[1]:
            raise ValueError(
                "metric must have a period of 10, 20, 30 seconds or whole minutes, at most a week, "
                f"got {period:g} seconds"
            )
        most = int(_LOOK_BACK[period >= 3600] // period)  # noqa: PLR2004 - an hour
        check_whole("evaluation_periods", evaluation_periods, 1, most, f"periods of {period:g} seconds")
        adjustments = step_adjustments(steps, below=below)
        self._policies.add(name)
        policy = autoscaling.CfnScalingPolicy(
            self,
            f"{name}Policy",
            policy_name=f"{self._endpoint_name}-{self._variant.name}-{name}",
            policy_type="StepScaling",
            scaling_target_id=self._target_id,
            step_scaling_policy_configuration=autoscaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                cooldown=_DEFAULT_COOLDOWN if cooldown is None else cooldown.to_seconds(),
                metric_aggregation_type="Average",
                step_adjustments=adjustments,
            ),
        )
        return cloudwatch.CfnAlarm(
            self,
            f"{name}Alarm",
            alarm_name=f"{self._endpoint_name}-{self._variant.name}-{name}",
            alarm_description=f"Scales variant {self._variant.name} of endpoint {self._endpoint_name}",
            namespace=metric.namespace,
            metric_name=metric.metric_name,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
                for key, value in (metric.dimensions or {}).items()
            ],
            statistic=metric.statistic if metric.statistic in _STATISTICS else None,
            extended_statistic=None if metric.statistic in _STATISTICS else metric.statistic,
            period=period,
            evaluation_periods=evaluation_periods,
            threshold=threshold,
            comparison_operator="LessThanOrEqualToThreshold" if below else "GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[policy.ref],
        )

    def _track(
        self,
        name: str,
        target: float,
        cooldowns: tuple[float, float],
        *,
        disable_scale_in: bool,
        predefined: str | None = None,
        customized: autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty | None = None,
    ) -> None:
        self._check_new(name)
        check_type(bool, disable_scale_in=disable_scale_in)
        scale_in, scale_out = cooldowns
        specification = None
        if predefined is not None:
            specification = autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=predefined
            )
        self._policies.add(name)
        autoscaling.CfnScalingPolicy(
            self,
            f"{name}Policy",
            policy_name=f"{self._endpoint_name}-{self._variant.name}-{name}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._target_id,
            target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                scale_in_cooldown=scale_in,
                scale_out_cooldown=scale_out,
                disable_scale_in=disable_scale_in,
                predefined_metric_specification=specification,
                customized_metric_specification=customized,
            ),
        )

    def _check_new(self, name: str) -> None:
        if is_token(name):
            raise ValueError("name must be known at synth, because it names constructs, got a token")
        if name in self._policies:
            raise ValueError(f"policies of variant {self._variant.name} must have different names, got {name} again")


def _positive(argument: str, value: float) -> float:
    check_finite(argument, value, "above 0", above=0)
    return value


def _cooldowns(scale_in: Duration | None, scale_out: Duration | None) -> tuple[float, float]:
    check_seconds("scale_in_cooldown", scale_in, 0, _MAX_INSTANCES)
    check_seconds("scale_out_cooldown", scale_out, 0, _MAX_INSTANCES)
    return (
        _DEFAULT_COOLDOWN if scale_in is None else scale_in.to_seconds(),
        _DEFAULT_COOLDOWN if scale_out is None else scale_out.to_seconds(),
    )
