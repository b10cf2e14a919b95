"""What other libraries for SageMaker get wrong: each of these tests would fail on theirs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import App, Stack

import ml_constructs as ml
from tests.constructs.builders import (
    XGBOOST,
    only,
    properties,
    resources,
    stored,
    synthesised,
    variant,
)

CONFIG = "AWS::SageMaker::EndpointConfig"
MODEL = "AWS::SageMaker::Model"


def container(**options: Any) -> ml.Container:  # noqa: ANN401 - arguments of a container
    return ml.Container(**{"image": XGBOOST, **options})


def model(stack: Stack, *containers: ml.Container) -> ml.Model:
    return ml.Model(stack, "Model", containers=containers or [container()])


def endpoint(stack: Stack, *variants: ml.InstanceVariant, **options: Any) -> ml.Endpoint:  # noqa: ANN401
    return ml.Endpoint(stack, "Endpoint", variants=variants or [variant()], **options)


def test_two_variants_scale(stack: Stack) -> None:
    """aws-sagemaker-alpha makes a second `ScalingRole` and throws."""
    made = endpoint(stack, variant(name="a"), variant(name="b"))
    for name in made.variant_names:
        made.auto_scale(name, max_capacity=4).on_invocations(100)
    targets = resources(stack, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert len({each["Properties"]["ResourceId"] for each in targets}) == 2


def test_a_dark_variant_stays_dark(stack: Stack) -> None:
    """aws-sagemaker-alpha turns a weight of 0 into 1."""
    endpoint(stack, variant(name="a"), variant(name="b", weight=0))
    assert [each["InitialVariantWeight"] for each in properties(stack, CONFIG)["ProductionVariants"]] == [1, 0]


def test_two_images_of_aws_serve_one_model(stack: Stack) -> None:
    """aws-sagemaker-alpha throws at the second image of one registry."""
    other = ml.ContainerImage.from_framework("pytorch", version="2.6.0", processor="cpu")
    third = ml.ContainerImage.from_framework("tensorflow", version="2.19.0", processor="cpu")
    model(stack, container(image=other), container(image=third))
    assert len(properties(stack, MODEL)["Containers"]) == 2


@pytest.mark.parametrize("family", ["ml.g4dn.xlarge", "ml.r5d.large", "ml.p5.48xlarge"])
def test_no_key_for_local_disks(stack: Stack, family: str) -> None:
    """aws-sagemaker-alpha passes g4dn with a key; AWS Solutions Constructs always set one: the call fails."""
    key = ml.EncryptionKey(stack, "Key")
    endpoint(stack, variant(instance_type=family), encryption_key=key)
    assert "KmsKeyId" not in properties(stack, CONFIG)
    with pytest.raises(ValueError, match=rf"^encrypt_volumes must not be True .* \({family}\), got True"):
        endpoint(Stack(App(), "Other"), variant(instance_type=family), encrypt_volumes=True)


def test_metrics_have_the_dimensions_that_sagemaker_publishes(stack: Stack) -> None:
    """generative-ai-cdk-constructs alarm on `Endpoint` and `Variant`, and on a backlog that nothing has."""
    made = endpoint(stack)
    made.auto_scale(max_capacity=4).on_invocations(100)
    ml.EndpointAlarms(stack, "Alarms", endpoint=made)
    template = str(synthesised(stack))
    names = set(re.findall(r"'Name': '(\w+)', 'Value'", template))
    assert names == {"EndpointName", "VariantName"}
    assert "Backlog" not in template


def test_the_same_app_is_the_same_template() -> None:
    """aiops-modules name resources by the time of day, so that every synth replaces them."""

    def synth() -> dict[str, Any]:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        endpoint(stack, variant(model(stack, container(model_data=stored(stack)))), data_capture=ml.DataCapture())
        return synthesised(stack)

    assert synth() == synth()


def test_the_role_pulls_images_of_aws_and_no_more(stack: Stack) -> None:
    """AWS Solutions Constructs cannot pull them; others attach AmazonSageMakerFullAccess."""
    model(stack)
    role = only(stack, "AWS::IAM::Role")["Properties"]
    assert "ManagedPolicyArns" not in role
    pulled = str(resources(stack, "AWS::IAM::ManagedPolicy"))
    assert "ecr:BatchGetImage" in pulled
    assert "repository/sagemaker-xgboost" in pulled
