"""What the tests of queues and streams share."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack

from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends.workers.queue import QueueFrontEnd
from ml_constructs.front_ends.workers.stream import StreamFrontEnd
from ml_constructs.storage import CaptureBucket, LogBucket
from tests.constructs.front_ends.helpers import an_endpoint, one, resources

Statement = dict[str, Any]


def a_bucket(stack: Stack, name: str = "Results") -> CaptureBucket:
    """A bucket of which cdk-nag has nothing to say."""
    key = EncryptionKey(stack, f"{name}Key")
    return CaptureBucket(stack, name, encryption_key=key, access_logs=LogBucket(stack, f"{name}Logs"))


def queue(stack: Stack, **arguments: Any) -> QueueFrontEnd:  # noqa: ANN401 - arguments of the construct
    """A queue without results."""
    return QueueFrontEnd(stack, "FrontEnd", **{"results": None, **_with_endpoint(stack, arguments)})


def stream(stack: Stack, **arguments: Any) -> StreamFrontEnd:  # noqa: ANN401 - arguments of the construct
    """A stream without results."""
    return StreamFrontEnd(stack, "FrontEnd", **{"results": None, **_with_endpoint(stack, arguments)})


def function_of(stack: Stack) -> dict[str, Any]:
    """The properties of the one function."""
    properties: dict[str, Any] = one(stack, "AWS::Lambda::Function")["Properties"]
    return properties


def variables_of(stack: Stack) -> dict[str, Any]:
    """The environment of the one function."""
    variables: dict[str, Any] = function_of(stack)["Environment"]["Variables"]
    return variables


def mapping_of(stack: Stack) -> dict[str, Any]:
    """The properties of the one event source mapping."""
    properties: dict[str, Any] = one(stack, "AWS::Lambda::EventSourceMapping")["Properties"]
    return properties


def allowed(stack: Stack, prefix: str = "FrontEndConsumerPolicy") -> dict[str, Statement]:
    """The statement of each action that a policy allows; of an action with several, the last."""
    (policy,) = (each for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if name.startswith(prefix))
    return {
        action: statement
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def services_of_key(stack: Stack, action: str, prefix: str = "FrontEndConsumerPolicy") -> set[str]:
    """Through which services a policy allows an action of KMS."""
    (policy,) = (each for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if name.startswith(prefix))
    return {
        str(statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Join"][1][0]).rstrip(".")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if action in statement["Action"] and "Condition" in statement
    }


def alarms_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """The properties of each alarm by the name of its metric."""
    found = resources(stack, "AWS::CloudWatch::Alarm").values()
    return {each["Properties"]["MetricName"]: each["Properties"] for each in found}


def _with_endpoint(stack: Stack, arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments if "endpoint" in arguments else {**arguments, "endpoint": an_endpoint(stack)}
