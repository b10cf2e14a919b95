"""Lambda's Runtime API over HTTP: hands out events, and keeps the answers with the moment at which each part came.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from tests.runtime.container import serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_VERSION: Final = "/2018-06-01/runtime/"
TRACE: Final = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"


@dataclass
class Delivery:
    """What Lambda received for one event."""

    request_id: str
    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    chunks: queue.Queue[bytes | None] = field(default_factory=queue.Queue)
    """Each chunk as it comes; None at the end."""
    body: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> Delivery:
        """Until the answer has ended."""
        assert self.ended.wait(20)
        return self

    @property
    def prelude(self) -> dict[str, Any]:
        """Status and headers, as API Gateway reads them."""
        document: dict[str, Any] = json.loads(self.body.partition(bytes(8))[0])
        return document

    @property
    def content(self) -> bytes:
        """What the caller gets."""
        return self.body.partition(bytes(8))[2]

    @property
    def error(self) -> tuple[str, dict[str, str]] | None:
        """Why the answer is incomplete."""
        kind = self.trailers.get("lambda-runtime-function-error-type")
        if kind is None:
            return None
        return kind, json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))


class LambdaServer(ThreadingHTTPServer):
    """The service to one execution environment."""

    daemon_threads = True

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
        self.deliveries: dict[str, Delivery] = {}
        self.init_errors: queue.Queue[tuple[str, dict[str, str]]] = queue.Queue()
        self.hang_up_after: int | None = None
        super().__init__(("127.0.0.1", 0), _Requests)

    def start(self) -> AbstractContextManager[str]:
        """Serve from a thread."""
        return serving(self)

    def invoke(self, event: object, *, remaining: float = 60) -> Delivery:
        """Hand an event to the function, which has so many seconds for it; bytes go as they are."""
        request_id = f"8f507cfc-1b2e-4c3d-9a41-{len(self.deliveries):012}"
        delivery = self.deliveries[request_id] = Delivery(request_id)
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.events.put((request_id, body, int((time.time() + remaining) * 1000)))
        return delivery

    def handle_error(self, request: object, client_address: object) -> None:
        """A function that ended is no error of the server."""


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LambdaServer

    def do_GET(self) -> None:
        assert self.path == _VERSION + "invocation/next"
        request_id, body, deadline = self.server.events.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Trace-Id": TRACE,
        }
        self._send(200, body, headers)

    def do_POST(self) -> None:
        if self.path == _VERSION + "init/error":
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.server.init_errors.put((self.headers["Lambda-Runtime-Function-Error-Type"], body))
            self._send(202, b"{}", {})
            return
        request_id = self.path.removeprefix(_VERSION + "invocation/").removesuffix("/response")
        delivery = self.server.deliveries[request_id]
        delivery.headers = {name.lower(): value for name, value in self.headers.items()}
        while size := int(self.rfile.readline(), 16):
            chunk = self.rfile.read(size)
            assert self.rfile.readline() == b"\r\n"
            delivery.body += chunk
            delivery.chunks.put(chunk)
            if self.server.hang_up_after is not None and len(delivery.body) > self.server.hang_up_after:
                self.connection.close()
                self.close_connection = True
                delivery.ended.set()
                return
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            delivery.trailers[name.strip().lower()] = value.strip()
        self._send(202, b"{}", {})
        delivery.chunks.put(None)
        delivery.ended.set()

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""
