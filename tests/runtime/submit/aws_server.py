"""What the functions around an asynchronous endpoint call: the SageMaker runtime, SQS, DynamoDB and Step Functions."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from tests.runtime.container import serving
from tests.runtime.endpoint_server import Fault, Response

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SUBMIT: Final = "InvokeEndpointAsync"
_PREFIX: Final = "x-amzn-sagemaker-"


@dataclass(frozen=True)
class Call:
    """What a service got."""

    operation: str
    body: dict[str, Any]
    headers: dict[str, str]

    def header(self, name: str) -> str | None:
        """A header of the SageMaker runtime."""
        return self.headers.get(_PREFIX + name)


class AwsServer(ThreadingHTTPServer):
    """Answers each operation with success, unless a fault or another answer waits for its turn."""

    daemon_threads = True

    def __init__(self) -> None:
        self.faults: defaultdict[str, deque[Response | Fault]] = defaultdict(deque)
        self.calls: list[Call] = []
        self.tokens: dict[str, str] = {}
        self.closing = threading.Event()
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
        """Be as new."""
        self.faults.clear()
        self.calls.clear()
        self.tokens.clear()

    def of(self, operation: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self.calls if call.operation == operation]

    def answer(self, call: Call) -> Response:
        """Success."""
        body: dict[str, Any] = {}
        headers = {"content-type": "application/x-amz-json-1.0"}
        match call.operation:
            case "InvokeEndpointAsync":
                headers["x-amzn-sagemaker-outputlocation"] = "s3://bucket/responses/1.out"
                return Response(202, json.dumps({"InferenceId": call.header("inference-id")}).encode(), headers)
            case "SendMessage":
                body = {"MessageId": "5d9a7f6e-0000-4000-8000-000000000002"}
            case "GetItem":
                token = self.tokens.get(call.body["Key"]["inferenceId"]["S"])
                body = {} if token is None else {"Item": {"token": {"S": token}}}
        return Response(200, json.dumps(body).encode(), headers)


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: AwsServer

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        operation = headers.get("x-amz-target", "").rpartition(".")[2] or SUBMIT
        call = Call(operation, json.loads(content) if content else {}, headers)
        self.server.calls.append(call)
        waiting = self.server.faults[operation]
        fault = waiting.popleft() if waiting else None
        if isinstance(fault, Fault):
            fault.play(self)  # type: ignore[arg-type] # it uses what every such handler has
        else:
            self._send(self.server.answer(call) if fault is None else fault)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in {"x-amzn-requestid": "5d9a7f6e-0000-4000-8000-000000000001", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""
