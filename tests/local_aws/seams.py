"""Every private name of MiniStack that this package touches, for the versions that were tested.

MiniStack offers no interface for extensions, so a new version may break any function here, and nothing elsewhere. Its
modules are fetched by name: type checking needs no installed emulator, and a module that vanished fails at the start.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, Protocol

_gateway: Final[Any] = import_module("ministack.app")
_iam_actions: Final[Any] = import_module("ministack.core.iam_actions")
_iam_evaluator: Final[Any] = import_module("ministack.core.iam_evaluator")
_pipes: Final[Any] = import_module("ministack.services.pipes")
_firehose: Final[Any] = import_module("ministack.services.firehose")
_lambda_runtime: Final[Any] = import_module("ministack.core.lambda_runtime")
_responses: Final[Any] = import_module("ministack.core.responses")
_router: Final[Any] = import_module("ministack.core.router")
_apigateway: Final[Any] = import_module("ministack.services.apigateway_v1")
_change_sets: Final[Any] = import_module("ministack.services.cloudformation.changesets")
_stack_calls: Final[Any] = import_module("ministack.services.cloudformation.handlers")
_provisioners: Final[Any] = import_module("ministack.services.cloudformation.provisioners")
_stacks: Final[Any] = import_module("ministack.services.cloudformation.stacks")
_cloudwatch: Final[Any] = import_module("ministack.services.cloudwatch")
_iam: Final[Any] = import_module("ministack.services.iam")
_lambda: Final[Any] = import_module("ministack.services.lambda_svc")
_workflows: Final[Any] = import_module("ministack.services.stepfunctions")
_sts: Final[Any] = import_module("ministack.services.sts")
_waf: Final[Any] = import_module("ministack.services.waf")
_tcp_server: Final[Any] = import_module("hypercorn.asyncio.tcp_server")

TESTED_VERSIONS: Final = ("1.5.33",)
_OUR_TYPES: Final[set[str]] = set()
_INTEGRATION_ARGUMENTS: Final = (
    "integration", "api_id", "stage_name", "stage", "resource", "request_path", "method", "headers", "body",
    "query_params", "path_params",
)  # fmt: skip
_request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
_waiting: Final[dict[str, str]] = {}
_execution: Final[ContextVar[str]] = ContextVar("execution", default="")

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body, as every service of MiniStack answers."""

Properties = dict[str, Any]
"""What a template says of a resource, with its references resolved."""

Attributes = dict[str, Any]
"""What `Fn::GetAtt` gives."""

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Reply]]
"""Answers a request: method, path, headers, body and query."""

Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""


class Service(Protocol):
    """What MiniStack expects of a service's module."""

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> Reply: ...

    def reset(self) -> None: ...

    def get_state(self) -> None: ...

    def load_persisted_state(self, data: object) -> None: ...


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key: str
    secret_key: str
    token: str


def untested_version() -> str | None:
    """The installed version, when nobody tested it with this package."""
    installed = version("ministack")
    return None if installed in TESTED_VERSIONS else installed


def register_service(name: str, service: Service, *, target_prefix: str) -> None:
    """Route the calls of one AWS service, and the emulator's reset, to `service`."""
    _gateway.SERVICE_REGISTRY[name] = {"module": name}
    _gateway._loaded_modules[name] = service
    _gateway.SERVICE_HANDLERS[name] = service.handle_request
    _router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}


def wrap_application(wrapper: Callable[[Application], Application]) -> None:
    """Put `wrapper` in front of the whole emulator."""
    _gateway.app = wrapper(_gateway.app)


def treat_loopback_as_tls() -> None:
    """Let plain HTTP on the loopback pass `aws:SecureTransport`, or each bucket that enforces TLS refuses everybody."""
    pin = _gateway.pin_request_origin
    _gateway.pin_request_origin = lambda address, secure: pin(address, secure or address.startswith("127."))


def shorten_log_wait(seconds: float) -> None:
    """How long an answer of a function waits for a first line of its log, which many never write; MiniStack: 0.05."""
    drain = _lambda_runtime.Worker._drain_stderr_bounded
    drain.__defaults__ = (seconds, *drain.__defaults__[1:])


def close_when_clients_leave() -> None:
    """Close a connection when its client does: the server keeps it until it has been idle for 75 seconds."""
    read = _tcp_server.TCPServer._read_data

    async def read_and_stop_waiting(connection: Any) -> None:  # noqa: ANN401
        await read(connection)
        await connection.idle_task.stop()

    _tcp_server.TCPServer._read_data = read_and_stop_waiting


def is_authorizing() -> bool:
    """Whether signatures and policies are checked (AUTH=true)."""
    return bool(_gateway.AUTH)


def pin_request(scope: Mapping[str, Any], headers: dict[str, str], body: bytes) -> None:
    """Make a request that this package answers by itself known to the evaluator, as the gateway does for the others."""
    address = (scope.get("client") or ("127.0.0.1",))[0]
    key = _router.extract_access_key_id(headers, {})
    if not is_authorizing():
        _responses.set_request_account_id(key)
        _responses.set_request_region(_router.extract_region(headers, {}))
        return
    _gateway.pin_request_origin(address, scope.get("scheme") == "https")
    _responses.set_request_account_id(_gateway._request_account_scope(key))
    _responses.set_request_region(_router.extract_region(headers, {}))
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    _iam_evaluator.pin_signed_request(scope["method"], path, {}, scope.get("headers", []))
    _iam_evaluator.pin_signed_body(body)
    _iam_evaluator.pin_request_caller(headers, {})


def account() -> str:
    """The account of the present request."""
    return str(_responses.get_account_id())


def region() -> str:
    """The region of the present request."""
    return str(_responses.get_region())


def acting_in(account_id: str, region_name: str) -> AbstractContextManager[None]:
    """Use the stores of this account and region."""
    scope: AbstractContextManager[None] = _responses.request_scope(account_id, region_name)
    return scope


def refuse(
    service: str, headers: dict[str, str], action: str, resources: Sequence[str], context: Mapping[str, Any]
) -> Reply | None:
    """Evaluate the caller's policies for each resource; gives the refusal, or nothing where all are allowed."""
    if not is_authorizing():
        return None
    key = _router.extract_access_key_id(headers, {})
    for resource in resources:
        denied = _iam_evaluator.enforce(
            key, action, service, _responses.get_region(), resource_arn=resource, service_context=dict(context)
        )
        if denied is None:
            continue
        if isinstance(denied, _iam_evaluator.AuthError):
            reply: Reply = _iam_actions.access_denied_response(
                service, action, "", str(uuid.uuid4()), error_code=denied.code, message=denied.message, headers=headers
            )
            return reply
        explicit = denied.decision == "Deny"
        message = _iam_actions.identity_denial_message(action, denied.principal_arn, resource, explicit)
        return (
            400 if headers.get("x-amz-target") else 403,
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException"},
            json.dumps({"__type": "AccessDeniedException", "Message": message}).encode(),
        )
    return None


def request_tags(service: str, action: str, body: bytes) -> dict[str, Any]:
    """`aws:RequestTag/*` and `aws:TagKeys` of a request."""
    return dict(_iam_actions.request_tag_context(service, action, body, {}))


def assume_role_as_service(
    role_arn: str, *, service: str, session: str, source_arn: str, account_id: str
) -> Credentials | None:
    """What an AWS service gets when it assumes a role; nothing where the role is missing or does not trust it.

    MiniStack's own AssumeRole takes any service principal for the caller and knows neither `aws:SourceAccount` nor
    `aws:SourceArn`, on which a careful trust policy depends.
    """
    name = role_arn.rsplit("/", 1)[-1]
    if role_arn.split(":")[4:5] != [account_id]:
        return None
    with acting_in(account_id, _responses.get_region()):
        role = _iam._roles.get(name)
    if role is None or (is_authorizing() and not _is_trusted(role, service, role_arn, source_arn, account_id)):
        return None
    assumed, error = _sts._assumed_role_arn(role_arn, session)
    if error:
        return None
    credentials = Credentials(_iam._gen_session_access_key(), _iam._gen_secret(), _iam._gen_session_token())
    _sts.register_session(
        credentials.access_key,
        {
            "Arn": assumed,
            "UserId": f"{_sts._role_id(role_arn)}:{session}",
            "SecretAccessKey": credentials.secret_key,
            "SessionToken": credentials.token,
            "Expiration": time.time() + 3600,
            "AccountId": account_id,
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": root_key(account_id),
            "SourcePrincipalArn": f"arn:aws:iam::{account_id}:root",
            "SessionTags": [],
            "SessionPolicies": None,
        },
    )
    return credentials


def _is_trusted(role: Mapping[str, Any], service: str, role_arn: str, source_arn: str, account_id: str) -> bool:
    document = role.get("AssumeRolePolicyDocument", "{}")
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    named = [item for item in statements if _names_service(item.get("Principal"), service)]
    caller = f"arn:aws:iam::{account_id}:root"
    context = _iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="Root",
        principal_account=account_id,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=_responses.get_region(),
        service_context={"aws:sourceaccount": account_id, "aws:sourcearn": source_arn},
    )
    return bool(_iam_evaluator.evaluate_trust_policy({**document, "Statement": named}, caller, context))


def _names_service(principal: object, service: str) -> bool:
    if not isinstance(principal, dict):
        return principal == "*"
    services = principal.get("Service", [])
    return service in ([services] if isinstance(services, str) else services)


def root_key(account_id: str) -> str:
    """The access key with every right in an account: MiniStack takes the account's number for it."""
    return account_id


def put_metrics(account_id: str, region_name: str, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
    """PutMetricData without the way through HTTP; evaluates the alarms, as the public call does."""
    with acting_in(account_id, region_name):
        _cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": list(data)}, is_cbor=True)


def alarms_in_alarm(account_id: str, region_name: str, names: Sequence[str]) -> list[str]:
    """Which of these alarms, metric or composite, are in ALARM."""
    with acting_in(account_id, region_name):
        found = [_cloudwatch._alarms.get(name) or _cloudwatch._composite_alarms.get(name) for name in names]
    return [alarm["AlarmName"] for alarm in found if alarm and alarm["StateValue"] == "ALARM"]


def alarm_exists(account_id: str, region_name: str, name: str) -> bool:
    """Whether CloudWatch knows an alarm of this name."""
    with acting_in(account_id, region_name):
        return name in _cloudwatch._alarms or name in _cloudwatch._composite_alarms


def port() -> int:
    """The port of the gateway."""
    return int(_gateway._resolve_port())


def register_json_service(name: str, target_prefix: str, handler: Handler, *, namespace: str | None = None) -> None:
    """Route the JSON requests of a service to a handler, and let IAM evaluate them."""
    _gateway.SERVICE_HANDLERS[name] = handler
    _router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}
    _iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = namespace or name


def wrap_service(name: str, wrapper: Callable[[Handler], Handler]) -> None:
    """Put `wrapper` in front of a service that MiniStack has."""
    _gateway.SERVICE_HANDLERS[name] = wrapper(_gateway.SERVICE_HANDLERS[name])


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
    if not _OUR_TYPES:
        blocking = _stacks._runs_on_worker_thread
        _stacks._runs_on_worker_thread = lambda resource_type: resource_type in _OUR_TYPES or blocking(resource_type)
    _OUR_TYPES.add(name)


def end_function_processes(function: str) -> None:
    """End the processes that serve a function of the account and region of the request that is being answered."""
    _lambda_runtime.invalidate_worker(function, account=account(), region=region())


def check_templates(
    parse: Callable[[str, Callable[[str], dict[str, Any]]], dict[str, Any]], check: Callable[[dict[str, Any]], None]
) -> None:
    """Let `parse` read each template in place of the emulator's function, which it gets, and `check` look at it."""
    read, support = _stack_calls._parse_template, _stack_calls.validate_template_support

    def checked(template: dict[str, Any], conditions: Any, **rest: Any) -> None:  # noqa: ANN401
        support(template, conditions, **rest)  # first, for the list of unknown types
        check(template)

    for module in (_stack_calls, _change_sets):
        module._parse_template = lambda text: parse(text, read)
        module.validate_template_support = checked


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
    environment = os.environ
    return acting_in(
        environment.get("MINISTACK_ACCOUNT_ID", "000000000000"), environment.get("MINISTACK_REGION", "us-east-1")
    )


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


@dataclass(frozen=True)
class GatewayError:
    """A request that API Gateway answers by itself, with the gateway response of this type."""

    kind: str
    message: str


@dataclass(frozen=True)
class IntegrationCall:
    """A request to a REST API that was authorized and validated, and the integration that is to answer it."""

    integration: Mapping[str, Any]
    path: str
    """Where the integration's URI leads, with placeholders."""
    api_id: str
    stage: str
    stage_variables: Mapping[str, str]
    method: str
    resource_path: str
    request_path: str
    request_id: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    path_parameters: Mapping[str, str]
    body: bytes
    binary_media_types: list[str]
    authorizer: Mapping[str, Any]
    account: str
    region: str

    @property
    def source_arn(self) -> str:
        """The method, as execution policies name it."""
        path = self.resource_path.lstrip("/")
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}/{self.stage}/{self.method}/{path}"


def add_service_integration(service: str, invoke: Callable[[IntegrationCall], Awaitable[Reply | GatewayError]]) -> None:
    """Let `invoke` answer the integrations of REST APIs whose URI names this service and a path."""
    theirs, execute = _apigateway._invoke_lambda_custom_v1, _apigateway._execute_in_scope

    async def execute_and_tell(request: dict[str, Any], *rest: Any) -> Any:  # noqa: ANN401
        _request_id.set(request["request_id"])
        return await execute(request, *rest)

    async def invoke_or_theirs(*given: Any, **scope: Any) -> Any:  # noqa: ANN401
        named = dict(zip(_INTEGRATION_ARGUMENTS, given, strict=True)) | scope
        target = _apigateway._parse_service_integration_uri(named["integration"].get("uri", ""))
        if target is None or target[1:3] != (service, "path"):
            return await theirs(*given, **scope)
        answer = await invoke(
            IntegrationCall(
                integration=named["integration"],
                path=f"/{target[3]}",
                api_id=named["api_id"],
                stage=named["stage_name"],
                stage_variables=named["stage"].get("variables") or {},
                method=named["method"],
                resource_path=named["resource"]["path"],
                request_path=named["request_path"],
                request_id=_request_id.get(),
                headers=_single(named["headers"]),
                query=_single(named["query_params"]),
                path_parameters=named["path_params"] or {},
                body=named["body"] or b"",
                binary_media_types=list(named["binary_media_types"]),
                authorizer=named["authorizer_context"] or {},
                account=named["owner_account_id"],
                region=named["owner_region"],
            )
        )
        return _apigateway._gw_error(answer.kind, answer.message) if isinstance(answer, GatewayError) else answer

    _apigateway._invoke_lambda_custom_v1, _apigateway._execute_in_scope = invoke_or_theirs, execute_and_tell


def _single(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {
        name: str(value[-1] if isinstance(value, list | tuple) else value) for name, value in (values or {}).items()
    }


def may(credentials: Credentials, action: str, resource: str) -> bool:
    """Whether the policies of a role, and of the resource, allow an action."""
    if not is_authorizing():
        return True
    service = action.partition(":")[0]

    def is_allowed() -> bool:
        return _iam_evaluator.enforce(credentials.access_key, action, service, region(), resource_arn=resource) is None

    return Context().run(_in_scope, account(), region(), is_allowed)


def _in_scope(account_id: str, region_name: str, function: Callable[[], bool]) -> bool:
    """Evaluate without the request that is being answered: it is somebody else who asks."""
    with acting_in(account_id, region_name):
        _iam_evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
        return function()


def stop_reading_streams() -> None:
    """Leave Kinesis streams that are mapped to functions to us."""
    _lambda._poll_kinesis = lambda: False


def stream_mappings() -> list[dict[str, Any]]:
    """The mappings of Kinesis streams of the account and region in scope."""
    return [
        dict(_lambda._esm_response(one)) for one in list(_lambda._esms.values()) if ":kinesis:" in one["EventSourceArn"]
    ]


def accept_stream_consumers() -> None:
    """Let the ARN of a stream's consumer name its stream."""
    name_of = _lambda._kinesis_stream_name_from_arn_spec

    def name_of_stream(spec: Any) -> Any:  # noqa: ANN401
        return name_of(replace(spec, resource=spec.resource.partition("/consumer/")[0]))

    _lambda._kinesis_stream_name_from_arn_spec = name_of_stream


@dataclass(frozen=True)
class WorkflowTask:
    """What a state machine is about to do."""

    resource: str
    arguments: dict[str, Any]
    machine: str
    role: str


class WorkflowTaskError(Exception):
    """A task fails, with an error's name and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error


def guard_workflow_tasks(check: Callable[[WorkflowTask], None]) -> None:
    """Let `check` look at each task of an execution before it is done; what it raises fails the task."""
    run = _workflows._run_execution

    def run_and_tell(execution: str, *rest: Any) -> Any:  # noqa: ANN401
        _execution.set(execution)
        return run(execution, *rest)

    invoke, wait = _workflows._invoke_resource, _workflows._invoke_with_callback

    def guarded_invoke(resource: str, arguments: Any) -> Any:  # noqa: ANN401
        _failing(check, _task(resource, arguments))
        return invoke(resource, arguments)

    def guarded_wait(resource: str, arguments: Any, token: str, *rest: Any) -> Any:  # noqa: ANN401
        task = _task(resource, arguments)
        _failing(check, task)
        _waiting[token] = task.machine
        try:
            return wait(resource, arguments, token, *rest)
        finally:
            _waiting.pop(token, None)

    _workflows._run_execution = run_and_tell
    _workflows._invoke_resource, _workflows._invoke_with_callback = guarded_invoke, guarded_wait


def name_machines_of_tokens() -> None:
    """Let IAM evaluate the result of a task for the state machine that waits for it; MiniStack takes `*`."""
    theirs = _iam_actions.extract_resource_arn

    def resource_of(service: str, method: str, path: str, headers: Any, body: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401
        if service == "states" and _waiting and b"taskToken" in (body or b""):
            machine = _waiting.get(json.loads(body).get("taskToken"))
            if machine is not None:
                return machine
        return theirs(service, method, path, headers, body, *rest, **more)

    _iam_actions.extract_resource_arn = resource_of


def add_workflow_calls(
    calls: Collection[tuple[str, str]], call: Callable[[WorkflowTask, str, str], dict[str, Any]]
) -> None:
    """Let `call` do the tasks `arn:aws:states:::aws-sdk:<service>:<action>` of these services and actions."""
    theirs = _workflows._invoke_aws_sdk_integration

    def invoke(resource: str, arguments: Any) -> Any:  # noqa: ANN401
        parts = resource.split(":")
        service, action = parts[6].lower(), parts[7].partition(".")[0]
        if (service, action) not in calls:
            return theirs(resource, arguments)
        return _failing(call, _task(resource, arguments), service, action)

    _workflows._invoke_aws_sdk_integration = invoke


def _task(resource: str, arguments: Any) -> WorkflowTask:  # noqa: ANN401
    execution = _workflows._executions[_execution.get()]
    machine = _workflows._state_machines[execution["stateMachineArn"]]
    given = arguments if isinstance(arguments, dict) else {}
    return WorkflowTask(resource, given, machine["stateMachineArn"], machine["roleArn"])


def _failing(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    try:
        return function(*arguments)
    except WorkflowTaskError as error:
        raise _workflows._ExecutionError(error.error, str(error)) from None


def pipes() -> list[dict[str, Any]]:
    """The EventBridge pipes of the account and region in scope."""
    return [dict(pipe) for pipe in list(_pipes._pipes.values())]


def guard_deliveries(deliver: Callable[[str, Mapping[str, Any], bytes], bytes | None]) -> None:
    """Let `deliver` make what Firehose puts into a bucket, from the stream's ARN, the destination and a record.

    It gives nothing where Firehose may not deliver.
    """
    theirs = _firehose._deliver_to_s3

    def deliver_or_not(stream: Any, destination: Any, data: bytes, *rest: Any) -> None:  # noqa: ANN401
        made = deliver(_firehose._stream_arn(stream["name"]), destination["config"], data)
        if made is not None:
            theirs(stream, destination, made, *rest)

    _firehose._deliver_to_s3 = deliver_or_not
