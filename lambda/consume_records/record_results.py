"""Where the answers to the records of a batch go: a delivery stream, a bucket, or nowhere."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from consume_records.caller import ANSWER_SECONDS
from consume_records.clients import REFUSALS, error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from consume_records.record import Record

# https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
_BATCH_RECORDS: Final = 500
_BATCH_BYTES: Final = 4_194_304
_RECORD_BYTES: Final = 1_024_000
_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = 0.1  # seconds; doubled after each attempt, and jittered
_LONGEST_PAUSE: Final = 2.0


class Batches(Protocol):
    """A destination of results."""

    largest: int | None
    """Bytes of a line; `None` without a limit."""

    def store(self, results: Sequence[tuple[Record, bytes]], remaining: Callable[[], float]) -> dict[int, str]:
        """Store results; gives the places of those that were not stored, in order, with the error."""


class NoBatches:
    """For models whose answers nobody needs."""

    largest: int | None = None

    def store(self, results: Sequence[tuple[Record, bytes]], remaining: Callable[[], float]) -> dict[int, str]:  # noqa: ARG002 - nothing is stored
        """Forget the results."""
        return {}


class BucketBatches:
    """An object for each run of records, named after the first and last: a retry of the run overwrites it.

    Args:
        client: Calls S3.
        bucket: Its name; its default encryption applies.
        prefix: Begins the keys.
    """

    largest: int | None = None

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - botocore's clients have no types
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def store(self, results: Sequence[tuple[Record, bytes]], remaining: Callable[[], float]) -> dict[int, str]:  # noqa: ARG002 - one call
        """Create or overwrite the object: all or nothing."""
        first, last = results[0][0], results[-1][0]
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{self._prefix}{first.shard}/{first.sequence_number}-{last.sequence_number}.ndjson",
                Body=b"".join(line for _, line in results),
                ContentType="application/x-ndjson",
            )
        except REFUSALS as error:
            return dict.fromkeys(range(len(results)), error_code(error))
        return {}


class DeliveryStream:
    """Firehose: each result is a record. What it refuses is sent again, alone.

    Args:
        client: Calls Firehose.
        name: The delivery stream.
        pause: Waits between attempts. Default: `time.sleep`.
    """

    largest: int | None = _RECORD_BYTES

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - botocore's clients have no types
        name: str,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._pause = pause

    def store(self, results: Sequence[tuple[Record, bytes]], remaining: Callable[[], float]) -> dict[int, str]:
        """Send one batch after the other; after one that was not taken whole, no other is sent."""
        for batch in _batches([line for _, line in results]):
            refused = self._send([(place, results[place][1]) for place in batch], remaining)
            if refused:
                return refused | dict.fromkeys(range(batch.stop, len(results)), "NotSent")
        return {}

    def _send(self, batch: list[tuple[int, bytes]], remaining: Callable[[], float]) -> dict[int, str]:
        for attempt in range(_ATTEMPTS):
            refused = self._put(batch)
            batch = [entry for entry in batch if entry[0] in refused]
            pause = random.uniform(0, min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))  # noqa: S311 - spreads the retries
            if not refused or pause + 2 * ANSWER_SECONDS > remaining():
                break
            self._pause(pause)
        return refused

    def _put(self, batch: list[tuple[int, bytes]]) -> dict[int, str]:
        """Send once; gives what was not taken."""
        try:
            answer = self._client.put_record_batch(
                DeliveryStreamName=self._name, Records=[{"Data": line} for _, line in batch]
            )
        except REFUSALS as error:
            return {place: error_code(error) for place, _ in batch}
        entries = zip(batch, answer["RequestResponses"], strict=True)
        return {place: entry["ErrorCode"] for (place, _), entry in entries if entry.get("ErrorCode")}


def _batches(lines: Sequence[bytes]) -> Iterator[range]:
    """Places that fit into one call."""
    start = size = 0
    for place, line in enumerate(lines):
        if place - start == _BATCH_RECORDS or size + len(line) > _BATCH_BYTES:
            yield range(start, place)
            start, size = place, 0
        size += len(line)
    if lines:
        yield range(start, len(lines))
