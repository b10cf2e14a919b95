"""The SageMaker runtime's HTTP protocol in front of containers, with faults on demand.

boto3 reaches it through `endpoint_url`. It routes by variant weight, wraps a container's error as ModelError as the
service does, and keeps what it received.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from tests.runtime.container import serving
from tests.runtime.event_stream import CONTENT_TYPE, payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

ACCOUNT: Final = "111122223333"
BODY_LIMIT: Final = 6_291_456
_PREFIX: Final = "x-amzn-sagemaker-"
_STREAMED: Final = "invocations-response-stream"
_STREAM_HEADERS: Final = {"content-type": _PREFIX + "content-type"}  # the content type itself is the event stream's


@dataclass(frozen=True)
class Response:
    """What the service sends."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """What the service got."""

    endpoint: str
    headers: Mapping[str, str]
    body: bytes


def error(code: str, status: int, message: str | None = None, **members: object) -> Response:
    """A modelled error of the service."""
    body = json.dumps({"Message": message, **members}).encode()
    return Response(status, body, {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code})


def model_error(status: int, message: str) -> Response:
    """ModelError, as the service reports a container's answer outside 200."""
    kind = "client" if 400 <= status < 500 else "server"
    text = f'Received {kind} error ({status}) from primary with message "{message}". See the log in account {ACCOUNT}.'
    stream = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/e"
    return error("ModelError", 424, text, OriginalStatusCode=status, OriginalMessage=message, LogStreamArn=stream)


TIMED_OUT: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics."
)


class Fault:
    """Something other than an answer. Each method of a request handler below it plays one."""

    def play(self, request: _Requests) -> None:
        raise NotImplementedError


class Hang(Fault):
    """Never answers; ends when the server closes."""

    def play(self, request: _Requests) -> None:
        request.server.closing.wait()
        request.close_connection = True


class Reset(Fault):
    """Closes the connection so that the client's kernel sees a reset."""

    def play(self, request: _Requests) -> None:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
        request.close_connection = True


@dataclass(frozen=True)
class Bytes(Fault):
    """Sends bytes that need not be HTTP, then closes."""

    data: bytes

    def play(self, request: _Requests) -> None:
        request.wfile.write(self.data)
        request.wfile.flush()
        request.close_connection = True


@dataclass(frozen=True)
class Stall(Fault):
    """Begins an answer and never ends it."""

    data: bytes

    def play(self, request: _Requests) -> None:
        request.wfile.write(self.data)
        request.wfile.flush()
        Hang().play(request)


@dataclass(frozen=True)
class Parts(Fault):
    """Sends an answer in parts, each after the one before was let pass, then ends it or plays another fault.

    A part is a message of the event stream, or bytes that need not be one.
    """

    parts: Sequence[bytes]
    then: Fault | None = None
    let_pass: Callable[[], object] = lambda: None
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, request: _Requests) -> None:
        request.send_response(200)
        standard = {"content-type": CONTENT_TYPE, "x-amzn-sagemaker-content-type": "text/plain"}
        for name, value in {**standard, **self.headers, "transfer-encoding": "chunked"}.items():
            request.send_header(name, value)
        request.end_headers()
        for part in self.parts:
            request.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            request.wfile.flush()
            self.let_pass()
        if self.then is None:
            request.wfile.write(b"0\r\n\r\n")
        else:
            self.then.play(request)


class EndpointServer(ThreadingHTTPServer):
    """One endpoint.

    Args:
        name: The endpoint's name; any other name is answered as the service does.
        variants: Models by variant name: a container's URL, or a function.
        weights: Shares of the traffic. Default: equal ones.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(
        self,
        name: str,
        variants: Mapping[str, str | Callable[[Received], Response]],
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.name = name
        self.variants = variants
        self.weights = weights or dict.fromkeys(variants, 1.0)
        self.faults: deque[Response | Fault] = deque()
        self.received: list[Received] = []
        self.connections = 0
        self.open_connections = 0
        self.closing = threading.Event()
        self.lock = threading.Condition()
        self._credit = dict.fromkeys(variants, 0.0)
        super().__init__(("127.0.0.1", 0), _Requests)

    def start(self) -> AbstractContextManager[str]:
        """Serve from a thread; gives the URL for `endpoint_url`."""
        return serving(self)

    def shutdown(self) -> None:
        self.closing.set()
        super().shutdown()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up waiting is no error of the server."""

    def forget(self) -> None:
        """Be as new, except for open connections."""
        self.faults.clear()
        self.received.clear()

    def settles(self, connections: int) -> bool:
        """Whether, once what clients closed has arrived here, no more than so many connections are open."""
        with self.lock:
            return self.lock.wait_for(lambda: self.open_connections <= connections, timeout=10)

    def answer(self, received: Received) -> Response:
        """What the service does with a request."""
        headers = received.headers
        if received.endpoint != self.name:
            return error("ValidationError", 400, f"Endpoint {received.endpoint} of account {ACCOUNT} not found.")
        if len(received.body) > BODY_LIMIT:
            return error("RequestEntityTooLargeException", 413, "Request size exceeds the limit")
        variant = headers.get(_PREFIX + "target-variant") or self._next_variant()
        if variant not in self.variants:
            return error("ValidationError", 400, f"Variant {variant} not found for Request")
        model = self.variants[variant]
        response = _forward(model, received) if isinstance(model, str) else model(received)
        if response.status != 200:
            return model_error(response.status, response.body.decode(errors="replace"))
        return Response(200, response.body, {**response.headers, "x-amzn-invoked-production-variant": variant})

    def _next_variant(self) -> str:
        """Smooth weighted round robin: shares are exact, and no test depends on chance."""
        with self.lock:
            for name, weight in self.weights.items():
                self._credit[name] += weight
            chosen = max(self._credit, key=self._credit.__getitem__)
            self._credit[chosen] -= sum(self.weights.values())
            return chosen


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: EndpointServer

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
            self.server.open_connections += 1
        try:
            super().handle()
        finally:
            with self.server.lock:
                self.server.open_connections -= 1
                self.server.lock.notify_all()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        parts = unquote(urlsplit(self.path).path).split("/")
        if len(parts) != 4 or parts[1] != "endpoints" or parts[3] not in {"invocations", _STREAMED}:
            self._send(error("UnknownOperationException", 404))
            return
        received = Received(parts[2], {name.lower(): value for name, value in self.headers.items()}, body)
        with self.server.lock:
            self.server.received.append(received)
            fault = self.server.faults.popleft() if self.server.faults else None
        if isinstance(fault, Fault):
            fault.play(self)
            return
        answer = self.server.answer(received) if fault is None else fault
        if parts[3] == _STREAMED and answer.status == 200:
            middle = len(answer.body) // 2
            given = {_STREAM_HEADERS.get(name, name): value for name, value in answer.headers.items()}
            halves = [payload(half) for half in (answer.body[:middle], answer.body[middle:]) if half]
            Parts(halves, headers=given).play(self)
        else:
            self._send(answer)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in {"x-amzn-requestid": "5d9a7f6e-0000-4000-8000-000000000001", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""


def _forward(url: str, received: Received) -> Response:
    """Pass a request to a container, with the headers that the service passes."""
    kept = ("content-type", "accept", _PREFIX + "custom-attributes")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        headers = {name: received.headers[name] for name in kept if name in received.headers}
        connection.request("POST", "/invocations", received.body, headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.read(), {"content-type": answer.headers.get("content-type", "")})
    finally:
        connection.close()
