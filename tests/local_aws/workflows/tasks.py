"""Tasks of state machines: the right to do them, and the integrations that MiniStack lacks.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError, ParamValidationError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.acting import Actor, RoleError
from tests.local_aws.seams import WorkflowTask, WorkflowTaskError

CALLS: Final = frozenset(
    {("s3", "putObject"), ("sagemakerruntime", "invokeEndpoint"), ("sagemakerruntime", "invokeEndpointAsync")}
)
# boto3's name, and what the SDK for Java puts before errors.
_SERVICES: Final = {"s3": ("s3", "S3"), "sagemakerruntime": ("sagemaker-runtime", "SageMakerRuntime")}
_PRINCIPAL: Final = "states.amazonaws.com"
_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST: Final = 256 * 1024


def check(task: WorkflowTask) -> None:
    """Refuse a task that the machine's role may not do.

    Raises:
        WorkflowTaskError: AccessDenied, in the words of the service.
    """
    for action, resource in _needs(task):
        try:
            credentials = _actor(task).credentials()
        except RoleError as error:
            raise WorkflowTaskError("States.Runtime", str(error)) from None
        if not seams.may(credentials, action, resource):
            service = action.partition(":")[0].capitalize()
            message = f"{task.role} is not authorized to perform: {action} on resource: {resource}"
            raise WorkflowTaskError(f"{service}.{service}Exception", message)


def _needs(task: WorkflowTask) -> list[tuple[str, str]]:
    """The rights that a task takes, of those that are known here."""
    given, place = task.arguments, f"{seams.region()}:{seams.account()}"
    known = {
        ":lambda:invoke": ("lambda:InvokeFunction", _function(str(given.get("FunctionName", "")))),
        ":function:": ("lambda:InvokeFunction", task.resource),
        ":sqs:sendMessage": ("sqs:SendMessage", f"arn:aws:sqs:{place}:{str(given.get('QueueUrl')).rpartition('/')[2]}"),
        ":sns:publish": ("sns:Publish", str(given.get("TopicArn", ""))),
        ":s3:putObject": ("s3:PutObject", f"arn:aws:s3:::{given.get('Bucket')}/{given.get('Key')}"),
        ":dynamodb:putItem": ("dynamodb:PutItem", f"arn:aws:dynamodb:{place}:table/{given.get('TableName')}"),
    }
    return [right for part, right in known.items() if part in task.resource]


def _function(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:lambda:{seams.region()}:{seams.account()}:function:{name}"


def _actor(task: WorkflowTask) -> Actor:
    return Actor(_PRINCIPAL, task.role, task.machine, seams.account(), seams.region())


def call(task: WorkflowTask, service: str, action: str) -> dict[str, Any]:
    """Call an operation with the machine's role.

    Raises:
        WorkflowTaskError: as the AWS SDK for Java names the errors of the service.
    """
    arguments = {name: value for name, value in task.arguments.items() if value is not None}
    body = arguments.get("Body")
    if body is not None:
        arguments["Body"] = (body if isinstance(body, str) else json.dumps(body)).encode()
    name, prefix = _SERVICES[service]
    try:
        api = _actor(task).client(name)
        answer = getattr(api, _CAPITAL.sub("_", action).lower())(**arguments)
    except (ParamValidationError, RoleError) as error:
        raise WorkflowTaskError("States.Runtime", str(error)) from None
    except ClientError as error:
        raise _failure(error.response, api, prefix) from None
    result = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if "Body" in result:
        result["Body"] = result["Body"].read().decode(errors="replace")
    if len(json.dumps(result)) > _LARGEST:
        raise WorkflowTaskError("States.DataLimitExceeded", "The result is larger than 256 KiB")
    return result


def _failure(response: Mapping[str, Any], api: Any, prefix: str) -> WorkflowTaskError:  # noqa: ANN401 - boto3 has no types
    code = response["Error"]["Code"]
    shapes = {shape.name for shape in api.meta.service_model.error_shapes}
    name = f"{code.removesuffix('Exception')}Exception" if code in shapes else f"{prefix}Exception"
    metadata = response["ResponseMetadata"]
    cause = (
        f"{response['Error'].get('Message')} (Service: {prefix}, Status Code: {metadata['HTTPStatusCode']}, "
        f"Request ID: {metadata.get('RequestId')})"
    )
    return WorkflowTaskError(f"{prefix}.{name}", cause)
