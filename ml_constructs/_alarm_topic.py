"""The topic through which CloudWatch alarms reach people."""

from __future__ import annotations

from typing import Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs.encryption import admit_service

_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


def alarm_topic(scope: Construct, key: kms.IKey, *, display_name: str | None) -> sns.Topic:
    """An encrypted topic that only CloudWatch alarms of this account and region publish to, over TLS.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    """
    stack = Stack.of(scope)
    sources: dict[str, dict[str, object]] = {
        "ArnLike": {
            "aws:SourceArn": stack.format_arn(
                service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
        }
    }
    admit_service(scope, key, _CLOUDWATCH, "kms:Decrypt", "kms:GenerateDataKey*", conditions=sources)
    topic = sns.Topic(scope, "Topic", display_name=display_name, master_key=key, enforce_ssl=True)
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
