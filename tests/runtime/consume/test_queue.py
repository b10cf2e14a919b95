from __future__ import annotations

import base64
import json
import threading

import pytest

from tests.runtime.consume.conftest import Create, answering, attribute, cause, message
from tests.runtime.consume.services import BROKEN, DENIED, QUEUE, Partial, Refusal, Services
from tests.runtime.endpoint_server import (
    Bytes,
    EndpointServer,
    Fault,
    Hang,
    Received,
    Reset,
    Response,
    error,
    model_error,
)

THROTTLED = error("ThrottlingException", 400)
REJECTED = model_error(400, "expected 30 numbers")
Between = tuple[Create, EndpointServer, Services]
BUCKET = {"RESULTS_BUCKET": "results", "RESULTS_PREFIX": "out/"}


def test_a_message_says_what_it_contains(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**BUCKET, CONTENT_TYPE="text/csv")
    binary = bytes(range(256))
    attributes = {"Content-Type": "application/x-npy", "Content-Transfer-Encoding": "base64"}
    failed = function.handle(
        message("a", "1,2"), message("b", base64.b64encode(binary).decode(), attributes=attributes)
    )
    assert failed == []
    assert services.objects["results/out/a"].headers["content-type"] == "text/csv"
    assert services.objects["results/out/b"].headers["content-type"] == "application/x-npy"
    assert services.objects["results/out/b"].body == binary
    assert len(server.received) == 2


@pytest.fixture
def function_between(queue: Create, server: EndpointServer, services: Services) -> Between:
    """Makes the function; and what it stands between."""
    return queue, server, services


@pytest.mark.parametrize(
    ("body", "attributes", "fault", "expected"),
    [
        ("{}", {}, REJECTED, ("rejected-by-model", "400")),
        ("{}", {}, error("ValidationError", 400, "1 validation error"), ("request-rejected", "400")),
        ("{}", {}, error("RequestEntityTooLargeException", 413), ("body-too-large", "413")),
        ("x" * 101, {}, None, ("body-too-large", "413")),
        ("%%%", {"Content-Transfer-Encoding": "base64"}, None, ("malformed-body", "400")),
        ("{}", {"Content-Transfer-Encoding": "gzip"}, None, ("malformed-body", "-")),
        ("{}", {"Content-Type": "text/plain; é"}, None, ("invalid-header", "400")),
        ("", {}, None, ("missing-body", "400")),
    ],
)
def test_what_no_retry_can_cure_is_a_dead_letter_at_once(
    function_between: Between, body: str, attributes: dict[str, str], fault: Response | None, expected: tuple[str, str]
) -> None:
    queue, server, services = function_between
    if fault is not None:
        server.faults.append(fault)
    assert queue(**BUCKET, MAX_BODY_BYTES="100").handle(message("m", body, attributes=attributes)) == []
    (letter,) = services.letters
    assert (cause(letter), attribute(letter, "CauseStatus")) == expected
    assert letter["QueueUrl"] == QUEUE
    assert letter["MessageBody"] == body
    assert attribute(letter, "OriginalMessageId") == "m"
    assert attribute(letter, "EndpointName") == "tabular"
    assert attribute(letter, "FirstReceiveTimestamp") == "1700000000000"
    for name, value in attributes.items():
        assert attribute(letter, name) == value
    assert services.objects == {}
    assert len(server.received) == (fault is not None)


def test_the_detail_of_the_model_is_the_cause(queue: Create, server: EndpointServer, services: Services) -> None:
    server.faults.append(REJECTED)
    assert queue().handle(message("m")) == []
    assert attribute(services.letters[0], "CauseDetail") == "expected 30 numbers"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (THROTTLED, "throttled"),
        (error("ServiceUnavailable", 503), "endpoint-unavailable"),
        (error("ModelNotReadyException", 429), "model-not-ready"),
        (error("InternalFailure", 500), "endpoint-failed"),
        (error("AccessDeniedException", 403), "misconfigured"),
        (model_error(500, "stack trace"), "model-failed"),
        (model_error(503, "busy"), "model-overloaded"),
        (Bytes(b"nonsense"), "connection-lost"),
        (Reset(), "connection-lost"),
    ],
)
def test_a_passing_failure_comes_back_and_has_a_cause_after_the_last_receive(
    queue: Create, server: EndpointServer, services: Services, fault: Response | Fault, kind: str
) -> None:
    function = queue(**BUCKET)
    server.faults.append(fault)
    assert function.handle(message("m", receives=2)) == ["m"]
    assert services.letters == []
    server.faults.append(fault)
    assert function.handle(message("m", receives=3)) == []
    assert [cause(letter) for letter in services.letters] == [kind]
    assert function.handle(message("n", receives=3)) == []
    assert list(services.objects) == ["results/out/n"]


def test_a_model_that_hangs_does_not_hold_up_the_others(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    server.faults.append(Hang())
    failed = queue(**BUCKET, READ_TIMEOUT_SECONDS="0.3").handle(*[message(str(n)) for n in range(8)])
    assert len(failed) == 1
    assert len(services.objects) == 7


def test_messages_that_failed_come_back_later_and_later(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    function = queue(MAX_RECEIVES="9")
    for receives in range(1, 7):
        server.faults.append(THROTTLED)
        assert function.handle(message(str(receives), receives=receives)) == [str(receives)]
    for receives, longest in enumerate([15, 60, 240, 900, 900, 900], start=1):
        assert longest / 2 <= services.delays[f"receipt-{receives}"] <= longest
    server.faults.append(error("ValidationError", 400, "Inference Component chat has no capacity"))
    function.handle(message("waking"))
    assert services.delays["receipt-waking"] == 60


def test_a_storm_delays_every_message(queue: Create, server: EndpointServer, services: Services) -> None:
    server.faults.extend([THROTTLED] * 25)
    function = queue(PARALLELISM="5")
    assert len(function.handle(*[message(str(n)) for n in range(25)])) == 25
    assert len(services.delays) == 25
    assert services.calls["ChangeMessageVisibilityBatch"] == 3
    assert len(set(services.delays.values())) > 1


@pytest.mark.parametrize("fault", [BROKEN, Partial((0,))])
def test_without_a_delay_a_message_waits_for_its_visibility_timeout(
    queue: Create, server: EndpointServer, services: Services, fault: Refusal | Partial
) -> None:
    server.faults.append(THROTTLED)
    services.faults["ChangeMessageVisibilityBatch"].extend([fault] * 3)
    function = queue()
    assert function.handle(message("m")) == ["m"]
    assert "visibility not changed" in {line["message"] for line in function.lines}


def test_a_message_is_not_lost_when_the_dead_letter_queue_is(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    server.faults.append(REJECTED)
    services.broken["SendMessage"] = DENIED
    function = queue(**BUCKET)
    assert function.handle(message("m", receives=3)) == ["m"]
    assert [line["cause"] for line in function.lines if "cause" in line] == ["dead-letter-not-sent"]


def test_calls_that_could_not_end_are_not_started(queue: Create, server: EndpointServer, services: Services) -> None:
    function = queue(**BUCKET)
    function.context.remaining = 10_400  # 3 x 0.5 to connect, 5 to read, 3 to store and 1 to answer are 10.5
    assert function.handle(message("a"), message("b")) == ["a", "b"]
    assert server.received == []
    assert function.handle(message("a", receives=3)) == []
    assert [cause(letter) for letter in services.letters] == ["out-of-time"]
    function.context.remaining = 10_600
    assert function.handle(message("b")) == []


def test_a_call_that_never_ends_is_reported_with_the_others_done(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    function = queue(**BUCKET)
    release = threading.Event()

    def hold(received: Received) -> Response:
        if received.body == b"stuck":
            release.wait(10)
        return Response(200, received.body, {})

    # The thread has time when it begins, the batch soon has not, and the thread learns of it when it goes on.
    patience = iter([1_300, 60_000])

    def remaining() -> int:
        if not threading.current_thread().name.startswith("message"):
            return next(patience)
        return 900 if release.is_set() else 60_000

    function.context.get_remaining_time_in_millis = remaining  # type: ignore[method-assign]
    with answering(server, hold):
        try:
            assert function.handle(message("stuck", "stuck"), message("other")) == ["stuck"]
        finally:
            release.set()
            function.worker.close()
    assert list(services.objects) == ["results/out/other"], "the late answer is not stored: its message comes back"


def test_nothing_of_a_payload_is_logged(queue: Create, server: EndpointServer) -> None:
    function = queue(**BUCKET)
    server.faults.extend([REJECTED, THROTTLED])
    function.handle(message("a", "secret-1"), message("b", "secret-2"), message("c", "secret-3"))
    text = function.log.getvalue()
    assert "secret" not in text
    assert "expected 30 numbers" not in text
    dead, waiting = sorted((line for line in function.lines if "cause" in line), key=lambda line: line["message"])
    assert (dead["message"], dead["cause"], dead["status"]) == ("dead letter", "rejected-by-model", 400)
    assert (waiting["message"], waiting["cause"], waiting["attempts"]) == ("not processed yet", "throttled", 1)
    assert dead["function_request_id"] == function.context.aws_request_id
    assert {"processed": 1, "dead_letters": 1, "retried": 1}.items() <= function.lines[-1].items()


def test_a_batch_is_measured(queue: Create, server: EndpointServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.faults.extend([REJECTED, THROTTLED])
    queue(PARALLELISM="2").handle(*[message(str(n)) for n in range(102)])
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    totals: dict[str, float] = {}
    for document in documents:
        for name in ("Processed", "DeadLetters", "TransientFailures", "Duplicates"):
            if "Cause" not in document and name in document:
                totals[name] = totals.get(name, 0) + sum(document[name])
    assert totals == {"Processed": 100, "DeadLetters": 1, "TransientFailures": 1, "Duplicates": 0}
    assert sum(len(document.get("Latency", ())) for document in documents) == 100
    (by_cause,) = [document for document in documents if "Cause" in document]
    assert (by_cause["Cause"], by_cause["DeadLetters"], by_cause["EndpointName"]) == (
        "rejected-by-model",
        [1.0],
        "tabular",
    )


def test_two_hundred_calls_at_once_leave_nothing_behind(
    queue: Create, server: EndpointServer, services: Services
) -> None:
    function = queue(**BUCKET, PARALLELISM="100")
    before = server.connections, services.connections
    for batch in range(3):
        assert function.handle(*[message(f"{batch}-{n}") for n in range(200)]) == []
    assert len(services.objects) == 600
    assert server.connections - before[0] <= 100, "600 calls shared them"
    assert services.connections - before[1] <= 100
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("message")]
    assert len([thread for thread in workers if thread.is_alive()]) <= 100
    function.worker.close()
    assert not [thread for thread in workers if thread.is_alive()]
