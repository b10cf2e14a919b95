from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types
from botocore.session import get_session  # type: ignore[import-untyped]

from invoke_endpoint.endpoint import Endpoint
from invoke_endpoint.failure import explain
from tests.runtime.conftest import Api, Connect
from tests.runtime.endpoint_server import (
    TIMED_OUT,
    Bytes,
    EndpointServer,
    Fault,
    Hang,
    Reset,
    Response,
    Stall,
    error,
    model_error,
)

QUICK = {"read_timeout_seconds": 0.2, "connect_timeout_seconds": 0.2}
HEADER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"


@pytest.fixture
def echo_api(server: EndpointServer, connect: Connect) -> tuple[EndpointServer, Api]:
    return server, connect(server, max_attempts=1)


def outcome(response: dict[str, Any]) -> tuple[int, str, str | None]:
    """Status, kind of problem, and Retry-After."""
    kind = json.loads(response["body"])["type"].rpartition("/")[2]
    return response["statusCode"], kind, response["headers"].get("retry-after")


@pytest.mark.parametrize(
    ("fault", "status", "kind", "retry_after"),
    [
        (error("ModelNotReadyException", 429), 503, "model-not-ready", "5"),
        (error("InternalDependencyException", 530), 503, "endpoint-unavailable", "5"),
        (error("ServiceUnavailable", 503), 503, "endpoint-unavailable", "5"),
        (error("InternalFailure", 500), 502, "endpoint-failed", None),
        (error("ThrottlingException", 400), 429, "throttled", "1"),
        (error("TooManyRequestsException", 429), 429, "throttled", "1"),
        (error("RequestTimeoutException", 408), 503, "endpoint-unavailable", "1"),
        (error("RequestEntityTooLargeException", 413), 413, "body-too-large", None),
        (error("ValidationError", 400, "1 validation error"), 400, "request-rejected", None),
        (
            error("ValidationError", 400, "Endpoint e of account 111122223333 not found"),
            503,
            "endpoint-not-found",
            "5",
        ),
        (error("ValidationException", 400), 400, "request-rejected", None),
        (error("ValidationError", 400, "Inference Component chat has no capacity"), 503, "model-not-ready", "60"),
        (error("AccessDeniedException", 403, "arn:aws:iam::111122223333:role/r"), 500, "misconfigured", None),
        (error("UnrecognizedClientException", 403), 500, "misconfigured", None),
        (error("ExpiredTokenException", 403), 500, "misconfigured", None),
        (error("RequestExpired", 400), 500, "misconfigured", None),
        (error("IncompleteSignature", 403), 500, "misconfigured", None),
        (error("InvalidSignatureException", 403), 500, "misconfigured", None),
        (error("NotAuthorized", 401), 500, "misconfigured", None),
        (error("OptInRequired", 403), 500, "misconfigured", None),
        (error("UnknownOperationException", 404), 502, "endpoint-failed", None),
        (error("SomethingNew", 418), 502, "endpoint-failed", None),
        (error("SomethingNew", 599), 502, "endpoint-failed", None),
        (Response(413, b"<html>too large</html>"), 413, "body-too-large", None),
        (Response(429, b""), 429, "throttled", "1"),
        (Response(503, b"<html>"), 503, "endpoint-unavailable", "5"),
        (Response(500, b"\xff\x00"), 502, "endpoint-failed", None),
        (Response(400, b"["), 502, "endpoint-failed", None),
        (Response(400, b"[1]"), 502, "endpoint-failed", None),
        (Response(400, b"5"), 502, "endpoint-failed", None),
        (Response(400, b"null"), 502, "endpoint-failed", None),
        (Response(500, b'{"Message": {"a": 1}}'), 502, "endpoint-failed", None),
        (error("ModelError", 424, OriginalStatusCode="x", OriginalMessage=7), 502, "endpoint-failed", None),
        (error("ModelError", 424, OriginalStatusCode=[], OriginalMessage={}), 502, "endpoint-failed", None),
    ],
)
def test_every_error_of_the_service_has_one_status(
    echo_api: tuple[EndpointServer, Api], fault: Response, status: int, kind: str, retry_after: str | None
) -> None:
    server, api = echo_api
    server.faults.append(fault)
    response = api.post("{}")
    assert outcome(response) == (status, kind, retry_after)
    assert "111122223333" not in response["body"]
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("model_status", "message", "status", "kind"),
    [
        (400, "expected 30 numbers", 400, "rejected-by-model"),
        (404, "", 422, "rejected-by-model"),
        (406, "", 406, "rejected-by-model"),
        (413, "", 413, "rejected-by-model"),
        (415, "", 415, "rejected-by-model"),
        (422, "", 422, "rejected-by-model"),
        (499, "", 422, "rejected-by-model"),
        (429, "queue is full", 429, "model-overloaded"),
        (503, "queue is full", 503, "model-overloaded"),
        (500, "stack trace", 502, "model-failed"),
        (507, "out of memory", 502, "model-failed"),
        (0, "could not load the entire response body", 502, "model-failed"),
        (0, TIMED_OUT, 504, "model-timed-out"),
        (500, TIMED_OUT, 504, "model-timed-out"),
    ],
)
def test_an_error_of_the_model_keeps_its_meaning(
    echo_api: tuple[EndpointServer, Api], model_status: int, message: str, status: int, kind: str
) -> None:
    server, api = echo_api
    server.faults.append(model_error(model_status, message))
    response = api.post("{}")
    assert outcome(response)[:2] == (status, kind)
    if status >= 500:
        assert message not in response["body"]


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("expected 30 numbers\nTraceback (most recent call last):\n  File /opt", "expected 30 numbers"),
        ("Traceback (most recent call last):\n  File", "The model does not accept this input."),
        ('File "/opt/ml/code/x.py", line 1', "The model does not accept this input."),
        ("", "The model does not accept this input."),
        ("   \n\n", "The model does not accept this input."),
        ('{"code": 400, "message": "bad row"}', "bad row"),
        ('{"broken": ', "The model does not accept this input."),
        ('{"a":' * 50_000, "The model does not accept this input."),
        ("café \ud800!", "café !"),
        ('{"code": 400}', "The model does not accept this input."),
        ("\x1b[31mred\x07", "[31mred"),
        ("x" * 5000, "x" * 200),
    ],
)
def test_the_models_words_are_bounded(echo_api: tuple[EndpointServer, Api], message: str, detail: str) -> None:
    server, api = echo_api
    server.faults.append(model_error(400, message))
    assert json.loads(api.post("{}")["body"])["detail"] == detail


def test_a_model_error_without_its_members_is_the_models_failure(echo_api: tuple[EndpointServer, Api]) -> None:
    server, api = echo_api
    server.faults.append(error("ModelError", 424))
    assert outcome(api.post("{}")) == (502, "model-failed", None)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Hang(), 504, "model-timed-out"),
        (Stall(HEADER + b"12345"), 504, "model-timed-out"),
        (Stall(b"HTTP/1.1 200 OK\r\n"), 504, "model-timed-out"),
        (Reset(), 502, "connection-lost"),
        (Bytes(b""), 502, "connection-lost"),
        (Bytes(b"SSH-2.0-OpenSSH_9.6\r\n"), 502, "connection-lost"),
        (Bytes(HEADER + b"12345"), 502, "connection-lost"),
        (Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), 502, "connection-lost"),
        (error("ModelError", 424, OriginalStatusCode=500), 502, "model-failed"),
        (error("InternalFailure", 500), 502, "endpoint-failed"),
        (error("ServiceUnavailable", 503), 503, "endpoint-unavailable"),
    ],
)
def test_what_a_model_may_have_seen_is_never_sent_again(
    server: EndpointServer, connect: Connect, fault: Fault | Response, status: int, kind: str
) -> None:
    server.faults.append(fault)
    api = connect(server, max_attempts=3, **QUICK)
    assert outcome(api.post("{}"))[:2] == (status, kind)
    assert len(server.received) == 1
    assert api.post("{}")["statusCode"] == 200  # and the next request does not suffer


def test_throttling_is_retried_with_growing_jittered_pauses(server: EndpointServer, connect: Connect) -> None:
    server.faults.extend([error("ThrottlingException", 400)] * 9)
    pauses: list[float] = []
    api = connect(server, max_attempts=10, pause=pauses.append)
    assert api.post("{}")["statusCode"] == 200
    assert len(server.received) == 10
    limits = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0]
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert len(set(pauses)) == 9


def test_environments_of_one_snapshot_do_not_pause_alike(server: EndpointServer, connect: Connect) -> None:
    pauses: list[float] = []
    api = connect(server, max_attempts=2, pause=pauses.append)
    state = random.getstate()
    for _ in range(2):
        random.setstate(state)  # as Lambda restores it, in each environment
        server.faults.append(error("ThrottlingException", 400))
        assert api.post("{}")["statusCode"] == 200
    assert pauses[0] != pauses[1]


def test_an_argument_that_the_sdk_does_not_know_is_no_fault_of_the_service(
    server: EndpointServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Endpoint._arguments
    monkeypatch.setattr(Endpoint, "_arguments", lambda *each: {**real(*each), "NotYetKnown": "1"})
    assert outcome(connect(server).post("{}")) == (400, "request-rejected", None)
    assert not server.received


@pytest.mark.parametrize("operation", ["InvokeEndpoint", "InvokeEndpointWithResponseStream"])
def test_every_error_that_the_service_documents_is_known(operation: str) -> None:
    model = get_session().get_service_model("sagemaker-runtime").operation_model(operation)
    for shape in model.error_shapes:
        response = {"Error": {"Code": shape.error_code}, "ResponseMetadata": {"HTTPStatusCode": 418}}
        assert "not understood" not in explain(ClientError(response, operation)).detail, shape.name


def test_throttling_is_given_up_after_the_last_attempt(server: EndpointServer, connect: Connect) -> None:
    server.faults.extend([error("ThrottlingException", 400)] * 3)
    assert outcome(connect(server, max_attempts=3).post("{}")) == (429, "throttled", "1")
    assert len(server.received) == 3


def test_an_attempt_that_might_not_end_in_time_is_not_started(server: EndpointServer, connect: Connect) -> None:
    server.faults.extend([error("ThrottlingException", 400)] * 2)
    api = connect(server, max_attempts=3, connect_timeout_seconds=1.0, read_timeout_seconds=5.0)
    api.context.remaining = 8_400  # three times 1 s, 5 s and the reserve of 0.5 s do not fit
    assert outcome(api.post("{}"))[:2] == (429, "throttled")
    assert len(server.received) == 1
    api.context.remaining = 8_700
    assert api.post("{}")["statusCode"] == 200
    assert len(server.received) == 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_refused_connection_is_retried(connect: Connect) -> None:
    pauses: list[float] = []
    api = connect(f"http://127.0.0.1:{free_port()}", max_attempts=3, pause=pauses.append)
    assert outcome(api.post("{}")) == (503, "endpoint-unreachable", "1")
    assert len(pauses) == 2


@contextmanager
def deaf() -> Iterator[str]:
    """An address where connections are neither accepted nor refused: a listener whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_connection_that_does_not_come_about_is_retried(connect: Connect) -> None:
    pauses: list[float] = []
    with deaf() as url:
        response = connect(url, max_attempts=2, pause=pauses.append, **QUICK).post("{}")
    assert outcome(response) == (503, "endpoint-unreachable", "1")
    assert len(pauses) == 1


def test_connections_are_kept_between_requests(server: EndpointServer, connect: Connect) -> None:
    api = connect(server, read_timeout_seconds=4.0)
    before = server.connections
    for _ in range(5):
        assert api.post("{}")["statusCode"] == 200
    assert server.connections == before + 1


def test_a_connection_that_idled_is_not_trusted(
    server: EndpointServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = connect(server, read_timeout_seconds=4.5)
    before, now = server.connections, time.time()
    for later, expected in ((0, 1), (29, 1), (60, 2), (61, 2)):
        monkeypatch.setattr("invoke_endpoint.endpoint.time.time", lambda moment=now + later: moment)
        assert api.post("{}")["statusCode"] == 200
        assert server.connections == before + expected


def test_parallel_requests_after_idling_do_not_disturb_each_other(
    server: EndpointServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = connect(server, read_timeout_seconds=4.0)
    api.post("{}")
    later = time.time() + 60
    monkeypatch.setattr("invoke_endpoint.endpoint.time.time", lambda: later)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(api.post("{}")["statusCode"])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


@pytest.mark.parametrize(("size", "status"), [(6_000_000, 200), (6_291_456, 502), (6_291_457, 502), (9_000_000, 502)])
def test_an_answer_beyond_lambdas_limit_is_refused(
    echo_api: tuple[EndpointServer, Api], size: int, status: int
) -> None:
    server, api = echo_api
    server.faults.append(Response(200, b"x" * size, {"content-type": "text/plain"}))
    response = api.post("{}")
    assert response["statusCode"] == status
    if status == 502:
        assert outcome(response)[1] == "response-too-large"
    assert api.post("{}")["statusCode"] == 200


def test_missing_credentials_are_the_services_fault(
    server: EndpointServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    api = connect(server, read_timeout_seconds=3.0)  # another client than that of the other tests
    assert outcome(api.post("{}")) == (500, "misconfigured", None)
    assert not server.received


def test_an_answer_without_a_content_type_is_binary(echo_api: tuple[EndpointServer, Api]) -> None:
    server, api = echo_api
    server.faults.append(Response(200, b"{}"))
    response = api.post("{}")
    assert response["headers"]["content-type"] == "application/octet-stream"
    assert response["isBase64Encoded"] is True


def test_an_empty_answer_is_an_answer(echo_api: tuple[EndpointServer, Api]) -> None:
    server, api = echo_api
    server.faults.append(Response(200, b"", {"content-type": "application/json"}))
    response = api.post("{}")
    assert (response["statusCode"], response["body"]) == (200, "")


def test_the_server_knows_its_protocol(server: EndpointServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request("POST", "/elsewhere", b"")
        assert connection.getresponse().status == 404
    finally:
        connection.close()
