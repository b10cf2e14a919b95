"""A private API and the interface endpoint before it name each other without a circle."""

from __future__ import annotations

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.network.shared_dns import SharedDns
from tests.constructs.builders import creation_order, only, synthesised
from tests.constructs.front_ends.helpers import an_endpoint
from tests.constructs.network.access_builders import SERVICES, a_network, policies

CALLS = "arn:aws:execute-api:eu-west-1:111122223333:*/live/POST/invocations"


def an_entrance(stack: Stack, *, private_dns: bool) -> ec2.InterfaceVpcEndpoint:
    network = a_network(stack, private_dns=private_dns)
    statement = iam.PolicyStatement(principals=[iam.StarPrincipal()], actions=["execute-api:Invoke"], resources=[CALLS])
    entrance = network.add_interface_endpoint(SERVICES.APIGATEWAY, statements=[statement])
    if not private_dns:
        SharedDns(stack, "Dns", network=network)
    return entrance


@pytest.mark.parametrize("private_dns", [True, False])
def test_the_endpoint_is_made_before_the_api_that_it_leads_to(stack: Stack, *, private_dns: bool) -> None:
    entrance = an_entrance(stack, private_dns=private_dns)
    RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), vpc_endpoints=[entrance])
    made = stack.resolve(entrance.vpc_endpoint_id)["Ref"]
    (api,) = [
        key for key, each in synthesised(stack)["Resources"].items() if each["Type"] == "AWS::ApiGateway::RestApi"
    ]
    order = creation_order(synthesised(stack))
    assert order.index(made) < order.index(api)
    assert only(stack, "AWS::ApiGateway::RestApi")["Properties"]["EndpointConfiguration"] == {
        "Types": ["PRIVATE"],
        "VpcEndpointIds": [{"Ref": made}],
    }
    assert [each["Resource"] for each in policies(stack)["execute-api"]] == [CALLS]
