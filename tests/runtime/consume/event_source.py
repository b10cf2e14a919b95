"""What Lambda does with a queue and a stream: polls, calls the real handler, and acts on what it returns.

A process of its own, as an execution environment is: `python -m tests.runtime.consume.event_source queue`, with the
function's environment variables and `SOURCE`. It ends when the source is empty, and prints what it did.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import boto3  # type: ignore[import-untyped]

_TIMEOUT: Final = 30.0  # seconds, of the function
_POLLERS: Final = 2
_RECEIVES_IN_BATCH: Final = 5
_RETRIES: Final = 1


@dataclass
class Context:
    """Lambda's context."""

    deadline: float
    aws_request_id: str = "8f507cfc-1b2e-4c3d-9a41-000000000002"

    def get_remaining_time_in_millis(self) -> int:
        return int((self.deadline - time.monotonic()) * 1000)


def call(handle: Any, records: list[dict[str, Any]]) -> list[str]:  # noqa: ANN401 - a handler
    """One invocation; gives the ids that the function reports."""
    response = handle({"Records": records}, Context(time.monotonic() + _TIMEOUT))
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


class Queue:
    """Polls a queue with several pollers, and hands out some messages twice."""

    def __init__(self) -> None:
        from consume_records.queue import handle  # noqa: PLC0415 - the environment is complete now

        self._handle = handle
        self._client = boto3.client("sqs")
        self._url = os.environ["SOURCE"]
        self._arn = os.environ["SOURCE_ARN"]
        self._fifo = self._url.endswith(".fifo")
        self._share = float(os.environ.get("DELIVERED_TWICE", "0"))
        self._receives = int(os.environ.get("DELIVERED_TWICE_UNTIL", "1"))
        self._random = random.Random(5)
        self._beside = ThreadPoolExecutor(_POLLERS)
        self.done: Counter[str] = Counter()
        self.twice: list[str] = []

    def run(self) -> None:
        pollers = [threading.Thread(target=self._poll) for _ in range(_POLLERS)]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()

    def _poll(self) -> None:
        while True:
            messages: list[dict[str, Any]] = []
            for _ in range(1 if self._fifo else _RECEIVES_IN_BATCH):  # batches of FIFO queues have 10
                received = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=10,
                    AttributeNames=["All"],
                    MessageAttributeNames=["All"],
                ).get("Messages", [])
                messages += received
                if len(received) < 10:
                    break
            if messages:
                self._deliver(messages)
            elif self._is_empty():
                return
            else:
                time.sleep(0.1)

    def _deliver(self, messages: list[dict[str, Any]]) -> None:
        records = [self._record(message) for message in messages]
        again = [record for record in records if self._is_delivered_twice(record)]
        second = self._beside.submit(call, self._handle, again) if again else None
        failed = set(call(self._handle, records))
        if second is not None:
            twice = {record["messageId"] for record in again}
            failed -= twice - set(second.result())
            self.twice += twice
        ended = [message for message in messages if message["MessageId"] not in failed]
        for start in range(0, len(ended), 10):
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                for place, message in enumerate(ended[start : start + 10])
            ]
            assert not self._client.delete_message_batch(QueueUrl=self._url, Entries=entries).get("Failed")
        self.done.update(invocations=1, ended=len(ended), failed=len(failed))

    def _is_delivered_twice(self, record: dict[str, Any]) -> bool:
        few = int(record["attributes"]["ApproximateReceiveCount"]) <= self._receives
        return few and self._random.random() < self._share

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        attributes = message.get("MessageAttributes", {})
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
                for name, value in attributes.items()
            },
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
        }

    def _is_empty(self) -> bool:
        names = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        )
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(names))["Attributes"]
        return all(answer.get(name, "0") == "0" for name in names)


class Stream:
    """Polls each shard of a stream, retries from the checkpoint, bisects, and gives up with a notice."""

    def __init__(self) -> None:
        from consume_records.stream import handle  # noqa: PLC0415 - the environment is complete now

        self._handle = handle
        self._client = boto3.client("kinesis")
        self._sqs = boto3.client("sqs")
        self._name = os.environ["SOURCE"]
        self._arn = os.environ["SOURCE_ARN"]
        self._batch_size = int(os.environ["BATCH_SIZE"])
        self.done: Counter[str] = Counter()
        self.twice: list[str] = []

    def run(self) -> None:
        shards = [shard["ShardId"] for shard in self._client.list_shards(StreamName=self._name)["Shards"]]
        pollers = [threading.Thread(target=self._poll, args=[shard]) for shard in shards]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()

    def _poll(self, shard: str) -> None:
        iterator = self._client.get_shard_iterator(
            StreamName=self._name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = self._client.get_records(ShardIterator=iterator, Limit=self._batch_size)
            if answer["Records"]:
                self._deliver([self._record(shard, record) for record in answer["Records"]])
            elif answer["MillisBehindLatest"] == 0:
                return
            iterator = answer["NextShardIterator"]

    def _deliver(self, records: list[dict[str, Any]]) -> None:
        retries = 0
        while records:
            self.done.update(invocations=1)
            failed = call(self._handle, records)
            if not failed:
                return
            assert len(failed) == 1
            sequence = [record["kinesis"]["sequenceNumber"] for record in records]
            records = records[sequence.index(failed[0]) :]
            if retries == _RETRIES and len(records) == 1:
                self._give_up(records)
                return
            if retries == _RETRIES:
                middle = len(records) // 2
                self._deliver(records[:middle])
                records, retries = records[middle:], 0
            else:
                retries += 1

    def _give_up(self, records: list[dict[str, Any]]) -> None:
        first, last = records[0]["kinesis"]["sequenceNumber"], records[-1]["kinesis"]["sequenceNumber"]
        info = {"startSequenceNumber": first, "endSequenceNumber": last, "batchSize": len(records)}
        notice = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "KinesisBatchInfo": info}
        self._sqs.send_message(QueueUrl=os.environ["ON_FAILURE_QUEUE_URL"], MessageBody=json.dumps(notice))
        self.done.update(given_up=len(records))

    def _record(self, shard: str, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "kinesis": {
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(),
            },
            "eventSource": "aws:kinesis",
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventSourceARN": self._arn,
        }


def hurry() -> None:
    """Let what failed come back at once: minutes of patience prove nothing more."""
    from consume_records import message_worker, queue_visibility, record_worker  # noqa: PLC0415

    queue_visibility._FIRST_DELAY = queue_visibility._LONGEST_DELAY = 0.5  # type: ignore[misc]
    message_worker._PAUSE = 0.01  # type: ignore[misc]
    record_worker._FIRST_PAUSE = record_worker._LONGEST_PAUSE = 0.01  # type: ignore[misc]


def main() -> None:
    hurry()
    source = Queue() if sys.argv[1] == "queue" else Stream()
    with contextlib.redirect_stdout(io.StringIO()):  # metrics; the log goes where the standard output was at first
        started = time.monotonic()
        source.run()
    facts = {**source.done, "seconds": round(time.monotonic() - started, 1), "twice": source.twice}
    sys.stderr.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
