"""How a stream is read: how much at a time, from where, and for how long what fails is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_

from ml_constructs._checks import check_finite, check_given, check_seconds, check_type, check_whole

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
BATCH_SIZE: Final = (1, 10_000)
WINDOW_SECONDS: Final = (0, 300)
BATCHES_PER_SHARD: Final = (1, 10)
RETRIES: Final = (0, 10_000)
AGE_SECONDS: Final = (60, 604_800)
_FOR_EVER: Final = -1
_AGE_SECONDS: Final = 6 * 3600


@dataclass(frozen=True, kw_only=True)
class StreamReading:
    """How Lambda reads a stream for the function.

    Args:
        batch_size: How many records the function takes at once, 1 to 10,000. Default: 100.
        batch_window: How long to gather a batch, 0 to 300 whole seconds. Default: none.
        batches_per_shard: How many batches of a shard are processed at once, 1 to 10. Records of one partition key
            keep their order. Default: 1.
        enhanced_fan_out: Whether to read through a consumer of its own, with 2 MB a second of each shard for itself,
            at a price per hour and GB. Default: False, all readers share 2 MB a second.
        starting_position: Where to begin. Default: TRIM_HORIZON, the oldest record that the stream has.
        starting_timestamp: For AT_TIMESTAMP, the time from which to read, in seconds since 1970, not in the future.
            Default: none.
        max_retries: How often a failed batch is tried again, 0 to 10,000. A batch is split in two, and begins at the
            record that failed, before it counts. Default: until its records are too old.
        max_record_age: How old a record may become until it goes to the failed batches, 60 to 604,800 whole seconds.
            Until then the records behind it wait. Below the retention of the stream, or records are lost.
            Default: 6 hours.

    Raises:
        ValueError: an argument is out of its range, or a timestamp goes without AT_TIMESTAMP, or the other way round.
    """

    batch_size: int = 100
    batch_window: Duration | None = None
    batches_per_shard: int = 1
    enhanced_fan_out: bool = False
    starting_position: lambda_.StartingPosition = lambda_.StartingPosition.TRIM_HORIZON
    starting_timestamp: float | None = None
    max_retries: int | None = None
    max_record_age: Duration | None = None

    def __post_init__(self) -> None:
        check_given(batch_size=self.batch_size, batches_per_shard=self.batches_per_shard)
        check_type(bool, enhanced_fan_out=self.enhanced_fan_out)
        check_type(lambda_.StartingPosition, starting_position=self.starting_position)
        check_whole("batch_size", self.batch_size, *BATCH_SIZE, "records")
        check_seconds("batch_window", self.batch_window, *WINDOW_SECONDS)
        check_whole("batches_per_shard", self.batches_per_shard, *BATCHES_PER_SHARD)
        check_whole("max_retries", self.max_retries, *RETRIES)
        check_seconds("max_record_age", self.max_record_age, *AGE_SECONDS)
        by_time = self.starting_position == lambda_.StartingPosition.AT_TIMESTAMP
        if self.starting_timestamp is not None:
            check_finite("starting_timestamp", self.starting_timestamp, "seconds since 1970, 0 or more", low=0)
        if by_time != (self.starting_timestamp is not None):
            raise ValueError(
                "starting_timestamp must be given with AT_TIMESTAMP and with no other starting_position, "
                f"got {self.starting_timestamp!r} with {self.starting_position.name}"
            )

    def oldest(self) -> Duration:
        """How old a record may become."""
        return Duration.seconds(_AGE_SECONDS) if self.max_record_age is None else self.max_record_age

    def properties(self) -> dict[str, Any]:
        """The settings as properties of the event source mapping."""
        return {
            "batch_size": self.batch_size,
            "maximum_batching_window_in_seconds": None if self.batch_window is None else self.batch_window.to_seconds(),
            "parallelization_factor": self.batches_per_shard,
            "starting_position": self.starting_position.name,
            "starting_position_timestamp": self.starting_timestamp,
            "bisect_batch_on_function_error": True,
            "maximum_retry_attempts": _FOR_EVER if self.max_retries is None else self.max_retries,
            "maximum_record_age_in_seconds": self.oldest().to_seconds(),
        }
