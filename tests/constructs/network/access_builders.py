"""What the tests of private access share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2

from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import resources

OWNER = "111122223333"
CALLER = "444455556666"
REGION = "eu-west-1"
ENDPOINT = f"arn:aws:sagemaker:{REGION}:{OWNER}:endpoint/champion"
ROLE = f"arn:aws:iam::{OWNER}:role/invoker-{REGION}"
ZONES = ["eu-west-1a", "eu-west-1b"]
SERVICES = ec2.InterfaceVpcEndpointAwsService


def a_vpc(stack: Stack, construct_id: str = "Existing", vpc_id: str = "vpc-11111111") -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        construct_id,
        vpc_id=vpc_id,
        availability_zones=ZONES,
        vpc_cidr_block="10.1.0.0/16",
        isolated_subnet_ids=["subnet-1", "subnet-2"],
    )


def a_network(stack: Stack, *services: ec2.InterfaceVpcEndpointAwsService, **options: Any) -> InferenceNetwork:  # noqa: ANN401
    """A network in an existing VPC, quicker than a new one; of the runtime unless told."""
    chosen = {"interface_endpoints": list(services)} if services else {}
    return InferenceNetwork(stack, "Network", vpc=a_vpc(stack), **{"s3_endpoint": False, **chosen, **options})


def policies(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """What each interface endpoint allows, by the end of its service's name."""
    found = {}
    for resource in resources(stack, "AWS::EC2::VPCEndpoint").values():
        name = resource["Properties"]["ServiceName"]
        name = name["Fn::Join"][1][-1] if isinstance(name, Mapping) else name.split(".", 3)[-1]
        denied, *allowed = resource["Properties"]["PolicyDocument"]["Statement"]
        assert denied["Effect"] == "Deny"
        found[name.removeprefix(".")] = allowed
    return found
