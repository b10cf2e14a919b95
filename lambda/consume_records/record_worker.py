"""Records of a shard: called at once, settled in their order, up to the first that has to come again.

Lambda retries from the lowest sequence number that the function names. Nothing behind it was stored, so that a retry
stores nothing twice; nothing before it was left out.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from consume_records.caller import ANSWER_SECONDS, STORE_SECONDS
from consume_records.failure import Failure
from consume_records.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consume_records.caller import Caller
    from consume_records.dead_letters import DeadLetterQueue
    from consume_records.observer import Context, Observer
    from consume_records.record_results import Batches
    from invoke_endpoint.endpoint import Answer

# The shard waits in any case: what is tried again here does not cost the records behind it a second call.
_ATTEMPTS: Final = 3
_FIRST_PAUSE: Final = 0.5  # seconds; doubled after each attempt, and jittered
_LONGEST_PAUSE: Final = 10.0


@dataclass(kw_only=True)
class _Batch:
    """What becomes of the records of one invocation."""

    context: Context
    records: list[Record]
    run: list[tuple[int, bytes]] = field(default_factory=list)
    """Places and results that are not stored yet."""
    first_transient: int = 10_001
    """No call is worth its time behind this place."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    processed: int = 0
    dead: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def remaining(self) -> float:
        """Seconds until Lambda ends the function."""
        return self.context.get_remaining_time_in_millis() / 1000

    def stop_behind(self, place: int) -> None:
        """Start no call behind this place."""
        with self.lock:
            self.first_transient = min(self.first_transient, place)


class RecordWorker:
    """Processes batches of records, several records at once.

    Args:
        caller: Calls the endpoint.
        results: Takes answers.
        dead_letters: Takes records that no other attempt can process.
        observer: Writes logs and metrics.
        parallelism: Calls at once.
        pause: Waits between attempts. Default: `time.sleep`.
    """

    def __init__(
        self,
        *,
        caller: Caller,
        results: Batches,
        dead_letters: DeadLetterQueue,
        observer: Observer,
        parallelism: int,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._caller = caller
        self._results = results
        self._dead_letters = dead_letters
        self._observer = observer
        self._pause = pause
        # Lives as long as the function, and so do the connections that its threads use.
        self._threads = ThreadPoolExecutor(parallelism, thread_name_prefix="record")

    def handle(self, event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        """Process the records of an event; gives the first that shall come again."""
        batch = _Batch(context=context, records=[Record.of(record) for record in event["Records"]])
        checkpoint = self._settle(batch, self._call_all(batch))
        self._observer.finished(
            context,
            processed=batch.processed,
            duplicates=0,
            dead=batch.dead,
            retried=0 if checkpoint is None else len(batch.records) - checkpoint,
            latencies=batch.latencies,
        )
        if checkpoint is None:
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": batch.records[checkpoint].sequence_number}]}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _call_all(self, batch: _Batch) -> list[Answer | Failure]:
        calls = [self._threads.submit(self._call, batch, place) for place in range(len(batch.records))]
        # A thread that is stuck must not keep the records before it from being settled.
        wait(calls, timeout=max(batch.remaining() - ANSWER_SECONDS - STORE_SECONDS, 0))
        unfinished = Failure("out-of-time")
        for call in calls:
            call.cancel()
        return [call.result() if call.done() and not call.cancelled() else unfinished for call in calls]

    def _call(self, batch: _Batch, place: int) -> Answer | Failure:
        """The answer, or why there is none, in a thread."""
        attempt = 1
        while True:
            if place > batch.first_transient:
                return Failure("behind-a-failure")
            failure = self._attempt(batch, batch.records[place])
            if not isinstance(failure, Failure) or not failure.retryable:
                return failure
            longest = min(max(_FIRST_PAUSE * 2 ** (attempt - 1), failure.retry_after or 0), _LONGEST_PAUSE)
            pause = random.uniform(longest / 2, longest)  # noqa: S311 - spreads the retries of many records
            if attempt == _ATTEMPTS or failure.kind == "out-of-time" or not self._caller.fits(pause, batch.remaining):
                batch.stop_behind(place)
                return failure
            self._pause(pause)
            attempt += 1

    def _attempt(self, batch: _Batch, record: Record) -> Answer | Failure:
        started = time.perf_counter()
        try:
            if record.is_aggregate:
                return Failure("aggregated-record")
            answer = self._caller.call(record.data, record.sequence_number, batch.remaining, encoded=True)
        except Failure as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - the record comes again, and the others are settled
            return Failure.by("unexpected", error)
        batch.latencies.append((time.perf_counter() - started) * 1000)
        return answer

    def _settle(self, batch: _Batch, outcomes: list[Answer | Failure]) -> int | None:
        """Store results and dead letters in the order of the records; gives the first place that was not settled."""
        for place, (record, outcome) in enumerate(zip(batch.records, outcomes, strict=True)):
            failure = outcome
            if not isinstance(failure, Failure):
                line = record.line(failure)
                if self._results.largest is None or len(line) <= self._results.largest:
                    batch.run.append((place, line))
                    continue
                failure = Failure("result-too-large")
            checkpoint = self._store(batch)
            if checkpoint is None and not self._bury(batch, place, failure):
                checkpoint = place
            if checkpoint is not None:
                return checkpoint
        return self._store(batch)

    def _store(self, batch: _Batch) -> int | None:
        """Store the results of the run; gives the first place that was not settled."""
        run, batch.run = batch.run, []
        if not run:
            return None
        refused = self._results.store([(batch.records[place], line) for place, line in run], batch.remaining)
        batch.processed += len(run) - len(refused)
        taken = set(range(len(run))).difference(refused)
        last_taken = max(taken, default=-1)
        for index, error in refused.items():
            place = run[index][0]
            # Results behind this one may be stored, and a retry would store them again.
            failure = Failure("result-not-stored", retryable=index > last_taken, log={"aws_error": error})
            if not self._bury(batch, place, failure):
                return place
        return None

    def _bury(self, batch: _Batch, place: int, failure: Failure) -> bool:
        """Send a record to the dead letters, if no other attempt can process it; gives whether it is there."""
        record = batch.records[place]
        if not failure.retryable:
            try:
                self._dead_letters.send(record.letter(), failure)
            except Failure as error:
                failure = error
            else:
                batch.dead.append(failure.kind)
                self._observer.failed(batch.context, record.sequence_number, failure, final=True)
                return True
        self._observer.failed(batch.context, record.sequence_number, failure, final=False)
        return False
