"""The limits of queues and streams are those of AWS's own models."""

from __future__ import annotations

import botocore.session  # type: ignore[import-untyped] # ships no types
import pytest

from ml_constructs.front_ends import _queues
from ml_constructs.front_ends.workers import delivery, queue, reading

MAPPING = ("lambda", "CreateEventSourceMappingRequest")
BUFFER = ("firehose", "BufferingHints")


@pytest.mark.parametrize(
    ("shape", "member", "limit"),
    [
        (MAPPING, "BatchSize", queue.BATCH_SIZE),
        (MAPPING, "BatchSize", reading.BATCH_SIZE),
        (MAPPING, "MaximumBatchingWindowInSeconds", queue.WINDOW_SECONDS),
        (MAPPING, "MaximumBatchingWindowInSeconds", reading.WINDOW_SECONDS),
        (MAPPING, "ParallelizationFactor", reading.BATCHES_PER_SHARD),
        (MAPPING, "MaximumRetryAttempts", (-1, reading.RETRIES[1])),
        (MAPPING, "MaximumRecordAgeInSeconds", (-1, reading.AGE_SECONDS[1])),
        (("lambda", "ScalingConfig"), "MaximumConcurrency", _queues.CONCURRENCY),
        (BUFFER, "IntervalInSeconds", delivery.BUFFER_SECONDS),
        (BUFFER, "SizeInMBs", delivery.BUFFER_MIB),
    ],
)
def test_limit_is_that_of_aws(shape: tuple[str, str], member: str, limit: tuple[int, int]) -> None:
    service, name = shape
    found = botocore.session.get_session().get_service_model(service).shape_for(name).members[member].metadata
    assert (found["min"], found["max"]) == limit
