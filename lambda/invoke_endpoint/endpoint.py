"""Access to the SageMaker endpoint: one client, its timeouts, and which failures are worth another attempt."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

# botocore ships no types, and no stub package is worth a dependency for one call.
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from invoke_endpoint.failure import FAILURES, UNCONNECTED, explain, is_throttled
from invoke_endpoint.problem import Problem
from invoke_endpoint.response import LAMBDA_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from invoke_endpoint.request import Invocation
    from invoke_endpoint.settings import Settings

_Outcome = TypeVar("_Outcome")

_FIRST_PAUSE: Final = 0.1  # seconds; doubled after each attempt, and jittered
_LONGEST_PAUSE: Final = 2.0
_RESERVE: Final = 0.5  # seconds, to render and return the answer
_ADDRESSES: Final = 3  # an interface endpoint has one per zone, and each has the connect timeout
# A connection that idled while the function was frozen may be dead without the function having been told.
_LONGEST_IDLE: Final = 30.0
# From the kernel: environments that Lambda restores from one snapshot share the state of any other generator.
_RANDOM: Final = random.SystemRandom()
_ATTRIBUTES: Final = {
    "invoked-production-variant": "InvokedProductionVariant",
    "sagemaker-custom-attributes": "CustomAttributes",
    "sagemaker-new-session-id": "NewSessionId",
    "sagemaker-closed-session-id": "ClosedSessionId",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the endpoint answered."""

    body: bytes
    content_type: str
    attributes: dict[str, str] = field(default_factory=dict)
    """The headers of the answer that concern the caller, without their prefix `x-amzn-`."""
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An answer that comes in parts; close it, whether or not it was read to the end."""

    parts: Iterator[bytes]
    """Raises Problem where the stream breaks."""
    content_type: str
    close: Callable[[], None]
    attributes: dict[str, str] = field(default_factory=dict)
    attempts: int = 1


class Endpoint:
    """One endpoint, called over connections that are kept between requests.

    A request is sent again only if no model can have seen it: no connection was made, or the service throttled it. A
    read timeout, a reset or an error of the model is final, because a model need not be idempotent. botocore's own
    retries are therefore off.

    Args:
        settings: The endpoint's name, timeouts and attempts.
        client: Calls the service. Default: a client for the region and with the credentials of the environment.
        pause: Waits between attempts. Default: `time.sleep`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        client: Any = None,  # noqa: ANN401 - botocore generates its clients at run time
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client = create_client(settings) if client is None else client
        self._pause = pause
        self._used = time.time()
        self._lock = threading.Lock()

    def invoke(self, invocation: Invocation, remaining_seconds: Callable[[], float]) -> Answer:
        """Call the endpoint.

        Args:
            invocation: The request.
            remaining_seconds: Tells how much time is left; no attempt is started that might not end within it.

        Raises:
            Problem: the call failed.
        """
        return self._attempt(self._call, invocation, remaining_seconds)

    def stream(self, invocation: Invocation, remaining_seconds: Callable[[], float]) -> Stream:
        """Call the endpoint and wait for the first part of its answer: until then, a failure has a status of its own.

        Args:
            invocation: The request.
            remaining_seconds: Tells how much time is left; no attempt is started that might not end within it.

        Raises:
            Problem: the call failed, or the answer broke before its first part.
        """
        return self._attempt(self._open, invocation, remaining_seconds)

    def _attempt(
        self,
        call: Callable[[Invocation, int], _Outcome],
        invocation: Invocation,
        remaining_seconds: Callable[[], float],
    ) -> _Outcome:
        self._renew_connections()
        attempt = 1
        while True:
            try:
                return call(invocation, attempt)
            except FAILURES as error:
                problem = explain(error, target_variant=invocation.parameters.get("TargetVariant"))
                problem.log["attempts"] = attempt
                unseen = isinstance(error, UNCONNECTED) or (isinstance(error, ClientError) and is_throttled(error))
                longest = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
                pause = _RANDOM.uniform(0, longest)  # spreads the retries of many callers
                if not unseen or attempt >= self._settings.max_attempts or not self._fits(pause, remaining_seconds()):
                    raise problem from error
            self._pause(pause)
            attempt += 1

    def _fits(self, pause: float, remaining: float) -> bool:
        attempt = _ADDRESSES * self._settings.connect_timeout_seconds + self._settings.read_timeout_seconds
        return pause + attempt + _RESERVE <= remaining

    def _call(self, invocation: Invocation, attempt: int) -> Answer:
        output = self._client.invoke_endpoint(**self._arguments(invocation))
        return Answer(body=_read(output["Body"]), attempts=attempt, **_described(output))

    def _open(self, invocation: Invocation, attempt: int) -> Stream:
        output = self._client.invoke_endpoint_with_response_stream(**self._arguments(invocation))
        body = output["Body"]
        parts = _payloads(body)
        try:
            first = next(parts, None)
        except BaseException:
            body.close()
            raise
        return Stream(parts=_explained(first, parts), close=body.close, attempts=attempt, **_described(output))

    def _arguments(self, invocation: Invocation) -> dict[str, Any]:
        component = self._settings.inference_component_name
        return {
            "EndpointName": self._settings.endpoint_name,
            "Body": invocation.body,
            **invocation.parameters,
            **({} if component is None else {"InferenceComponentName": component}),
        }

    def _renew_connections(self) -> None:
        with self._lock:
            now = time.time()  # not the monotonic clock, which stands still while the function is frozen
            if now - self._used > _LONGEST_IDLE:
                self._client.close()  # closes the pooled connections; the next call opens another
            self._used = now


def create_client(settings: Settings, *, connections: int = 10) -> Any:  # noqa: ANN401 - botocore generates its clients at run time
    """The client that `boto3.client` would make, without importing boto3's resources and transfer manager.

    Args:
        settings: Its timeouts.
        connections: How many connections are kept; calls in parallel open more, and close them afterwards. A function
            answers one request at a time and needs one. Default: 10, as botocore has it.
    """
    logging.getLogger("botocore").setLevel(logging.WARNING)  # its debug log contains the payload
    return botocore.session.get_session().create_client(
        "sagemaker-runtime",
        config=Config(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
            tcp_keepalive=True,
            max_pool_connections=connections,
        ),
    )


def _described(output: dict[str, Any]) -> dict[str, Any]:
    return {
        "content_type": output.get("ContentType") or "application/octet-stream",
        "attributes": {name: output[key] for name, key in _ATTRIBUTES.items() if output.get(key)},
    }


def _payloads(events: Any) -> Iterator[bytes]:  # noqa: ANN401 - botocore's EventStream has no types
    for event in events:
        payload: bytes = event.get("PayloadPart", {}).get("Bytes", b"")
        if payload:
            yield payload


def _explained(first: bytes | None, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first is None:
        return
    yield first
    try:
        yield from rest
    except FAILURES as error:
        raise explain(error) from error


def _read(stream: Any) -> bytes:  # noqa: ANN401 - botocore's StreamingBody has no types
    """Read to the end, which verifies the length, but no more than can be returned."""
    chunks: list[bytes] = []
    room = LAMBDA_LIMIT
    try:
        while chunk := stream.read(room + 1):
            chunks.append(chunk)
            room -= len(chunk)
            if room < 0:
                raise Problem("response-too-large", "The model's answer is larger than 6 MB. Send smaller batches.")
    finally:
        stream.close()  # after a complete answer the connection is already back in the pool
    return b"".join(chunks)
