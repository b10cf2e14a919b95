"""Puts the workers together, from the environment."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING

from consume_records.caller import Caller
from consume_records.clients import create_client
from consume_records.dead_letters import DeadLetterQueue
from consume_records.memory import NoMemory, TableMemory
from consume_records.message_results import BucketResults, NoResults, TopicResults
from consume_records.message_worker import MessageWorker
from consume_records.observer import Observer
from consume_records.record_results import BucketBatches, DeliveryStream, NoBatches
from consume_records.record_worker import RecordWorker
from consume_records.settings import QueueSettings, StreamSettings
from invoke_endpoint.endpoint import Endpoint
from invoke_endpoint.endpoint import create_client as create_runtime_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consume_records.memory import Memory
    from consume_records.message_results import Results
    from consume_records.record_results import Batches
    from consume_records.settings import CallSettings


def create_message_worker(
    environ: Mapping[str, str], *, log: IO[str] | None = None, pause: Callable[[float], None] = time.sleep
) -> MessageWorker:
    """The worker behind a queue.

    Args:
        environ: The environment variables of `QueueSettings`.
        log: Takes the log lines. Default: the standard output.
        pause: Waits between attempts. Default: `time.sleep`.
    """
    settings = QueueSettings.from_environment(environ)
    calls = settings.calls
    client = create_client("sqs", calls.parallelism)
    return MessageWorker(
        caller=_caller(calls, pause),
        results=_results(settings),
        dead_letters=DeadLetterQueue(client, calls.dead_letter_queue_url, calls.endpoint.endpoint_name),
        memory=_memory(settings),
        observer=Observer(calls, log),
        client=client,
        max_receives=settings.max_receives,
        parallelism=calls.parallelism,
        fifo=settings.fifo,
        pause=pause,
    )


def create_record_worker(
    environ: Mapping[str, str], *, log: IO[str] | None = None, pause: Callable[[float], None] = time.sleep
) -> RecordWorker:
    """The worker behind a stream.

    Args:
        environ: The environment variables of `StreamSettings`.
        log: Takes the log lines. Default: the standard output.
        pause: Waits between attempts. Default: `time.sleep`.
    """
    settings = StreamSettings.from_environment(environ)
    calls = settings.calls
    client = create_client("sqs", 1)
    return RecordWorker(
        caller=_caller(calls, pause),
        results=_batches(settings, pause),
        dead_letters=DeadLetterQueue(client, calls.dead_letter_queue_url, calls.endpoint.endpoint_name),
        observer=Observer(calls, log),
        parallelism=calls.parallelism,
        pause=pause,
    )


def _caller(calls: CallSettings, pause: Callable[[float], None]) -> Caller:
    client = create_runtime_client(calls.endpoint, connections=calls.parallelism)
    return Caller(calls, Endpoint(calls.endpoint, client=client, pause=pause))


def _results(settings: QueueSettings) -> Results:
    connections = settings.calls.parallelism
    if settings.results_bucket is not None:
        return BucketResults(create_client("s3", connections), settings.results_bucket, settings.results_prefix)
    if settings.results_topic_arn is not None:
        return TopicResults(create_client("sns", connections), settings.results_topic_arn)
    return NoResults()


def _memory(settings: QueueSettings) -> Memory:
    if settings.idempotency_table is None:
        return NoMemory()
    client = create_client("dynamodb", settings.calls.parallelism)
    return TableMemory(client, settings.idempotency_table, settings.calls.service_name)


def _batches(settings: StreamSettings, pause: Callable[[float], None]) -> Batches:
    if settings.results_bucket is not None:
        return BucketBatches(create_client("s3", 1), settings.results_bucket, settings.results_prefix)
    if settings.results_delivery_stream is not None:
        return DeliveryStream(create_client("firehose", 1), settings.results_delivery_stream, pause=pause)
    return NoBatches()
