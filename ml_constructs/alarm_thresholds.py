"""When to call someone about an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import NoneType
from typing import Final

from aws_cdk import Duration

from ml_constructs._checks import check_range, check_type, is_token

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html: an alarm looks back a day
LOOK_BACK_SECONDS: Final = (60, 86_400)


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """When to call someone; None switches an alarm off.

    Errors and latencies are measured over one-minute periods, and alarm when three of five are beyond the threshold;
    CPU, memory and disk over five-minute periods, when three in a row are.

    Args:
        error_percent: Requests that got a 5XX status or no valid answer from the model, 0 to 100 percent.
            Default: 1 percent.
        client_error_percent: Requests that the model rejected with a 4XX status, 0 to 100 percent. Default: 50 percent,
            since single callers err all the time, while most callers err at once after a change of the model's input.
        model_latency: The 99th percentile of the model's own response time, above 0. Default: 5 seconds, which suits
            few models: set it to what your callers tolerate.
        overhead_latency: The average time that SageMaker adds to the model's, above 0. Default: 1 second.
        cpu_percent: Average CPU in use, 0 to 100 percent of all cores. Default: 90 percent.
        memory_percent: Memory in use on the fullest instance, 0 to 100 percent. Default: 90 percent.
        disk_percent: Disk in use on the fullest instance, 0 to 100 percent. Default: 90 percent.
        at_capacity: Time for which a scaled variant runs at its largest size, 1 minute to 1 day. Default: 15 minutes.
        no_traffic: Time without a single request, 1 minute to 1 day. Default: None, no alarm.

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

    def __post_init__(self) -> None:
        for name in ("error_percent", "client_error_percent", "cpu_percent", "memory_percent", "disk_percent"):
            check_range(name, getattr(self, name), 0, 100, "percent")
        for name in ("model_latency", "overhead_latency", "at_capacity", "no_traffic"):
            check_type((Duration, NoneType), **{name: getattr(self, name)})
        for name in ("model_latency", "overhead_latency"):
            milliseconds = _convert(name, getattr(self, name), "milliseconds")
            if milliseconds is not None and not is_token(milliseconds) and not milliseconds > 0:
                raise ValueError(f"{name} must be longer than 0 milliseconds, got {milliseconds:g}")
        for name in ("at_capacity", "no_traffic"):
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


def _convert(argument: str, duration: Duration | None, unit: str) -> float | None:
    """A duration in another unit; one that is a token cannot be converted, and must be given in that unit."""
    if duration is None:
        return None
    convert = duration.to_minutes if unit == "minutes" else duration.to_milliseconds
    try:
        return convert() if is_token(duration) else convert(integral=False)
    except RuntimeError:
        raise ValueError(f"{argument} must be given in {unit} where known only at deployment, got {duration}") from None
