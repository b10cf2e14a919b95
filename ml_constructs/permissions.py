"""Least-privilege policies of the roles that this library makes, with the reason for each wildcard beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

from constructs import Construct


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
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=dict(self.conditions) or None
        )


def allow(scope: Construct, construct_id: str, role: iam.IRole, permissions: Sequence[Permission]) -> iam.ManagedPolicy:
    """Attach the permissions to a role as a managed policy, which lives in `scope`.

    A policy of its own, rather than a statement of the role's, lets another stack than the role's hold it, and lets
    CloudFormation delete it after whatever used it.
    """
    policy = iam.ManagedPolicy(
        scope, construct_id, roles=[role], statements=[permission.statement() for permission in permissions]
    )
    acknowledge_wildcards(policy, permissions)
    return policy


def acknowledge_wildcards(policy: Construct, permissions: Sequence[Permission]) -> None:
    """Acknowledge what cdk-nag says of the wildcards in a policy's permissions, one finding at a time."""
    stack = Stack.of(policy)
    reasons = {
        f"AwsSolutions-IAM5[Resource::{resource}]": permission.wildcard
        for permission in permissions
        if permission.wildcard is not None
        for resource in map(_flatten, stack.resolve(list(permission.resources)))
        if "*" in resource
    }
    if reasons:
        rules = [Acknowledgment(id=finding, reason=reason) for finding, reason in reasons.items()]
        Validations.of(policy).acknowledge(*rules)


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
        case _:
            return str(value).replace("${", "<").replace("}", ">")
