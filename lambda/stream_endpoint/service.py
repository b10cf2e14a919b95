"""One request from event to answer, passed on part by part, and recorded when it has ended."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from invoke_endpoint.problem import Problem
from invoke_endpoint.request import parse, request_id
from invoke_endpoint.response import headers_of, media_type
from invoke_endpoint.service import milliseconds_since, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from invoke_endpoint.endpoint import Endpoint, Stream
    from invoke_endpoint.metrics import Metrics
    from invoke_endpoint.service import Context
    from invoke_endpoint.settings import Settings

# https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
_DELIMITER: Final = bytes(8)
_RESERVE_MS: Final = 500  # to end the answer before Lambda ends the function

_logger = logging.getLogger("stream_endpoint")


class StreamService:
    """Answers proxy requests with status and headers as JSON, eight zero bytes, and the body.

    Args:
        settings: The limits of a request.
        endpoint: Where requests go.
        metrics: Where they are counted. Default: nowhere.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._metrics = metrics

    def respond(self, event: object, context: Context) -> Generator[bytes, None, None]:
        """The answer to one request, whatever the event is.

        Until the model's first part, a failure is an answer with a status of its own.

        Raises:
            Problem: the answer broke off after that.
        """
        started = time.perf_counter()
        identity = request_id(event) or context.aws_request_id
        facts: dict[str, object] = {"request_id": identity, "status": 500}
        try:
            try:
                stream = self._open(event, context, facts)
            except Problem as problem:
                yield from self._refuse(problem, identity, facts)
                return
            facts["first_byte_ms"] = milliseconds_since(started)
            yield from self._pass_on(stream, context, identity, facts)
        except GeneratorExit:
            facts |= {"status": 499, "error": "caller-gone"}
            raise
        finally:
            facts["latency_ms"] = milliseconds_since(started)
            record(facts, self._metrics)

    def _open(self, event: object, context: Context, facts: dict[str, object]) -> Stream:
        try:
            invocation = parse(event, self._settings)
            facts["bytes_in"] = len(invocation.body)
            stream = self._endpoint.stream(invocation, lambda: context.get_remaining_time_in_millis() / 1000)
        except Problem:
            raise
        except Exception as error:
            raise _unexpected(error, facts) from error
        facts["variant"] = stream.attributes.get("invoked-production-variant")
        facts["attempts"] = stream.attempts
        return stream

    def _pass_on(
        self, stream: Stream, context: Context, identity: str, facts: dict[str, object]
    ) -> Generator[bytes, None, None]:
        headers = headers_of(stream) | dict(self._settings.answer_headers)
        passed_on = 0
        try:
            yield _prelude(200, headers)
            for part in stream.parts:
                _check_time(context)
                yield part
                passed_on += len(part)
            facts["status"] = 200
        except Exception as error:
            problem = error if isinstance(error, Problem) else _unexpected(error, facts)
            facts |= {"status": problem.status, "error": problem.kind, **problem.log}
            if media_type(stream.content_type) == "text/event-stream":
                document = problem.render(identity)["body"]
                yield f"\n\nevent: error\ndata: {document}\n\n".encode()
            raise problem from error
        finally:
            facts["bytes_out"] = passed_on
            stream.close()

    def _refuse(self, problem: Problem, identity: str, facts: dict[str, object]) -> Generator[bytes, None, None]:
        facts |= {"status": problem.status, "error": problem.kind, **problem.log}
        response = problem.render(identity)
        headers = response["headers"] | dict(self._settings.answer_headers)
        yield _prelude(response["statusCode"], headers) + response["body"].encode()


def _check_time(context: Context) -> None:
    if context.get_remaining_time_in_millis() < _RESERVE_MS:
        raise Problem("model-timed-out", "The model did not finish its answer in time.")


def _unexpected(error: Exception, facts: dict[str, object]) -> Problem:
    _logger.error("unexpected error", extra={"request_id": facts["request_id"]}, exc_info=error)
    return Problem("internal-error", "The request was not processed.")


def _prelude(status: int, headers: dict[str, Any]) -> bytes:
    return json.dumps({"statusCode": status, "headers": headers}).encode() + _DELIMITER
