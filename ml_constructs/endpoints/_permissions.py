"""What the execution role of a hosted model does at run time.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._environment import environment_of
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.interfaces._metric_names import INSTANCE_NAMESPACE, INVOCATION_NAMESPACE
from ml_constructs.permissions import NAMED_LATER, NO_RESOURCE, Permission


def write_logs_and_metrics(log_group_arns: Sequence[str]) -> list[Permission]:
    """Write the containers' logs, and SageMaker's metrics."""
    return [
        Permission(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=log_group_arns,
        ),
        Permission(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": [INVOCATION_NAMESPACE, INSTANCE_NAMESPACE]}},
            wildcard=NO_RESOURCE,
        ),
    ]


def write_captured(
    scope: Construct, capture: DataCapture | None, bucket: s3.IBucket | None, endpoint_name: str
) -> list[Permission]:
    """Write the requests and responses of an endpoint below its own prefix; nothing without capture."""
    if capture is None or bucket is None:
        return []
    permissions = [
        Permission(
            actions=["s3:PutObject"],
            resources=[f"{bucket.bucket_arn}/{capture.prefix}/{endpoint_name}/*"],
            wildcard=NAMED_LATER,
        )
    ]
    key = capture.key_of(bucket)
    if key is not None:
        permissions.append(
            Permission(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": environment_of(scope).service("s3")}},
            )
        )
    return permissions


def policy_id(scope: Construct, used: Sequence[Permission]) -> str:
    """The end of a policy's id, which follows what instances use while they answer: the queue, the baseline.

    If these are others, it is another policy, and the old one outlives the update: until the traffic has moved, the old
    instances still answer to the old place, and where they cannot, their failures take the deployment back.
    """
    if not used:
        return "Policy"
    documents = Stack.of(scope).resolve([permission.document() for permission in used])
    return f"Policy{hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:8].upper()}"
