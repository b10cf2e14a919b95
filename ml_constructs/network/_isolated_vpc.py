"""A VPC of isolated subnets, one per zone, that nothing leads into or out of."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aws_cdk import Acknowledgment, Fn, Validations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from ml_constructs.network._subnets import subnet_prefix

_DEFAULT_GROUP: Final = (
    "CloudFormation cannot remove the rules of a default security group, and the custom resource that can would add a "
    "function with rights to change security groups. Nothing of this construct is a member of the default group, and "
    "the group admits only its own members."
)


def isolated_vpc(
    scope: Construct,
    construct_id: str,
    *,
    addresses: ipaddress.IPv4Network,
    max_azs: int,
    availability_zones: Sequence[str] | None,
) -> ec2.Vpc:
    """Create the VPC.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        addresses: Its range, with room for a subnet per zone.
        max_azs: How many zones to use, where they are not named.
        availability_zones: The names of the zones, or None.
    """
    vpc = ec2.Vpc(
        scope,
        construct_id,
        ip_addresses=ec2.IpAddresses.cidr(str(addresses)),
        max_azs=max_azs if availability_zones is None else None,
        # A join keeps aws-cdk from comparing the names with the placeholders of a first synthesis.
        availability_zones=None if availability_zones is None else [Fn.join("", [z]) for z in availability_zones],
        nat_gateways=0,
        create_internet_gateway=False,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=subnet_prefix(addresses)
            )
        ],
    )
    Validations.of(vpc).acknowledge(
        *(
            Acknowledgment(id=f"{pack}-VPCDefaultSecurityGroupClosed", reason=_DEFAULT_GROUP)
            for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
        )
    )
    return vpc
