"""S3, SNS, SQS, Firehose and DynamoDB as far as the functions behind queues and streams call them, over real HTTP.

boto3 reaches it through `AWS_ENDPOINT_URL`. Faults are played once each, by operation.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote

from tests.runtime.container import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

QUEUE: Final = "https://sqs.us-east-1.amazonaws.com/111122223333/dead-letters"


@dataclass(frozen=True)
class Refusal:
    """An answer outside 200."""

    status: int
    code: str


LOST: Final = Refusal(0, "the connection closes after the request was carried out")
BROKEN: Final = Refusal(500, "InternalError")
DENIED: Final = Refusal(403, "AccessDenied")


@dataclass(frozen=True)
class Partial:
    """Firehose, and batches of SQS, refuse entries by place."""

    places: tuple[int, ...]


@dataclass
class Stored:
    """An object."""

    body: bytes
    headers: dict[str, str]
    puts: int = 1


@dataclass(eq=False)
class Services(ThreadingHTTPServer):
    """One account."""

    objects: dict[str, Stored] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, str]] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    """What Firehose took, in its order."""
    delays: dict[str, int] = field(default_factory=dict)
    """Receipt handle -> visibility timeout."""
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: dict[str, deque[Refusal | Partial]] = field(default_factory=lambda: defaultdict(deque))
    broken: dict[str, Refusal] = field(default_factory=dict)
    """Operations that fail always."""
    connections: int = 0

    daemon_threads = True
    request_queue_size = 512

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Requests)

    def start(self) -> AbstractContextManager[str]:
        """Serve from a thread; gives the URL."""
        return serving(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up waiting is no error of the server."""

    def carry_out(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer to an operation; `LOST` is answered after it was carried out."""
        with self.lock:
            self.calls[operation] += 1
            fault = self.broken.get(operation)
            if fault is None and self.faults[operation]:
                popped = self.faults[operation].popleft()
                if isinstance(popped, Partial):
                    request["refused"] = popped.places
                else:
                    fault = popped
            if fault is not None and fault is not LOST:
                return fault.status, {"__type": fault.code}
            status, answer = _OPERATIONS[operation](self, request)
            return (0, {}) if fault is LOST else (status, answer)

    def _put_object(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        existing = self.objects.get(request["key"])
        if existing is not None:
            existing.puts += 1
            if request["headers"].get("if-none-match") == "*":
                return 412, {"__type": "PreconditionFailed"}
        self.objects[request["key"]] = Stored(request["body"], request["headers"], existing.puts if existing else 1)
        return 200, {}

    def _send_message(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.letters.append(request)
        return 200, {"MessageId": "m", "MD5OfMessageBody": ""}

    def _change_visibility(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
        for place, entry in enumerate(request["Entries"]):
            if place in request.get("refused", ()):
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"})
            else:
                self.delays[entry["ReceiptHandle"]] = entry["VisibilityTimeout"]
                answer["Successful"].append({"Id": entry["Id"]})
        return 200, answer

    def _put_record_batch(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        refused = request.get("refused", ())
        answers: list[dict[str, str]] = []
        for place, record in enumerate(request["Records"]):
            if place in refused:
                answers.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            else:
                self.delivered.append(base64.b64decode(record["Data"]))
                answers.append({"RecordId": "r"})
        return 200, {"FailedPutCount": len(refused), "RequestResponses": answers}

    def _publish(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.notifications.append(request)
        return 200, {}

    def _put_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        values = request["ExpressionAttributeValues"]
        key = request["Item"]["id"]["S"]
        old = self.items.get(key)
        if old is not None and not (
            old["status"]["S"] == "INPROGRESS"
            and int(old.get("in_progress_expiration", {"N": "9" * 15})["N"]) < int(values[":now_in_millis"]["N"])
        ):
            return 400, {"__type": "ConditionalCheckFailedException", "Item": old}
        self.items[key] = request["Item"]
        return 200, {}

    def _update_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        values = request["ExpressionAttributeValues"]
        item = self.items[request["Key"]["id"]["S"]]
        item |= {"status": values[":status"], "data": values[":response_data"], "expiration": values[":expiry"]}
        return 200, {}

    def _delete_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.items.pop(request["Key"]["id"]["S"], None)
        return 200, {}


_OPERATIONS: Final[dict[str, Callable[[Services, dict[str, Any]], tuple[int, dict[str, Any]]]]] = {
    "PutObject": Services._put_object,
    "SendMessage": Services._send_message,
    "ChangeMessageVisibilityBatch": Services._change_visibility,
    "PutRecordBatch": Services._put_record_batch,
    "Publish": Services._publish,
    "PutItem": Services._put_item,
    "UpdateItem": Services._update_item,
    "DeleteItem": Services._delete_item,
}
_PUBLISHED: Final = b"<PublishResponse><PublishResult><MessageId>n</MessageId></PublishResult></PublishResponse>"


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Services

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
        super().handle()

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()  # buffered, it would come with the answer
        return True

    def do_PUT(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.carry_out(
            "PutObject",
            {"key": unquote(self.path.partition("?")[0]).lstrip("/"), "headers": headers, "body": self._body()},
        )
        self._send(status, _error(answer) if answer else b"")

    def do_POST(self) -> None:
        body = self._body()
        target = self.headers.get("x-amz-target")
        if target is None:
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            status, answer = self.server.carry_out(form["Action"], form)
            self._send(status, b"<ErrorResponse>%b</ErrorResponse>" % _error(answer) if answer else _PUBLISHED)
        else:
            status, answer = self.server.carry_out(target.partition(".")[2], json.loads(body))
            self._send(status, json.dumps(answer).encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def _send(self, status: int, body: bytes) -> None:
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""


def _error(answer: dict[str, Any]) -> bytes:
    return f"<Error><Code>{answer['__type']}</Code><Message>m</Message></Error>".encode()
