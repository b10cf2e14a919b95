"""A scheduled action: when the range of a scalable target changes, and to what.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
"""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import Final

from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling

from ml_constructs._checks import check_pattern, check_type

# https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
_FIELD: Final = r"[0-9A-Za-z*?,/#-]+"
_AT: Final = r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
_RATE: Final = r"rate\([1-9]\d* (minute|hour|day)s?\)"
_CRON: Final = rf"cron\({_FIELD}( +{_FIELD}){{5,6}}\)"  # seven fields begin with the seconds
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
_NAME: Final = r"(?! )[^:/|\x00-\x1f\x7f-\x9f]{1,256}(?<! )"


def scheduled_action(
    name: str,
    *,
    schedule: autoscaling.Schedule,
    min_capacity: int | None,
    max_capacity: int | None,
    time_zone: TimeZone | None,
    start: datetime | None,
    end: datetime | None,
) -> autoscaling.CfnScalableTarget.ScheduledActionProperty:
    """A scheduled action as CloudFormation takes it; the capacities are checked by who knows their limits."""
    check_type(str, name=name)
    check_pattern("name", name, _NAME, "1 to 256 characters without colon, slash, bar or outer spaces")
    check_type(autoscaling.Schedule, schedule=schedule)
    check_type((TimeZone, NoneType), time_zone=time_zone)
    check_type((datetime, NoneType), start=start, end=end)
    expression = schedule.expression_string
    check_pattern("schedule", expression, f"{_AT}|{_RATE}|{_CRON}", "an at, rate or cron expression")
    if time_zone is not None and expression.startswith("rate("):
        raise ValueError(f"time_zone must not be given with a rate, which knows no time of day, got {expression}")
    for argument, moment in (("start", start), ("end", end)):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{argument} must have a time zone, e.g. datetime.UTC, got {moment.isoformat()}")
    if start is not None and end is not None and not start < end:
        raise ValueError(f"end must be after start, {start.isoformat()}, got {end.isoformat()}")
    return autoscaling.CfnScalableTarget.ScheduledActionProperty(
        scheduled_action_name=name,
        schedule=expression,
        timezone=None if time_zone is None else time_zone.timezone_name,
        start_time=start,
        end_time=end,
        scalable_target_action=autoscaling.CfnScalableTarget.ScalableTargetActionProperty(
            min_capacity=min_capacity, max_capacity=max_capacity
        ),
    )
