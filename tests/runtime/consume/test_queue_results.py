from __future__ import annotations

import base64
import threading

import pytest

from tests.runtime.consume.conftest import Create, answering, attribute, cause, message
from tests.runtime.consume.services import BROKEN, DENIED, LOST, Refusal, Services
from tests.runtime.endpoint_server import EndpointServer, Received, Response, error, model_error

THROTTLED = error("ThrottlingException", 400)
REJECTED = model_error(400, "expected 30 numbers")
BUCKET = {"RESULTS_BUCKET": "results", "RESULTS_PREFIX": "out/"}
TOPIC = {"RESULTS_TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:results"}


def test_each_answer_becomes_an_object_named_after_its_message(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    function = queue(**BUCKET, ACCEPT="text/csv")
    assert function.handle(*[message(f"m-{n}", f'{{"n": {n}}}') for n in range(10)]) == []
    assert {key: stored.body for key, stored in services.objects.items()} == {
        f"results/out/m-{n}": f'{{"n": {n}}}'.encode() for n in range(10)
    }
    stored = services.objects["results/out/m-3"]
    assert stored.headers["content-type"] == "application/json"
    assert stored.headers["x-amz-meta-inference-id"] == "m-3"
    assert stored.headers["x-amz-meta-production-variant"] == "AllTraffic"
    assert {received.headers["x-amzn-sagemaker-inference-id"] for received in server.received} == {
        f"m-{n}" for n in range(10)
    }
    assert {received.headers["accept"] for received in server.received} == {"text/csv"}
    assert services.letters == []


@pytest.mark.parametrize("refusal", [DENIED, Refusal(409, "ConditionalRequestConflict")])
def test_a_result_that_is_not_stored_is_no_result(queue: Create, services: Services, refusal: Refusal) -> None:
    services.broken["PutObject"] = refusal
    function = queue(**BUCKET)
    assert function.handle(message("m")) == ["m"]
    assert function.handle(message("m", receives=3)) == []
    assert [cause(letter) for letter in services.letters] == ["result-not-stored"]


def test_a_hiccup_of_the_bucket_is_not_noticed(queue: Create, services: Services) -> None:
    services.faults["PutObject"].extend([BROKEN, LOST])
    assert queue(**BUCKET).handle(message("m")) == []
    assert list(services.objects) == ["results/out/m"]


def test_a_second_delivery_changes_no_result(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**BUCKET)
    assert function.handle(message("m")) == []
    with answering(server, lambda _: Response(200, b"other", {})):
        assert function.handle(message("m")) == []
        assert function.handle(message("m"), message("m"), message("m")) == []
    assert services.objects["results/out/m"].body == b"{}"
    assert function.lines[-1]["duplicates"] == 3


def test_a_table_remembers_what_has_ended(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**TOPIC, IDEMPOTENCY_TABLE="ended")
    server.faults.append(REJECTED)
    for _ in range(3):
        assert function.handle(message("poison")) == []
    for _ in range(3):
        assert function.handle(message("good")) == []
    assert len(services.notifications) == len(services.letters) == 1
    assert len(server.received) == 2
    assert function.lines[-1]["duplicates"] == 1


def test_what_failed_is_not_remembered(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**TOPIC, IDEMPOTENCY_TABLE="ended")
    server.faults.append(THROTTLED)
    assert function.handle(message("m")) == ["m"]
    assert function.handle(message("m", receives=2)) == []
    assert len(services.notifications) == 1


def test_two_deliveries_at_the_same_time_have_one_result(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    release, arrived = threading.Event(), threading.Event()

    def slow(received: Received) -> Response:
        arrived.set()
        release.wait(10)
        return Response(200, received.body, {"content-type": "text/plain"})

    function = queue(**TOPIC, IDEMPOTENCY_TABLE="ended")
    outcome: list[list[str]] = []
    thread = threading.Thread(target=lambda: outcome.append(function.handle(message("m"))))
    with answering(server, slow):
        thread.start()
        try:
            assert arrived.wait(10)
            outcome.append(function.handle(message("m", receives=3)))
        finally:
            release.set()
            thread.join()
    assert outcome == [["m"], []]
    assert len(services.notifications) == 1
    assert services.letters == []


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_a_table_that_fails_loses_nothing(
    queue: Create, server: EndpointServer, services: Services, operation: str
) -> None:
    function = queue(**BUCKET, IDEMPOTENCY_TABLE="ended")
    services.broken[operation] = DENIED
    server.faults.append(THROTTLED)
    assert function.handle(message("m", receives=2)) == ["m"]
    if operation == "UpdateItem":
        assert function.handle(message("m", receives=2)) == ["m"]
        assert list(services.objects) == ["results/out/m"]
    assert services.letters == []


def test_a_topic_gets_text_as_it_is_and_anything_else_as_base64(queue: Create, services: Services) -> None:
    binary = base64.b64encode(b"\x00\xff").decode()
    encoded = {"Content-Transfer-Encoding": "base64"}
    assert queue(**TOPIC).handle(message("a", "é"), message("b", binary, attributes=encoded)) == []
    first, second = sorted(services.notifications, key=lambda sent: sent["Message"])[::-1]
    assert (first["Message"], second["Message"]) == ("é", "AP8=")
    attributes = {second[key]: second[key.replace(".Name", ".Value.StringValue")] for key in second if ".Name" in key}
    assert attributes == {
        "Content-Type": "application/json",
        "OriginalMessageId": "b",
        "Content-Transfer-Encoding": "base64",
    }


def test_a_topic_takes_no_more_than_256_kib(queue: Create, services: Services) -> None:
    room = 262_144 - len("Content-TypeString" + "application/json") - len("OriginalMessageIdStringa")
    failed = queue(**TOPIC).handle(message("a", "x" * room), message("b", "x" * (room + 1)))
    assert failed == []
    assert [len(sent["Message"]) for sent in services.notifications] == [room]
    assert [(cause(letter), attribute(letter, "OriginalMessageId")) for letter in services.letters] == [
        ("result-too-large", "b")
    ]


def test_a_topic_that_fails(queue: Create, services: Services) -> None:
    services.broken["Publish"] = DENIED
    assert queue(**TOPIC).handle(message("m")) == ["m"]


def test_a_fifo_topic_is_told_the_group(queue: Create, services: Services) -> None:
    function = queue(RESULTS_TOPIC_ARN=TOPIC["RESULTS_TOPIC_ARN"] + ".fifo", FIFO="true")
    assert function.handle(message("m", group="g")) == []
    sent = services.notifications[0]
    assert (sent["MessageGroupId"], sent["MessageDeduplicationId"]) == ("g", "m")


def test_without_a_destination_answers_are_forgotten(queue: Create, services: Services) -> None:
    assert queue().handle(message("m")) == []
    assert set(services.calls) == set()
