"""Lambda's Runtime API: the next request, and its answer in parts.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import base64
import json
import logging
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

from invoke_endpoint.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Generator

_VERSION: Final = "/2018-06-01/runtime"
_ERROR_TYPE: Final = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY: Final = "Lambda-Runtime-Function-Error-Body"
_ACCEPTED: Final = 202
# Tells API Gateway and function URLs that status and headers precede the body.
_CONTENT_TYPE: Final = "application/vnd.awslambda.http-integration-response"

_logger = logging.getLogger("stream_endpoint")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, and what Lambda tells about it."""

    event: object
    aws_request_id: str
    deadline_ms: int
    """When Lambda ends the function, in milliseconds since 1970."""
    trace_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


class RuntimeApi:
    """Speaks for the one process of an execution environment.

    Args:
        address: Host and port, from `AWS_LAMBDA_RUNTIME_API`.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def next(self) -> Request:
        """Wait for a request; between requests, Lambda freezes the process here."""
        with closing(HTTPConnection(self._address)) as connection:
            connection.request("GET", f"{_VERSION}/invocation/next")
            answer = connection.getresponse()
            body = answer.read()
            try:
                event = json.loads(body)
            except (ValueError, RecursionError):
                event = None  # which is answered as any event of another form
            return Request(
                event=event,
                aws_request_id=answer.headers["Lambda-Runtime-Aws-Request-Id"],
                deadline_ms=int(answer.headers["Lambda-Runtime-Deadline-Ms"]),
                trace_id=answer.headers.get("Lambda-Runtime-Trace-Id", ""),
            )

    def reply(self, request: Request, parts: Generator[bytes, None, None]) -> None:
        """Send each part as it comes. A Problem among them ends the answer, and tells Lambda that it is incomplete."""
        path = f"{_VERSION}/invocation/{request.aws_request_id}/response"
        with closing(parts), closing(HTTPConnection(self._address)) as connection:
            try:
                connection.putrequest("POST", path)
                connection.putheader("Content-Type", _CONTENT_TYPE)
                connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
                connection.putheader("Transfer-Encoding", "chunked")
                connection.putheader("Trailer", f"{_ERROR_TYPE}, {_ERROR_BODY}")
                connection.endheaders()
                trailers = b""
                try:
                    for part in parts:
                        connection.send(b"%x\r\n%b\r\n" % (len(part), part))
                except Problem as problem:
                    trailers = _trailers(problem)
                connection.send(b"0\r\n" + trailers + b"\r\n")
                answer = connection.getresponse()
                answer.read()
                outcome: object = answer.status
            except (OSError, HTTPException) as error:
                outcome = type(error).__name__
        if outcome != _ACCEPTED:  # the caller has gone, or was sent all that Lambda passes on
            _logger.warning("answer not delivered", extra={"request_id": request.aws_request_id, "outcome": outcome})

    def fail_to_start(self, error: BaseException) -> None:
        """Tell Lambda why the function cannot start."""
        body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        headers = {_ERROR_TYPE: f"Runtime.{type(error).__name__}", "Content-Type": "application/json"}
        with closing(HTTPConnection(self._address)) as connection:
            connection.request("POST", f"{_VERSION}/init/error", body, headers)
            connection.getresponse().read()


def _trailers(problem: Problem) -> bytes:
    body = json.dumps({"errorType": problem.kind, "errorMessage": problem.detail}).encode()
    return f"{_ERROR_TYPE}: {problem.kind}\r\n{_ERROR_BODY}: {base64.b64encode(body).decode()}\r\n".encode()
