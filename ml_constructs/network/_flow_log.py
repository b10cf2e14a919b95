"""The record of a VPC's traffic: a flow log in an encrypted log group."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs.encryption import EncryptionKey, admit_generated_log_groups


def record_traffic(
    scope: Construct,
    vpc: ec2.IVpc,
    *,
    key: kms.IKey | None,
    retention: logs.RetentionDays,
    interval: ec2.FlowLogMaxAggregationInterval,
    removal_policy: RemovalPolicy,
) -> None:
    """Record all traffic of a VPC.

    Args:
        scope: The parent of the log group, of the role that writes it, and of the flow log.
        vpc: The VPC.
        key: Encrypts the log group; None for a new `EncryptionKey`.
        retention: How long the flow log is kept.
        interval: Over which time flows are aggregated.
        removal_policy: What happens to the log group, and to a new key, on deletion.

    See https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    stack = Stack.of(scope)
    key = EncryptionKey(scope, "Key", removal_policy=removal_policy) if key is None else key
    admit_generated_log_groups(scope, key)
    group = logs.LogGroup(scope, "FlowLogGroup", encryption_key=key, retention=retention, removal_policy=removal_policy)
    role = iam.Role(
        scope,
        "FlowLogRole",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {
                    "aws:SourceArn": stack.format_arn(service="ec2", resource="vpc-flow-log", resource_name="*")
                },
            },
        ),
        description="Writes the flow log of a VPC",
    )
    policy = iam.ManagedPolicy(
        scope,
        "FlowLogPolicy",
        roles=[role],
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[group.log_group_arn],
            )
        ],
    )
    flow_log = ec2.FlowLog(
        scope,
        "FlowLog",
        resource_type=ec2.FlowLogResourceType.from_vpc(vpc),
        traffic_type=ec2.FlowLogTrafficType.ALL,
        max_aggregation_interval=interval,
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role.without_policy_updates()),
    )
    flow_log.node.add_dependency(policy)
