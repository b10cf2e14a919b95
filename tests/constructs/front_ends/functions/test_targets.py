from __future__ import annotations

import json

import pytest
from aws_cdk import App, CfnParameter, Stack

from invoke_endpoint.settings import Settings
from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from tests.constructs.front_ends.functions.functions import (
    actions_and_conditions,
    build,
    function_of,
)


@pytest.mark.parametrize(
    ("argument", "variable", "key"),
    [
        ("target_models", "TARGET_MODELS", "sagemaker:TargetModel"),
        ("target_containers", "TARGET_CONTAINERS", "sagemaker:TargetContainerHostname"),
    ],
)
def test_callers_choose_among_what_is_listed(stack: Stack, argument: str, variable: str, key: str) -> None:
    build(stack, **{argument: ["tenant-a/*", "b"]})
    environment = function_of(stack)["Environment"]["Variables"]
    assert json.loads(environment[variable]) == ["tenant-a/*", "b"]
    settings = Settings.from_environment(environment)
    assert {"target_models": settings.target_models, "target_containers": settings.target_containers} == {
        "target_models": (),
        "target_containers": (),
        argument: ("tenant-a/*", "b"),
    }
    assert actions_and_conditions(stack) == {"sagemaker:InvokeEndpoint": {"StringLike": {key: ["tenant-a/*", "b"]}}}


def test_names_to_choose_may_be_tokens(stack: Stack) -> None:
    build(stack, target_models=[CfnParameter(stack, "Tenant").value_as_string])
    environment = function_of(stack)["Environment"]["Variables"]
    assert environment["TARGET_MODELS"] == {"Fn::Join": ["", ['["', {"Ref": "Tenant"}, '"]']]}


def test_explanations_may_be_allowed(stack: Stack) -> None:
    build(stack, allow_explanations=True)
    assert Settings.from_environment(function_of(stack)["Environment"]["Variables"]).allow_explanations


def test_a_list_may_fill_its_share_of_the_environment(stack: Stack) -> None:
    build(stack, target_models=["x" * 2_996])
    with pytest.raises(ValueError, match=r"target_models must take at most 3,000 bytes as JSON, .* got 3,001"):
        build(Stack(App(), "Other"), target_models=["x" * 2_997])


@pytest.mark.parametrize("argument", ["target_models", "target_containers"])
def test_a_component_is_one_model(stack: Stack, argument: str) -> None:
    shared = SharedEndpoint.from_endpoint_name(stack, "Shared", "shared")
    component = InferenceComponent.from_component_name(stack, "Component", "chat", endpoint=shared)
    with pytest.raises(ValueError, match=f"{argument} must not be given with component"):
        build(stack, endpoint=shared, component=component, **{argument: ["a"]})
