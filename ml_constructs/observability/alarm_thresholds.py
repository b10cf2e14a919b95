"""When to call someone about an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import NoneType
from typing import Final

from aws_cdk import Duration

from ml_constructs._checks import check_range, check_type, check_whole, is_token

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html: an alarm looks back a day
LOOK_BACK_SECONDS: Final = (60, 86_400)

_MOST: Final = 2**31 - 1
_PERCENTAGES: Final = (
    "error_percent",
    "client_error_percent",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "concurrency_percent",
    "failed_percent",
)
_COUNTS: Final = ("expired_requests", "unsent_notifications")
# Durations to compare metrics with, and their unit; and those for which something must last.
_LENGTHS: Final = {
    "model_latency": "milliseconds",
    "overhead_latency": "milliseconds",
    "cold_start": "milliseconds",
    "backlog_age": "seconds",
}
_SPANS: Final = ("at_capacity", "no_traffic", "no_capacity")


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """When to call someone; None switches an alarm off.

    Errors, latencies and concurrency are measured over one-minute periods, and alarm when three of five are beyond the
    threshold; CPU, memory and disk over five-minute periods, when three in a row are; errors of asynchronous requests
    and cold starts, which are few, over five-minute periods, when three of twelve are. Each kind of endpoint has the
    alarms that its metrics allow.

    Args:
        error_percent: Requests that got a 5XX status or no valid answer from the model, 0 to 100 percent.
            Default: 1 percent.
        client_error_percent: Requests that the model rejected with a 4XX status, 0 to 100 percent. Default: 50 percent,
            since single callers err all the time, while most callers err at once after a change of the model's input.
        model_latency: The 99th percentile of the model's own response time, above 0. Default: 5 seconds, which suits
            few models: set it to what your callers tolerate. Not of asynchronous requests, which may take an hour.
        overhead_latency: The average time that SageMaker adds to the model's, above 0. Default: 1 second. Not of
            serverless variants, where it is the cold starts.
        cpu_percent: Average CPU in use, 0 to 100 percent of all cores. Default: 90 percent.
        memory_percent: Memory in use on the fullest instance, 0 to 100 percent. Default: 90 percent.
        disk_percent: Disk in use on the fullest instance, 0 to 100 percent. Default: 90 percent.
        at_capacity: Time for which a scaled variant or component runs at its largest size, 1 minute to 1 day.
            Default: 15 minutes.
        no_traffic: Time without a single request, 1 minute to 1 day. Default: None, no alarm.
        concurrency_percent: Requests that a serverless variant answers at a time, 0 to 100 percent of its maximum,
            beyond which it throttles. Default: 90 percent.
        cold_start: The longest time to start another container of a serverless variant, above 0. Default: 30 seconds.
        failed_percent: Asynchronous requests that failed for any reason, their callers' faults included, 0 to 100
            percent. Default: 10 percent.
        expired_requests: Asynchronous requests that waited in vain for as long as their callers let them, within five
            minutes, 0 or more. Default: 0, which calls for the first.
        unsent_notifications: Answers and failures that no topic was told of, within five minutes, 0 or more.
            Default: 0, which calls for the first.
        backlog_age: Age of the oldest request in an asynchronous endpoint's queue, above 0. Default: 1 hour.
        no_capacity: Time for which requests to an asynchronous endpoint find no instance, or those to an inference
            component no copy, 1 minute to 1 day: longer than it takes to scale from zero. Default: 30 minutes.

    Raises:
        ValueError: a threshold is out of its range.
    """

    error_percent: float | None = 1.0
    client_error_percent: float | None = 50.0
    model_latency: Duration | None = field(default_factory=lambda: Duration.seconds(5))
    overhead_latency: Duration | None = field(default_factory=lambda: Duration.seconds(1))
    cpu_percent: float | None = 90.0
    memory_percent: float | None = 90.0
    disk_percent: float | None = 90.0
    at_capacity: Duration | None = field(default_factory=lambda: Duration.minutes(15))
    no_traffic: Duration | None = None
    concurrency_percent: float | None = 90.0
    cold_start: Duration | None = field(default_factory=lambda: Duration.seconds(30))
    failed_percent: float | None = 10.0
    expired_requests: int | None = 0
    unsent_notifications: int | None = 0
    backlog_age: Duration | None = field(default_factory=lambda: Duration.hours(1))
    no_capacity: Duration | None = field(default_factory=lambda: Duration.minutes(30))

    def __post_init__(self) -> None:
        for name in _PERCENTAGES:
            check_range(name, getattr(self, name), 0, 100, "percent")
        for name in _COUNTS:
            check_whole(name, getattr(self, name), 0, _MOST)
        for name in (*_LENGTHS, *_SPANS):
            check_type((Duration, NoneType), **{name: getattr(self, name)})
        for name, unit in _LENGTHS.items():
            length = _convert(name, getattr(self, name), unit)
            if length is not None and not is_token(length) and not length > 0:
                raise ValueError(f"{name} must be longer than 0 {unit}, got {length:g}")
        for name in _SPANS:
            minutes = _convert(name, getattr(self, name), "minutes")
            low, high = (seconds // 60 for seconds in LOOK_BACK_SECONDS)
            if minutes is None or is_token(minutes):
                continue
            if not low <= minutes <= high or minutes != int(minutes):
                raise ValueError(f"{name} must be between {low:,} and {high:,} whole minutes, got {minutes:g} minutes")

    @property
    def model_latency_ms(self) -> float | None:
        """The threshold of the model's latency in milliseconds."""
        return _convert("model_latency", self.model_latency, "milliseconds")

    @property
    def overhead_latency_ms(self) -> float | None:
        """The threshold of SageMaker's latency in milliseconds."""
        return _convert("overhead_latency", self.overhead_latency, "milliseconds")

    @property
    def at_capacity_minutes(self) -> float | None:
        """The time at the largest size in minutes."""
        return _convert("at_capacity", self.at_capacity, "minutes")

    @property
    def no_traffic_minutes(self) -> float | None:
        """The time without a request in minutes."""
        return _convert("no_traffic", self.no_traffic, "minutes")

    @property
    def cold_start_ms(self) -> float | None:
        """The threshold of cold starts in milliseconds."""
        return _convert("cold_start", self.cold_start, "milliseconds")

    @property
    def backlog_age_seconds(self) -> float | None:
        """The threshold of the oldest request's age in seconds."""
        return _convert("backlog_age", self.backlog_age, "seconds")

    @property
    def no_capacity_minutes(self) -> float | None:
        """The time without an instance or a copy in minutes."""
        return _convert("no_capacity", self.no_capacity, "minutes")


def _convert(argument: str, duration: Duration | None, unit: str) -> float | None:
    """A duration in another unit; one that is a token cannot be converted, and must be given in that unit."""
    if duration is None:
        return None
    convert = getattr(duration, f"to_{unit}")
    try:
        converted: float = convert() if is_token(duration) else convert(integral=False)
    except RuntimeError:
        raise ValueError(f"{argument} must be given in {unit} where known only at deployment, got {duration}") from None
    return converted
