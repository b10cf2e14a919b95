"""What Lambda checks before it maps an event source to a function.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.acting import Actor, RoleError
from tests.local_aws.cloudformation.client import client
from tests.local_aws.event_sources.kinesis import reader, stream_of

_PATH: Final = "/2015-03-31/event-source-mappings"
_FIFO_BATCH: Final = 10
_WITHOUT_WINDOW: Final = 10
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
_QUEUE: Final = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaKinesisExecutionRole.html
_STREAM: Final = ("GetRecords", "GetShardIterator", "DescribeStream", "DescribeStreamSummary", "ListShards")


class MappingError(Exception):
    """Lambda refuses the mapping."""


def install() -> None:
    """Check each new mapping before MiniStack makes it."""
    seams.wrap_service("lambda", _checking)


def _checking(theirs: seams.Handler) -> seams.Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> seams.Reply:
        if method == "POST" and path.rstrip("/") == _PATH:
            try:
                await seams.on_thread(check, json.loads(body or b"{}"))
            except MappingError as error:
                answer = {"Type": "User", "message": str(error), "Message": str(error)}
                kind = "InvalidParameterValueException"
                return 400, {"Content-Type": "application/json", "x-amzn-errortype": kind}, json.dumps(answer).encode()
        return await theirs(method, path, headers, body, query)

    return handle


def check(request: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses and MiniStack accepts.

    Raises:
        MappingError: the source, the function and its role do not go together.
    """
    source, functions = str(request.get("EventSourceArn", "")), client("lambda")
    try:
        function = functions.get_function_configuration(FunctionName=request.get("FunctionName", ""))
    except functions.exceptions.ClientError:
        return  # MiniStack says so
    actor = reader({"FunctionArn": function["FunctionArn"]})
    if ":sqs:" in source:
        _check_queue(request, source, int(function["Timeout"]))
        _check_rights(actor, "SQS", source, [f"sqs:{action}" for action in _QUEUE])
    elif ":kinesis:" in source:
        if not request.get("StartingPosition"):
            raise MappingError("1 validation error detected: Value null at 'startingPosition' failed to satisfy")
        _check_rights(actor, "Kinesis", stream_of(source), [f"kinesis:{action}" for action in _STREAM])
        if "/consumer/" in source:
            _check_rights(actor, "Kinesis", source, ["kinesis:SubscribeToShard"])
    for destination in _destinations(request):
        service = destination.split(":")[2]
        if service == "s3":
            _check_rights(actor, "S3", f"{destination}/aws/lambda/x", ["s3:PutObject"])
            _check_rights(actor, "S3", destination, ["s3:ListBucket"])
        else:
            action = "sqs:SendMessage" if service == "sqs" else "sns:Publish"
            _check_rights(actor, service.upper(), destination, [action])


def _destinations(request: Mapping[str, Any]) -> Iterator[str]:
    found = ((request.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if found:
        yield found


def _check_rights(actor: Actor, service: str, resource: str, actions: list[str]) -> None:
    try:
        credentials = actor.credentials()
    except RoleError as error:
        raise MappingError(f"The provided execution role cannot be assumed by Lambda: {error}") from None
    for action in actions:
        if not seams.may(credentials, action, resource):
            raise MappingError(
                f"The provided execution role does not have permissions to call {action.partition(':')[2]} on {service}"
            )


def _check_queue(request: Mapping[str, Any], source: str, timeout: int) -> None:
    size = int(request.get("BatchSize") or _WITHOUT_WINDOW)
    window = int(request.get("MaximumBatchingWindowInSeconds") or 0)
    if source.endswith(".fifo"):
        if size > _FIFO_BATCH:
            raise MappingError("Maximum batch size for a FIFO queue is 10")
        if window:
            raise MappingError("Batching window is not supported for FIFO queues")
    elif size > _WITHOUT_WINDOW and not window:
        raise MappingError("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater "
                           "than 10")  # fmt: skip
    queues = client("sqs")
    try:
        url = queues.get_queue_url(QueueName=source.rpartition(":")[2])["QueueUrl"]
    except queues.exceptions.ClientError as error:
        raise MappingError("Error occurred while ReceiveMessage. SQS Error Code: QueueDoesNotExist.") from error
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    visible = int(attributes["VisibilityTimeout"])
    if visible < timeout:
        raise MappingError(
            f"Queue visibility timeout: {visible} seconds is less than Function timeout: {timeout} seconds"
        )
