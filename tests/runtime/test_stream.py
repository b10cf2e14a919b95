from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from invoke_endpoint.endpoint import Endpoint, create_client
from invoke_endpoint.metrics import Metrics
from invoke_endpoint.settings import Settings
from stream_endpoint.runtime_api import RuntimeApi
from stream_endpoint.service import StreamService
from tests.runtime.conftest import ENDPOINT, REQUEST_ID, proxy_event
from tests.runtime.endpoint_server import (
    Bytes,
    EndpointServer,
    Fault,
    Hang,
    Parts,
    Reset,
    Response,
    error,
    model_error,
)
from tests.runtime.event_stream import exception, payload
from tests.runtime.lambda_server import TRACE, Delivery, LambdaServer

SOURCE = Path(__file__).parents[2] / "lambda"
HEADER = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
LATE = exception(
    "ModelStreamError",
    Message="The model failed to finish sending the response within the timeout period allowed by Amazon SageMaker AI.",
    ErrorCode="ModelInvocationTimeExceeded",
)
BROKEN = exception("ModelStreamError", Message="The TCP connection was reset.", ErrorCode="StreamBroken")
FAILED = exception("InternalStreamFailure", Message="The stream processing failed.")


@pytest.fixture(scope="module")
def lambda_server() -> Iterator[LambdaServer]:
    server = LambdaServer()
    with server.start():
        yield server


class Function:
    """The streaming function in one environment: each event is answered over HTTP."""

    def __init__(self, server: LambdaServer, service: StreamService) -> None:
        self._server = server
        self._service = service
        self._api = RuntimeApi(f"127.0.0.1:{server.server_port}")

    def start(self, event: object, *, remaining: float = 60) -> tuple[Delivery, threading.Thread]:
        delivery = self._server.invoke(event, remaining=remaining)
        thread = threading.Thread(target=self._answer, daemon=True)
        thread.start()
        return delivery, thread

    def post(self, event: object, *, remaining: float = 60) -> Delivery:
        delivery, thread = self.start(event, remaining=remaining)
        thread.join(20)
        assert not thread.is_alive()
        return delivery

    def _answer(self) -> None:
        request = self._api.next()
        self._api.reply(request, self._service.respond(request.event, request))


@pytest.fixture
def lines() -> list[str]:
    """The metrics that were written."""
    return []


@pytest.fixture
def function(
    lambda_server: LambdaServer, server: EndpointServer, _streaming_client: Callable[[str], Any], lines: list[str]
) -> Function:
    settings = Settings(endpoint_name=ENDPOINT, read_timeout_seconds=1.0, connect_timeout_seconds=0.5, max_attempts=2)
    client = _streaming_client(f"http://127.0.0.1:{server.server_port}")
    endpoint = Endpoint(settings, client=client, pause=lambda _: None)
    metrics = Metrics(ENDPOINT, "streaming", lines.append)
    lambda_server.hang_up_after = None
    return Function(lambda_server, StreamService(settings, endpoint, metrics))


@pytest.fixture(scope="module")
def _clients_by_url() -> Iterator[dict[str, Any]]:
    clients: dict[str, Any] = {}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def _streaming_client(monkeypatch: pytest.MonkeyPatch, _clients_by_url: dict[str, Any]) -> Callable[[str], Any]:
    def client(url: str) -> Any:  # noqa: ANN401 - botocore generates its clients at run time
        if url not in _clients_by_url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
            settings = Settings(endpoint_name=ENDPOINT, read_timeout_seconds=1.0, connect_timeout_seconds=0.5)
            _clients_by_url[url] = create_client(settings)
        return _clients_by_url[url]

    return client


def kind_of(delivery: Delivery) -> tuple[int, str]:
    """Status and kind of an answer that is a problem."""
    document = json.loads(delivery.content)
    assert delivery.prelude["headers"]["content-type"] == "application/problem+json"
    assert delivery.prelude["statusCode"] == document["status"]
    assert document["instance"] == REQUEST_ID
    assert delivery.error is None
    return document["status"], document["type"].rpartition("/")[2]


def test_an_answer_is_streamed_as_api_gateway_expects(server: EndpointServer, function: Function) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-SageMaker-Session-Id": "s-1",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
    }
    delivery = function.post(proxy_event("[1, 2]", headers))
    assert delivery.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert delivery.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert delivery.headers["transfer-encoding"] == "chunked"
    assert delivery.prelude == {
        "statusCode": 200,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-amzn-invoked-production-variant": "AllTraffic",
        },
    }
    assert delivery.content == b"[1, 2]"
    assert delivery.error is None
    assert server.received[0].headers["x-amzn-sagemaker-session-id"] == "s-1"
    assert server.received[0].headers["x-amzn-sagemaker-custom-attributes"] == "trace=1"


def test_each_part_is_passed_on_before_the_next_exists(server: EndpointServer, function: Function) -> None:
    seen = threading.Semaphore(0)
    words = [b"to", b"be", b"or", b"not"]
    server.faults.append(Parts([payload(word) for word in words], let_pass=lambda: seen.acquire(timeout=10)))
    delivery, thread = function.start(proxy_event("{}"))
    assert delivery.chunks.get(timeout=10) == json.dumps(
        {
            "statusCode": 200,
            "headers": {"content-type": "text/plain", "cache-control": "no-store", "x-content-type-options": "nosniff"},
        }
    ).encode() + bytes(8)
    for word in words:
        assert delivery.chunks.get(timeout=10) == word
        seen.release()
    assert delivery.chunks.get(timeout=10) is None
    thread.join(10)
    assert delivery.content == b"tobeornot"


def test_binary_parts_of_any_size_arrive_unchanged(server: EndpointServer, function: Function) -> None:
    parts = [bytes(range(256)) * size for size in (1, 0, 300, 2)]
    server.faults.append(Parts([payload(part) for part in parts]))
    assert function.post(proxy_event("{}")).content == b"".join(parts)


def test_an_empty_answer_is_an_answer(server: EndpointServer, function: Function) -> None:
    server.faults.append(Parts([]))
    delivery = function.post(proxy_event("{}"))
    assert (delivery.prelude["statusCode"], delivery.content, delivery.error) == (200, b"", None)


def test_connections_are_kept_between_answers(server: EndpointServer, function: Function) -> None:
    function.post(proxy_event("1"))
    before = server.connections
    for _ in range(3):
        assert function.post(proxy_event("1")).content == b"1"
    assert server.connections == before


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (error("InternalFailure", 500), 502, "endpoint-failed"),
        (error("ServiceUnavailable", 503), 503, "endpoint-unavailable"),
        (error("ValidationError", 400, "1 validation error"), 400, "request-rejected"),
        (model_error(400, "bad row"), 400, "rejected-by-model"),
        (model_error(500, "x"), 502, "model-failed"),
        (error("ModelStreamError", 500, "x", ErrorCode="StreamBroken"), 502, "model-failed"),
        (error("ModelStreamError", 500, ErrorCode="ModelInvocationTimeExceeded"), 504, "model-timed-out"),
        (error("InternalStreamFailure", 500, "x"), 502, "endpoint-failed"),
        (error("AccessDeniedException", 403), 500, "misconfigured"),
        (Parts([LATE]), 504, "model-timed-out"),
        (Parts([BROKEN]), 502, "model-failed"),
        (Parts([FAILED]), 502, "endpoint-failed"),
        (Parts([exception("SomethingNew", Message="x")]), 502, "endpoint-failed"),
        (Parts([], then=Reset()), 502, "connection-lost"),
        (Parts([], then=Hang()), 504, "model-timed-out"),
        (Parts([b"this is no event stream, whatever it says"]), 502, "endpoint-failed"),
        (Hang(), 504, "model-timed-out"),
        (Reset(), 502, "connection-lost"),
        (Bytes(HEADER + b"zz\r\n"), 502, "connection-lost"),
    ],
)
def test_a_failure_before_the_first_part_has_its_status(
    server: EndpointServer, function: Function, fault: Response | Fault, status: int, kind: str
) -> None:
    server.faults.append(fault)
    assert kind_of(function.post(proxy_event("{}"))) == (status, kind)
    assert len(server.received) == 1  # what a model may have seen is never sent again
    assert function.post(proxy_event("7")).content == b"7"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Parts([payload(b"to be"), LATE]), "model-timed-out"),
        (Parts([payload(b"to be"), BROKEN]), "model-failed"),
        (Parts([payload(b"to be"), FAILED]), "endpoint-failed"),
        (Parts([payload(b"to be")], then=Reset()), "connection-lost"),
        (Parts([payload(b"to be")], then=Bytes(b"")), "connection-lost"),
        (Parts([payload(b"to be"), payload(b"lost")[:-9]], then=Bytes(b"")), "connection-lost"),
        (Parts([payload(b"to be")], then=Hang()), "model-timed-out"),
        (Parts([payload(b"to be"), b"garbage " * 5]), "endpoint-failed"),
    ],
)
def test_a_failure_after_it_ends_the_answer_as_incomplete(
    server: EndpointServer, function: Function, lines: list[str], fault: Fault, kind: str
) -> None:
    server.faults.append(fault)
    delivery = function.post(proxy_event("{}"))
    assert delivery.prelude["statusCode"] == 200  # it was sent before anything failed
    assert delivery.content == b"to be"
    assert delivery.error is not None
    error_type, body = delivery.error
    assert error_type == body["errorType"] == kind
    assert body["errorMessage"]
    (metric,) = map(json.loads, lines)
    assert (metric["Failures"], metric["Problem"]) == (1, kind)
    assert metric["TimeToFirstByte"] > 0
    assert function.post(proxy_event("7")).content == b"7"


def test_who_reads_events_is_told_by_an_event(server: EndpointServer, function: Function) -> None:
    headers = {"x-amzn-sagemaker-content-type": "text/event-stream; charset=utf-8"}
    server.faults.append(Parts([payload(b"data: to be\n\n"), BROKEN], headers=headers))
    delivery = function.post(proxy_event("{}"))
    complete, _, last = delivery.content.partition(b"\n\n\n\nevent: error\ndata: ")
    assert complete == b"data: to be"
    assert json.loads(last)["type"].endswith("/model-failed")
    assert delivery.error is not None


def test_throttling_is_retried(server: EndpointServer, function: Function) -> None:
    server.faults.append(error("ThrottlingException", 400))
    assert function.post(proxy_event("7")).content == b"7"
    assert len(server.received) == 2


def test_an_answer_that_takes_too_long_is_ended_in_time(server: EndpointServer, function: Function) -> None:
    server.faults.append(Parts([payload(b"to be"), payload(b"or not")]))
    delivery = function.post(proxy_event("{}"), remaining=0.4)
    assert delivery.content == b""
    assert delivery.error is not None
    assert delivery.error[0] == "model-timed-out"


def test_a_caller_that_goes_leaves_no_connection(
    server: EndpointServer, function: Function, lambda_server: LambdaServer, lines: list[str]
) -> None:
    lambda_server.hang_up_after = 100
    before = server.open_connections
    server.faults.append(Parts([payload(bytes(60_000))] * 400))
    function.post(proxy_event("{}"))
    assert server.settles(before)
    (metric,) = map(json.loads, lines)
    assert metric["Problem"] == "caller-gone"
    lambda_server.hang_up_after = None
    assert function.post(proxy_event("7")).content == b"7"


@pytest.mark.parametrize("event", [b"{", b"null", b"[]", b"{}", b'{"a":' * 50_000, b"\xff"])
def test_an_event_of_something_else_is_refused(server: EndpointServer, function: Function, event: bytes) -> None:
    delivery = function.post(event)
    assert delivery.prelude["statusCode"] == 400
    assert json.loads(delivery.content)["type"].endswith("/malformed-event")
    assert not server.received


def test_a_bug_is_an_answer(
    server: EndpointServer, function: Function, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Endpoint, "stream", broken)
    delivery = function.post(proxy_event("{}"))
    assert kind_of(delivery) == (500, "internal-error")
    assert b"secret" not in delivery.body
    assert "secret" in caplog.text
    assert not server.received


@contextmanager
def process(lambda_server: LambdaServer, server: EndpointServer, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """The function as Lambda starts it: the wrapper, with the command of the runtime as its arguments."""
    environment = {
        **os.environ,
        "LAMBDA_TASK_ROOT": str(SOURCE),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{lambda_server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "streaming",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{server.server_port}",
        "ENDPOINT_NAME": ENDPOINT,
        **environ,
    }
    command = [str(SOURCE / "stream_endpoint" / "bootstrap"), sys.executable, "/var/runtime/bootstrap.py"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as it:
        try:
            yield it
        finally:
            it.kill()


def test_lambda_can_run_the_wrapper() -> None:
    mode = (SOURCE / "stream_endpoint" / "bootstrap").stat().st_mode
    assert mode & stat.S_IXUSR
    assert mode & stat.S_IXOTH


def test_lambda_starts_the_function_by_its_wrapper(lambda_server: LambdaServer, server: EndpointServer) -> None:
    lambda_server.hang_up_after = None
    with process(lambda_server, server) as it:
        delivery = lambda_server.invoke(proxy_event('{"patient": "secret"}')).wait()
        assert delivery.content == b'{"patient": "secret"}'
        assert lambda_server.invoke(proxy_event("")).wait().prelude["statusCode"] == 400
        assert it.stdout is not None
        logged, metric = json.loads(it.stdout.readline()), json.loads(it.stdout.readline())
    assert {"timestamp", "level", "message", "logger", "request_id", "status"} <= set(logged)
    assert (logged["level"], logged["status"], logged["bytes_out"]) == ("INFO", 200, 21)
    assert "secret" not in str(logged)
    assert metric["FunctionName"] == "streaming"
    assert metric["TimeToFirstByte"] == logged["first_byte_ms"]
    assert server.received[0].headers["x-amzn-trace-id"] == TRACE


def test_a_misconfigured_function_says_why_it_does_not_start(
    lambda_server: LambdaServer, server: EndpointServer
) -> None:
    with process(lambda_server, server, ENDPOINT_NAME="-") as it:
        kind, body = lambda_server.init_errors.get(timeout=20)
        assert it.wait(20) == 1
    assert kind == "Runtime.ValueError"
    assert body["errorMessage"].startswith("ENDPOINT_NAME must be")
