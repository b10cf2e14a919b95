"""The role that SageMaker assumes to run a model, and how it gets what a model needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from ml_constructs._environment import environment_of
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.models.private_registry import PrivateRegistry
from ml_constructs.permissions import NO_RESOURCE, Permission, acknowledge_wildcards, allow_exactly

PULL_TOKEN: Final = Permission(
    actions=["ecr:GetAuthorizationToken"],
    resources=["*"],
    wildcard=NO_RESOURCE,
)
_PULL: Final = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

_CONTEXT: Final = "kms:EncryptionContext:aws:s3:arn"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MAX_POLICY: Final = 6144  # characters without white space
_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")
_TOKEN_LENGTH: Final = (
    80  # at least what a value is long that a policy names by reference: an ARN, a region, an account
)


def execution_role(scope: Construct, construct_id: str) -> iam.Role:
    """A role that SageMaker alone assumes, for resources of this account and region."""
    environment = environment_of(scope)
    # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    conditions = {
        "StringEquals": {"aws:SourceAccount": environment.account},
        "ArnLike": {"aws:SourceArn": environment.arn("sagemaker", "*")},
    }
    principal = iam.ServicePrincipal("sagemaker.amazonaws.com", conditions=conditions)
    return iam.Role(scope, "Role", assumed_by=principal, description=_role_description(construct_id))


def allow_given(
    scope: Construct, construct_id: str, role: iam.IRole, permissions: Sequence[Permission]
) -> IDependable | None:
    """Add statements to a role that its owner may have made immutable, or that lives in another account."""
    if environment_of(role).stack_path != environment_of(scope).stack_path:
        # A statement in the role's stack would depend on this stack, which depends on the role.
        if isinstance(role, iam.Role):
            return allow_exactly(scope, construct_id, role.role_name, permissions)
        policy = iam.Policy(scope, construct_id, statements=[permission.statement() for permission in permissions])
        role.attach_inline_policy(policy)  # of no effect on an immutable role
        acknowledge_wildcards(policy, permissions)
        return policy
    added = None
    for permission in permissions:
        result = role.add_to_principal_policy(permission.statement())
        added = result.policy_dependable if result.statement_added else added
    return added


def pull(images: Iterable[BoundImage]) -> list[Permission]:
    """What a role needs to pull images; nothing for those in a registry that is not Amazon ECR."""
    repositories = dict.fromkeys(arn for image in images for arn in image.repositories)
    return [PULL_TOKEN, Permission(actions=_PULL, resources=list(repositories))] if repositories else []


def ask(registries: Iterable[PrivateRegistry]) -> list[Permission]:
    """What a role needs to ask functions for the credentials of registries."""
    functions = [registry.credentials for registry in registries if registry.credentials is not None]
    arns = list(dict.fromkeys(function.function_arn for function in functions))
    return [Permission(actions=["lambda:InvokeFunction"], resources=arns)] if arns else []


def joined(permissions: Sequence[Permission]) -> list[Permission]:
    """The same permissions in fewer statements: a policy holds 6,144 characters, and a pipeline 15 containers."""
    statements: dict[str, Permission] = {}
    for permission in permissions:
        kind = _kind(permission)
        statements[kind] = _join(statements[kind], permission) if kind in statements else permission
    return list(statements.values())


def _kind(permission: Permission) -> str:
    """Equal for permissions that one statement can hold: on other resources, or with one key for other objects."""
    conditions = {
        operator: {key: None if key == _CONTEXT else value for key, value in values.items()}
        for operator, values in permission.conditions.items()
    }
    decrypts = any(_CONTEXT in values for values in conditions.values())
    return json.dumps([permission.actions, conditions, permission.resources if decrypts else None])


def _join(first: Permission, second: Permission) -> Permission:
    return Permission(
        actions=first.actions,
        resources=_union(first.resources, second.resources),
        conditions={
            operator: {
                key: _union(value, second.conditions[operator][key]) if key == _CONTEXT else value
                for key, value in values.items()
            }
            for operator, values in first.conditions.items()
        },
        wildcard=first.wildcard or second.wildcard,
    )


def _union(first: Any, second: Any) -> list[Any]:  # noqa: ANN401 - what a policy lists
    return list(dict.fromkeys([*first, *second]))


def in_policies(permissions: Sequence[Permission]) -> list[list[Permission]]:
    """Permissions in as few managed policies as hold them; at least one where there is any permission."""
    policies: list[list[Permission]] = []
    for permission in permissions:
        if policies and _length([*policies[-1], permission]) <= _MAX_POLICY:
            policies[-1].append(permission)
        else:
            policies.append([permission])
    return policies


def _length(permissions: Sequence[Permission]) -> int:
    document = {"Version": "2012-10-17", "Statement": [permission.document() for permission in permissions]}
    return len(_TOKEN.sub("-" * _TOKEN_LENGTH, json.dumps(document, separators=(",", ":"))))


def _role_description(construct_id: str) -> str:
    """In the characters that IAM takes, 1,000 at most."""
    return re.sub(r"[^ -~\u00a1-\u00ff]", "-", f"Runs the containers of {construct_id}")[:1000]
