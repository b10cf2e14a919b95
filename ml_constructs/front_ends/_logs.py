"""Encrypted log groups that outlive their stack and never stand in the way of its next deployment."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs.encryption import admit_generated_log_groups, admit_log_groups


def log_group(
    scope: Construct,
    construct_id: str,
    key: kms.IKey,
    retention: logs.RetentionDays,
    *,
    name: str | None = None,
    admitted: str | None = None,
) -> logs.LogGroup:
    """Create an encrypted log group, retained unless the deployment that creates it fails.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        key: Encrypts the log group.
        retention: How long events are kept.
        name: The name, where a service demands one. Default: CloudFormation names it after the stack, uniquely.
        admitted: The names to admit to the key. Default: all that CloudFormation gives to this stack.
    """
    if admitted is None:
        admit_generated_log_groups(scope, key)
    else:
        admit_log_groups(scope, key, admitted)
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        encryption_key=key,
        retention=retention,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
