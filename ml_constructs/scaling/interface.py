"""What everything offers that scales: policies on any metric, schedules, suspension."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs.scaling._scalable_target import ScalableTarget, Tracking
from ml_constructs.scaling.steps import ScalingStep


class IScaling:
    """The range in which something scales, and what makes it.

    Several policies may act at once. Target tracking adds capacity when one of its policies asks for more, and removes
    some only when all of them agree; where several ask at the same time, the largest capacity wins. Schedules move the
    range in which policies act. Application Auto Scaling forecasts for Amazon ECS alone, so there is no predictive
    scaling here: give a known peak a schedule of its own.

    A plain class rather than a `Protocol`, because a jsii construct cannot take the protocol's metaclass as well.
    """

    _target: ScalableTarget

    @property
    def min_capacity(self) -> float:
        """The least capacity, outside schedules."""
        return self._target.min_capacity

    @property
    def max_capacity(self) -> float:
        """The largest capacity, outside schedules."""
        return self._target.max_capacity

    def on_metric(
        self,
        name: str,
        *,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        target: float,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep any metric near a value. It must be a load per unit of capacity, so that it falls when capacity grows.

        Args:
            name: Names the policy, e.g. `GpuMemory`.
            metric: A metric or metric math with a period of one minute, at which target tracking reads all.
            target: The value to keep, between -2^360 and 2^360.
            scale_in_cooldown: Rest after removing capacity. Default: 5 minutes.
            scale_out_cooldown: Rest after adding capacity. Default: 5 minutes.
            disable_scale_in: Whether to only ever add capacity. Default: False.

        Raises:
            ValueError: an argument is out of its range, the name is taken, or another policy tracks the metric.

        See https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
        """
        self._target.follow_metric(
            name, metric, target, Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in)
        )

    def on_steps(
        self,
        name: str,
        *,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        threshold: float,
        steps: Sequence[ScalingStep],
        evaluation_periods: int = 1,
        below: bool = False,
        cooldown: Duration | None = None,
        min_change: int | None = None,
    ) -> cloudwatch.CfnAlarm:
        """Add or remove capacity in steps when a metric crosses a threshold.

        Args:
            name: Names the policy and its alarm, e.g. `CpuHigh`.
            metric: Any metric or metric math; its period is that of the alarm: 10, 20, 30 seconds, or whole minutes up
                to a week.
            threshold: The value beyond which to act.
            steps: What to do, by distance from the threshold, 1 to 20; one step may cover all. All of them count in
                units, all in percent, or all set the capacity.
            evaluation_periods: Periods beyond the threshold before acting, 1 or more: at most one day, or one week
                with periods of an hour or longer. Default: 1.
            below: Whether to act when the metric is at or below the threshold rather than at or above. Default: False.
            cooldown: Rest between two actions of this policy. Default: 5 minutes.
            min_change: The least that steps in percent change, 1 or more. Default: what the percentage comes to.

        Returns:
            The alarm that triggers the policy.

        Raises:
            ValueError: an argument is out of its range.

        See https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
        """
        return self._target.step(
            name,
            metric,
            threshold,
            steps,
            evaluation_periods=evaluation_periods,
            below=below,
            cooldown=cooldown,
            min_change=min_change,
        )

    def on_schedule(
        self,
        name: str,
        *,
        schedule: autoscaling.Schedule,
        min_capacity: int | None = None,
        max_capacity: int | None = None,
        time_zone: TimeZone | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> None:
        """Set another range at a time, which holds until another schedule, or a deployment of the range, sets one.

        Args:
            name: Names the scheduled action, e.g. `Weekday morning`.
            schedule: When: `Schedule.cron(...)`, `Schedule.rate(...)` or `Schedule.at(...)`.
            min_capacity: The least capacity from then on. Default: as it is then.
            max_capacity: The largest capacity from then on. Default: as it is then.
            time_zone: Where a cron or at expression is read, with its daylight saving. Default: UTC.
            start: When it begins, with a time zone; the action then runs at this time, too. Default: at once.
            end: When it stops to recur, with a time zone; the range stays as it is then. Default: never.

        Raises:
            ValueError: neither capacity is given, they are no range (with the target's own where one is not given), or
                an argument is malformed.

        See https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
        """
        self._target.schedule(name, schedule, min_capacity, max_capacity, time_zone=time_zone, start=start, end=end)

    def suspend(self, *, scale_in: bool = True, scale_out: bool = True, schedules: bool = True) -> None:
        """Hold scaling, e.g. while an incident is looked into.

        To resume, deploy with `suspend(scale_in=False, scale_out=False, schedules=False)`: Application Auto Scaling
        leaves as it is what a template no longer mentions.

        Args:
            scale_in: Whether policies may remove no capacity. Default: True.
            scale_out: Whether policies may add no capacity. Default: True.
            schedules: Whether schedules do nothing. Default: True.

        See https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html
        """
        self._target.suspend(scale_in=scale_in, scale_out=scale_out, schedules=schedules)
