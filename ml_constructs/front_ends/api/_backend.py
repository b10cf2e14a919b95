"""What an API calls: a new function, a given one, or SageMaker itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from ml_constructs._checks import check_type, is_token
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs.front_ends.api.canary import ApiCanary
from ml_constructs.front_ends.api.cors import Cors
from ml_constructs.front_ends.api.direct_integration import DirectIntegration
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork

# 29 seconds, unless the account's quota is raised; a stream may last 15 minutes without:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
# The function needs 5 seconds or more within.
TIMEOUT_SECONDS: Final = (6, 900)

_USUAL_SECONDS: Final = 29

_ANSWER_HEADERS: Final[WeakKeyDictionary[FunctionFrontEnd, str]] = WeakKeyDictionary()


def check_backend(
    scope: Construct,
    *,
    endpoint: IEndpoint | None,
    component: IInferenceComponent | None,
    function: FunctionFrontEnd | None,
    direct: DirectIntegration | None,
    network: InferenceNetwork | None,
    canary: ApiCanary | None,
) -> None:
    """Raise unless there is one backend, with what belongs to it."""
    check_type((IEndpoint, NoneType), endpoint=endpoint)
    check_type((IInferenceComponent, NoneType), component=component)
    check_type((FunctionFrontEnd, NoneType), function=function)
    check_type((DirectIntegration, NoneType), direct=direct)
    check_type((InferenceNetwork, NoneType), network=network)
    check_type((ApiCanary, NoneType), canary=canary)
    given = [
        name
        for name, value in (("endpoint", endpoint), ("function", function), ("direct", direct))
        if value is not None
    ]
    if len(given) != 1:
        shown = {0: "none", 2: "both", 3: "all"}[len(given)]
        raise ValueError(f"exactly one of endpoint, function and direct must be given, got {shown}")
    for argument, value in (("network", network), ("component", component)):
        if value is not None and endpoint is None:
            why = "API Gateway is in none" if argument == "network" and direct is not None else "which has its own"
            raise ValueError(f"{argument} must not be given with {given[0]}, {why}, got {value!r}")
    if canary is not None and direct is not None:
        raise ValueError(f"canary must not be given with direct, which has no function to shift to, got {canary!r}")
    called = None if direct is None else cast("Construct", direct.endpoint)
    check_account(scope, function=function, direct=called)
    if canary is not None:
        _check_stack(scope, function)
        for alarm in canary.alarms:
            check_account(scope, alarms=alarm)  # CodeDeploy looks for its name
        check_region(scope, alarm_topic=canary.alarm_topic)


def _check_stack(scope: Construct, function: FunctionFrontEnd | None) -> None:
    """The alias would refer to what shifts it, in the API's stack, which refers to the alias."""
    if function is not None and environment_of(function).stack_path != environment_of(scope).stack_path:
        raise ValueError(f"canary must be given in the stack of function, got one of {function.node.path!r} in another")


def check_shared(function: FunctionFrontEnd | None, *, canary: ApiCanary | None, cors: Cors | None) -> None:
    """Raise `ValueError` if another API of the function has given it what it can have but once."""
    if function is None:
        return
    alias = function.alias.node.default_child
    if canary is not None and isinstance(alias, lambda_.CfnAlias) and alias.cfn_options.update_policy is not None:
        raise ValueError(f"canary must be given to one API of a function, got another for {function.node.path!r}")
    known = _ANSWER_HEADERS.get(function)
    if cors is not None and known not in {None, json.dumps(cors.of_answers)}:
        raise ValueError(f"cors must be the same for all APIs of a function, got another for {function.node.path!r}")


def timeout_of(timeout: Duration | None, function: FunctionFrontEnd | None) -> Duration:
    """How long API Gateway waits, longer than the function takes, so that the function can tell what happened.

    Raises:
        ValueError: the function would take longer.
    """
    if timeout is None:
        if function is None or not streams(function) or is_token(function.timeout):
            timeout = Duration.seconds(_USUAL_SECONDS)
        else:
            timeout = Duration.seconds(min(function.timeout.to_seconds() + 1, TIMEOUT_SECONDS[1]))
    if function is not None and not is_token(timeout) and not is_token(function.timeout):
        api, inner = timeout.to_seconds(), function.timeout.to_seconds()
        if api <= inner:
            raise ValueError(f"timeout must be longer than the function's {inner:g} seconds, got {api:g} seconds")
    return timeout


def streams(function: FunctionFrontEnd | None) -> bool:
    """Whether the function sends its answers piece by piece."""
    return bool(getattr(function, "streaming", False))


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a method calls its backend.

    Args:
        integration: The call.
        request_headers: Headers that it passes on one by one; none passes on all.
        dependencies: What must exist before.
        options: Further arguments of the method.
    """

    integration: apigateway.Integration
    request_headers: Sequence[str] = ()
    dependencies: Sequence[IDependable] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def call(
    scope: Construct,
    backend: FunctionFrontEnd | DirectIntegration | None,
    timeout: Duration,
    answer_headers: dict[str, str],
) -> Call:
    """The call of a function's alias, or of SageMaker.

    Args:
        scope: The front end.
        backend: What is called.
        timeout: How long to wait.
        answer_headers: Further headers of each answer, with static values. A function adds them itself.
    """
    if isinstance(backend, DirectIntegration):
        holder = Construct(scope, "Direct")
        role, policy = backend.create_role(holder)
        return Call(
            integration=backend.integration(role, timeout=timeout, answer_headers=answer_headers),
            request_headers=backend.request_headers,
            dependencies=[policy],
            options={"method_responses": backend.responses(answer_headers)},
        )
    assert backend is not None  # noqa: S101 - `check_backend` has seen to it
    transfer = apigateway.ResponseTransferMode.STREAM if streams(backend) else None
    return Call(
        integration=apigateway.LambdaIntegration(
            backend.alias, timeout=timeout, allow_test_invoke=False, response_transfer_mode=transfer
        )
    )


def add_headers(function: FunctionFrontEnd, answer_headers: Mapping[str, str]) -> None:
    """Let a function add headers to each of its answers, which API Gateway passes on as they are."""
    _ANSWER_HEADERS[function] = json.dumps(dict(answer_headers))
    function.function.add_environment("ANSWER_HEADERS", _ANSWER_HEADERS[function])
