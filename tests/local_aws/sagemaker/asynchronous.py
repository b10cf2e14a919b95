"""InvokeEndpointAsync: a queue per endpoint, worked off by its instances, and its answers in S3.

What waits ages in accelerated time, so that a time to live and an alarm on the backlog mean what they say; what is at
work does not, because models are as fast as this machine is.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from tests.local_aws import seams
from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.async_results import Destination, Result
from tests.local_aws.sagemaker.caller import Caller, Outcome
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.metrics import Metrics, microseconds
from tests.local_aws.sagemaker.model_errors import kind_of
from tests.local_aws.sagemaker.notifications import NotificationError
from tests.local_aws.sagemaker.objects import ObjectError
from tests.local_aws.sagemaker.requests import Request
from tests.local_aws.sagemaker.store import Endpoint, Store
from tests.local_aws.sagemaker.traffic import Router

_TTL: Final = 21_600  # seconds of AWS, unless a request says otherwise
_TIMEOUT: Final = 900
_CHOSEN_CONCURRENCY: Final = 4  # AWS chooses "an optimal value" where the configuration has none
_ATTEMPTS: Final = 3  # of a request whose instance was taken out of service while it was at work
_LOOK_SECONDS: Final = 0.1  # how soon it is noticed that there are more instances
_THREADS: Final = 8

_log = logging.getLogger("sagemaker")
_io = ThreadPoolExecutor(_THREADS, thread_name_prefix="sagemaker-async")  # S3 and SNS, which this process serves
_T = TypeVar("_T")


@dataclass(eq=False)
class Item:
    """A request that waits, or is at work."""

    endpoint: Endpoint
    request: Request
    destination: Destination
    inference_id: str
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    since: float = field(default_factory=time.monotonic)
    taken: float | None = None
    """When an instance got it."""

    attempts: int = 0

    @property
    def time_to_live(self) -> int:
        """How long it may wait, in seconds of AWS."""
        return int(self.request.members.get("RequestTTLSeconds", _TTL))

    @property
    def timeout(self) -> int:
        """How long the model may take."""
        return int(self.request.members.get("InvocationTimeoutSeconds", _TIMEOUT))


@dataclass(eq=False)
class Queue:
    """What waits for one endpoint, and what is at work."""

    endpoint: Endpoint
    waiting: deque[Item] = field(default_factory=deque)
    at_work: set[Item] = field(default_factory=set)
    busy: Counter[Instance] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    dispatcher: asyncio.Task[None] | None = None


class Queues:
    """All of them; everything but S3 and SNS happens on the emulator's event loop."""

    def __init__(self, store: Store, router: Router, caller: Caller, metrics: Metrics, speed: float) -> None:
        self._store = store
        self._router = router
        self._caller = caller
        self._metrics = metrics
        self._speed = speed
        self._queues: dict[tuple[str, str, str], Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def enqueue(self, endpoint: Endpoint, config: Mapping[str, Any], request: Request) -> seams.Reply:
        """Take a request in, and say where its answer will be.

        Raises:
            ApiError: ValidationError.
        """
        if bool(request.body) == ("InputLocation" in request.members):
            raise ApiError("ValidationError", "Provide exactly one of Body and InputLocation.")
        item = Item(
            endpoint,
            request,
            Destination.of(config, request.members, account=endpoint.account, region=endpoint.region),
            request.members.get("InferenceId") or str(uuid.uuid4()),
        )
        queue = self._queue(endpoint)
        queue.waiting.append(item)
        queue.changed.set()
        if queue.dispatcher is None or queue.dispatcher.done():
            queue.dispatcher = asyncio.create_task(self._dispatch(queue))
        headers = {"Content-Type": "application/json"}
        for name, url in (("Output", item.destination.output), ("Failure", item.destination.failure)):
            if url is not None:
                headers[f"X-Amzn-SageMaker-{name}Location"] = url
        return 202, headers, json.dumps({"InferenceId": item.inference_id}).encode()

    def _queue(self, endpoint: Endpoint) -> Queue:
        key = (endpoint.account, endpoint.region, endpoint.name)
        queue = self._queues.get(key)
        if queue is None or queue.endpoint is not endpoint:  # one of that name was deleted
            queue = self._queues[key] = Queue(endpoint)
        return queue

    def clear(self) -> None:
        """Forget what waits."""
        for queue in self._queues.values():
            queue.waiting.clear()
        self._queues.clear()

    def observe(self) -> None:
        """Publish the state of the queues of all asynchronous endpoints; those of deleted ones are forgotten."""
        endpoints = self._store.endpoints()
        for key, queue in list(self._queues.items()):
            if not any(queue.endpoint is endpoint for endpoint in endpoints):
                del self._queues[key]
        for endpoint in endpoints:
            if endpoint.asynchronous is not None and endpoint.routes:
                self._metrics.add(endpoint, None, self._gauges(endpoint))

    def _gauges(self, endpoint: Endpoint) -> dict[str, float]:
        queue = self._queue(endpoint)
        size = len(queue.waiting) + len(queue.at_work)
        fleets = [route.fleet for route in endpoint.routes]
        count = sum(len(variant.instances) for fleet in fleets for variant in fleet.variants.values())
        values: dict[str, float] = {
            "ApproximateBacklogSize": size,
            # Without any instance, a policy scales out once the queue is longer than its target:
            # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
            "ApproximateBacklogSizePerInstance": size / max(1, count),
            "HasBacklogWithoutCapacity": int(size > 0 and count == 0),
        }
        if queue.waiting:
            values["ApproximateAgeOfOldestRequest"] = round(self._age(queue.waiting[0]), 1)
        return values

    def _age(self, item: Item) -> float:
        """How long it has been waiting, or had to wait, in seconds of AWS."""
        return ((time.monotonic() if item.taken is None else item.taken) - item.since) * self._speed

    async def _dispatch(self, queue: Queue) -> None:
        """Give what waits to instances, as long as anything does; what a deleted endpoint leaves is lost, as on AWS."""
        while queue.waiting:
            if not queue.endpoint.routes:
                queue.waiting.clear()
                return
            self._expire(queue)
            place = self._place(queue)
            if place is None:
                queue.changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await queue.changed.wait()
            elif queue.waiting:
                self._start(self._carry(queue, queue.waiting.popleft(), *place))

    def _expire(self, queue: Queue) -> None:
        for item in [item for item in queue.waiting if self._age(item) > item.time_to_live]:
            queue.waiting.remove(item)
            reason = f"The request expired: it was in the queue for more than {item.time_to_live} seconds."
            self._start(self._end(item, _any_variant(queue.endpoint), {"ExpiredRequests": 1.0}, reason))

    def _place(self, queue: Queue) -> tuple[Variant, Instance] | None:
        """An instance that may get one request more."""
        client = (queue.endpoint.asynchronous or {}).get("ClientConfig", {})
        most = client.get("MaxConcurrentInvocationsPerInstance", _CHOSEN_CONCURRENCY)
        try:
            variant = self._router.choose(queue.endpoint, None)
        except (ApiError, IndexError):  # it has no weight, or is being deleted
            return None
        free = [one for one in variant.instances if queue.busy[one] < most]
        return (variant, min(free, key=lambda one: queue.busy[one])) if free else None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the event loop keeps no task alive
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, queue: Queue, item: Item, variant: Variant, instance: Instance) -> None:
        """Have one request answered, and make room for the next."""
        queue.at_work.add(item)
        queue.busy[instance] += 1
        instance.in_flight += 1  # it is drained before it ends
        try:
            await self._work(queue, item, variant, instance)
        except Exception:  # noqa: BLE001 - logged; the queue goes on
            _log.exception("an asynchronous invocation failed")
        finally:
            instance.in_flight -= 1
            queue.busy[instance] -= 1
            queue.busy += Counter()  # without those that are not busy any more
            queue.at_work.discard(item)
            queue.changed.set()
            if queue.waiting and (queue.dispatcher is None or queue.dispatcher.done()):
                queue.dispatcher = asyncio.create_task(self._dispatch(queue))

    async def _work(self, queue: Queue, item: Item, variant: Variant, instance: Instance) -> None:
        item.taken = time.monotonic()
        values = {"TimeInBacklog": microseconds(self._age(item))}
        location, role = item.request.members.get("InputLocation"), _role(variant)
        body, begun = item.request.body, time.perf_counter()
        if location is not None:
            try:
                body = await _outside(lambda: item.destination.read(location, role))
            except (ObjectError, OSError) as error:
                values["RequestDownloadFailures"] = 1.0
                unread = f"ClientError: Unable to download the request from {location}: {error}"
                await self._end(item, variant, values, unread)
                return
            values["RequestDownloadLatency"] = microseconds(time.perf_counter() - begun)
        headers = item.request.for_container()
        outcome = await self._caller.ask_instance(instance, headers, body, timeout=item.timeout)
        if self._is_lost(outcome, item, variant, instance):
            item.taken = None
            queue.waiting.appendleft(item)
            return
        if outcome is None:
            outcome = Outcome(None, "", instance, 0.0)
        is_client_error = 400 <= outcome.status < 500
        values |= {
            "RequestDownloadFailures": 0.0,
            "ModelLatency": microseconds(outcome.seconds),
            "Invocation4XXErrors": int(is_client_error),
            "Invocation5XXErrors": int(not outcome.is_success and not is_client_error),
        }
        reason = None
        if not outcome.is_success:
            reason = (
                f"ClientError: Received {kind_of(outcome.status)} error ({outcome.status}) from model. See the "
                "SageMaker Endpoint logs in your account for more information."
            )
        await self._end(item, variant, values, reason, outcome)

    @staticmethod
    def _is_lost(outcome: Outcome | None, item: Item, variant: Variant, instance: Instance) -> bool:
        """Whether the instance went before it answered, so that another one has to; not for ever."""
        item.attempts += 1
        if item.attempts >= _ATTEMPTS:
            return False
        return outcome is None or (outcome.answer is None and instance not in variant.instances)

    async def _end(
        self,
        item: Item,
        variant: Variant | None,
        values: Mapping[str, float],
        reason: str | None,
        outcome: Outcome | None = None,
    ) -> None:
        """Write what came of a request, tell the topics, and count it."""
        if variant is None:  # the endpoint is gone
            return
        counted = {"ExpiredRequests": 0.0, "InvocationsProcessed": float("ExpiredRequests" not in values), **values}
        answer = None if outcome is None else outcome.answer
        text = b"" if reason is None else (outcome.text if outcome and outcome.text else reason).encode()
        result = Result(
            endpoint=item.endpoint.name,
            members=item.request.members,
            inference_id=item.inference_id,
            received=item.received,
            reason=reason,
            body=text if answer is None else answer.body,
            content_type="text/plain" if answer is None else answer.headers.get("content-type", "text/plain"),
        )
        result, more = await _outside(lambda: _deliver(item.destination, result, _role(variant)))
        counted |= more
        counted["InvocationFailures"] = int(not result.is_success)
        at_work = 0.0 if item.taken is None else time.monotonic() - item.taken
        counted["TotalProcessingTime"] = round(1e3 * (self._age(item) + at_work), 1)
        self._metrics.add(item.endpoint, variant.name, counted)


def _deliver(destination: Destination, result: Result, role: str) -> tuple[Result, dict[str, float]]:
    """Write an answer or a failure, and tell the topic; gives what came of it in the end."""
    counted = {"ResponseUploadFailures": 0.0, "NotificationFailures": 0.0}
    begun = time.perf_counter()
    try:
        destination.write(result.body, result.content_type, role, is_success=result.is_success)
        counted["ResponseUploadLatency"] = microseconds(time.perf_counter() - begun)
    except (ObjectError, OSError) as error:
        roles.forget()
        counted["ResponseUploadFailures"] = 1.0
        if result.is_success:
            reason = f"ClientError: Unable to upload the response to {destination.output}: {error}"
            result = replace(result, reason=reason)
    try:
        destination.notify(result, role)
    except NotificationError as error:
        _log.warning("a topic was not told of an asynchronous invocation: %s", error)
        counted["NotificationFailures"] = 1.0
    return result, counted


async def _outside(work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(_io, work)


def _role(variant: Variant) -> str:
    return variant.role


def _any_variant(endpoint: Endpoint) -> Variant | None:
    fleet = endpoint.fleet
    return None if fleet is None else next(iter(fleet.variants.values()))
