"""The EC2 instances on which a golden image is built: where they run, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_ec2 as ec2

from ml_constructs._checks import is_token

# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-names.html
_GRAVITON: Final = r"(a1|[a-z]+\d+g[a-z-]*)\."


def build_subnet(vpc: ec2.IVpc, subnets: ec2.SubnetSelection | None) -> str:
    """The subnet in which images are built."""
    wanted = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS) if subnets is None else subnets
    try:
        chosen = vpc.select_subnets(
            subnet_type=wanted.subnet_type,
            subnet_group_name=wanted.subnet_group_name,
            subnets=wanted.subnets,
            subnet_filters=wanted.subnet_filters,
            availability_zones=wanted.availability_zones,
            one_per_az=wanted.one_per_az,
        ).subnet_ids
    except RuntimeError as error:  # aws-cdk's, of a subnet type or a group that the VPC has not
        raise ValueError(
            f"subnets must name some of the VPC; by default private ones with a way out, got {error}"
        ) from None
    if not chosen:
        raise ValueError("subnets must name some of the VPC; by default private ones with a way out, got none")
    return chosen[0]


def check_no_graviton(instance_types: Sequence[str]) -> None:
    """Raise `ValueError` if an instance type cannot start the parent image unless another one is given."""
    for instance_type in () if is_token(instance_types) else instance_types:
        if re.match(_GRAVITON, instance_type):
            raise ValueError(
                "instance_types must be of the architecture of parent_image, which is x86-64 unless given, got "
                f"{instance_type!r}"
            )
