from __future__ import annotations

from collections.abc import Callable

import pytest

from consume_records.settings import CallSettings, QueueSettings, StreamSettings
from invoke_endpoint.settings import Settings
from tests.runtime.consume.services import QUEUE

REQUIRED = {
    "ENDPOINT_NAME": "tabular",
    "DEAD_LETTER_QUEUE_URL": QUEUE,
    "MAX_RECEIVES": "5",
    "POWERTOOLS_METRICS_NAMESPACE": "MLConstructs",
    "POWERTOOLS_SERVICE_NAME": "queue",
}
TOPIC = "arn:aws:sns:us-east-1:111122223333:results"
CHINA = TOPIC.replace("aws", "aws-cn")


def queue(**environ: str) -> QueueSettings:
    return QueueSettings.from_environment({**REQUIRED, **environ})


def stream(**environ: str) -> StreamSettings:
    return StreamSettings.from_environment({**REQUIRED, **environ})


def test_defaults() -> None:
    calls = CallSettings(
        endpoint=Settings(endpoint_name="tabular"),
        dead_letter_queue_url=QUEUE,
        metrics_namespace="MLConstructs",
        service_name="queue",
        content_type="application/json",
        accept=None,
        parallelism=10,
    )
    assert queue() == QueueSettings(
        calls=calls,
        max_receives=5,
        fifo=False,
        results_bucket=None,
        results_prefix="",
        results_topic_arn=None,
        idempotency_table=None,
    )
    assert stream() == StreamSettings(calls=calls, results_bucket=None, results_prefix="", results_delivery_stream=None)


@pytest.mark.parametrize("variable", REQUIRED)
def test_what_is_required_is_named(variable: str) -> None:
    environ = {name: value for name, value in REQUIRED.items() if name != variable}
    with pytest.raises(ValueError, match=f"^{variable} must be .* got (None|'')"):
        QueueSettings.from_environment(environ)


@pytest.mark.parametrize(
    ("parse", "variable", "good", "bad"),
    [
        (queue, "DEAD_LETTER_QUEUE_URL", ["https://a/b", "http://127.0.0.1:1/q"], ["", "a", "ftp://a", "https://a b"]),
        (queue, "POWERTOOLS_METRICS_NAMESPACE", ["a", "A/b#c:d._-"], ["", "a b", "a" * 256]),
        (queue, "POWERTOOLS_SERVICE_NAME", ["a", "a b"], ["", "é", "a" * 1025]),
        (queue, "CONTENT_TYPE", ["a/b; c=d", "a" * 1024], ["", "é", "a\n", "a" * 1025]),
        (queue, "ACCEPT", ["*/*", "a" * 1024], ["", "é", "a\n", "a" * 1025]),
        (queue, "PARALLELISM", ["1", "100"], ["0", "101", "", "1.0", "-1", "٣"]),
        (queue, "MAX_RECEIVES", ["1", "1000"], ["0", "1001", "", "x"]),
        (queue, "FIFO", ["true", "false"], ["True", "", "1"]),
        (queue, "RESULTS_BUCKET", ["abc", "a.b-c", "a" * 63], ["", "ab", "A" * 3, "-abc", "a" * 64]),
        (queue, "RESULTS_TOPIC_ARN", [TOPIC, TOPIC + ".fifo", CHINA], ["", "results", "arn:aws:sqs:a:1:b"]),
        (queue, "IDEMPOTENCY_TABLE", ["abc", "a" * 255], ["", "ab", "a b c", "a" * 256]),
        (stream, "RESULTS_DELIVERY_STREAM", ["a", "a" * 64], ["", "a b", "a" * 65]),
        (stream, "RESULTS_BUCKET", ["abc"], ["ab"]),
    ],
)  # fmt: skip
def test_values_out_of_range_are_named(
    parse: Callable[..., object], variable: str, good: list[str], bad: list[str]
) -> None:
    for value in good:
        parse(**{variable: value})
    for value in bad:
        with pytest.raises(ValueError, match=f"^{variable} must be .* got {value!r}".replace("\\", "\\\\")):
            parse(**{variable: value})


def test_a_prefix_belongs_to_a_bucket() -> None:
    assert queue(RESULTS_BUCKET="abc", RESULTS_PREFIX="out/").results_prefix == "out/"
    for bad in ("é", "a" * 801):
        with pytest.raises(ValueError, match=r"^RESULTS_PREFIX must be"):
            queue(RESULTS_BUCKET="abc", RESULTS_PREFIX=bad)
    with pytest.raises(ValueError, match=r"^RESULTS_PREFIX must come"):
        queue(RESULTS_PREFIX="out/")


def test_results_have_one_destination() -> None:
    for parse, environ in (
        (queue, {"RESULTS_BUCKET": "abc", "RESULTS_TOPIC_ARN": TOPIC}),
        (queue, {"RESULTS_DELIVERY_STREAM": "a"}),
        (stream, {"RESULTS_BUCKET": "abc", "RESULTS_DELIVERY_STREAM": "a"}),
        (stream, {"RESULTS_TOPIC_ARN": TOPIC}),
    ):
        with pytest.raises(ValueError, match=r"^results have at most one destination"):
            parse(**environ)
