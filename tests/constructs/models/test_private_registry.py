from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import Model
from ml_constructs.models.private_registry import PrivateRegistry
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import creation_order, only, properties, resources, statements, text, warnings

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:credentials"
SERVICES = ec2.InterfaceVpcEndpointAwsService


def registry(image: str = "registry.example.com/team/model", **options: Any) -> PrivateRegistry:  # noqa: ANN401
    return PrivateRegistry(image=image, **{"connections": ec2.Peer.any_ipv4(), **options})


def served(stack: Stack, there: PrivateRegistry, *services: ec2.InterfaceVpcEndpointAwsService) -> Model:
    image = ContainerImage.from_private_registry(there, tag="v1")
    network = InferenceNetwork(stack, "Network", interface_endpoints=services)
    return Model(stack, "Model", containers=[Container(image=image)], network=network)


def credentials(stack: Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_arn(stack, "Credentials", FUNCTION)


@pytest.mark.parametrize(
    ("image", "port"),
    [
        ("registry.example.com/team/model", 443),
        ("registry.example.com:5000/model", 5000),
        ("localhost/a_b/c__d/e--f/g.h", 443),
        ("docker.io/library/model", 443),
    ],
)
def test_accepts_images(image: str, port: int) -> None:
    assert registry(image).port == port


@pytest.mark.parametrize(
    "image",
    ["", "model", "registry.example.com/", "registry.example.com/M", "a/b:v1", f"a/b@sha256:{'0' * 64}", "https://a/b"],
)
def test_refuses_images(image: str) -> None:
    with pytest.raises(ValueError, match=r"image must be host.*/repository of a registry, without tag or digest, got"):
        registry(image)


def test_refuses_amazon_ecr() -> None:
    with pytest.raises(ValueError, match="image must not be in Amazon ECR, which from_ecr is for, got '1111"):
        registry("111122223333.dkr.ecr.eu-west-1.amazonaws.com/model")


def test_an_image_may_be_a_token(stack: Stack) -> None:
    there = registry(text(stack))
    assert there.port == 443
    assert served(stack, there).private_registry


@pytest.mark.parametrize(
    ("pin", "uri"),
    [
        ({"tag": "v1"}, "registry.example.com/team/model:v1"),
        ({"digest": "sha256:" + "0" * 64}, "registry.example.com/team/model@sha256:" + "0" * 64),
    ],
)
def test_the_image_is_pinned(stack: Stack, pin: dict[str, str], uri: str) -> None:
    assert ContainerImage.from_private_registry(registry(), **pin).bind(stack).uri == uri


@pytest.mark.parametrize("pin", [{}, {"tag": "latest"}, {"tag": "v1", "digest": "sha256:" + "0" * 64}])
def test_refuses_what_can_move(pin: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tag"):
        ContainerImage.from_private_registry(registry(), **pin)


def test_needs_a_network(stack: Stack) -> None:
    image = ContainerImage.from_private_registry(registry(), tag="v1")
    with pytest.raises(
        ValueError, match=r"network must be given to reach the registry of registry\.example\.com/.*None"
    ):
        Model(stack, "Model", containers=[Container(image=image)])
    assert stack.node.try_find_child("Model") is None


def test_is_pulled_through_the_network_without_ecr(stack: Stack) -> None:
    served(stack, registry())
    container = properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]
    assert container == {
        "Image": "registry.example.com/team/model:v1",
        "ImageConfig": {"RepositoryAccessMode": "Vpc"},
    }
    assert not [key for key in resources(stack, "AWS::IAM::ManagedPolicy") if "Artefacts" in key]
    assert warnings(stack) == []


def test_asks_a_function_for_credentials(stack: Stack) -> None:
    served(stack, registry(credentials=credentials(stack)), SERVICES.LAMBDA_)
    config = properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["ImageConfig"]
    assert config["RepositoryAuthConfig"] == {"RepositoryCredentialsProviderArn": FUNCTION}
    (policy,) = (each for key, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if "Artefacts" in key)
    assert statements(policy) == [{"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [FUNCTION]}]
    assert warnings(stack) == []


def test_warns_without_a_way_to_the_function(stack: Stack) -> None:
    served(stack, registry(credentials=credentials(stack)), SERVICES.KMS)
    (warning,) = warnings(stack)
    assert "no interface endpoint for Lambda of its own" in warning


def test_the_model_waits_for_every_rule_on_its_way(app: App, stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc")
    group = ec2.SecurityGroup(stack, "Registry", vpc=vpc, allow_all_outbound=False)
    network = InferenceNetwork(stack, "Network", vpc=vpc, interface_endpoints=[SERVICES.LAMBDA_])
    there = registry("registry.example.com:5000/model", connections=group, credentials=credentials(stack))
    Model(
        stack,
        "Model",
        containers=[Container(image=ContainerImage.from_private_registry(there, tag="v1"))],
        network=network,
    )
    app.synth()
    rules = {
        **resources(stack, "AWS::EC2::SecurityGroupIngress"),
        **resources(stack, "AWS::EC2::SecurityGroupEgress"),
        **resources(stack, "AWS::EC2::VPCEndpoint"),
    }
    ports = {each["Properties"]["FromPort"] for each in rules.values() if "FromPort" in each["Properties"]}
    assert ports == {443, 5000}
    assert set(rules) <= set(only(stack, "AWS::SageMaker::Model")["DependsOn"])
    creation_order(dict(Template.from_stack(stack).to_json()))
