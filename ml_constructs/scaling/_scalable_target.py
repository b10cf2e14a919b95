"""What Application Auto Scaling changes, with its policies and schedules: the part that all kinds of scaling share."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from aws_cdk import Annotations, CfnResource, Duration, TimeZone
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
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.interfaces.endpoint import INVOCATION_NAMESPACE
from ml_constructs.scaling._capacity_range import check_scheduled_range
from ml_constructs.scaling.metrics import (
    STATISTICS,
    AnyMetric,
    Customized,
    alarm_dimensions,
    alarm_queries,
    check_metric,
    customized,
    identity,
    requests_per_second,
    unit_name,
)
from ml_constructs.scaling.schedule import scheduled_action
from ml_constructs.scaling.steps import MOST, ScalingStep, adjustment_type, check_min_change, step_adjustments

DEFAULT_COOLDOWN: Final = 300
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html
MAX_POLICIES: Final = 50
MAX_SCHEDULES: Final = 200

_HIGH_RESOLUTION: Final = (10, 20, 30)  # seconds; other alarm periods are whole minutes
# How far back an alarm looks in seconds, with periods of less than an hour and with longer ones:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_LOOK_BACK: Final = (86_400, 604_800)
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
_LARGEST_TARGET: Final = 2.0**360
_MINUTE: Final = 60
_RESERVED: Final = "rollback-"  # rollback alarms have names of the same form, and those of an account are unique


@dataclass(frozen=True, kw_only=True)
class Wake:
    """What tells that a request found no capacity at all; target tracking cannot leave zero."""

    metric_name: str
    dimensions: Mapping[str, str]
    statistic: Literal["Average", "Sum"]
    aggregation: Literal["Average", "Maximum"]
    evaluation_periods: int
    cooldown: int


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """What scales, in Application Auto Scaling's words and in those of people."""

    service: str = "sagemaker"
    dimension: str
    resource_id: str
    names: str  # what the names of its policies and alarms begin with
    title: str  # e.g. variant champion
    where: str = ""  # e.g. of endpoint live
    unit: str  # one of what it counts, e.g. instance
    least: int = 1
    most: int = MOST
    warns_of_one: bool = True
    wake: Wake | None = None


@dataclass(frozen=True)
class Tracking:
    """How target tracking moves: its rests, and whether it removes capacity at all."""

    scale_in_cooldown: Duration | None
    scale_out_cooldown: Duration | None
    disable_scale_in: bool

    def __post_init__(self) -> None:
        check_seconds("scale_in_cooldown", self.scale_in_cooldown, 0, MOST)
        check_seconds("scale_out_cooldown", self.scale_out_cooldown, 0, MOST)
        check_type(bool, disable_scale_in=self.disable_scale_in)


def check_positive(argument: str, value: float) -> float:
    """The value; `ValueError` unless it is above 0."""
    check_finite(argument, value, "above 0", above=0)
    return value


class ScalableTarget:
    """A scalable target inside a construct, its policies and its schedules.

    No construct itself, so that the construct which scales is the parent of what it makes.
    """

    def __init__(
        self, scope: Construct, scaled: Scaled, *, after: CfnResource, min_capacity: int, max_capacity: int
    ) -> None:
        self._scope = scope
        self._scaled = scaled
        self.min_capacity: float = min_capacity
        self.max_capacity: float = max_capacity
        self._policies: set[str] = set()
        self._tracked: set[Hashable] = set()
        self._schedules: dict[str, autoscaling.CfnScalableTarget.ScheduledActionProperty] = {}
        self._wakes = False
        self._resource = autoscaling.CfnScalableTarget(
            scope,
            "Resource",
            service_namespace=scaled.service,
            scalable_dimension=scaled.dimension,
            resource_id=scaled.resource_id,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        self._id = self._resource.ref
        self._resource.add_resource_dependency(after)  # the resource id is a literal, so no reference orders the two
        self._consider(min_capacity, max_capacity)

    def follow(
        self,
        name: str,
        target: float,
        tracking: Tracking,
        *,
        predefined: str | None = None,
        customized: Customized | None = None,
        of: Hashable = None,
    ) -> None:
        """Keep a metric near a target; `of` is the identity of the metric if it is none that AWS predefines."""
        self._check_new(name)
        if of is not None and of in self._tracked:
            raise ValueError(f"metric must be tracked by one policy of {self._scaled.title}, got {name} with it again")
        specification = None
        if predefined is not None:
            specification = autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=predefined
            )
        self._policies.add(name)
        if of is not None:
            self._tracked.add(of)
        autoscaling.CfnScalingPolicy(
            self._scope,
            f"{name}Policy",
            policy_name=f"{self._scaled.names}-{name}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._id,
            target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                scale_in_cooldown=_seconds(tracking.scale_in_cooldown),
                scale_out_cooldown=_seconds(tracking.scale_out_cooldown),
                disable_scale_in=tracking.disable_scale_in,
                predefined_metric_specification=specification,
                customized_metric_specification=customized,
            ),
        )

    def follow_peak(
        self,
        peak: tuple[str, float],
        safety_factor: float,
        tracking: Tracking,
        *,
        predefined: str,
        published: tuple[str, Mapping[str, str]],
    ) -> None:
        """Keep requests at a share of the peak per second, an argument's name and value; AWS counts per minute.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html
        """
        per_second = check_positive(*peak)
        check_range("safety_factor", check_positive("safety_factor", safety_factor), 0, 1)
        if is_token(per_second) or is_token(safety_factor):  # CloudFormation cannot multiply
            math = requests_per_second(*published, safety_factor)
            self.follow("Invocations", per_second, tracking, customized=math)
        else:
            self.follow("Invocations", per_second * safety_factor * 60, tracking, predefined=predefined)

    def follow_metric(self, name: str, metric: AnyMetric, target: float, tracking: Tracking) -> None:
        """Keep any metric near a target."""
        self._check_name(name)
        queries = check_metric(self._scope, metric)
        check_finite("target", target)
        if not is_token(target) and abs(target) > _LARGEST_TARGET:
            raise ValueError(f"target must be between -2^360 and 2^360, got {target!r}")
        period = metric.period.to_seconds(integral=False)
        if period != _MINUTE:
            raise ValueError(
                f"metric must have a period of 60 seconds, at which target tracking reads all, got {period:g} seconds"
            )
        self.follow(name, target, tracking, customized=customized(queries), of=identity(queries))

    def step(
        self,
        name: str,
        metric: AnyMetric,
        threshold: float,
        steps: Sequence[ScalingStep],
        *,
        evaluation_periods: int,
        below: bool,
        cooldown: Duration | None,
        min_change: int | None,
        aggregation: str = "Average",
    ) -> cloudwatch.CfnAlarm:
        """Change the capacity in steps while an alarm rings."""
        self._check_name(name)
        queries = check_metric(self._scope, metric)
        check_type(bool, below=below)
        check_finite("threshold", threshold)
        check_given(evaluation_periods=evaluation_periods)
        check_seconds("cooldown", cooldown, 0, MOST)
        period = metric.period.to_seconds(integral=False)
        if (period not in _HIGH_RESOLUTION and (period % _MINUTE or not period)) or period > _LOOK_BACK[1]:
            raise ValueError(
                "metric must have a period of 10, 20, 30 seconds or whole minutes, at most a week, "
                f"got {period:g} seconds"
            )
        most = int(_LOOK_BACK[period >= 3600] // period)  # noqa: PLR2004 - an hour
        check_whole("evaluation_periods", evaluation_periods, 1, most, f"periods of {period:g} seconds")
        adjustments = step_adjustments(steps, below=below)
        kind = adjustment_type(steps)
        check_min_change(min_change, steps)
        self._policies.add(name)
        policy = autoscaling.CfnScalingPolicy(
            self._scope,
            f"{name}Policy",
            policy_name=f"{self._scaled.names}-{name}",
            policy_type="StepScaling",
            scaling_target_id=self._id,
            step_scaling_policy_configuration=autoscaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type=kind,
                cooldown=_seconds(cooldown),
                metric_aggregation_type=aggregation,
                min_adjustment_magnitude=min_change,
                step_adjustments=adjustments,
            ),
        )
        math = isinstance(metric, cloudwatch.MathExpression)
        one = None if math else queries[0].metric
        return cloudwatch.CfnAlarm(
            self._scope,
            f"{name}Alarm",
            alarm_name=f"{self._scaled.names}-{name}",
            alarm_description=f"Scales {self._scaled.title}{self._scaled.where}",
            metrics=alarm_queries(queries) if math else None,
            namespace=None if one is None else one.namespace,
            metric_name=None if one is None else one.metric_name,
            dimensions=None if one is None else alarm_dimensions(one),
            statistic=None if one is None or one.statistic not in STATISTICS else one.statistic,
            extended_statistic=None if one is None or one.statistic in STATISTICS else one.statistic,
            unit=None if one is None or one.unit is None else unit_name(one.unit),
            period=None if one is None else period,
            evaluation_periods=evaluation_periods,
            threshold=threshold,
            comparison_operator="LessThanOrEqualToThreshold" if below else "GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[policy.ref],
        )

    def schedule(
        self,
        name: str,
        schedule: autoscaling.Schedule,
        min_capacity: int | None,
        max_capacity: int | None,
        *,
        time_zone: TimeZone | None,
        start: datetime | None,
        end: datetime | None,
    ) -> None:
        """Change the range at a time of day."""
        check_scheduled_range(
            min_capacity,
            max_capacity,
            least=self._scaled.least,
            most=self._scaled.most,
            now=(self.min_capacity, self.max_capacity),
        )
        action = scheduled_action(
            name,
            schedule=schedule,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            time_zone=time_zone,
            start=start,
            end=end,
        )
        if name in self._schedules:
            raise ValueError(f"schedules of {self._scaled.title} must have different names, got {name} again")
        if len(self._schedules) == MAX_SCHEDULES:
            raise ValueError(f"{self._scaled.title} must have at most {MAX_SCHEDULES} schedules, got one more")
        self._schedules[name] = action
        self._resource.scheduled_actions = list(self._schedules.values())
        self._consider(min_capacity, max_capacity)

    def suspend(self, *, scale_in: bool, scale_out: bool, schedules: bool) -> None:
        """Hold some of the scaling, until a deployment says otherwise."""
        check_type(bool, scale_in=scale_in, scale_out=scale_out, schedules=schedules)
        self._resource.suspended_state = autoscaling.CfnScalableTarget.SuspendedStateProperty(
            dynamic_scaling_in_suspended=scale_in,
            dynamic_scaling_out_suspended=scale_out,
            scheduled_scaling_suspended=schedules,
        )

    def _consider(self, low: float | None, high: float | None) -> None:
        """Warn where one unit alone may remain; wake up where none may."""
        one = any(bound == 1 for bound in (low, high) if bound is not None and not is_token(bound))
        if one and low != 0 and self._scaled.warns_of_one:
            Annotations.of(self._scope).add_warning_v2(
                "ml-constructs:SingleInstance",
                f"{self._scaled.title} may scale in to one {self._scaled.unit}, and so to one Availability Zone. "
                "Use min_capacity=2 or more, or acknowledge this.",
            )
        if low is not None and (is_token(low) or low == 0):
            self._wake_from_zero()

    def _wake_from_zero(self) -> None:
        wake = self._scaled.wake
        if wake is None or self._wakes:
            return
        self._wakes = True
        metric = cloudwatch.Metric(
            namespace=INVOCATION_NAMESPACE,
            metric_name=wake.metric_name,
            dimensions_map=dict(wake.dimensions),
            statistic=wake.statistic,
            period=Duration.seconds(_MINUTE),
        )
        self.step(
            "FromZero",
            metric,
            1,
            [ScalingStep(change=1)],
            evaluation_periods=wake.evaluation_periods,
            below=False,
            cooldown=Duration.seconds(wake.cooldown),
            min_change=None,
            aggregation=wake.aggregation,
        )

    def _check_name(self, name: str) -> None:
        check_type(str, name=name)
        check_pattern("name", name, NAME_PATTERN, NAME_RULE)
        if name.startswith(_RESERVED):
            raise ValueError(f"name must not begin with {_RESERVED}, as alarms do that roll back, got {name!r}")
        self._check_new(name)

    def _check_new(self, name: str) -> None:
        if is_token(name):
            raise ValueError("name must be known at synth, because it names constructs, got a token")
        if name in self._policies:
            raise ValueError(f"policies of {self._scaled.title} must have different names, got {name} again")
        if len(self._policies) == MAX_POLICIES:
            raise ValueError(f"{self._scaled.title} must have at most {MAX_POLICIES} policies, got one more")


def _seconds(duration: Duration | None) -> float:
    return DEFAULT_COOLDOWN if duration is None else duration.to_seconds()
