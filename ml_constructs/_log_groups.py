"""The log group of what SageMaker hosts, made before SageMaker would make one without encryption and without end."""

from __future__ import annotations

from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs.encryption import admit_log_groups

# https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
ENDPOINT_LOGS: Final = "/aws/sagemaker/Endpoints/"


def hosting_log_group(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    encryption_key: kms.IKey,
    retention: logs.RetentionDays,
    prefix: str = ENDPOINT_LOGS,
) -> logs.LogGroup:
    """The log group `<prefix><name>`, encrypted.

    Retained, but not when the stack fails to create: its name is a literal, and would be taken at the next try. The key
    admits every log group below the prefix, so that its policy stays short.
    """
    admit_log_groups(scope, encryption_key, f"{prefix}*")
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=f"{prefix}{name}",
        encryption_key=encryption_key,
        retention=retention,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
