"""A component is commands that stop at the first failure, and never changes under its name."""

from __future__ import annotations

import json
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, CfnParameter, CfnResource, Stack
from constructs import Construct

from ml_constructs.supply.image_component import MAX_DOCUMENT, ImageComponent
from tests.constructs.builders import properties, resources, text

COMPONENT = "AWS::ImageBuilder::Component"
SERVICE = botocore.session.get_session().get_service_model("imagebuilder")


def bound(stack: Stack, component: ImageComponent) -> Any:  # noqa: ANN401 - as a template has it
    scope = Construct(stack, "Scope")
    recipe = CfnResource(scope, "Recipe", type="Test::Recipe")
    recipe.add_property_override("Component", stack.resolve(component.bind(scope, prefix="hosts")))
    return properties(stack, "Test::Recipe")["Component"]


def tools(*build: str, **phases: Any) -> ImageComponent:  # noqa: ANN401
    return ImageComponent.from_commands("tools", build=build or ["dnf install -y jq"], **phases)


def document(stack: Stack) -> dict[str, Any]:
    return dict(json.loads(properties(stack, COMPONENT)["Data"]))


def name_of(component: ImageComponent) -> str:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    bound(stack, component)
    return str(properties(stack, COMPONENT)["Name"])


def test_runs_commands_in_their_phases(stack: Stack) -> None:
    bound(stack, tools(validate=["rpm -q jq"], test=["jq --version"]))
    said = document(stack)
    assert said["schemaVersion"] == 1.0
    assert {phase["name"]: phase["steps"][0]["inputs"]["commands"] for phase in said["phases"]} == {
        "build": ["set -euo pipefail", "dnf install -y jq"],
        "validate": ["set -euo pipefail", "rpm -q jq"],
        "test": ["set -euo pipefail", "jq --version"],
    }
    assert all(phase["steps"][0]["action"] == "ExecuteBash" for phase in said["phases"])


def test_the_version_of_the_schema_is_spelled_as_aws_spells_it(stack: Stack) -> None:
    bound(stack, tools())
    assert '"schemaVersion": 1.0,' in properties(stack, COMPONENT)["Data"]


def test_other_commands_are_another_component() -> None:
    assert name_of(tools()) == name_of(tools())
    assert name_of(tools()) != name_of(tools("dnf install -y yq"))
    assert name_of(tools()).startswith("hosts-tools-")


def test_commands_may_be_tokens(stack: Stack) -> None:
    bound(stack, tools(f"echo {text(stack)}"))
    assert {"Ref": "Text"} in properties(stack, COMPONENT)["Data"]["Fn::Join"][1]


def test_refers_to_components_of_aws(stack: Stack) -> None:
    component = ImageComponent.managed("stig-build-linux-medium", version="2024.x.x", parameters={"Level": ["High"]})
    configuration = bound(stack, component)
    assert configuration["componentArn"]["Fn::Join"][1] == [
        "arn:",
        {"Ref": "AWS::Partition"},
        ":imagebuilder:",
        {"Ref": "AWS::Region"},
        ":aws:component/stig-build-linux-medium/2024.x.x",
    ]
    assert configuration["parameters"] == [{"name": "Level", "value": ["High"]}]
    assert not resources(stack, COMPONENT)


def test_document_at_and_beyond_its_edge() -> None:
    assert SERVICE.shape_for("InlineComponentData").metadata["max"] == MAX_DOCUMENT
    rest = len(json.dumps(tools("x")._document())) - 1
    assert tools("x" * (MAX_DOCUMENT - rest))
    with pytest.raises(ValueError, match="build, validate and test must have at most 16,000 characters, got 16,001"):
        tools("x" * (MAX_DOCUMENT - rest + 1))


@pytest.mark.parametrize("bad", ["", "a", "a" * 64, "Tools", "a--b", "a_b", "-a"])
def test_refuses_a_malformed_name(bad: str) -> None:
    with pytest.raises(ValueError, match=f"name must be 2 to 63 lower-case letters and digits.*, got '{bad}'"):
        ImageComponent.from_commands(bad, build=["true"])


@pytest.mark.parametrize("good", ["ab", "a" * 63, "a-b-1"])
def test_takes_names_up_to_the_edge(good: str) -> None:
    assert ImageComponent.from_commands(good, test=["true"]).name == good


def test_refuses_what_does_nothing(stack: Stack) -> None:
    with pytest.raises(ValueError, match="build, validate or test must have a command in component 'tools', got none"):
        ImageComponent.from_commands("tools")
    with pytest.raises(TypeError, match="build must be a list of commands, got 'true'"):
        ImageComponent.from_commands("tools", build="true")
    with pytest.raises(ValueError, match=r"version must be three numbers or x, .*, got '1.0'"):
        ImageComponent.managed("update-linux", version="1.0")
    with pytest.raises(ValueError, match=r"name must be the name of a component that AWS owns, got 'Update Linux'"):
        ImageComponent.managed("Update Linux")
    commands = CfnParameter(stack, "Commands", type="CommaDelimitedList").value_as_list
    with pytest.raises(ValueError, match=r"build must be a list whose commands are told apart at synth, got a token"):
        ImageComponent.from_commands("tools", build=commands)
