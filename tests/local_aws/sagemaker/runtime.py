"""InvokeEndpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.capture import Capture, Exchange
from tests.local_aws.sagemaker.connection import Answer, NotAcceptedError
from tests.local_aws.sagemaker.container_logs import group_name, stream_name
from tests.local_aws.sagemaker.errors import ApiError, unsupported
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.metrics import Metrics
from tests.local_aws.sagemaker.names import arn, partition
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.shapes import check_headers
from tests.local_aws.sagemaker.store import Endpoint, Store
from tests.local_aws.sagemaker.traffic import Router

BODY_LIMIT: Final = 6_291_456  # the maximum of Body in the API's model
PREFIX: Final = "x-amzn-sagemaker-"
PATH: Final = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)")
ACTIONS: Final = {
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}
_MEMBERS: Final = {
    "content-type": "ContentType",
    "accept": "Accept",
    f"{PREFIX}custom-attributes": "CustomAttributes",
    f"{PREFIX}target-model": "TargetModel",
    f"{PREFIX}target-variant": "TargetVariant",
    f"{PREFIX}target-container-hostname": "TargetContainerHostname",
    f"{PREFIX}inference-id": "InferenceId",
    f"{PREFIX}enable-explanations": "EnableExplanations",
    f"{PREFIX}inference-component": "InferenceComponentName",
    f"{PREFIX}session-id": "SessionId",
}
_HEADERS: Final = {member: header for header, member in _MEMBERS.items()}
_FORWARDED: Final = ("CustomAttributes", "InferenceId")
_UNSERVED: Final = ("TargetModel", "TargetContainerHostname", "EnableExplanations", "InferenceComponentName")
_GONE: Final = "An error occurred while handling request as the model process exited."
_LATE: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True)
class Invocation:
    """A request that was found to be sound, and who answers it."""

    endpoint: Endpoint
    variant: Variant
    members: Mapping[str, str]
    body: bytes


class Runtime:
    """Answers invocations on the emulator's event loop."""

    def __init__(self, store: Store, metrics: Metrics, capture: Capture, settings: Settings) -> None:
        self._store = store
        self._metrics = metrics
        self._capture = capture
        self._router = Router(settings.seed)
        self._timeout = settings.model_timeout_seconds

    async def invoke(self, name: str, kind: str, headers: dict[str, str], body: bytes) -> seams.Reply:
        """Authorize, check, route and answer one request.

        Raises:
            ApiError: as documented for InvokeEndpoint.
        """
        started = time.perf_counter()
        members = {member: headers[header] for header, member in _MEMBERS.items() if header in headers}
        action = ACTIONS[kind]
        context = {"sagemaker:TargetModel": members["TargetModel"]} if "TargetModel" in members else {}
        refused = seams.refuse("sagemaker", headers, f"sagemaker:{action}", [arn("endpoint", name)], context)
        if refused is not None:
            return refused
        if kind != "invocations":
            raise unsupported(action)
        check_headers(action, {"EndpointName": name, **members})
        if len(body) > BODY_LIMIT:
            raise ApiError("ValidationError", f"Body is {len(body)} bytes long, more than the {BODY_LIMIT} allowed.")
        invocation = self._routed(name, members, body)
        asked = time.perf_counter()
        answer, problem, instance = await self._ask(invocation)
        model_seconds = time.perf_counter() - asked
        status = 0 if answer is None else answer.status
        self._metrics.record(
            invocation.endpoint,
            invocation.variant,
            status=status,
            model_seconds=model_seconds,
            overhead_seconds=time.perf_counter() - started - model_seconds,
        )
        if answer is None or not 200 <= status < 300:
            raise _model_error(
                invocation, instance, status, problem if answer is None else answer.body.decode(errors="replace")
            )
        self._keep(invocation, answer)
        return 200, _headers(invocation, answer), answer.body

    def _routed(self, name: str, members: Mapping[str, str], body: bytes) -> Invocation:
        for member in _UNSERVED:
            if member in members:
                raise ApiError("ValidationError", f"Endpoint {name} does not support {member}.")
        endpoint = self._store.here().endpoints.get(name)
        if endpoint is None or not endpoint.routes:
            raise _not_found(name)
        variant = self._router.choose(endpoint, members.get("TargetVariant"))
        if not variant.instances and not endpoint.routes:  # it was deleted a moment ago
            raise _not_found(name)
        if not variant.instances:
            raise ApiError("ServiceUnavailable", f"Variant {variant.name} has no instance in service.", status=503)
        return Invocation(endpoint, variant, members, body)

    async def _ask(self, invocation: Invocation) -> tuple[Answer | None, str, Instance | None]:
        """The model's answer, or why there is none, and who was asked last.

        Only a request that nobody took goes to another instance.
        """
        given = invocation.members
        headers = {
            "content-type": given.get("ContentType", "application/octet-stream"),
            "accept": given.get("Accept", "*/*"),
        }
        headers |= {_HEADERS[member]: given[member] for member in _FORWARDED if member in given}
        tried: set[Instance] = set()
        while (instance := self._router.instance(invocation.variant, tried)) is not None:
            instance.in_flight += 1
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await instance.connections.request("POST", "/invocations", headers, invocation.body)
                    return answer, "", instance
            except NotAcceptedError:
                tried.add(instance)
            except TimeoutError:
                return None, _LATE, instance
            except OSError:
                return None, _GONE, instance
            finally:
                instance.in_flight -= 1
        return None, _GONE, None

    def _keep(self, invocation: Invocation, answer: Answer) -> None:
        config = invocation.endpoint.capture
        if config is None or not config.get("EnableCapture", True):
            return
        if self._router.is_sampled(config["InitialSamplingPercentage"]):
            exchange = Exchange(invocation.members, invocation.body, answer)
            self._capture.record(invocation.endpoint, invocation.variant, config, exchange)


def _not_found(name: str) -> ApiError:
    return ApiError("ValidationError", f"Endpoint {name} of account {seams.account()} not found.")


def _headers(invocation: Invocation, answer: Answer) -> dict[str, str]:
    headers = {
        "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": invocation.variant.name,
    }
    custom = answer.headers.get(_HEADERS["CustomAttributes"])
    return headers if custom is None else headers | {"X-Amzn-SageMaker-Custom-Attributes": custom}


def _model_error(invocation: Invocation, instance: Instance | None, status: int, text: str) -> ApiError:
    endpoint = invocation.endpoint
    group = group_name(endpoint.name)
    kind = "client" if 400 <= status < 500 else "server"
    log = f"arn:{partition(endpoint.region)}:logs:{endpoint.region}:{endpoint.account}:log-group:{group}"
    if instance is not None:
        log += f":log-stream:{stream_name(invocation.variant.name, instance)}"
    console = f"https://{endpoint.region}.console.aws.amazon.com/cloudwatch/home?region={endpoint.region}"
    message = (
        f'Received {kind} error ({status}) from primary with message "{text}". See {console}#logEventViewer:group='
        f"{group} in account {endpoint.account} for more information."
    )
    return ApiError(
        "ModelError", message, status=424, OriginalStatusCode=status, OriginalMessage=text, LogStreamArn=log
    )
