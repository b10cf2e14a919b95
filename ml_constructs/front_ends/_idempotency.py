"""The table in which a function remembers which messages have ended."""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._environment import environment_of
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, use_key

_ACTIONS: Final = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_KEY_ACTIONS: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_GATEWAY: Final = "DynamoDb"

_SHORT_LIVED: Final = (
    "The table remembers which messages were processed while they may be delivered again. It can be restored to any "
    "second of the last 35 days; a copy of it beyond that would hold nothing but expired items."
)


def idempotency_table(scope: Construct, construct_id: str, key: kms.IKey) -> dynamodb.Table:
    """Create the table as Powertools has it.

    It goes with its stack: what it remembers matters only as long as the function runs. See
    https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/
    """
    table = dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        time_to_live_attribute="expiration",
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )
    Validations.of(table).acknowledge(
        Acknowledgment(id="NIST.800.53.R5-DynamoDBInBackupPlan", reason=_SHORT_LIVED),
    )
    return table


def remembering(scope: Construct, table: dynamodb.ITable, key: kms.IKey) -> list[Permission]:
    """Read and write what the table remembers.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    return [
        Permission(actions=_ACTIONS, resources=[table.table_arn]),
        *use_key(scope, key, "dynamodb", *_KEY_ACTIONS),
    ]


def reach_table(network: InferenceNetwork, table: dynamodb.ITable, function: ec2.SecurityGroup) -> None:
    """Let a function reach one table; where the network has no gateway endpoints of its own, the VPC's owner does."""
    # No property of CloudFormation yields the id of the prefix list that AWS manages for DynamoDB.
    function.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "DynamoDB through the gateway endpoint")
    if network.s3_endpoint is None:
        return
    gateway = network.node.try_find_child(_GATEWAY)
    if gateway is None:
        gateway = ec2.GatewayVpcEndpoint(
            network,
            _GATEWAY,
            vpc=network.vpc,
            service=ec2.GatewayVpcEndpointAwsService.DYNAMODB,
            subnets=[network.subnet_selection],
        )
    assert isinstance(gateway, ec2.GatewayVpcEndpoint)  # noqa: S101 - this function alone makes a child of this id
    gateway.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=list(_ACTIONS),
            resources=[table.table_arn],
            conditions={"StringEquals": {"aws:PrincipalAccount": environment_of(network).account}},
        )
    )
