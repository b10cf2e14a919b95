"""One request from event to answer: parse, call the endpoint, render, and record it in the log and in the metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from invoke_endpoint.problem import Problem
from invoke_endpoint.request import parse, request_id
from invoke_endpoint.response import render

if TYPE_CHECKING:
    from invoke_endpoint.endpoint import Endpoint
    from invoke_endpoint.metrics import Metrics
    from invoke_endpoint.settings import Settings

_logger = logging.getLogger("invoke_endpoint")


class Context(Protocol):
    """What Lambda tells about the running request."""

    @property
    def aws_request_id(self) -> str:
        """Lambda's id of it."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""


class Service:
    """Answers proxy requests.

    Args:
        settings: The limits of a request.
        endpoint: Where requests go.
        metrics: Where they are counted. Default: nowhere.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._metrics = metrics

    def respond(self, event: object, context: Context) -> dict[str, Any]:
        """Answer one request; never raises, whatever the event is."""
        started = time.perf_counter()
        identity = request_id(event) or context.aws_request_id
        facts: dict[str, object] = {"request_id": identity}
        try:
            response = self._answer(event, context, facts)
        except Problem as problem:
            response = _refuse(problem, identity, facts)
        except Exception:
            _logger.exception("unexpected error", extra={"request_id": identity})
            response = _refuse(Problem("internal-error", "The request was not processed."), identity, facts)
        response["headers"] |= self._settings.answer_headers
        facts |= {"status": response["statusCode"], "latency_ms": milliseconds_since(started)}
        record(facts, self._metrics)
        return response

    def _answer(self, event: object, context: Context, facts: dict[str, object]) -> dict[str, Any]:
        invocation = parse(event, self._settings)
        facts["bytes_in"] = len(invocation.body)
        answer = self._endpoint.invoke(invocation, lambda: context.get_remaining_time_in_millis() / 1000)
        facts["variant"] = answer.attributes.get("invoked-production-variant")
        facts["attempts"] = answer.attempts
        facts["bytes_out"] = len(answer.body)
        return render(answer)


def record(facts: dict[str, object], metrics: Metrics | None) -> None:
    """Write the one line about a request, of a level that its status gives, and count it."""
    status = facts["status"]
    assert isinstance(status, int)  # noqa: S101 - for the type checker
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR  # noqa: PLR2004
    _logger.log(level, "request", extra=facts)
    if metrics is not None:
        metrics.record(facts)


def milliseconds_since(started: float) -> float:
    """The time since a moment of `time.perf_counter`, as the log has it."""
    return round((time.perf_counter() - started) * 1000, 3)


def _refuse(problem: Problem, identity: str, facts: dict[str, object]) -> dict[str, Any]:
    facts |= {"error": problem.kind, **problem.log}
    return problem.render(identity)
