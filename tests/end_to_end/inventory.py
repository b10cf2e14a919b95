"""What exists in the account, by resource type: so that nothing of a stack can be left behind unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tests.end_to_end.deployment import Deployment

Inventory = dict[str, set[str]]

# Parts of another resource: they cannot outlive it.
PARTS: Final = frozenset(
    {
        "AWS::ApiGateway::Account",  # a setting of the account
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::GatewayResponse",
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Model",
        "AWS::ApiGateway::RequestValidator",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGateway::Stage",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::WAFv2::LoggingConfiguration",
        "AWS::WAFv2::WebACLAssociation",
    }
)


class _Listing(NamedTuple):
    """An operation that lists resources, and what identifies each."""

    service: str
    operation: str
    member: str
    name: str
    arguments: Mapping[str, str] = {}


# A role that a service makes for itself, once for an account: nobody else may change or delete it while it is used.
_OF_A_SERVICE: Final = "AWSServiceRoleFor"
_SAGEMAKER: Final = {"ServiceNamespace": "sagemaker"}
_LISTINGS: Final = {
    "AWS::ApiGateway::RestApi": _Listing("apigateway", "get_rest_apis", "items", "id"),
    "AWS::ApplicationAutoScaling::ScalableTarget": _Listing(
        "application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId", _SAGEMAKER
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": _Listing(
        "application-autoscaling", "describe_scaling_policies", "ScalingPolicies", "PolicyARN", _SAGEMAKER
    ),
    "AWS::CloudTrail::Trail": _Listing("cloudtrail", "describe_trails", "trailList", "Name"),
    "AWS::CloudWatch::Alarm": _Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::CloudWatch::Dashboard": _Listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "AWS::EC2::FlowLog": _Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "AWS::EC2::RouteTable": _Listing("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "AWS::EC2::SecurityGroup": _Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "AWS::EC2::Subnet": _Listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "AWS::EC2::VPC": _Listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "AWS::EC2::VPCEndpoint": _Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "AWS::IAM::ManagedPolicy": _Listing("iam", "list_policies", "Policies", "Arn", {"Scope": "Local"}),
    "AWS::IAM::Role": _Listing("iam", "list_roles", "Roles", "RoleName"),
    "AWS::KMS::Key": _Listing("kms", "list_keys", "Keys", "KeyId"),
    "AWS::Lambda::Function": _Listing("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::Logs::LogGroup": _Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::S3::Bucket": _Listing("s3", "list_buckets", "Buckets", "Name"),
    "AWS::SNS::Topic": _Listing("sns", "list_topics", "Topics", "TopicArn"),
    "AWS::SageMaker::Endpoint": _Listing("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": _Listing(
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
    ),
    "AWS::SageMaker::Model": _Listing("sagemaker", "list_models", "Models", "ModelName"),
    "AWS::WAFv2::WebACL": _Listing("wafv2", "list_web_acls", "WebACLs", "Id", {"Scope": "REGIONAL"}),
}


def take(deployment: Deployment) -> Inventory:
    """Everything that exists."""
    return {kind: _names(deployment, listing) for kind, listing in _LISTINGS.items()}


def added(before: Inventory, after: Inventory) -> Inventory:
    """What exists only afterwards."""
    return {kind: new for kind, found in after.items() if (new := found - before[kind])}


def remove_retained(deployment: Deployment, left: Inventory) -> None:
    """Remove what a destroyed stack left on purpose, as an operator does who does not need it any more.

    Raises:
        KeyError: nothing of this kind is retained by our stacks.
    """
    for kind, names in left.items():
        for name in names:
            _REMOVERS[kind](deployment, name)


def _names(deployment: Deployment, listing: _Listing) -> set[str]:
    client = deployment.client(listing.service)
    if client.can_paginate(listing.operation):
        pages = client.get_paginator(listing.operation).paginate(**listing.arguments)
    else:
        pages = [getattr(client, listing.operation)(**listing.arguments)]
    names = {item[listing.name] for page in pages for item in page.get(listing.member, [])}
    return {name for name in names if not name.startswith(_OF_A_SERVICE)}


def _remove_bucket(deployment: Deployment, name: str) -> None:
    s3 = deployment.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for item in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=name)


def _remove_role(deployment: Deployment, name: str) -> None:
    iam = deployment.client("iam")
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


_REMOVERS: Final[dict[str, Callable[[Deployment, str], Any]]] = {
    "AWS::IAM::Role": _remove_role,
    "AWS::KMS::Key": lambda deployment, name: deployment.client("kms").schedule_key_deletion(KeyId=name),
    "AWS::Logs::LogGroup": lambda deployment, name: deployment.client("logs").delete_log_group(logGroupName=name),
    "AWS::S3::Bucket": _remove_bucket,
}
