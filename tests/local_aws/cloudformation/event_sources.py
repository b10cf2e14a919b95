"""AWS::Lambda::EventSourceMapping, AWS::Kinesis::StreamConsumer, and the encryption of a stream, which MiniStack drops.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-streamconsumer.html
"""

from __future__ import annotations

from typing import Any, Final

from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType, extend
from tests.local_aws.seams import Properties

_SOURCE: Final = ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp")
# What a mapping has when a template no longer says it.
_DEFAULTS: Final[Properties] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "ScalingConfig": {},
}


def create_mapping(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """CreateEventSourceMapping."""
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    given = {name: value for name, value in properties.items() if name != "Tags"}
    request = arguments("lambda", "create_event_source_mapping", given | ({"Tags": tags} if tags else {}))
    return _made(client("lambda").create_event_source_mapping(**request))


def update_mapping(mapping: str, old: Properties, new: Properties, _stack: str) -> Created:
    """UpdateEventSourceMapping."""
    dropped = {name: value for name, value in _DEFAULTS.items() if name in old and name not in new}
    given = {name: value for name, value in new.items() if name not in (*_SOURCE, "Tags")}
    request = arguments("lambda", "update_event_source_mapping", {"UUID": mapping} | dropped | given)
    return _made(client("lambda").update_event_source_mapping(**request))


def delete_mapping(mapping: str, _properties: Properties) -> None:
    """DeleteEventSourceMapping."""
    service = client("lambda")
    try:
        service.delete_event_source_mapping(UUID=mapping)
    except service.exceptions.ResourceNotFoundException:
        return


def _made(mapping: dict[str, Any]) -> Created:
    return mapping["UUID"], {"Id": mapping["UUID"], "EventSourceMappingArn": mapping["EventSourceMappingArn"]}


def create_consumer(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """RegisterStreamConsumer."""
    given = {name: value for name, value in properties.items() if name != "Tags"}
    request = arguments("kinesis", "register_stream_consumer", given)
    consumer = client("kinesis").register_stream_consumer(**request)["Consumer"]
    arn = consumer["ConsumerARN"]
    return arn, {
        "ConsumerARN": arn,
        "ConsumerName": consumer["ConsumerName"],
        "ConsumerStatus": consumer["ConsumerStatus"],
        "ConsumerCreationTimestamp": str(consumer["ConsumerCreationTimestamp"]),
        "StreamARN": properties["StreamARN"],
    }


def delete_consumer(consumer: str, _properties: Properties) -> None:
    """DeregisterStreamConsumer."""
    service = client("kinesis")
    try:
        service.deregister_stream_consumer(ConsumerARN=consumer)
    except service.exceptions.ResourceNotFoundException:
        return


def _encrypt(stream: str, properties: Properties) -> None:
    encryption = properties.get("StreamEncryption")
    if encryption:
        client("kinesis").start_stream_encryption(StreamName=stream, **encryption)


def install() -> None:
    """Complete the type that MiniStack has."""
    extend("AWS::Kinesis::Stream", _encrypt)


TYPES: Final = (
    ResourceType(
        name="AWS::Lambda::EventSourceMapping",
        create=create_mapping,
        update=update_mapping,
        delete=delete_mapping,
        create_only=_SOURCE,
    ),
    ResourceType(
        name="AWS::Kinesis::StreamConsumer",
        create=create_consumer,
        delete=delete_consumer,
        create_only=("ConsumerName", "StreamARN"),
    ),
)
