from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.local_aws.event_sources.batches import (
    Batch,
    Record,
    Rules,
    Verdict,
    expired,
    failure_record,
    first_failed,
    judge,
)

REPORTS = Rules(reports=True)


def records(*sequences: str, arrived: float = 0.0) -> list[Record]:
    return [Record(sequence, arrived, {}) for sequence in sequences]


def failures(*sequences: object) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in sequences]}


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, None),
        ({}, None),
        (failures(), None),
        ({"batchItemFailures": None}, None),
        (failures("b"), 1),
        (failures("c", "b"), 1),
        (failures("z"), 0),
        (failures(""), 0),
        (failures(None), 0),
        ({"batchItemFailures": [{}]}, 0),
        ({"other": 1}, 0),
        ("text", 0),
    ],
)
def test_the_first_record_that_failed_is_the_checkpoint(answer: object, failed: int | None) -> None:
    assert first_failed(answer, records("a", "b", "c"), REPORTS) == failed
    assert first_failed(answer, records("a", "b", "c"), Rules()) is None


def names(verdict: Verdict) -> list[tuple[str, int]]:
    return [("".join(record.sequence for record in batch.records), batch.failures) for batch in verdict.rest]


@pytest.mark.parametrize(
    ("rules", "failed", "raised", "rest"),
    [
        (Rules(), None, False, []),
        (Rules(), 0, True, [("abc", 1)]),
        (Rules(bisects=True), 0, True, [("a", 0), ("bc", 0)]),
        (Rules(reports=True, bisects=True), 0, False, [("abc", 1)]),
        (Rules(reports=True, bisects=True), 2, False, [("c", 0)]),
        (Rules(reports=True, retries=0), 1, False, [("bc", 0)]),
    ],
)
def test_what_is_left_of_a_batch(
    rules: Rules,
    failed: int | None,
    *,
    raised: bool,
    rest: Sequence[tuple[str, int]],
) -> None:
    assert names(judge(Batch(records("a", "b", "c")), failed, rules, raised=raised)) == list(rest)


def test_a_batch_is_given_up_after_its_retries_and_a_record_alone_is_not_bisected() -> None:
    rules = Rules(bisects=True, retries=1)
    (again,) = judge(Batch(records("a")), 0, rules, raised=True).rest
    verdict = judge(again, 0, rules, raised=True)
    assert verdict.rest == ()
    assert verdict.condition == "RetryAttemptsExhausted"
    assert verdict.given_up is not None
    assert verdict.given_up.failures == 2


def test_records_that_are_too_old_are_given_up_and_the_others_stay() -> None:
    batch = Batch([*records("a", arrived=10), *records("b", arrived=95)])
    assert expired(batch, Rules(), 100) is None
    assert expired(batch, Rules(age=90), 100) is None
    verdict = expired(batch, Rules(age=60), 100)
    assert verdict is not None
    assert names(verdict) == [("b", 0)]
    assert verdict.given_up is not None
    assert [record.sequence for record in verdict.given_up.records] == ["a"]
    assert expired(batch, Rules(age=1), 100).rest == ()  # type: ignore[union-attr]  # it is expired


def test_the_rules_of_a_mapping() -> None:
    assert Rules.of({}) == Rules()
    described = {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": "true",
        "MaximumRetryAttempts": "0",
        "MaximumRecordAgeInSeconds": 60,
    }
    assert Rules.of(described) == Rules(reports=True, bisects=True, retries=0, age=60)


def test_a_destination_gets_the_place_of_the_records_and_not_the_records() -> None:
    batch = Batch(records("1", "2", arrived=1.5), 3)
    record = failure_record(batch, "RetryAttemptsExhausted", shard="s", stream="st", function="f", request="r")
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["KinesisBatchInfo"] == {
        "shardId": "s",
        "startSequenceNumber": "1",
        "endSequenceNumber": "2",
        "approximateArrivalOfFirstRecord": "1970-01-01T00:00:01.500Z",
        "approximateArrivalOfLastRecord": "1970-01-01T00:00:01.500Z",
        "batchSize": 2,
        "streamArn": "st",
    }
