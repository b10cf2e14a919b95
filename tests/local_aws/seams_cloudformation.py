"""Every private name of MiniStack that services and CloudFormation types touch (tested with the pinned version).

MiniStack has no extension interface and no type hints; the names are fetched by string, so that type checking needs no
installed emulator and a name that vanished fails at the start, here, and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

Properties = dict[str, Any]
Attributes = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]]

_app: Final[Any] = import_module("ministack.app")
_router: Final[Any] = import_module("ministack.core.router")
_iam_actions: Final[Any] = import_module("ministack.core.iam_actions")
_responses: Final[Any] = import_module("ministack.core.responses")
_provisioners: Final[Any] = import_module("ministack.services.cloudformation.provisioners")
_stacks: Final[Any] = import_module("ministack.services.cloudformation.stacks")
_waf: Final[Any] = import_module("ministack.services.waf")
_apigateway: Final[Any] = import_module("ministack.services.apigateway_v1")
_cloudwatch: Final[Any] = import_module("ministack.services.cloudwatch")

_OURS: Final[set[str]] = set()


def account() -> str:
    """The account of the request that is being answered."""
    return str(_responses.get_account_id())


def region() -> str:
    """The region of the request that is being answered."""
    return str(_responses.get_region())


def register_json_service(name: str, target_prefix: str, handler: Handler, *, namespace: str | None = None) -> None:
    """Route the JSON requests of a service to a handler, and let IAM evaluate them."""
    _app.SERVICE_HANDLERS[name] = handler
    _router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}
    _iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = namespace or name


def wrap_json_service(name: str, operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]) -> None:
    """Answer some operations of a service that MiniStack has; it keeps answering the others."""
    theirs: Handler = _app.SERVICE_HANDLERS[name]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        operation = operations.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if operation is None:
            return await theirs(method, path, headers, body, query)
        try:
            answer, status = operation(json.loads(body or b"{}")), 200
        except ServiceError as error:
            answer, status = {"__type": error.code, "message": str(error)}, 400
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    _app.SERVICE_HANDLERS[name] = handle


class ServiceError(Exception):
    """An AWS error: a code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def web_acl_exists(arn: str) -> bool:
    """Whether WAFv2 has this web ACL."""
    return _waf._resolve_local_web_acl(arn)[1] is None


def physical_name(stack: str, logical_id: str, *, length: int, lowercase: bool = False) -> str:
    """The name that CloudFormation gives a resource without a name; a replacement gets another."""
    return str(_provisioners._physical_name(stack, logical_id, max_len=length, lowercase=lowercase))


def registered_type(name: str) -> dict[str, Any]:
    """The handlers of a resource type, for our own to build upon."""
    handlers: dict[str, Any] = _provisioners._RESOURCE_HANDLERS[name]
    return handlers


def register_type(name: str, handlers: dict[str, Any], create_only: tuple[str, ...] | None) -> None:
    """Add or replace a resource type; its handlers may block, so they run on a thread of their own.

    `create_only` are the properties whose change replaces the resource. None keeps what MiniStack knows.
    """
    _provisioners._RESOURCE_HANDLERS[name] = handlers
    if create_only is not None:
        _provisioners._REPLACING_PROPERTIES[name] = create_only
    if not _OURS:
        blocking = _stacks._runs_on_worker_thread
        _stacks._runs_on_worker_thread = lambda resource_type: resource_type in _OURS or blocking(resource_type)
    _OURS.add(name)


async def on_thread(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - what the function gives
    """Run something that blocks, and that may call this server."""
    return await asyncio.to_thread(function, *arguments)


def metric_points(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The published data of one metric: exactly these dimensions."""
    dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], _cloudwatch._dims_key(dimensions))
    return list(_cloudwatch._metrics.get(key) or [])


def metric_statistic(points: list[dict[str, Any]], statistic: str) -> float | None:
    """One statistic of data points."""
    value = _cloudwatch._stat_value(_cloudwatch._calc_stats(points), statistic, points)
    return None if value is None else float(value)


def default_scope() -> AbstractContextManager[None]:
    """Use the stores of the account and region that the server was started with."""
    region_name = os.environ.get("MINISTACK_REGION", "us-east-1")
    scope: AbstractContextManager[None] = _responses.request_scope(
        os.environ.get("MINISTACK_ACCOUNT_ID", "000000000000"), region_name
    )
    return scope


def alarms_of_default_account() -> list[dict[str, Any]]:
    """The metric alarms of the account and region that the server was started with."""
    with default_scope():
        return list(_cloudwatch._alarms.values())


def change_alarm_state(alarm: dict[str, Any], state: str, reason: str) -> None:
    """Set an alarm's state, with its history, its actions and the composite alarms above it."""
    before = alarm["StateValue"]
    alarm |= {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    _cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    _cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    _cloudwatch._evaluate_parent_alarms(alarm)


def replace_alarm_evaluation(check: Callable[[dict[str, Any]], None]) -> None:
    """Leave the evaluation to us, and keep the metric math of alarms, which `check` may refuse."""
    _cloudwatch._evaluate_alarm = _cloudwatch._evaluate_all_alarms = lambda *_alarm: None
    put, record = _cloudwatch._put_metric_alarm, _provisioners._cw_metric_alarm_record

    def put_with_math(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
        answer = put(params, data, is_cbor, is_json)
        if data and data.get("Metrics") and data.get("AlarmName") in _cloudwatch._alarms:
            _use_math(_cloudwatch._alarms[data["AlarmName"]], data["Metrics"])
        return answer

    def record_with_math(name: str, properties: Properties) -> dict[str, Any]:
        queries = properties.get("Metrics")
        if not queries:
            alarm: dict[str, Any] = record(name, properties)
        else:
            alarm = record(name, properties | {"Metrics": None, "MetricName": "math", "Namespace": "math"})
            _use_math(alarm, queries)
        check(alarm)
        return alarm

    _cloudwatch._put_metric_alarm = put_with_math
    _provisioners._cw_metric_alarm_record = record_with_math


def _use_math(alarm: dict[str, Any], queries: list[dict[str, Any]]) -> None:
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
        alarm.pop(name, None)
    alarm["Metrics"] = queries


def honour_default_request_models() -> None:
    """Validate a body of any content type against the model of `$default`, where no other model matches."""
    check = _apigateway._check_request_validation

    def check_with_default(method: dict[str, Any], api: str, request: Any, headers: Any, *rest: Any) -> Any:  # noqa: ANN401
        models = method.get("requestModels") or {}
        if "$default" in models:
            content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
            content_type = content_type.partition(";")[0].strip() or "application/json"
            model = models.get(content_type) or models["$default"]
            method = method | {"requestModels": {content_type: model, "application/json": model}}
        return check(method, api, request, headers, *rest)

    _apigateway._check_request_validation = check_with_default
