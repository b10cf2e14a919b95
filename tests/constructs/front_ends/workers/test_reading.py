from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_

from ml_constructs.front_ends.workers.reading import StreamReading
from tests.constructs.builders import number
from tests.constructs.front_ends.workers.consumers import mapping_of, stream

AT_TIMESTAMP = lambda_.StartingPosition.AT_TIMESTAMP


def test_defaults_try_again_for_six_hours_and_split_what_fails(stack: Stack) -> None:
    stream(stack)
    mapping = mapping_of(stack)
    assert (mapping["BatchSize"], mapping["ParallelizationFactor"], mapping["StartingPosition"]) == (
        100,
        1,
        "TRIM_HORIZON",
    )
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (-1, 21_600)
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert not {"MaximumBatchingWindowInSeconds", "StartingPositionTimestamp", "TumblingWindowInSeconds"} & set(mapping)


@pytest.mark.parametrize(
    ("argument", "value", "rendered"),
    [
        ("batch_size", 1, {"BatchSize": 1}),
        ("batch_size", 10_000, {"BatchSize": 10_000}),
        ("batch_window", Duration.seconds(0), {"MaximumBatchingWindowInSeconds": 0}),
        ("batch_window", Duration.seconds(300), {"MaximumBatchingWindowInSeconds": 300}),
        ("batches_per_shard", 10, {"ParallelizationFactor": 10}),
        ("max_retries", 0, {"MaximumRetryAttempts": 0}),
        ("max_retries", 10_000, {"MaximumRetryAttempts": 10_000}),
        ("max_record_age", Duration.seconds(60), {"MaximumRecordAgeInSeconds": 60}),
        ("max_record_age", Duration.days(7), {"MaximumRecordAgeInSeconds": 604_800}),
        ("starting_position", lambda_.StartingPosition.LATEST, {"StartingPosition": "LATEST"}),
    ],
)
def test_accepts_at_its_limits(argument: str, value: object, rendered: dict[str, object]) -> None:
    properties = StreamReading(**{argument: value}).properties()  # type: ignore[arg-type] # of any argument
    names = {"".join(part.capitalize() for part in name.split("_")): value for name, value in properties.items()}
    assert {key: names[key] for key in rendered} == rendered


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("batch_size", 0, r"batch_size must be between 1 and 10,000 records, got 0"),
        ("batch_size", 10_001, r"batch_size must be between 1 and 10,000 records, got 10001"),
        ("batch_window", Duration.seconds(301), r"batch_window must be between 0 and 300 whole seconds"),
        ("batches_per_shard", 0, r"batches_per_shard must be between 1 and 10, got 0"),
        ("batches_per_shard", 11, r"batches_per_shard must be between 1 and 10, got 11"),
        ("max_retries", -1, r"max_retries must be between 0 and 10,000, got -1"),
        ("max_retries", 10_001, r"max_retries must be between 0 and 10,000, got 10001"),
        ("max_record_age", Duration.seconds(59), r"max_record_age must be between 60 and 604,800 whole seconds"),
        ("max_record_age", Duration.seconds(604_801), r"max_record_age must be between 60 and 604,800"),
        ("starting_position", AT_TIMESTAMP, r"starting_timestamp must be given with AT_TIMESTAMP .* got None with AT_"),
        ("starting_timestamp", 1_900_000_000, r"starting_timestamp must be .* got 1900000000 with TRIM_HORIZON"),
        ("starting_timestamp", -1, r"starting_timestamp must be seconds since 1970, 0 or more, got -1"),
    ],
)
def test_refuses(argument: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StreamReading(**{argument: value})  # type: ignore[arg-type] # of any argument


def test_reads_from_a_point_in_time(stack: Stack) -> None:
    stream(stack, reading=StreamReading(starting_position=AT_TIMESTAMP, starting_timestamp=1_900_000_000))
    mapping = mapping_of(stack)
    assert (mapping["StartingPosition"], mapping["StartingPositionTimestamp"]) == ("AT_TIMESTAMP", 1_900_000_000)


def test_numbers_may_be_tokens(stack: Stack) -> None:
    names = {"Batch": "BatchSize", "Factor": "ParallelizationFactor", "Retries": "MaximumRetryAttempts"}
    tokens: dict[str, Any] = {name: number(stack, name) for name in (*names, "Window", "Age", "Start")}
    reading = StreamReading(
        batch_size=tokens["Batch"],
        batch_window=Duration.seconds(tokens["Window"]),
        batches_per_shard=tokens["Factor"],
        max_retries=tokens["Retries"],
        max_record_age=Duration.seconds(tokens["Age"]),
        starting_position=AT_TIMESTAMP,
        starting_timestamp=tokens["Start"],
    )
    stream(stack, reading=reading, shards=number(stack, "Shards"), retention=Duration.hours(number(stack, "Hours")))
    mapping = mapping_of(stack)
    assert {rendered: mapping[rendered]["Ref"] for rendered in names.values()} == {
        rendered: name for name, rendered in names.items()
    }
    assert mapping["MaximumBatchingWindowInSeconds"] == {"Ref": "Window"}
    assert mapping["MaximumRecordAgeInSeconds"] == {"Ref": "Age"}
    assert mapping["StartingPositionTimestamp"] == {"Ref": "Start"}
