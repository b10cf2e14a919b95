"""Which addresses and subnets a network takes, decided and checked before anything is created."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_ec2 as ec2

from ml_constructs._checks import check_each, check_given, check_length, check_pattern, check_whole, is_token

# A model needs subnets in two zones, and takes at most 16 subnets:
# https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
ZONES: Final = (2, 16)
# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
VPC_PREFIX: Final = (16, 28)
_SUBNET_BITS: Final = 4  # room for 16 subnets, so that a further zone never renumbers the others


def check_max_azs(max_azs: int) -> None:
    """Raise `ValueError` unless the number of zones is known and in range."""
    if is_token(max_azs):
        raise ValueError("max_azs must be known at synth, because the number of subnets shapes the template")
    check_given(max_azs=max_azs)
    check_whole("max_azs", max_azs, *ZONES)


def check_addresses(cidr: str | None, max_azs: int, availability_zones: Sequence[str] | None) -> ipaddress.IPv4Network:
    """The range of a new VPC, with room for a subnet per zone.

    Raises:
        ValueError: the zones or the range are out of range, or known only at deployment.
    """
    if availability_zones is not None:
        if is_token(availability_zones):
            raise ValueError("availability_zones must be a list whose length is known at synth, got a token")
        check_each("zone names", str, availability_zones=availability_zones)
        check_length("availability_zones", availability_zones, *ZONES)
        for zone in availability_zones:
            check_pattern("availability_zones", zone, "[a-z0-9-]+", "names of zones such as eu-west-1a")
        if len(set(availability_zones)) < len(availability_zones):
            raise ValueError(f"availability_zones must be distinct, got {', '.join(availability_zones)}")
    if is_token(cidr):
        raise ValueError("cidr must be known at synth, because the subnets divide it")
    low, high = VPC_PREFIX
    try:
        addresses = ipaddress.IPv4Network("10.0.0.0/16" if cidr is None else cidr)
    except ValueError as error:
        raise ValueError(f"cidr must be an IPv4 range such as 10.0.0.0/16, got {cidr!r}") from error
    if not low <= addresses.prefixlen <= high:
        raise ValueError(f"cidr must have a prefix between /{low} and /{high}, got {cidr!r}")
    zones = max_azs if availability_zones is None else len(availability_zones)
    room = 2 ** (subnet_prefix(addresses) - addresses.prefixlen)
    if zones > room:
        raise ValueError(f"cidr must have room for {zones} subnets of /{high} or larger, got {cidr!r} with {room}")
    return addresses


def subnet_prefix(addresses: ipaddress.IPv4Network) -> int:
    """The prefix of every subnet of a new VPC."""
    return min(addresses.prefixlen + _SUBNET_BITS, VPC_PREFIX[1])


def choose_subnets(
    vpc: ec2.IVpc, selection: ec2.SubnetSelection | None, max_azs: int
) -> tuple[list[ec2.ISubnet], bool]:
    """The subnets of an existing VPC to use, and whether all of them are isolated.

    Raises:
        ValueError: there are none, too many, or public ones.
    """
    isolated = {subnet.node.path for subnet in vpc.isolated_subnets}
    public = {subnet.node.path for subnet in vpc.public_subnets}
    if selection is not None:
        try:
            chosen = list(
                vpc.select_subnets(
                    availability_zones=selection.availability_zones,
                    one_per_az=selection.one_per_az,
                    subnet_filters=selection.subnet_filters,
                    subnet_group_name=selection.subnet_group_name,
                    subnets=selection.subnets,
                    subnet_type=selection.subnet_type,
                ).subnets
            )
        except RuntimeError as error:  # aws-cdk's way to say that there are none such
            raise ValueError(f"subnets must select subnets of vpc, got {selection}: {error}") from error
        check_length("subnets", chosen, 1, ZONES[1])
    elif isolated or vpc.private_subnets:
        kind = ec2.SubnetType.PRIVATE_ISOLATED if isolated else ec2.SubnetType.PRIVATE_WITH_EGRESS
        chosen = list(vpc.select_subnets(subnet_type=kind, one_per_az=True).subnets)[:max_azs]
    else:
        raise ValueError(f"vpc must have isolated or private subnets, got {len(public)} public ones only")
    exposed = [subnet for subnet in chosen if subnet.node.path in public]
    if exposed:
        raise ValueError(f"subnets must be isolated or private, got {_ids(exposed)}")
    return chosen, all(subnet.node.path in isolated for subnet in chosen)


def check_route_tables(subnets: Sequence[ec2.ISubnet]) -> None:
    """Raise `ValueError` if an imported subnet came without the route table that leads to a gateway endpoint."""
    without = [subnet for subnet in subnets if not _has_route_table(subnet)]
    if without:
        raise ValueError(
            f"vpc must know the route tables of its subnets, or s3_endpoint must be False, got {_ids(without)} without"
        )


def _has_route_table(subnet: ec2.ISubnet) -> bool:
    try:
        return bool(subnet.route_table.route_table_id)
    except RuntimeError:  # an imported subnet without the id breaks aws-cdk's promise that there is one
        return False


def _ids(subnets: Sequence[ec2.ISubnet]) -> str:
    return ", ".join(subnet.node.id for subnet in subnets)
