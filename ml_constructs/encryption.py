"""The customer-managed key that encrypts everything at rest, and who may use it.

A key policy is the only place where an AWS service, as opposed to a role, is admitted to a key. `EncryptionKey` starts
with the account alone; each construct that hands the key to a service admits that service, with the narrowest condition
the service supports, through the functions here. They take any `kms.IKey`: on an imported key they change nothing, and
its owner admits the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._checks import (
    check_days,
    check_each,
    check_given,
    check_offers,
    check_pattern,
    check_type,
    is_token,
)
from ml_constructs._environment import check_app, environment_of, from_elsewhere, outermost_stack, region_of

# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
PENDING_WINDOW_DAYS: Final = (7, 30)
# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
_ALIAS: Final = r"(alias/(?!aws/)|(?!alias/|aws/))[a-zA-Z0-9:/_-]{1,250}"


class EncryptionKey(kms.Key):
    """A symmetric customer-managed KMS key, rotated every year and retained when its stack is deleted.

    The key policy delegates to the account's IAM policies, as AWS recommends so that a key cannot become unmanageable,
    and admits no service until a construct of this library needs one.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        alias: A name for the key, with or without the prefix `alias/`. Default: no alias.
        administrators: Principals who may manage the key but not use it. Default: whoever IAM in this account allows.
        multi_region: Whether other regions may have a `ReplicaKey` of it. AWS changes it of no key that exists.
            Default: False.
        removal_policy: What happens on deletion. Default: RETAIN, because data encrypted with a deleted key is lost.
        pending_window: Waiting time before a destroyed key is gone, 7 to 30 whole days. Default: 30 days.

    Raises:
        ValueError: `alias` is malformed, or `pending_window` is out of range.

    See https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: str | None = None,
        administrators: Sequence[iam.IPrincipal] = (),
        multi_region: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        pending_window: Duration | None = None,
    ) -> None:
        check_pattern(
            "alias", alias, _ALIAS, "1 to 250 letters, digits, '/', '_', ':' and '-', which do not begin with aws/"
        )
        check_each("principals", "grant_principal", administrators=administrators)
        check_type(bool, multi_region=multi_region)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_days("pending_window", pending_window, *PENDING_WINDOW_DAYS)
        super().__init__(
            scope,
            construct_id,
            alias=alias,
            admins=list(administrators) or None,
            description=f"Encrypts the data of {Stack.of(scope).node.path}",
            enable_key_rotation=True,
            multi_region=multi_region or None,
            removal_policy=removal_policy,
        )
        if pending_window is not None:
            # On the L1, because the L2 takes a token for a number out of range.
            resource = self.node.default_child
            assert isinstance(resource, kms.CfnKey)  # noqa: S101 - narrows the type of an L2's own child
            resource.pending_window_in_days = pending_window.to_days()


class ReplicaKey(EncryptionKey):
    """The same key in another region: one decrypts what the other has encrypted, under the same id.

    It rotates with its primary; alias, policy and deletion are its own. It is a key like any other to the constructs
    that take one, which admit services to it, not to its primary. S3 treats it as a key of its own: a replicated bucket
    does not need one.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        primary: An `EncryptionKey(multi_region=True)` in a stack of another region, which CloudFormation deploys first
            and then asks for the key's ARN; or an imported one.
        alias: A name for the replica, with or without the prefix `alias/`. Default: no alias.
        administrators: Principals who may manage the replica but not use it. Default: whoever IAM in this account
            allows.
        removal_policy: What happens on deletion. Default: RETAIN.
        pending_window: Waiting time before a destroyed replica is gone, 7 to 30 whole days. Default: 30 days.

    Raises:
        ValueError: `primary` is in this region or no multi-Region key, or as for `EncryptionKey`.

    See https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        primary: kms.IKey,
        alias: str | None = None,
        administrators: Sequence[iam.IPrincipal] = (),
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        pending_window: Duration | None = None,
    ) -> None:
        _check_primary(scope, primary)
        super().__init__(
            scope,
            construct_id,
            alias=alias,
            administrators=administrators,
            removal_policy=removal_policy,
            pending_window=pending_window,
        )
        # aws-cdk has no L2 of a replica. It differs from a key in where its material and its rotation come from.
        resource = self.node.default_child
        assert isinstance(resource, kms.CfnKey)  # noqa: S101 - narrows the type of an L2's own child
        resource.add_override("Type", kms.CfnReplicaKey.CFN_RESOURCE_TYPE_NAME)
        resource.add_property_override("PrimaryKeyArn", from_elsewhere(self, primary, primary.key_arn))
        resource.add_property_deletion_override("EnableKeyRotation")


def _check_primary(scope: Construct, primary: kms.IKey) -> None:
    check_offers("key_arn", "a KMS key", primary=primary)
    check_given(primary=primary)
    check_app(scope, primary=primary)
    here, there = environment_of(scope).region, region_of(primary)
    if here == there and not is_token(here):
        raise ValueError(f"primary must be in another region than its replica, got one in {there} too")
    resource = primary.node.default_child if isinstance(primary, kms.Key) else None
    if isinstance(resource, kms.CfnKey):
        if not resource.multi_region:
            raise ValueError(f"primary must be a key made with multi_region=True, got {primary.node.path!r}")
    else:
        check_pattern("primary", primary.key_arn, r"arn:.+:key/mrk-\w+", "the ARN of a multi-Region key, key/mrk-...")


# What each key already admits, so that many log groups of one name make one statement.
_ADMITTED: Final[WeakKeyDictionary[kms.IKey, set[tuple[object, ...]]]] = WeakKeyDictionary()


def admit_log_groups(scope: Construct, key: kms.IKey, *log_group_names: str) -> None:
    """Let CloudWatch Logs encrypt the log groups of this account and region that match the names.

    Args:
        scope: Any construct of the stack that owns the log groups.
        key: The key of the log groups.
        log_group_names: Names, which may end with `*`. A name shared by many log groups keeps the key policy short.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    environment = environment_of(scope)
    arns = [environment.arn("logs", f"log-group:{name}") for name in log_group_names]
    admitted = _ADMITTED.setdefault(key, set())
    if (environment, *arns) in admitted:
        return
    admitted.add((environment, *arns))
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(environment.service("logs"))],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],  # in a key policy: this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns}},
        )
    )


def admit_generated_log_groups(scope: Construct, key: kms.IKey) -> None:
    """Let CloudWatch Logs encrypt the log groups whose names CloudFormation derives from the stack's name.

    A generated name lets a retained log group survive its stack without blocking the next deployment.

    Args:
        scope: Any construct of the stack that owns the log groups.
        key: The key of the log groups.
    """
    # A nested stack's name begins with its parent's, and is no literal.
    admit_log_groups(scope, key, f"{outermost_stack(scope).stack_name}-*")


def admit_service(
    scope: Construct, key: kms.IKey, service: str, *actions: str, conditions: dict[str, dict[str, object]] | None = None
) -> None:
    """Let an AWS service use the key on behalf of this account.

    Args:
        scope: Any construct of the stack whose resources use the key.
        key: The key.
        service: The service principal, e.g. `cloudwatch.amazonaws.com`.
        actions: Exactly the KMS actions the service documents.
        conditions: Further conditions, by operator and key. `aws:SourceAccount` is always required.
    """
    merged: dict[str, dict[str, object]] = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    for operator, condition in (conditions or {}).items():
        merged[operator] = {**merged.get(operator, {}), **condition}
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=list(actions),
            resources=["*"],  # in a key policy: this key
            conditions=merged,
        )
    )
