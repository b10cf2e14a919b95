"""Every private name of MiniStack that this package touches, for the versions that were tested.

MiniStack offers no interface for extensions, so a new version may break any function here, and nothing elsewhere.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Protocol

# Installed beside the emulator only, and untyped.
import ministack.app as gateway  # type: ignore[import-not-found]
from ministack.core import iam_actions, iam_evaluator, responses, router  # type: ignore[import-not-found]
from ministack.services import cloudwatch, iam, sts  # type: ignore[import-not-found]

TESTED_VERSIONS: Final = ("1.5.33",)

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body, as every service of MiniStack answers."""

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
    gateway.SERVICE_REGISTRY[name] = {"module": name}
    gateway._loaded_modules[name] = service
    gateway.SERVICE_HANDLERS[name] = service.handle_request
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}


def wrap_application(wrapper: Callable[[Application], Application]) -> None:
    """Put `wrapper` in front of the whole emulator."""
    gateway.app = wrapper(gateway.app)


def treat_loopback_as_tls() -> None:
    """Let plain HTTP on the loopback pass `aws:SecureTransport`, or each bucket that enforces TLS refuses everybody."""
    pin = gateway.pin_request_origin
    gateway.pin_request_origin = lambda address, secure: pin(address, secure or address.startswith("127."))


def is_authorizing() -> bool:
    """Whether signatures and policies are checked (AUTH=true)."""
    return bool(gateway.AUTH)


def pin_request(scope: Mapping[str, Any], headers: dict[str, str], body: bytes) -> None:
    """Make a request that this package answers by itself known to the evaluator, as the gateway does for the others."""
    address = (scope.get("client") or ("127.0.0.1",))[0]
    key = router.extract_access_key_id(headers, {})
    if not is_authorizing():
        responses.set_request_account_id(key)
        responses.set_request_region(router.extract_region(headers, {}))
        return
    gateway.pin_request_origin(address, scope.get("scheme") == "https")
    responses.set_request_account_id(gateway._request_account_scope(key))
    responses.set_request_region(router.extract_region(headers, {}))
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    iam_evaluator.pin_signed_request(scope["method"], path, {}, scope.get("headers", []))
    iam_evaluator.pin_signed_body(body)
    iam_evaluator.pin_request_caller(headers, {})


def account() -> str:
    """The account of the present request."""
    return str(responses.get_account_id())


def region() -> str:
    """The region of the present request."""
    return str(responses.get_region())


def acting_in(account_id: str, region_name: str) -> AbstractContextManager[None]:
    """Use the stores of this account and region."""
    return responses.request_scope(account_id, region_name)  # type: ignore[no-any-return]  # MiniStack is untyped


def refuse(
    service: str, headers: dict[str, str], action: str, resources: Sequence[str], context: Mapping[str, Any]
) -> Reply | None:
    """Evaluate the caller's policies for each resource; gives the refusal, or nothing where all are allowed."""
    if not is_authorizing():
        return None
    key = router.extract_access_key_id(headers, {})
    for resource in resources:
        denied = iam_evaluator.enforce(
            key, action, service, responses.get_region(), resource_arn=resource, service_context=dict(context)
        )
        if denied is None:
            continue
        if isinstance(denied, iam_evaluator.AuthError):
            return iam_actions.access_denied_response(  # type: ignore[no-any-return]
                service, action, "", str(uuid.uuid4()), error_code=denied.code, message=denied.message, headers=headers
            )
        explicit = denied.decision == "Deny"
        message = iam_actions.identity_denial_message(action, denied.principal_arn, resource, explicit)
        return (
            400 if headers.get("x-amz-target") else 403,
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException"},
            json.dumps({"__type": "AccessDeniedException", "Message": message}).encode(),
        )
    return None


def request_tags(service: str, action: str, body: bytes) -> dict[str, Any]:
    """`aws:RequestTag/*` and `aws:TagKeys` of a request."""
    return dict(iam_actions.request_tag_context(service, action, body, {}))


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
    with acting_in(account_id, responses.get_region()):
        role = iam._roles.get(name)
    if role is None or (is_authorizing() and not _is_trusted(role, service, role_arn, source_arn, account_id)):
        return None
    assumed, error = sts._assumed_role_arn(role_arn, session)
    if error:
        return None
    credentials = Credentials(iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token())
    sts.register_session(
        credentials.access_key,
        {
            "Arn": assumed,
            "UserId": f"{sts._role_id(role_arn)}:{session}",
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
    context = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="Root",
        principal_account=account_id,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=responses.get_region(),
        service_context={"aws:sourceaccount": account_id, "aws:sourcearn": source_arn},
    )
    return bool(iam_evaluator.evaluate_trust_policy({**document, "Statement": named}, caller, context))


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
        cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": list(data)}, is_cbor=True)


def alarms_in_alarm(account_id: str, region_name: str, names: Sequence[str]) -> list[str]:
    """Which of these alarms, metric or composite, are in ALARM."""
    with acting_in(account_id, region_name):
        found = [cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name) for name in names]
    return [alarm["AlarmName"] for alarm in found if alarm and alarm["StateValue"] == "ALARM"]


def alarm_exists(account_id: str, region_name: str, name: str) -> bool:
    """Whether CloudWatch knows an alarm of this name."""
    with acting_in(account_id, region_name):
        return name in cloudwatch._alarms or name in cloudwatch._composite_alarms


def port() -> int:
    """The port of the gateway."""
    return int(gateway._resolve_port())
