"""The topic through which CloudWatch alarms reach people."""

from __future__ import annotations

from typing import Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs.encryption import EncryptionKey, admit_service
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint

_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


def alarm_topic(alarms: Construct, endpoint: IEndpoint, key: kms.IKey | None) -> sns.Topic:
    """A topic that only CloudWatch alarms of this account and region publish to.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    """
    stack = Stack.of(alarms)
    if key is None:
        own = endpoint.encryption_key if isinstance(endpoint, Endpoint | ISharedEndpoint) else None
        key = EncryptionKey(alarms, "Key") if own is None else own
    sources: dict[str, dict[str, object]] = {
        "ArnLike": {
            "aws:SourceArn": stack.format_arn(
                service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
        }
    }
    admit_service(alarms, key, _CLOUDWATCH, "kms:Decrypt", "kms:GenerateDataKey*", conditions=sources)
    topic = sns.Topic(
        alarms,
        "Topic",
        display_name=None if is_token(endpoint.endpoint_name) else f"Alarms of {endpoint.endpoint_name}",
        master_key=key,
        enforce_ssl=True,
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="PublishAlarms",
            principals=[iam.ServicePrincipal(_CLOUDWATCH)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}, **sources},
        )
    )
    return topic
