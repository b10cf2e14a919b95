"""What the tests of workflows share: a workflow around each kind of endpoint, and its definition as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from tests.constructs.front_ends.asynchronous import an_async_endpoint
from tests.constructs.front_ends.helpers import an_endpoint, one, resources

RUNTIME_CODE = Path(__file__).parents[4] / "lambda"
ORDERS = events.EventPattern(source=["com.example.orders"])


def build(stack: Stack, **arguments: Any) -> ml.WorkflowFrontEnd:  # noqa: ANN401 - arguments of the construct
    if "endpoint" not in arguments:
        arguments["endpoint"] = an_endpoint(stack)
    return ml.WorkflowFrontEnd(stack, "Flow", **arguments)


def build_asynchronous(stack: Stack, **arguments: Any) -> ml.WorkflowFrontEnd:  # noqa: ANN401
    given = {
        "endpoint": an_async_endpoint(stack) if "endpoint" not in arguments else None,
        "success_topic": sns.Topic(stack, "Answers"),
        "error_topic": sns.Topic(stack, "Failures"),
    }
    return build(stack, **{**given, **arguments})


def machine(stack: Stack) -> dict[str, Any]:
    return dict(one(stack, "AWS::StepFunctions::StateMachine")["Properties"])


def definition(stack: Stack) -> dict[str, Any]:
    """The definition, with the names of references for their values."""
    text = machine(stack)["DefinitionString"]
    parts = [text] if isinstance(text, str) else text["Fn::Join"][1]
    joined = "".join(part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in parts)
    found: dict[str, Any] = json.loads(joined)
    return found


def policy_of(stack: Stack, prefix: str) -> dict[str, Any]:
    found = resources(stack, "AWS::IAM::ManagedPolicy")
    (policy,) = (each for name, each in found.items() if name.startswith(prefix))
    return dict(policy)


def expressions(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from re.findall(r"\{% (.*?) %\}", value)
    elif isinstance(value, dict):
        for each in value.values():
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


def build_asynchronous_with(
    stack: Stack,
    bucket: s3.IBucket,
    topic: sns.ITopic,
    **arguments: Any,  # noqa: ANN401
) -> ml.WorkflowFrontEnd:
    endpoint = an_async_endpoint(stack, bucket=bucket)
    return build(stack, endpoint=endpoint, success_topic=topic, error_topic=topic, **arguments)
