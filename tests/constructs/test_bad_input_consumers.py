"""What a user gets wrong about queues and streams, as `test_bad_input`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from aws_cdk import App, Duration, Environment, Size, Stack
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_s3 as s3

import ml_constructs as ml
from tests.constructs.builders import number
from tests.constructs.refusals import Call, each_argument, refusals
from tests.constructs.test_bad_input import (
    HALF_SECOND,
    NOT_A_BOOL,
    NOT_A_DURATION,
    NOT_A_NUMBER,
    NOT_AN_ENUM,
    NOT_AN_OBJECT,
    NOT_OPTIONAL_TEXT,
    NOT_TEXT,
    NOT_WHOLE,
    a_bucket,
    an_endpoint,
    build,
    value,
)

BAD_PREFIX = (*NOT_TEXT, "", "/", "a/", "/a", "a//b", "a b", "ü", "a*", "a?", "${a}", "!{a}", "x" * 401)
BAD_WINDOW = (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(301))
SHARED = {
    "endpoint": (None, *NOT_AN_OBJECT),
    "component": NOT_AN_OBJECT,
    "results": NOT_AN_OBJECT,
    "results_prefix": BAD_PREFIX,
    "alarm_topic": NOT_AN_OBJECT,
    "worker": NOT_AN_OBJECT,
    "network": NOT_AN_OBJECT,
    "encryption_key": NOT_AN_OBJECT,
    "removal_policy": NOT_AN_ENUM,
}


def a_stream(stack: Stack) -> kinesis.IStream:
    return kinesis.Stream.from_stream_arn(stack, "Given", "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks")


CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "Worker": (
        value(ml.Worker),
        {
            "timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(29)),
            "memory_size": (None, *NOT_WHOLE, 127, 32_769),
            "parallelism": (None, *NOT_WHOLE, 0, 101),
            "content_type": (*NOT_TEXT, "", "ü", "a\n", " a", "a "),
            "accept": (*NOT_OPTIONAL_TEXT, "", "ü", "a\n"),
            "log_retention": NOT_AN_ENUM,
        },
    ),
    "StreamReading": (
        value(ml.StreamReading),
        {
            "batch_size": (None, *NOT_WHOLE, 0, 10_001),
            "batch_window": BAD_WINDOW,
            "batches_per_shard": (None, *NOT_WHOLE, 0, 11),
            "enhanced_fan_out": (None, *NOT_A_BOOL),
            "starting_position": (*NOT_AN_ENUM, "LATEST"),
            "starting_timestamp": (*NOT_A_NUMBER, -1, 1_900_000_000),
            "max_retries": (*NOT_WHOLE, 10_001),
            "max_record_age": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(59)),
        },
    ),
    "QueueFrontEnd": (
        build(ml.QueueFrontEnd, endpoint=an_endpoint, results=None),
        {
            **SHARED,
            "fifo": (None, *NOT_A_BOOL),
            "content_based_deduplication": (None, *NOT_A_BOOL),
            "batch_size": (None, *NOT_WHOLE, 0, 10_001),
            "batch_window": BAD_WINDOW,
            "max_concurrency": (None, *NOT_WHOLE, 1, 1001),
            "max_receives": (None, *NOT_WHOLE, 0, 1001),
            "retention": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(59), Duration.days(15)),
            "max_age": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(0), Duration.days(15)),
        },
    ),
    "StreamFrontEnd": (
        build(ml.StreamFrontEnd, endpoint=an_endpoint, results=None),
        {
            **SHARED,
            "stream": NOT_AN_OBJECT,
            "shards": (*NOT_WHOLE, 0),
            "retention": (*NOT_A_DURATION, Duration.hours(23), Duration.hours(8761), Duration.minutes(1501)),
            "reading": NOT_AN_OBJECT,
            "failed_batches": NOT_AN_OBJECT,
            "max_concurrency": (*NOT_WHOLE, 2**31),
            "max_lag": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(0), Duration.days(366)),
        },
    ),
    "FirehoseDelivery": (
        build(ml.FirehoseDelivery, bucket=a_bucket),
        {
            "bucket": (None, *NOT_AN_OBJECT),
            "prefix": BAD_PREFIX,
            "buffer_interval": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(901)),
            "buffer_size": (5, "5", Duration.seconds(5), Size.kibibytes(1536), Size.mebibytes(0), Size.mebibytes(129)),
            "alarm_topic": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "log_retention": NOT_AN_ENUM,
        },
    ),
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_refuses_with_a_sentence(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, message in refusals(call, argument, values):
        assert "must " in message, (bad, message)


@pytest.mark.parametrize(
    ("call", "argument", "unit"),
    [
        (value(ml.Worker), "timeout", "seconds"),
        (value(ml.StreamReading), "max_record_age", "seconds"),
        (build(ml.QueueFrontEnd, endpoint=an_endpoint, results=None), "retention", "seconds"),
        (build(ml.StreamFrontEnd, endpoint=an_endpoint, results=None), "retention", "hours"),
        (build(ml.StreamFrontEnd, endpoint=an_endpoint, results=None), "max_lag", "milliseconds"),
    ],
)
def test_a_token_must_have_the_unit_that_is_rendered(stack: Stack, call: Call, argument: str, unit: str) -> None:
    with pytest.raises(ValueError, match=f"{argument} must be given in {unit} where known only at deployment"):
        call(stack, {argument: Duration.minutes(number(stack))})


def test_a_bucket_and_a_stream_of_another_region_are_refused(app: App) -> None:
    abroad = Stack(app, "Abroad", env=Environment(account="111122223333", region="eu-west-1"))
    home = Stack(app, "Home", env=Environment(account="111122223333", region="eu-north-1"))
    bucket = s3.Bucket(abroad, "Bucket")
    endpoint = ml.Endpoint.from_endpoint_name(home, "Endpoint", "champion")
    with pytest.raises(ValueError, match="results must be in the region of what uses it, eu-north-1, got one in eu-"):
        ml.QueueFrontEnd(home, "Queue", endpoint=endpoint, results=bucket)
    with pytest.raises(ValueError, match="stream must be in the region of what uses it, eu-north-1, got one in eu-"):
        ml.StreamFrontEnd(home, "Stream", endpoint=endpoint, results=None, stream=a_stream(home))
    with pytest.raises(ValueError, match="bucket must be in the region of what uses it, eu-north-1, got one in eu-"):
        ml.FirehoseDelivery(home, "Delivery", bucket=bucket)
