"""A model in a network: its security group, its way to S3 and to a private registry, its network interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from aws_cdk import Annotations, Reference, Tokenization
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IDependable

from ml_constructs._environment import environment_of
from ml_constructs.models._location import BoundModelData
from ml_constructs.models.private_registry import PrivateRegistry
from ml_constructs.network.inference_network import InferenceNetwork, security_group_description
from ml_constructs.permissions import INTERFACES, NO_RESOURCE, Permission

_LAMBDA: Final = "lambda"  # the short name of the service's interface endpoint


def join(scope: Construct, network: InferenceNetwork, registries: Sequence[PrivateRegistry]) -> ec2.SecurityGroup:
    """A security group that nothing may reach: SageMaker calls containers from within their instances."""
    credentials = any(registry.credentials is not None for registry in registries)
    group = network.create_security_group(
        scope,
        "SecurityGroup",
        description=security_group_description(f"Instances of {scope.node.path}"),
        endpoints=credentials,
        s3=True,
    )
    for registry in registries:
        group.connections.allow_to(registry.connections, ec2.Port.tcp(registry.port), "Private Docker registry")
    if credentials and _LAMBDA not in network.interface_endpoints:
        Annotations.of(scope).add_warning_v2(
            "ml-constructs:LambdaEndpoint",
            "SageMaker asks a function for the registry's credentials through the network, which has no interface "
            "endpoint for Lambda of its own: add one, or acknowledge this if the VPC's owner has one",
        )
    return group


def open_s3(network: InferenceNetwork, data: Iterable[BoundModelData]) -> None:
    """Let the model's artefacts through the network's S3 endpoint."""
    for bound in data:
        # Any version of the artefact: the old one is still loaded while the endpoint moves to the new one.
        network.allow_s3(without_cycle(network, bound.bucket.arn_for_objects("*")), "s3:GetObject")
        if any("s3:ListBucket" in permission.actions for permission in bound.permissions):
            network.allow_s3(without_cycle(network, bound.bucket.bucket_arn), "s3:ListBucket")


def ways(
    network: InferenceNetwork, group: ec2.SecurityGroup, registries: Sequence[PrivateRegistry]
) -> list[IDependable]:
    """What no reference orders before the instances that load artefacts, and pull images, through it."""
    ways: list[IDependable] = [subnet.internet_connectivity_established for subnet in network.subnets]
    if network.s3_endpoint is not None:
        ways.append(network.s3_endpoint)
    for registry in registries:
        # Rules are children of their groups; the model refers to its own group anyway.
        ways += [child for child in group.node.children if not isinstance(child, ec2.CfnSecurityGroup)]
        ways += registry.connections.connections.security_groups
        if registry.credentials is not None and _LAMBDA in network.interface_endpoints:
            ways += [network.interface_endpoints[_LAMBDA], *network.connections.security_groups]
    return ways


def without_cycle(network: InferenceNetwork, arn: str) -> str:
    """A bucket or objects as the network's stack can name them: those of another stack by their path alone.

    That stack depends on the network, so the network's stack cannot depend on its bucket.
    """
    environment = environment_of(network)
    for token in Tokenization.reverse_string(arn).tokens:
        if isinstance(token, Reference) and environment_of(token.target).stack_path != environment.stack_path:
            _, slash, path = arn.partition("/")
            return f"arn:{environment.partition}:s3:::*{slash}{path}"
    return arn


def network_interfaces(scope: Construct, group: ec2.SecurityGroup, subnet_ids: Sequence[str]) -> list[Permission]:
    """What SageMaker documents for models in a VPC, https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html."""
    environment = environment_of(scope)
    return [
        Permission(
            actions=[
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
            ],
            resources=[
                environment.arn("ec2", "network-interface/*"),
                environment.arn("ec2", f"security-group/{group.security_group_id}"),
                *(environment.arn("ec2", f"subnet/{subnet}") for subnet in subnet_ids),
            ],
            wildcard=INTERFACES,
        ),
        Permission(
            actions=[
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            resources=["*"],
            wildcard=NO_RESOURCE,
        ),
    ]
