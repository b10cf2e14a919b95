"""Tables of what is soon over, and how a function in a network reaches them."""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._environment import environment_of
from ml_constructs.network._endpoint_policies import deny_plain_text
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, use_key

# What functions do with tables of front ends, in all.
_ACTIONS: Final = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_READ_KEY: Final = ("kms:Decrypt", "kms:DescribeKey")
_WRITE_KEY: Final = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_GATEWAY: Final = "DynamoDb"

_SHORT_LIVED: Final = (
    "The table holds items for as long as messages or executions are on their way. It can be restored to any second of "
    "the last 35 days; a copy of it beyond that would hold nothing but expired items."
)


def short_lived_table(
    scope: Construct, construct_id: str, key: kms.IKey, *, partition_key: str, time_to_live: str
) -> dynamodb.Table:
    """Create a table that goes with its stack: what it holds matters only as long as the front end runs.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        key: Encrypts the table.
        partition_key: The attribute that tells items apart, a text.
        time_to_live: The attribute with the second, since 1970, from which an item may be deleted.
    """
    table = dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name=partition_key, type=dynamodb.AttributeType.STRING),
        time_to_live_attribute=time_to_live,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )
    Validations.of(table).acknowledge(Acknowledgment(id="NIST.800.53.R5-DynamoDBInBackupPlan", reason=_SHORT_LIVED))
    return table


def using_table(scope: Construct, table: dynamodb.ITable, key: kms.IKey, *actions: str) -> list[Permission]:
    """Read a table, or write it, and use its key through DynamoDB.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    reads = actions == ("dynamodb:GetItem",)
    return [
        Permission(actions=actions, resources=[table.table_arn]),
        *use_key(scope, key, "dynamodb", *_READ_KEY, *(() if reads else _WRITE_KEY)),
    ]


def reach_tables(network: InferenceNetwork, function: ec2.SecurityGroup) -> None:
    """Let a function reach this account's tables; without gateway endpoints of the network's own, the VPC's owner does.

    Through the gateway, since an interface endpoint of DynamoDB does not answer to the name that clients use:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/privatelink-interface-endpoints.html. Its policy
    names no table, which may be in another stack, one that depends on the network's; roles name theirs.
    """
    # No property of CloudFormation yields the id of the prefix list that AWS manages for DynamoDB.
    function.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "DynamoDB through the gateway endpoint")
    if network.s3_endpoint is None or network.node.try_find_child(_GATEWAY) is not None:
        return
    gateway = ec2.GatewayVpcEndpoint(
        network,
        _GATEWAY,
        vpc=network.vpc,
        service=ec2.GatewayVpcEndpointAwsService.DYNAMODB,
        subnets=[network.subnet_selection],
    )
    here = environment_of(network)
    gateway.add_to_policy(deny_plain_text())
    gateway.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=list(_ACTIONS),
            resources=[here.arn("dynamodb", "table/*")],
            conditions={"StringEquals": {"aws:PrincipalAccount": here.account}},
        )
    )
