"""Messages of a queue: each ends once, as a result or as a dead letter with its cause, or comes back."""

from __future__ import annotations

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response

from consume_records.caller import ANSWER_SECONDS
from consume_records.failure import Failure
from consume_records.message import Message
from consume_records.queue_visibility import delay, delay_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from consume_records.caller import Caller
    from consume_records.dead_letters import DeadLetterQueue
    from consume_records.memory import Memory
    from consume_records.message_results import Results
    from consume_records.observer import Context, Observer

# A message of a group may have spent its other receives on waiting for the message before it.
_LAST_ATTEMPTS: Final = 3
_PAUSE: Final = 1.0  # seconds


@dataclass(kw_only=True)
class _Batch:
    """What became of the messages of one invocation."""

    context: Context
    lanes: dict[str, asyncio.Lock] = field(default_factory=dict)
    failed: dict[str, tuple[Message, Failure]] = field(default_factory=dict)
    failed_lanes: set[str] = field(default_factory=set)
    stored: list[bool] = field(default_factory=list)
    """For each message that has a result, whether it has been given it now."""
    ended: set[str] = field(default_factory=set)
    dead: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def remaining(self) -> float:
        """Seconds until Lambda ends the function."""
        return self.context.get_remaining_time_in_millis() / 1000


class MessageWorker:
    """Processes batches of messages, several messages at once.

    Args:
        caller: Calls the endpoint.
        results: Takes answers.
        dead_letters: Takes messages that no other attempt can process, or that had their last one.
        memory: Knows which messages have ended.
        observer: Writes logs and metrics.
        client: Calls SQS.
        max_receives: How often the queue hands a message out.
        parallelism: Calls at once.
        fifo: Whether messages of one group are processed in their order.
        pause: Waits between attempts. Default: `time.sleep`.
    """

    def __init__(
        self,
        *,
        caller: Caller,
        results: Results,
        dead_letters: DeadLetterQueue,
        memory: Memory,
        observer: Observer,
        client: Any,  # noqa: ANN401 - botocore's clients have no types
        max_receives: int,
        parallelism: int,
        fifo: bool,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._caller = caller
        self._results = results
        self._dead_letters = dead_letters
        self._memory = memory
        self._observer = observer
        self._client = client
        self._max_receives = max_receives
        self._fifo = fifo
        self._pause = pause
        # Lives as long as the function, and so do the connections that its threads use.
        self._threads = ThreadPoolExecutor(parallelism, thread_name_prefix="message")

    def handle(self, event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        """Process the messages of an event; gives those that shall come back."""
        batch = _Batch(context=context)
        self._memory.begin(context)

        async def process(record: SQSRecord) -> None:
            await self._process(batch, Message.of(record.raw_event))

        response = async_process_partial_response(
            event=event,
            record_handler=process,
            processor=AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        )
        self._delay_failed(batch, event)
        self._observer.finished(
            context,
            processed=batch.stored.count(True),
            duplicates=batch.stored.count(False),
            dead=batch.dead,
            retried=len(response["batchItemFailures"]),
            latencies=batch.latencies,
        )
        return response

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    async def _process(self, batch: _Batch, message: Message) -> None:
        lane = self._lane(message)
        async with batch.lanes.setdefault(lane, asyncio.Lock()):  # whoever waits first, goes first
            try:
                if message.id in batch.ended:  # it was delivered twice, in one batch
                    batch.stored.append(False)
                else:
                    await self._in_thread(batch, message, behind=lane in batch.failed_lanes)
                    batch.ended.add(message.id)
            except Failure as failure:
                batch.failed_lanes.add(lane)
                batch.failed[message.id] = (message, failure)
                self._observer.failed(batch.context, message.id, failure, final=False)
                raise

    def _lane(self, message: Message) -> str:
        """What is processed in order: a group of a FIFO queue, or each message by itself."""
        return (message.group if self._fifo else None) or message.id

    async def _in_thread(self, batch: _Batch, message: Message, *, behind: bool) -> None:
        if behind:
            raise Failure("behind-a-failure")
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._end, batch, message)
        try:
            # A thread that is stuck must not keep the other messages from being reported.
            await asyncio.wait_for(future, max(batch.remaining() - ANSWER_SECONDS, 0))
        except TimeoutError:
            raise Failure("out-of-time") from None

    def _end(self, batch: _Batch, message: Message) -> None:
        """Bring a message to its end, in a thread.

        Raises:
            Failure: it has not ended.
        """
        try:
            if not self._memory.once(message.id, lambda: self._work(batch, message)):
                batch.stored.append(False)
        except Failure:
            raise
        except Exception as error:
            raise Failure.by("unexpected", error) from error

    def _work(self, batch: _Batch, message: Message) -> None:
        last = message.receives >= self._max_receives
        attempts = _LAST_ATTEMPTS if self._fifo and last else 1
        for attempt in range(1, attempts + 1):
            try:
                self._store_answer(batch, message)
            except Failure as failure:
                if failure.retryable and not last:
                    raise
                pause = random.uniform(_PAUSE / 2, _PAUSE)  # noqa: S311 - spreads the retries of many messages
                if not failure.retryable or attempt == attempts or not self._caller.fits(pause, batch.remaining):
                    self._bury(batch, message, failure)
                    return
                self._pause(pause)
            else:
                return

    def _store_answer(self, batch: _Batch, message: Message) -> None:
        started = time.perf_counter()
        answer = self._caller.call(
            message.body, message.id, batch.remaining, encoded=message.encoded, content_type=message.content_type
        )
        batch.latencies.append((time.perf_counter() - started) * 1000)
        _check_time(batch.remaining)
        batch.stored.append(self._results.store(message.id, message.group, answer))

    def _bury(self, batch: _Batch, message: Message, cause: Failure) -> None:
        _check_time(batch.remaining)
        self._dead_letters.send(message.letter(), cause)
        batch.dead.append(cause.kind)
        self._observer.failed(batch.context, message.id, cause, final=True)

    def _delay_failed(self, batch: _Batch, event: dict[str, Any]) -> None:
        """A group waits as one: its first message would otherwise wait for the visibility timeout of the others."""
        lanes: dict[str, int] = {}
        delays: list[tuple[Message, int]] = []
        for message, failure in batch.failed.values():
            seconds = lanes.setdefault(self._lane(message), delay_seconds(message.receives, failure.retry_after))
            delays.append((message, seconds))
        if not delays:
            return
        for error in delay(self._client, event["Records"][0]["eventSourceARN"], delays):
            self._observer.delay_failed(batch.context, error)


def _check_time(remaining: Callable[[], float]) -> None:
    """A thread that was stuck must not go on after its message was reported: it will be processed again."""
    if remaining() < ANSWER_SECONDS:
        raise Failure("out-of-time")
