"""A function's front end in a stack, and what it made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import App, Stack, Tags

from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from tests.constructs.front_ends.helpers import an_endpoint, one, resources

RUNTIME_CODE = Path(__file__).parents[4] / "lambda"


def build(stack: Stack, **arguments: Any) -> FunctionFrontEnd:  # noqa: ANN401 - arguments of the construct
    if "endpoint" not in arguments:
        arguments["endpoint"] = an_endpoint(stack)
    return FunctionFrontEnd(stack, "FrontEnd", **arguments)


def function_of(stack: Stack) -> dict[str, Any]:
    properties: dict[str, Any] = one(stack, "AWS::Lambda::Function")["Properties"]
    return properties


def statements(stack: Stack) -> list[dict[str, Any]]:
    (policy,) = (
        each for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if name.startswith("FrontEndPolicy")
    )
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def actions_and_conditions(stack: Stack) -> dict[str, Any]:
    return {
        each["Action"]: each.get("Condition")
        for each in statements(stack)
        if isinstance(each["Action"], str) and each["Action"].startswith("sagemaker:")
    }


def versions(**arguments: Any) -> str:  # noqa: ANN401 - arguments of the construct
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Stack")
    tag = arguments.pop("tag", None)
    build(stack, **arguments)
    if tag:
        Tags.of(stack).add("team", tag)
    (version,) = resources(stack, "AWS::Lambda::Version")
    return version
