"""The owner's side of private access: a role through which named callers of other accounts invoke one endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Final, cast

from aws_cdk import Names
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_each, check_length, check_pattern, check_type, is_token
from ml_constructs._environment import check_account, environment_of
from ml_constructs.front_ends._called import check_called
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.permissions import Permission, allow_exactly

_PRINCIPAL: Final = r"arn:[\w-]+:iam::(\d{12}):(?:role|user)/\S+"
_CALLER: Final = rf"\d{{12}}|{_PRINCIPAL}"
_VPC_ENDPOINT: Final = r"vpce-[0-9a-f]{8,17}"
_ORGANIZATION: Final = r"o-[a-z0-9]{10,32}"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_EXTERNAL_ID: Final = r"[\w+=,.@:/-]{2,1224}"
_TAG: Final = r"[\w .:/=+@-]{1,128}"
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
_ROLE_NAME: Final = r"[\w+=,.@-]{1,64}"
_ROOM_FOR_REGION: Final = 16  # a hyphen and the longest name, e.g. ap-northeast-1
_MEMBERS: Final = 1000


class InvokerRole(Construct):
    """A role that named callers of other accounts assume to invoke one endpoint, from named VPC endpoints only.

    SageMaker finds an endpoint in the account of whoever signs the request, and an endpoint's own policy admits other
    accounts through inference routers alone, which CloudFormation does not know. The role may invoke this endpoint, or
    this component of it, and do nothing else.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to invoke.
        component: The only inference component to invoke on it. Default: none.
        callers: Who may assume the role: ids of accounts, which then decide for which of their roles, or ARNs of roles
            and users, in which `*` and `?` are wildcards. These need not exist yet, but for tokens. 1 or more.
        vpc_endpoint_ids: The interface endpoints of the SageMaker runtime from which alone requests are let in, e.g.
            `PrivateAccess.vpc_endpoint_ids`. For an asynchronous endpoint whose buckets are known, those of S3 as
            well. 1 or more.
        organization_id: The organization that callers must belong to, e.g. `o-exampleorgid`. Default: any.
        external_id: What callers must say when they assume the role, 2 to 1,224 characters. Needed where a caller acts
            for customers of its own. Default: nothing.
        session_tags: Names of tags whose values callers carry over from their own principal, and cannot choose, so that
            `target_models` may hold e.g. `${aws:PrincipalTag/tenant}/*`. Default: none.
        target_models: On a multi-model endpoint, the only models to ask for, with `*` and `?`. Default: all.
        target_containers: With direct invocation, the hostnames of the only containers to ask. Default: all.
        role_name: 1 to 64 characters. Default: made of the path and the region, so that it is known before it exists.

    Raises:
        ValueError: an argument is malformed, both kinds of targets are given, or the component is another endpoint's
            or missing for a shared one.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        callers: Sequence[str],
        vpc_endpoint_ids: Sequence[str],
        component: IInferenceComponent | None = None,
        organization_id: str | None = None,
        external_id: str | None = None,
        session_tags: Sequence[str] = (),
        target_models: Sequence[str] | None = None,
        target_containers: Sequence[str] | None = None,
        role_name: str | None = None,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        if not endpoint.asynchronous:
            check_called(endpoint, component)
        elif component is not None:
            raise ValueError(f"component must not be given for an asynchronous endpoint, got {component!r}")
        check_type((str, NoneType), organization_id=organization_id, external_id=external_id, role_name=role_name)
        _check_texts("callers", callers, _CALLER, "ids of accounts or ARNs of roles and users")
        _check_texts("vpc_endpoint_ids", vpc_endpoint_ids, _VPC_ENDPOINT, "ids of VPC endpoints")
        _check_texts("session_tags", session_tags, _TAG, "names of tags", low=0)
        check_pattern("organization_id", organization_id, _ORGANIZATION, "the id of an organization")
        check_pattern("external_id", external_id, _EXTERNAL_ID, "2 to 1,224 letters, digits or _+=,.@:/-")
        check_pattern("role_name", role_name, _ROLE_NAME, "1 to 64 letters, digits or _+=,.@-")
        check_account(scope, endpoint=cast("Construct", endpoint))
        targets = _targets(target_models, target_containers)

        super().__init__(scope, construct_id)
        here = environment_of(self)
        self.role_name: Final = _default_name(self, here.region) if role_name is None else role_name
        self.role_arn: Final = f"arn:{here.partition}:iam::{here.account}:role/{self.role_name}"
        conditions = {
            **({} if organization_id is None else {"aws:PrincipalOrgID": organization_id}),
            **({} if external_id is None else {"sts:ExternalId": external_id}),
        }
        role = iam.CfnRole(
            self,
            "Role",
            role_name=self.role_name,
            description="Invokes one SageMaker endpoint for callers of other accounts",
            assume_role_policy_document=_trust(callers, here.partition, conditions, session_tags),
        )
        private = {"aws:SourceVpce": list(vpc_endpoint_ids)}
        invoke = Permission(
            actions=["sagemaker:InvokeEndpointAsync" if endpoint.asynchronous else "sagemaker:InvokeEndpoint"],
            resources=[endpoint.endpoint_arn, *([] if component is None else [component.component_arn])],
            conditions={"StringEquals": private, **({} if targets is None else {"StringLike": targets})},
        )
        storage = [] if endpoint.async_storage is None else endpoint.async_storage.of_callers(self)
        allow_exactly(self, "Policy", role.ref, [invoke, *(_only_from(private, each) for each in storage)])


def _trust(
    callers: Sequence[str], partition: str, conditions: Mapping[str, str], session_tags: Sequence[str]
) -> dict[str, object]:
    """The role's trust, in accounts rather than roles: these need not exist yet, and a successor is trusted as well."""
    found = {caller: None if is_token(caller) else re.fullmatch(_PRINCIPAL, caller) for caller in callers}
    named = [caller for caller, match in found.items() if match is not None]
    whole = [
        caller if is_token(caller) else f"arn:{partition}:iam::{caller}:root"
        for caller, match in found.items()
        if match is None
    ]
    accounts = sorted({match[1] for match in found.values() if match is not None})
    roots = [f"arn:{partition}:iam::{account}:root" for account in accounts]
    equal: dict[str, object] = {"StringEquals": dict(conditions)} if conditions else {}
    statements = []
    if whole:
        statements.append(_statement("sts:AssumeRole", whole, equal))
    if named:
        statements.append(_statement("sts:AssumeRole", roots, {**equal, "ArnLike": {"aws:PrincipalArn": named}}))
    if session_tags:
        carried = {f"aws:RequestTag/{tag}": f"${{aws:PrincipalTag/{tag}}}" for tag in session_tags}
        among = {"aws:TagKeys": list(session_tags)}
        condition = {"StringEquals": carried, "ForAllValues:StringEquals": among}
        statements.append(_statement("sts:TagSession", list(dict.fromkeys([*whole, *roots])), condition))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(action: str, principals: list[str], condition: Mapping[str, object]) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": action}
    return {**statement, "Condition": dict(condition)} if condition else statement


def _only_from(private: Mapping[str, object], permission: Permission) -> Permission:
    """The permission through the VPC endpoints alone; S3 calls KMS by itself, and not through one."""
    if any(action.startswith("kms:") for action in permission.actions):
        return permission
    equal = {**permission.conditions.get("StringEquals", {}), **private}
    return replace(permission, conditions={**permission.conditions, "StringEquals": equal})


def _targets(models: Sequence[str] | None, containers: Sequence[str] | None) -> dict[str, object] | None:
    if models is not None and containers is not None:
        raise ValueError(f"target_models must not be given beside target_containers, got {models!r}")
    for argument, key, values in (
        ("target_models", "sagemaker:TargetModel", models),
        ("target_containers", "sagemaker:TargetContainerHostname", containers),
    ):
        if values is not None:
            check_each("text", str, **{argument: values})
            check_length(argument, values, 1, _MEMBERS)
            return {key: list(values)}
    return None


def _default_name(scope: Construct, region: str) -> str:
    """The same stack may be in several regions, whose roles are all in one account."""
    path = Names.unique_resource_name(
        scope, max_length=64 - _ROOM_FOR_REGION, separator="-", allowed_special_characters="-"
    )
    return f"{path}-{region}"


def _check_texts(argument: str, values: Sequence[str], pattern: str, rule: str, *, low: int = 1) -> None:
    check_each("text", str, **{argument: values})
    if is_token(values):
        raise ValueError(f"{argument} must be a list whose length is known at synthesis, got a token")
    check_length(argument, values, low, _MEMBERS)
    for value in values:
        check_pattern(argument, value, pattern, rule)
