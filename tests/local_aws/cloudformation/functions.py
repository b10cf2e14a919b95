"""What MiniStack's CloudFormation drops of a Lambda function: its network, key, tracing and reserved concurrency.

It also leaves the process that served the function when it deletes it.
"""

from __future__ import annotations

from typing import Final

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import extend
from tests.local_aws.seams import Properties

_DROPPED: Final = ("DeadLetterConfig", "KmsKeyArn", "TracingConfig", "VpcConfig")


def _configure(function: str, properties: Properties) -> None:
    dropped = {name: properties[name] for name in _DROPPED if name in properties}
    if dropped:
        request = arguments("lambda", "update_function_configuration", {"FunctionName": function} | dropped)
        client("lambda").update_function_configuration(**request)
    if "ReservedConcurrentExecutions" in properties:
        client("lambda").put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=int(properties["ReservedConcurrentExecutions"])
        )
    else:
        client("lambda").delete_function_concurrency(FunctionName=function)


def install() -> None:
    """Complete the type that MiniStack has."""
    extend("AWS::Lambda::Function", _configure, gone=seams.end_function_processes)
