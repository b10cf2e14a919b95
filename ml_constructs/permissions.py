"""Least-privilege policies of the roles that this library makes, with the reason for each wildcard beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._checks import check_grantee, is_token
from ml_constructs._environment import environment_of

# One reason for all data: requests and answers, captures, results and copies.
NAMED_LATER: Final = "Objects get their names at run time; what is known before, their bucket and prefix, is named."
LOG_STREAMS: Final = "The log streams of this one log group, which the service names."
# One reason for all actions on everything that cannot be named.
NO_RESOURCE: Final = "AWS defines no resource for these actions, so that a policy can name none."
# One reason for all network interfaces, of models and of functions.
INTERFACES: Final = (
    "The service makes and deletes network interfaces, whose ids EC2 chooses, so that none can be named; what else the "
    "policy says confines where they are made, or keeps the function's own code from it."
)

_ACKNOWLEDGED_RULES: Final = "aws:cdk:acknowledged-rules"  # Validations.ACKNOWLEDGED_RULES_METADATA_KEY


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on resources, under conditions.

    Args:
        actions: Exact IAM actions.
        resources: ARNs.
        conditions: Values by operator and key. Default: none.
        wildcard: Why a resource cannot be named exactly; acknowledges the finding of cdk-nag about it.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    wildcard: str | None = None

    def statement(self) -> iam.PolicyStatement:
        """The permission as a policy statement."""
        return iam.PolicyStatement.from_json(self.document())

    def document(self) -> dict[str, object]:
        """The permission as the JSON of a policy statement."""
        document: dict[str, object] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return {**document, "Condition": dict(self.conditions)} if self.conditions else document


def allow(scope: Construct, construct_id: str, role: iam.IRole, permissions: Sequence[Permission]) -> iam.ManagedPolicy:
    """Attach the permissions to a role as a managed policy in `scope`, which further grants may extend.

    A policy of its own, rather than a statement of the role's, lets another stack than the role's hold it, and lets
    CloudFormation delete it after whatever used it.
    """
    document = iam.PolicyDocument.from_json(_document(permissions))
    policy = iam.ManagedPolicy(scope, construct_id, roles=[role], document=document)
    acknowledge_wildcards(policy, permissions)
    return policy


def use_key(scope: Construct, key: kms.IKey | None, service: str, *actions: str) -> list[Permission]:
    """Use a key through one service of this region alone; nothing where there is no key of ours."""
    if key is None:
        return []
    through = {"StringEquals": {"kms:ViaService": environment_of(scope).service(service)}}
    return [Permission(actions=list(actions), resources=[key.key_arn], conditions=through)]


def allow_exactly(
    scope: Construct, construct_id: str, role_name: str, permissions: Sequence[Permission]
) -> iam.CfnManagedPolicy:
    """Attach the permissions to a role as a managed policy that nothing extends; half as slow as `allow`."""
    policy = iam.CfnManagedPolicy(scope, construct_id, roles=[role_name], policy_document=_document(permissions))
    acknowledge_wildcards(policy, permissions)
    return policy


def grant(scope: Construct, grantee: iam.IGrantable, *permissions: Permission) -> iam.Grant:
    """Give permissions to a principal of this account, which needs policies of its own for that.

    Raises:
        ValueError: the grantee is of another account, or a service or the like, which has no policies.
    """
    check_grantee(grantee)
    here, there = environment_of(scope).account, grantee.grant_principal.principal_account
    if there is not None and there != here and not is_token(there) and not is_token(here):
        raise ValueError(f"grantee must be of this account, {here}, got one of {there}")
    grants = [
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(each.actions),
            resource_arns=list(each.resources),
            conditions={operator: dict(values) for operator, values in each.conditions.items()} or None,
        )
        for each in permissions
    ]
    if not all(each.success for each in grants):
        raise ValueError(f"grantee must have policies of its own, as roles and users have, got {grantee!r}")
    first, *others = grants
    for other in others:
        first = first.combine(other)
    return first


def acknowledge_wildcards(policy: Construct, permissions: Sequence[Permission]) -> None:
    """Acknowledge what cdk-nag says of the wildcards in a policy's permissions, one finding at a time."""
    reasons = {
        resource: permission.wildcard
        for permission in permissions
        if permission.wildcard is not None
        for resource in permission.resources
        if "*" in resource or is_token(resource)  # which may hide a wildcard
    }
    if not reasons:
        return
    resources: Sequence[Any] = list(reasons)
    if any(map(is_token, resources)):
        resources = Stack.of(policy).resolve(resources)
    # What `Validations.acknowledge` records, without the stack trace that it captures for each rule.
    findings = {
        f"Annotation::AwsSolutions-IAM5[Resource::{name}]": reason
        for name, reason in zip(map(_flatten, resources), reasons.values(), strict=True)
        if "*" in name
    }
    if findings:
        policy.node.add_metadata(_ACKNOWLEDGED_RULES, findings)


def _document(permissions: Sequence[Permission]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [permission.document() for permission in permissions]}


def _flatten(value: Any) -> str:  # noqa: ANN401 - any CloudFormation expression
    """A CloudFormation expression as cdk-nag spells it in the id of a finding."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(_flatten, parts))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": inner} | {"Fn::ImportValue": inner}:
            return _flatten(inner)
        case dict():
            return json.dumps(value, separators=(",", ":"))
        case _:
            return str(value).replace("${", "<").replace("}", ">")
