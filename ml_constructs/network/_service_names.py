"""The names of PrivateLink services, which in China differ by more than the region."""

from __future__ import annotations

from typing import Final

from aws_cdk import Aws, CfnCondition, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import RootConstruct

from ml_constructs._checks import is_token

_CHINA: Final = "cn-north-1"  # cn-northwest-1 has the same names but for services that code of inference does not call
_PREFIX: Final = "cn."


def name_in_every_partition(endpoint: ec2.InterfaceVpcEndpoint, service: ec2.InterfaceVpcEndpointAwsService) -> None:
    """Let CloudFormation choose the name of a service where the region is known only at deployment.

    aws-cdk knows which services have names that begin with `cn.`, but asks for the region at synth.

    Args:
        endpoint: The VPC endpoint.
        service: Its service.
    """
    stack = Stack.of(endpoint)
    if not is_token(stack.region) or service.name.startswith(_PREFIX):
        return
    china = Stack(RootConstruct(), "China", env=Environment(region=_CHINA))  # in no app, and so never synthesised
    if not str(china.resolve(service.name)).startswith(_PREFIX):
        return
    condition = stack.node.try_find_child("InChina")
    if not isinstance(condition, CfnCondition):
        condition = CfnCondition(stack, "InChina", expression=Fn.condition_equals(Aws.PARTITION, "aws-cn"))
    resource = endpoint.node.default_child
    assert isinstance(resource, ec2.CfnVPCEndpoint)  # noqa: S101 - narrows the type of an L2's own child
    prefix = Fn.condition_if(condition.logical_id, _PREFIX, "").to_string()
    resource.service_name = f"{prefix}{service.name}"
