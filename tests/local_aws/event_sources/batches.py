"""What becomes of a batch of a stream: done, retried in whole or in part, bisected, or given up.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

_FOREVER: Final = -1


@dataclass(frozen=True)
class Record:
    """A record of a shard, as the event has it."""

    sequence: str
    arrived: float
    event: Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """Consecutive records of a shard, and how often the function failed on them."""

    records: Sequence[Record]
    failures: int = 0


@dataclass(frozen=True)
class Rules:
    """What a mapping says of failures."""

    reports: bool = False
    bisects: bool = False
    retries: int = _FOREVER
    age: float = _FOREVER

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Rules:
        """The rules of a described mapping."""
        retries, age = mapping.get("MaximumRetryAttempts"), mapping.get("MaximumRecordAgeInSeconds")
        return cls(
            reports="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or []),
            bisects=str(mapping.get("BisectBatchOnFunctionError", False)).lower() == "true",
            retries=_FOREVER if retries is None else int(retries),
            age=_FOREVER if age is None else float(age),
        )


@dataclass(frozen=True)
class Verdict:
    """What is still to be done, in this order, and what is given up for a reason."""

    rest: tuple[Batch, ...] = ()
    given_up: Batch | None = None
    condition: str = ""


def first_failed(answer: object, records: Sequence[Record], rules: Rules) -> int | None:
    """The index of the first record to retry, from the function's answer; nothing where all are done."""
    if not rules.reports or answer in (None, {}):
        return None
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        return 0
    failures = answer["batchItemFailures"] or []
    known = {record.sequence: index for index, record in enumerate(records)}
    try:
        indices = [known[failure["itemIdentifier"]] for failure in failures]
    except (KeyError, TypeError):
        return 0  # an identifier that is none of the batch fails all of it
    return min(indices, default=None)


def judge(batch: Batch, failed: int | None, rules: Rules, *, raised: bool) -> Verdict:
    """The verdict on a batch from whose record `failed` on the function did not succeed."""
    if failed is None:
        return Verdict()
    rest = batch.records[failed:]
    if failed:  # the checkpoint has moved on: another batch
        return Verdict((Batch(rest),))
    if raised and rules.bisects and len(rest) > 1:  # which costs no retry
        middle = len(rest) // 2
        return Verdict((replace(batch, records=rest[:middle]), replace(batch, records=rest[middle:])))
    again = Batch(rest, batch.failures + 1)
    if rules.retries != _FOREVER and again.failures > rules.retries:
        return Verdict(given_up=again, condition="RetryAttemptsExhausted")
    return Verdict((again,))


def expired(batch: Batch, rules: Rules, now: float) -> Verdict | None:
    """The verdict on a batch whose first record is too old to be tried."""
    if rules.age == _FOREVER or now - batch.records[0].arrived <= rules.age:
        return None
    fresh = [record for record in batch.records if now - record.arrived <= rules.age]
    old = batch.records[: len(batch.records) - len(fresh)]
    return Verdict((Batch(fresh),) if fresh else (), Batch(old, batch.failures), "RecordAgeExceeded")


def failure_record(
    batch: Batch, condition: str, *, shard: str, stream: str, function: str, request: str
) -> dict[str, Any]:
    """What a destination of failures gets; the records themselves stay in the stream."""
    first, last = batch.records[0], batch.records[-1]
    return {
        "requestContext": {
            "requestId": request,
            "functionArn": function,
            "condition": condition,
            "approximateInvokeCount": batch.failures,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": _stamp(time.time()),
        "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": _stamp(first.arrived),
            "approximateArrivalOfLastRecord": _stamp(last.arrived),
            "batchSize": len(batch.records),
            "streamArn": stream,
        },
    }


def _stamp(seconds: float) -> str:
    milliseconds = int(seconds % 1 * 1000)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{milliseconds:03}Z", time.gmtime(seconds))
