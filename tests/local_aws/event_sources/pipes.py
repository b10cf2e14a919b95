"""EventBridge pipes from SQS queues to state machines, with the rights of each pipe's role; MiniStack's read no queues.

A pipe takes up to ten messages at a time, passes them on as they are, and deletes them once the target has taken them.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.acting import Actor
from tests.local_aws.cloudformation.client import client
from tests.local_aws.cloudformation.resource import extend
from tests.local_aws.seams import Properties

_log = logging.getLogger("pipes")

_TICK: Final = 0.25  # seconds between two looks at a queue
_BATCH: Final = 10
_PRINCIPAL: Final = "pipes.amazonaws.com"
_KNOWN: Final = frozenset({"Description", "DesiredState", "Name", "RoleArn", "Source", "SourceParameters", "Tags",
                           "Target", "TargetParameters"})  # fmt: skip

_sizes: Final[dict[str, int]] = {}


def install() -> None:
    """Look after pipes from now on, on a thread that ends with the process."""
    extend("AWS::Pipes::Pipe", _remember)
    threading.Thread(target=_run, name="pipes", daemon=True).start()


def _remember(name: str, properties: Properties) -> None:
    """Keep what MiniStack drops, and refuse what neither knows."""
    unknown = properties.keys() - _KNOWN
    parameters, target = properties.get("SourceParameters") or {}, properties.get("TargetParameters") or {}
    unknown |= parameters.keys() - {"SqsQueueParameters"} if ":sqs:" in properties["Source"] else set()
    unknown |= target.keys() - {"StepFunctionStateMachineParameters"}
    if unknown:
        raise ValueError(f"the local cloud does not know {', '.join(sorted(unknown))} of AWS::Pipes::Pipe")
    _sizes[name] = int((parameters.get("SqsQueueParameters") or {}).get("BatchSize") or _BATCH)


def _run() -> None:
    said: dict[str, str] = {}
    while True:
        time.sleep(_TICK)
        with seams.default_scope():
            for pipe in seams.pipes():
                if ":sqs:" not in pipe["Source"] or pipe["CurrentState"] != "RUNNING":
                    continue
                try:
                    _carry(pipe)
                except Exception as error:  # noqa: BLE001 - logged once; the other pipes go on
                    if said.get(pipe["Arn"]) != str(error):
                        said[pipe["Arn"]] = str(error)
                        _log.warning("%s cannot be served: %s", pipe["Arn"], error)


def _carry(pipe: Mapping[str, Any]) -> None:
    """Carry one batch."""
    actor = Actor(_PRINCIPAL, pipe["RoleArn"], pipe["Arn"], seams.account(), seams.region())
    queue = actor.client("sqs")
    url = client("sqs").get_queue_url(QueueName=pipe["Source"].rpartition(":")[2])["QueueUrl"]
    messages = queue.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(_sizes.get(pipe["Name"], _BATCH), _BATCH),
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
    ).get("Messages", [])
    if not messages:
        return
    events = [_event(message, pipe["Source"]) for message in messages]
    machines = actor.client("stepfunctions")
    machines.start_execution(stateMachineArn=pipe["Target"], input=json.dumps(events))
    for message in messages:
        queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _event(message: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {key[0].lower() + key[1:]: item for key, item in value.items()}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": seams.region(),
    }
