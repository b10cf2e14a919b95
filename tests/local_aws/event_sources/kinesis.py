"""Reads Kinesis streams for Lambda, with the rights of each function's role.

Batches of a shard follow one another (`ParallelizationFactor` is 1, whatever a mapping says), and none waits for its
batching window. A stream consumer is read like the stream itself.
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.acting import Actor
from tests.local_aws.cloudformation.client import client
from tests.local_aws.event_sources.batches import (
    Batch,
    Record,
    Rules,
    Verdict,
    expired,
    failure_record,
    first_failed,
    judge,
)

_log = logging.getLogger("event-sources")

_TICK: Final = 0.25  # seconds between two reads of a shard
_PRINCIPAL: Final = "lambda.amazonaws.com"
Mapped = Mapping[str, Any]


@dataclass
class Shard:
    """How far a mapping has come in a shard."""

    iterator: str
    pending: deque[Batch] = field(default_factory=deque)


class Poller:
    """Looks after all mappings of streams of the account in which the server was started."""

    def __init__(self) -> None:
        self._shards: dict[tuple[str, str], Shard] = {}
        self._said: dict[str, str] = {}

    def start(self) -> None:
        """Read from now on, on a thread that ends with the process."""
        threading.Thread(target=self._run, name="kinesis-mappings", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_TICK)
            with seams.default_scope():
                mappings = seams.stream_mappings()
                known = {mapping["UUID"] for mapping in mappings}
                self._shards = {key: shard for key, shard in self._shards.items() if key[0] in known}
                for mapping in mappings:
                    try:
                        self._visit(mapping)
                    except Exception as error:  # noqa: BLE001 - logged once; the other mappings go on
                        if self._said.get(mapping["UUID"]) != str(error):
                            self._said[mapping["UUID"]] = str(error)
                            _log.warning("%s cannot be read: %s", mapping["EventSourceArn"], error)

    def _visit(self, mapping: Mapped) -> None:
        if mapping["State"] != "Enabled":
            return
        actor = reader(mapping)
        kinesis, stream = actor.client("kinesis"), stream_of(mapping["EventSourceArn"])
        for described in kinesis.list_shards(StreamARN=stream)["Shards"]:
            name = described["ShardId"]
            shard = self._shards.get((mapping["UUID"], name))
            if shard is None:
                position = {"ShardIteratorType": mapping["StartingPosition"]}
                if "StartingPositionTimestamp" in mapping:
                    position["Timestamp"] = mapping["StartingPositionTimestamp"]
                iterator = kinesis.get_shard_iterator(StreamARN=stream, ShardId=name, **position)["ShardIterator"]
                shard = self._shards[mapping["UUID"], name] = Shard(iterator)
            if not shard.pending:
                self._read(kinesis, mapping, name, shard)
            if shard.pending:
                self._work(actor, mapping, name, shard)

    def _read(self, kinesis: Any, mapping: Mapped, name: str, shard: Shard) -> None:  # noqa: ANN401 - boto3 has no types
        answer = kinesis.get_records(
            ShardIterator=shard.iterator,
            Limit=int(mapping["BatchSize"]),
            StreamARN=stream_of(mapping["EventSourceArn"]),
        )
        shard.iterator = answer.get("NextShardIterator") or shard.iterator
        records = [_record(mapping, name, record) for record in answer["Records"]]
        if records:
            shard.pending.append(Batch(records))

    def _work(self, actor: Actor, mapping: Mapped, name: str, shard: Shard) -> None:
        rules, batch = Rules.of(mapping), shard.pending[0]
        request = str(uuid.uuid4())
        verdict = expired(batch, rules, time.time())
        if verdict is None:
            event = {"Records": [record.event for record in batch.records]}
            answer = client("lambda").invoke(FunctionName=mapping["FunctionArn"], Payload=json.dumps(event))
            payload = json.loads(answer["Payload"].read() or b"null")
            raised = "FunctionError" in answer
            failed = 0 if raised else first_failed(payload, batch.records, rules)
            verdict = judge(batch, failed, rules, raised=raised)
        if verdict.given_up is not None:
            _give_up(actor, mapping, name, verdict, request)
        shard.pending.popleft()
        shard.pending.extendleft(reversed(verdict.rest))


def reader(mapping: Mapped) -> Actor:
    """Lambda, as it reads for a mapping."""
    function = mapping["FunctionArn"]
    role = client("lambda").get_function_configuration(FunctionName=function)["Role"]
    return Actor(_PRINCIPAL, role, function, seams.account(), seams.region())


def stream_of(source: str) -> str:
    """The ARN of a stream, from that of itself or of a consumer."""
    return source.partition("/consumer/")[0]


def _record(mapping: Mapped, shard: str, record: Mapping[str, Any]) -> Record:
    arrived = record["ApproximateArrivalTimestamp"].timestamp()
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{seams.account()}:role/reader",
        "awsRegion": seams.region(),
        "eventSourceARN": mapping["EventSourceArn"],
    }
    return Record(record["SequenceNumber"], arrived, event)


def _give_up(actor: Actor, mapping: Mapped, shard: str, verdict: Verdict, request: str) -> None:
    """Tell the destination of failures, if there is one."""
    batch, function = verdict.given_up, mapping["FunctionArn"]
    assert batch is not None
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    stream = stream_of(mapping["EventSourceArn"])
    _log.warning("%s gives up %d records of %s: %s", function, len(batch.records), stream, verdict.condition)
    if not destination:
        return
    record = failure_record(batch, verdict.condition, shard=shard, stream=stream, function=function, request=request)
    service, name = destination.split(":")[2], destination.rpartition(":")[2]
    if service == "sqs":
        url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        actor.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(record))
    elif service == "sns":
        actor.client("sns").publish(TopicArn=destination, Message=json.dumps(record))
    else:
        day = time.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S", time.gmtime())
        payload = json.dumps({"Records": [one.event for one in batch.records]})
        actor.client("s3").put_object(
            Bucket=name,
            Key=f"aws/lambda/{mapping['UUID']}/{shard}/{day}-{uuid.uuid4()}",
            Body=json.dumps(record | {"payload": payload}),
        )
