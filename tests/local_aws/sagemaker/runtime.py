"""InvokeEndpoint, its sibling with a response stream, and InvokeEndpointAsync.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from tests.local_aws import seams
from tests.local_aws.sagemaker import serverless
from tests.local_aws.sagemaker.asynchronous import Queues
from tests.local_aws.sagemaker.caller import Caller, OpenedAnswer, Outcome
from tests.local_aws.sagemaker.capture import Capture, Exchange
from tests.local_aws.sagemaker.connection import Answer, OpenAnswer
from tests.local_aws.sagemaker.conversation import Heard
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import LaunchError, Variant
from tests.local_aws.sagemaker.metrics import Metrics
from tests.local_aws.sagemaker.model_errors import model_error
from tests.local_aws.sagemaker.names import arn
from tests.local_aws.sagemaker.requests import CUSTOM_ATTRIBUTES, Request
from tests.local_aws.sagemaker.serverless import PAYLOAD_LIMIT, Place
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.shadow import Shadows
from tests.local_aws.sagemaker.store import Endpoint, Store
from tests.local_aws.sagemaker.streaming import CONTENT_TYPE, ModelStream, StreamReply
from tests.local_aws.sagemaker.targets import NO_CAPACITY, check_component, check_targets
from tests.local_aws.sagemaker.traffic import Router

_UNSERVED: Final = ("EnableExplanations",)
_CONDITIONS: Final = ("TargetModel", "TargetContainerHostname")
_COMPONENT: Final = "InferenceComponentName"
_ASYNC: Final = "InvokeEndpointAsync"
_STREAM: Final = "InvokeEndpointWithResponseStream"


@dataclass(frozen=True)
class Invocation:
    """A request that was found to be sound, and who answers it."""

    endpoint: Endpoint
    variant: Variant
    request: Request
    started: float

    def error(self, outcome: Outcome) -> ApiError:
        """What its caller is told of a failure."""
        return model_error(self.endpoint, self.variant, outcome)


class Runtime:
    """Answers invocations on the emulator's event loop."""

    def __init__(self, store: Store, metrics: Metrics, capture: Capture, settings: Settings) -> None:
        self._store = store
        self._metrics = metrics
        self._capture = capture
        self._router = Router(settings.seed)
        self._caller = Caller(self._router, settings.model_timeout_seconds)
        self._stream_timeout = settings.stream_timeout_seconds
        self._shadows = Shadows(self._router, self._caller, metrics, capture)
        self.queues = Queues(store, self._router, self._caller, metrics, settings.speed)

    async def invoke(self, kind: str, name: str, headers: dict[str, str], body: bytes) -> seams.Reply | StreamReply:
        """Authorize, check, route and answer one request.

        Raises:
            ApiError: as documented for the operation.
        """
        started = time.perf_counter()
        request = Request.read(kind, name, headers, body)
        members = request.members
        context = {f"sagemaker:{member}": members[member] for member in _CONDITIONS if member in members}
        refused = seams.refuse("sagemaker", headers, request.action, _resources(request), context)
        if refused is not None:
            return refused
        request.check()
        endpoint = self._endpoint(request)
        if endpoint.asynchronous is not None:
            return self.queues.enqueue(endpoint, endpoint.asynchronous, request)
        invocation = self._routed(endpoint, request, started)
        self._shadows.copy(endpoint, invocation.variant, request)
        return await (self._stream(invocation) if request.operation == _STREAM else self._answer(invocation))

    def _endpoint(self, request: Request) -> Endpoint:
        for member in _UNSERVED:
            if member in request.members:
                raise ApiError("ValidationError", f"Endpoint {request.endpoint} does not support {member}.")
        endpoint = self._store.here().endpoints.get(request.endpoint)
        if endpoint is None or not endpoint.routes:
            raise _not_found(request.endpoint)
        if (endpoint.asynchronous is not None) != (request.operation == _ASYNC):
            which = "can only receive" if endpoint.asynchronous is not None else "cannot receive"
            raise ApiError(
                "ValidationError",
                f"Endpoint {request.endpoint} of account {endpoint.account} {which} asynchronous invocations.",
            )
        return endpoint

    def _routed(self, endpoint: Endpoint, request: Request, started: float) -> Invocation:
        fleet = endpoint.fleet
        if fleet is None:  # it is being deleted
            raise _not_found(request.endpoint)
        check_component(fleet, request.members)
        if _COMPONENT in request.members:
            return Invocation(endpoint, self._copies(endpoint, request.members[_COMPONENT]), request, started)
        variant = self._router.choose(endpoint, request.members.get("TargetVariant"))
        check_targets(request.endpoint, variant, request.members)
        if not variant.instances and not endpoint.routes:  # it was deleted a moment ago
            raise _not_found(request.endpoint)
        if variant.pool is not None:
            if request.operation == _STREAM:
                raise ApiError(
                    "ValidationError", f"Endpoint {request.endpoint} is serverless, and streams no responses."
                )
            request.check(PAYLOAD_LIMIT)
        elif not variant.instances:
            raise ApiError("ServiceUnavailable", f"Variant {variant.name} has no instance in service.", status=503)
        return Invocation(endpoint, variant, request, started)

    def _copies(self, endpoint: Endpoint, name: str) -> Variant:
        """The copies of an inference component."""
        component = self._store.here().components.get(name)
        if component is None or component.endpoint != endpoint.name:
            raise ApiError("ValidationError", f"Inference Component {name} of account {seams.account()} not found.")
        variant = self._router.copies(component)
        if variant is None:
            dimensions = {"InferenceComponentName": name}
            self._metrics.put(endpoint, dimensions, {"NoCapacityInvocationFailures": 1.0})
            raise ApiError("ValidationError", NO_CAPACITY)
        return variant

    async def _answer(self, invocation: Invocation) -> seams.Reply:
        variant = invocation.variant
        try:
            async with _place(invocation) as place:
                if place is not None:
                    serverless.observe(self._metrics, invocation.endpoint, variant, place)
                outcome = await self._ask(invocation)
        except LaunchError as error:  # of a serverless variant's process
            if not invocation.endpoint.routes:
                raise _not_found(invocation.endpoint.name) from error
            outcome = Outcome(Answer(500, {}, str(error).encode()), "", None, 0.0)
        self._record(invocation, outcome.status, outcome.seconds, outcome.heard)
        answer = outcome.answer
        if answer is None or not outcome.is_success:
            raise invocation.error(outcome)
        exchange = Exchange(invocation.request.members, invocation.request.body, answer)
        self._capture.sample(invocation.endpoint, variant, exchange, self._router)
        return 200, _headers(variant, answer), answer.body

    async def _ask(self, invocation: Invocation) -> Outcome:
        variant, request = invocation.variant, invocation.request
        outcome = await self._caller.ask(variant, request.for_container(), request.body)
        pool = variant.pool
        while pool is not None and outcome.instance is None and not variant.instances:  # it was idle, and has gone
            await pool.wait()
            outcome = await self._caller.ask(variant, request.for_container(), request.body)
        if pool is not None and outcome.answer is not None and len(outcome.answer.body) > PAYLOAD_LIMIT:
            text = f"The response is {len(outcome.answer.body)} bytes long, more than the {PAYLOAD_LIMIT} allowed."
            return Outcome(Answer(500, {}, text.encode()), "", outcome.instance, outcome.seconds)
        return outcome

    async def _stream(self, invocation: Invocation) -> StreamReply:
        variant, request = invocation.variant, invocation.request
        opened = await self._caller.open(variant, request.for_container(), request.body)
        if isinstance(opened, OpenedAnswer) and not 200 <= opened.answer.status < 300:
            opened = await opened.whole(self._stream_timeout)
        if isinstance(opened, Outcome):
            self._record(invocation, opened.status, opened.seconds, opened.heard)
            raise invocation.error(opened)
        answer = opened.answer

        def end(error: str) -> None:
            self._record(invocation, 0 if error else answer.status, opened.seconds, opened.heard)

        stream = ModelStream(opened, timeout=self._stream_timeout, on_end=end)
        headers = _headers(variant, answer)
        headers["X-Amzn-SageMaker-Content-Type"] = headers["Content-Type"]
        headers["Content-Type"] = CONTENT_TYPE
        return StreamReply(headers, stream.frames(), stream.close)

    def _record(self, invocation: Invocation, status: int, seconds: float, heard: Sequence[Heard]) -> None:
        self._metrics.record(
            invocation.endpoint,
            invocation.variant,
            status=status,
            model_seconds=seconds,
            overhead_seconds=time.perf_counter() - invocation.started - seconds,
            heard=heard,
        )

    def cool(self) -> None:
        """Stop the processes of serverless variants that have been idle for long."""
        for endpoint in self._store.endpoints():
            for route in endpoint.routes:
                for variant in route.fleet.variants.values():
                    if variant.pool is not None:
                        variant.pool.cool()


def _place(invocation: Invocation) -> AbstractAsyncContextManager[Place | None]:
    """Room for the request in a serverless variant; others always have some."""
    pool = invocation.variant.pool
    return nullcontext() if pool is None else pool.place()


def _resources(request: Request) -> list[str]:
    """What a caller needs the right for: an inference component as well as its endpoint."""
    component = request.members.get(_COMPONENT)
    of_component = [] if component is None else [arn("inference-component", component)]
    return [arn("endpoint", request.endpoint), *of_component]


def _not_found(name: str) -> ApiError:
    return ApiError("ValidationError", f"Endpoint {name} of account {seams.account()} not found.")


def _headers(variant: Variant, answer: Answer | OpenAnswer) -> dict[str, str]:
    headers = {
        "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant.name,
    }
    custom = answer.headers.get(CUSTOM_ATTRIBUTES)
    return headers if custom is None else headers | {"X-Amzn-SageMaker-Custom-Attributes": custom}
