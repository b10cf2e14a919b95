from __future__ import annotations

import base64
import hashlib
import json
import threading

import pytest

from tests.runtime.consume.conftest import STREAM, Create, answering, attribute, cause, record, sequence
from tests.runtime.consume.services import BROKEN, DENIED, Partial, Services
from tests.runtime.endpoint_server import EndpointServer, Hang, Received, Response, error, model_error

THROTTLED = error("ThrottlingException", 400)
Between = tuple[Create, EndpointServer, Services]
BUCKET = {"RESULTS_BUCKET": "results", "RESULTS_PREFIX": "out/"}
FIREHOSE = {"RESULTS_DELIVERY_STREAM": "results"}


@pytest.fixture
def function_between(stream: Create, server: EndpointServer, services: Services) -> Between:
    """Makes the function; and what it stands between."""
    return stream, server, services


def model(received: Received) -> Response:
    """Rejects what says so, cannot take what says so, and echoes the rest."""
    if b"poison" in received.body:
        return Response(400, b"expected 30 numbers")
    if b"later" in received.body:
        return Response(503, b"busy")
    return Response(200, received.body, {"content-type": received.headers["content-type"]})


def numbers(lines: list[bytes]) -> list[str]:
    """The sequence numbers of results."""
    return [json.loads(line)["sequenceNumber"] for line in lines]


def lines_of(services: Services) -> list[bytes]:
    """All results in a bucket."""
    return [line for stored in services.objects.values() for line in stored.body.splitlines()]


def test_the_results_of_a_batch_are_one_object(stream: Create, server: EndpointServer, services: Services) -> None:
    assert stream(**BUCKET).handle(*[record(n, f'{{"n":{n}}}'.encode(), key=f"k{n}") for n in range(5)]) == []
    ((key, stored),) = services.objects.items()
    assert key == f"results/out/shardId-000000000000/{sequence(0)}-{sequence(4)}.ndjson"
    assert stored.headers["content-type"] == "application/x-ndjson"
    assert json.loads(stored.body.splitlines()[3]) == {
        "sequenceNumber": sequence(3),
        "partitionKey": "k3",
        "shard": "shardId-000000000000",
        "contentType": "application/json",
        "encoding": "json",
        "result": {"n": 3},
    }
    assert stored.body.endswith(b"\n")
    assert {received.headers["x-amzn-sagemaker-inference-id"] for received in server.received} == {
        sequence(n) for n in range(5)
    }


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": [1, 2.5, null]}', ("json", {"a": [1, 2.5, None]})),
        ("application/json", b"NaN", ("text", "NaN")),
        ("application/json", b"{", ("text", "{")),
        ("application/jsonlines", b"1\n2\n", ("text", "1\n2\n")),
        ("text/csv", "1,é".encode(), ("text", "1,é")),
        ("application/x-npy", b"\xff\x00", ("base64", "/wA=")),
        ("application/json", b'{"a":' * 50_000, ("text", '{"a":' * 50_000)),
    ],
)
def test_a_result_is_json_text_or_base64(
    function_between: Between, content_type: str, body: bytes, expected: tuple[str, object]
) -> None:
    stream, server, services = function_between
    with answering(server, lambda _: Response(200, body, {"content-type": content_type})):
        assert stream(**FIREHOSE).handle(record(0)) == []
    line = json.loads(services.delivered[0])
    assert (line["encoding"], line["result"]) == expected
    assert services.delivered[0].count(b"\n") == 1


def test_nothing_behind_the_first_that_comes_again_is_stored(
    stream: Create, server: EndpointServer, services: Services
) -> None:
    function = stream(**BUCKET)
    bodies = [b"0", b"1", b"poison", b"3", b"later", b"5", b"poison", b"7"]
    records = [record(place, body) for place, body in enumerate(bodies)]
    with answering(server, model):
        assert function.handle(*records) == [sequence(4)]
        assert numbers(lines_of(services)) == [sequence(0), sequence(1), sequence(3)]
        assert [attribute(letter, "OriginalMessageId") for letter in services.letters] == [sequence(2)]
    assert function.handle(*records[4:]) == []
    assert numbers(lines_of(services)) == [sequence(n) for n in (0, 1, 3, 4, 5, 6, 7)]


def test_what_passes_is_tried_again_in_place(stream: Create, server: EndpointServer, services: Services) -> None:
    server.faults.extend([THROTTLED, model_error(500, "trace")])
    function = stream(**BUCKET, PARALLELISM="1")
    assert function.handle(record(0), record(1)) == []
    assert numbers(lines_of(services)) == [sequence(0), sequence(1)]
    assert len(server.received) == 4


def test_no_call_is_made_behind_the_first_that_comes_again(stream: Create, server: EndpointServer) -> None:
    server.faults.extend([THROTTLED] * 3)
    function = stream(**BUCKET, PARALLELISM="1")
    assert function.handle(*[record(n) for n in range(5)]) == [sequence(0)]
    assert len(server.received) == 3


def test_a_storm_and_a_hang_end_in_time(stream: Create, server: EndpointServer, services: Services) -> None:
    server.faults.extend([Hang(), *[THROTTLED] * 100])
    failed = stream(**FIREHOSE, READ_TIMEOUT_SECONDS="0.2").handle(*[record(n) for n in range(30)])
    assert failed == [sequence(0)]
    assert services.delivered == []


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (b"poison", "rejected-by-model", ("poison", None)),
        ("poison é".encode(), "rejected-by-model", ("poison é", None)),
        (b"poison\xff", "rejected-by-model", ("cG9pc29u/w==", "base64")),
        (b"poison\x00", "rejected-by-model", ("cG9pc29uAA==", "base64")),
        (b"x" * 2001, "body-too-large", ("x" * 2001, None)),
    ],
)
def test_a_dead_letter_contains_the_record(
    function_between: Between, data: bytes, kind: str, expected: tuple[str, str | None]
) -> None:
    stream, server, services = function_between
    with answering(server, model):
        assert stream(**FIREHOSE, MAX_BODY_BYTES="2000").handle(record(7, data, key="k\x01")) == []
    (letter,) = services.letters
    assert cause(letter) == kind
    assert (letter["MessageBody"], attribute(letter, "Content-Transfer-Encoding")) == expected
    assert attribute(letter, "OriginalMessageId") == sequence(7)
    assert attribute(letter, "PartitionKey") == "k"
    assert attribute(letter, "ShardId") == "shardId-000000000000"
    assert attribute(letter, "StreamArn") == STREAM
    assert len(letter["MessageAttributes"]) <= 10


@pytest.mark.parametrize("data", [b"", b"\xff" * 1_000_000])
def test_a_letter_says_where_a_record_is_that_no_queue_takes(stream: Create, services: Services, data: bytes) -> None:
    assert stream(MAX_BODY_BYTES="100").handle(record(7, data)) == []
    (letter,) = services.letters
    assert attribute(letter, "Content-Transfer-Encoding") == "omitted"
    assert json.loads(letter["MessageBody"])["sequenceNumber"] == sequence(7)


def test_an_aggregate_is_a_dead_letter(stream: Create, server: EndpointServer, services: Services) -> None:
    content = b"\x0a\x01k\x1a\x07\x08\x00\x1a\x03abc"
    aggregate = b"\xf3\x89\x9a\xc2" + content + hashlib.md5(content).digest()
    assert stream(**FIREHOSE).handle(record(0, aggregate), record(1, aggregate[:-1]), record(2, b"\xf3\x89")) == []
    assert [(cause(letter), attribute(letter, "OriginalMessageId")) for letter in services.letters] == [
        ("aggregated-record", sequence(0))
    ]
    assert numbers(services.delivered) == [sequence(1), sequence(2)]
    assert len(server.received) == 2


def test_a_delivery_stream_gets_500_records_and_4_mib_at_once(
    stream: Create, server: EndpointServer, services: Services
) -> None:
    function = stream(**FIREHOSE)
    assert function.handle(*[record(n) for n in range(501)]) == []
    assert services.calls["PutRecordBatch"] == 2
    with answering(server, lambda _: Response(200, b"x" * 900_000, {"content-type": "text/plain"})):
        assert function.handle(*[record(n) for n in range(600, 609)]) == []
    assert services.calls["PutRecordBatch"] == 2 + 3
    assert numbers(services.delivered) == [sequence(n) for n in (*range(501), *range(600, 609))]


def test_a_result_larger_than_firehose_takes_is_a_dead_letter(
    stream: Create, server: EndpointServer, services: Services
) -> None:
    with answering(server, lambda _: Response(200, b"x" * 1_024_000, {"content-type": "text/plain"})):
        assert stream(**FIREHOSE).handle(record(0)) == []
        assert [cause(letter) for letter in services.letters] == ["result-too-large"]
        assert stream(**BUCKET).handle(record(1)) == []
    assert len(services.objects) == 1


def test_what_firehose_refuses_is_sent_again_alone(stream: Create, services: Services) -> None:
    services.faults["PutRecordBatch"].extend([Partial((1, 3)), Partial((0,))])
    assert stream(**FIREHOSE).handle(*[record(n) for n in range(5)]) == []
    assert numbers(services.delivered) == [sequence(n) for n in (0, 2, 4, 3, 1)]
    assert services.letters == []


def test_what_firehose_never_takes_is_a_dead_letter_if_it_has_taken_more(stream: Create, services: Services) -> None:
    services.faults["PutRecordBatch"].extend([Partial((1, 3, 4)), *[Partial((0, 1, 2))] * 7])
    assert stream(**FIREHOSE).handle(*[record(n) for n in range(5)]) == [sequence(3)]
    assert numbers(services.delivered) == [sequence(0), sequence(2)]
    assert [(cause(letter), attribute(letter, "OriginalMessageId")) for letter in services.letters] == [
        ("result-not-stored", sequence(1))
    ]


@pytest.mark.parametrize(("destination", "operation"), [(FIREHOSE, "PutRecordBatch"), (BUCKET, "PutObject")])
def test_results_that_are_not_stored_come_again(
    stream: Create, server: EndpointServer, services: Services, destination: dict[str, str], operation: str
) -> None:
    services.broken[operation] = DENIED
    function = stream(**destination)
    with answering(server, model):
        assert function.handle(record(0, b"0"), record(1, b"poison"), record(2, b"2")) == [sequence(0)]
        assert services.letters == []
        services.broken.clear()
        assert function.handle(record(0, b"0"), record(1, b"poison"), record(2, b"2")) == []
    assert numbers([*lines_of(services), *services.delivered]) == [sequence(0), sequence(2)]
    assert len(services.letters) == 1
    assert {line.get("aws_error") for line in function.lines} >= {"AccessDenied"}


def test_a_hiccup_of_the_destination_is_not_noticed(stream: Create, services: Services) -> None:
    services.faults["PutRecordBatch"].append(BROKEN)
    assert stream(**FIREHOSE).handle(record(0)) == []
    assert numbers(services.delivered) == [sequence(0)]


def test_the_shard_waits_for_the_dead_letter_queue(stream: Create, server: EndpointServer, services: Services) -> None:
    services.broken["SendMessage"] = DENIED
    function = stream(**BUCKET)
    with answering(server, model):
        assert function.handle(record(0, b"0"), record(1, b"poison"), record(2, b"2")) == [sequence(1)]
    assert numbers(lines_of(services)) == [sequence(0)]


def test_a_retry_of_the_same_records_overwrites_its_object(stream: Create, services: Services) -> None:
    function = stream(**BUCKET)
    for _ in range(2):
        assert function.handle(*[record(n) for n in range(3)]) == []
    assert len(lines_of(services)) == 3


def test_calls_that_could_not_end_are_not_started(stream: Create, server: EndpointServer) -> None:
    function = stream(**BUCKET)
    function.context.remaining = 10_400
    assert function.handle(record(0), record(1)) == [sequence(0)]
    assert server.received == []


def test_a_call_that_never_ends_does_not_lose_what_came_before(
    stream: Create, server: EndpointServer, services: Services
) -> None:
    function = stream(**BUCKET, PARALLELISM="1")  # the first record has its answer before the second arrives
    release, arrived = threading.Event(), threading.Event()

    def hold(received: Received) -> Response:
        if received.body == b"stuck":
            arrived.set()
            release.wait(10)
        return Response(200, received.body, {"content-type": "text/plain"})

    def remaining() -> int:
        if threading.current_thread().name.startswith("record"):
            return 60_000
        assert arrived.wait(10)
        return 4_000

    function.context.get_remaining_time_in_millis = remaining  # type: ignore[method-assign]
    with answering(server, hold):
        try:
            assert function.handle(record(0), record(1, b"stuck"), record(2)) == [sequence(1)]
        finally:
            release.set()
            function.worker.close()
    assert numbers(lines_of(services)) == [sequence(0)]


def test_nothing_of_a_payload_is_logged(stream: Create, server: EndpointServer) -> None:
    function = stream(**BUCKET)
    with answering(server, model):
        function.handle(record(0, b"secret"), record(1, b"poison secret"), record(2, b"later secret"))
    assert "secret" not in function.log.getvalue()
    assert base64.b64encode(b"secret").decode() not in function.log.getvalue()
    assert {"processed": 1, "dead_letters": 1, "retried": 1}.items() <= function.lines[-1].items()


def test_two_hundred_calls_at_once_leave_nothing_behind(
    stream: Create, server: EndpointServer, services: Services
) -> None:
    function = stream(**FIREHOSE, PARALLELISM="100")
    before = server.connections
    for start in (0, 200, 400):
        assert function.handle(*[record(start + n) for n in range(200)]) == []
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("record")]
    assert len(workers) <= 100
    assert numbers(services.delivered) == [sequence(n) for n in range(600)]
    assert server.connections - before <= 100, "600 calls shared them"
    function.worker.close()
    assert not [thread for thread in workers if thread.is_alive()]
