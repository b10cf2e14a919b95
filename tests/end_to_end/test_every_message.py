"""No message and no record is lost or has two results, with a fault in one call of ten.

Queue and stream are an emulator's; the functions run in processes of their own behind what Lambda's event source
mappings do; the endpoint, and what takes the results, fail over real HTTP. Faults depend on the record and on how often
it was sent, not on the order in which threads run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import boto3  # type: ignore[import-untyped]
import pytest

from tests.end_to_end.conftest import HOME
from tests.local_aws.launcher import ACCOUNT, REGION, ROOT, Cloud
from tests.runtime.consume.services import BROKEN, LOST, Partial, Services
from tests.runtime.endpoint_server import (
    Bytes,
    EndpointServer,
    Fault,
    Hang,
    Received,
    Reset,
    Response,
    error,
    model_error,
)

ENDPOINT: Final = "tabular"
MESSAGES: Final = 10_000
WITHIN: Final = 480  # seconds, on the busiest machine
MAX_RECEIVES: Final = 4
_SHARDS: Final = 4
_PERMANENT: Final = {"poison": "rejected-by-model", "huge": "body-too-large"}
_ATTEMPTED: Final = {
    "throttled",
    "endpoint-unavailable",
    "endpoint-failed",
    "model-failed",
    "model-overloaded",
    "model-timed-out",
    "connection-lost",
    "result-not-stored",
}
_PASSING: Final[tuple[Response | Fault, ...]] = (
    error("ThrottlingException", 400),
    error("ServiceUnavailable", 503),
    error("InternalFailure", 500),
    model_error(500, "stack trace"),
    model_error(503, "queue is full"),
    Reset(),
    Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"),
    Bytes(b"nonsense\r\n\r\n"),
)


class SeededFaults(deque[Any]):
    """Faults for the request that the server received last: 7 % pass, and some hang."""

    def __init__(self, server: EndpointServer) -> None:
        super().__init__()
        self._server = server
        self._sent: Counter[str] = Counter()
        self.played = 0

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Response | Fault | None:
        """The next fault; called while the server holds its lock."""
        body = self._server.received.pop().body.decode()
        self._sent[body] += 1
        chance = random.Random(f"{body} {self._sent[body]}")
        number = chance.random()
        fault = chance.choice(_PASSING) if number < 0.073 else Hang() if number < 0.074 else None
        self.played += fault is not None
        return fault


def payload(number: int) -> str:
    """Nearly 3 % of the inputs can never be processed; a few of them look as if they could."""
    kind = {0: "poison", 33: "huge", 66: "poison"}.get(number % 111, "cursed" if number % 1111 == 99 else "good")
    return json.dumps({"n": number, "kind": kind, **({"filling": "x" * 1000} if kind == "huge" else {})})


def model(received: Received) -> Response:
    kind = json.loads(received.body)["kind"]
    if kind == "poison":
        return Response(400, b"expected 30 numbers")
    if kind == "cursed":
        return Response(503, b"queue is full")
    return Response(200, received.body, {"content-type": "application/json"})


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(home=HOME, settings={"CLOUDTRAIL_RECORDING": "0"}) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def surroundings(cloud: Cloud) -> Iterator[tuple[EndpointServer, Services, dict[str, str]]]:
    """Everything around the functions, and their environment."""
    server, services = EndpointServer(ENDPOINT, {"AllTraffic": model}), Services()
    server.faults = SeededFaults(server)
    with ExitStack() as stack:
        runtime = stack.enter_context(server.start())
        others = stack.enter_context(services.start())
        environment = {
            **cloud.environment,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'lambda'}",
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": runtime,
            "AWS_ENDPOINT_URL_S3": others,
            "AWS_ENDPOINT_URL_FIREHOSE": others,
            "ENDPOINT_NAME": ENDPOINT,
            "CONNECT_TIMEOUT_SECONDS": "1",
            "READ_TIMEOUT_SECONDS": "2",
            "MAX_ATTEMPTS": "1",
            "MAX_BODY_BYTES": "500",
            "PARALLELISM": "16",
            "POWERTOOLS_METRICS_NAMESPACE": "MLConstructs",
            "POWERTOOLS_SERVICE_NAME": "every-message",
        }
        yield server, services, environment


def client(cloud: Cloud, service: str) -> Any:  # noqa: ANN401 - botocore's clients have no types
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def run(kind: str, environment: dict[str, str], **variables: str) -> dict[str, Any]:
    """Let an event source and its function work until nothing is left."""
    command = [sys.executable, "-m", "tests.runtime.consume.event_source", kind]
    finished = subprocess.run(
        command, cwd=ROOT, env={**environment, **variables}, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert "dead letter" in finished.stdout
    assert not any(kind in finished.stdout for kind in ("poison", "cursed", "filling")), "no payload is logged"
    facts: dict[str, Any] = json.loads(finished.stderr.splitlines()[-1])
    return facts


def create_queue(sqs: Any, name: str, **attributes: str) -> tuple[str, str]:  # noqa: ANN401
    """URL and ARN."""
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def drain(sqs: Any, url: str) -> list[dict[str, Any]]:  # noqa: ANN401
    """All messages."""
    letters: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
        "Messages"
    ):
        letters += received
        entries = [{"Id": str(n), "ReceiptHandle": letter["ReceiptHandle"]} for n, letter in enumerate(received)]
        assert not sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    return letters


def causes(letters: list[dict[str, Any]]) -> dict[int, list[str]]:
    """Why each input is a dead letter."""
    found: dict[int, list[str]] = defaultdict(list)
    for letter in letters:
        found[json.loads(letter["Body"])["n"]].append(letter["MessageAttributes"]["Cause"]["StringValue"])
    return found


def numbered(kind: str, inputs: int) -> set[int]:
    """The inputs of a kind."""
    return {number for number in range(inputs) if json.loads(payload(number))["kind"] == kind}


def test_every_message_of_a_queue_ends_once(
    cloud: Cloud, surroundings: tuple[EndpointServer, Services, dict[str, str]]
) -> None:
    server, services, environment = surroundings
    sqs = client(cloud, "sqs")
    dead_url, dead_arn = create_queue(sqs, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": MAX_RECEIVES})
    url, arn = create_queue(sqs, "work", VisibilityTimeout="60", RedrivePolicy=redrive)
    for start in range(0, MESSAGES, 10):
        entries = [{"Id": str(n), "MessageBody": payload(n)} for n in range(start, start + 10)]
        assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10
    services.faults["PutObject"].extend([BROKEN, LOST] * 50)
    facts = run(
        "queue",
        environment,
        SOURCE=url,
        SOURCE_ARN=arn,
        DEAD_LETTER_QUEUE_URL=dead_url,
        MAX_RECEIVES=str(MAX_RECEIVES),
        RESULTS_BUCKET="results",
        DELIVERED_TWICE="0.01",
    )
    letters = causes(drain(sqs, dead_url))
    account_for(results_in(services), letters)
    assert faults_played(server) > MESSAGES // 20
    # A bucket has no second result of a message that came twice; a dead letter comes twice without the table.
    twice = {letter for letter, found in letters.items() if len(found) > 1}
    assert sum(len(letters[number]) - 1 for number in twice) <= len(facts["twice"])
    assert len(facts["twice"]) > MESSAGES // 200


def test_every_record_of_a_stream_ends_once(
    cloud: Cloud, surroundings: tuple[EndpointServer, Services, dict[str, str]]
) -> None:
    _, services, environment = surroundings
    kinesis, sqs = client(cloud, "kinesis"), client(cloud, "sqs")
    kinesis.create_stream(StreamName="records", ShardCount=_SHARDS)
    dead_url, _ = create_queue(sqs, "dead-records")
    failed_url, _ = create_queue(sqs, "given-up")
    places: dict[str, int] = {}
    for start in range(0, MESSAGES, 500):
        records = [{"Data": payload(n).encode(), "PartitionKey": str(n)} for n in range(start, start + 500)]
        answer = kinesis.put_records(StreamName="records", Records=records)
        assert answer["FailedRecordCount"] == 0
        places |= {record["SequenceNumber"]: start + place for place, record in enumerate(answer["Records"])}
    assert len(places) == MESSAGES
    services.faults["PutRecordBatch"].extend([Partial((0, 2)), BROKEN, Partial((1,))] * 20)
    run(
        "stream",
        environment,
        SOURCE="records",
        SOURCE_ARN=f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/records",
        BATCH_SIZE="100",
        DEAD_LETTER_QUEUE_URL=dead_url,
        ON_FAILURE_QUEUE_URL=failed_url,
        RESULTS_DELIVERY_STREAM="results",
    )
    lines = [json.loads(line) for line in services.delivered]
    assert all(places[line["sequenceNumber"]] == line["result"]["n"] for line in lines)
    letters = causes(drain(sqs, dead_url))
    assert {len(found) for found in letters.values()} == {1}
    for notice in drain(sqs, failed_url):
        info = json.loads(notice["Body"])["KinesisBatchInfo"]
        assert info["startSequenceNumber"] == info["endSequenceNumber"], "the batch was bisected"
        number = places[info["startSequenceNumber"]]
        assert number not in letters
        letters[number] = ["model-overloaded"]
    account_for(Counter(line["result"]["n"] for line in lines), letters)


def test_with_a_table_every_message_may_come_twice(
    cloud: Cloud, surroundings: tuple[EndpointServer, Services, dict[str, str]]
) -> None:
    _, services, environment = surroundings
    services.objects.clear()
    sqs, some = client(cloud, "sqs"), 300
    client(cloud, "dynamodb").create_table(
        TableName="ended",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    dead_url, _ = create_queue(sqs, "dead-once")
    url, arn = create_queue(sqs, "twice", VisibilityTimeout="60")
    for number in range(some):
        sqs.send_message(QueueUrl=url, MessageBody=payload(number))
    facts = run(
        "queue",
        environment,
        SOURCE=url,
        SOURCE_ARN=arn,
        DEAD_LETTER_QUEUE_URL=dead_url,
        MAX_RECEIVES=str(MAX_RECEIVES),
        RESULTS_BUCKET="results",
        IDEMPOTENCY_TABLE="ended",
        DELIVERED_TWICE="1",
        DELIVERED_TWICE_UNTIL="9",
    )
    assert len(facts["twice"]) >= some
    account_for(results_in(services), causes(drain(sqs, dead_url)), some, most=1)


def test_messages_of_a_group_keep_their_order(
    cloud: Cloud, surroundings: tuple[EndpointServer, Services, dict[str, str]]
) -> None:
    server, services, environment = surroundings
    services.objects.clear()
    sqs, some, groups = client(cloud, "sqs"), 300, 10
    dead_url, _ = create_queue(sqs, "dead.fifo", FifoQueue="true")
    url, arn = create_queue(sqs, "ordered.fifo", FifoQueue="true", VisibilityTimeout="60")
    for number in range(some):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=payload(number),
            MessageGroupId=str(number % groups),
            MessageDeduplicationId=str(number),
        )
    order: list[int] = []

    def watched(received: Received) -> Response:
        order.append(json.loads(received.body)["n"])
        return model(received)

    server.variants = {"AllTraffic": watched}
    run(
        "queue",
        environment,
        SOURCE=url,
        SOURCE_ARN=arn,
        DEAD_LETTER_QUEUE_URL=dead_url,
        MAX_RECEIVES=str(MAX_RECEIVES),
        RESULTS_BUCKET="results",
        FIFO="true",
    )
    account_for(results_in(services), causes(drain(sqs, dead_url)), some, most=1)
    for group in range(groups):
        of_group = [number for number in order if number % groups == group]
        assert of_group == sorted(of_group), "none overtook another, however often one was tried"


def results_in(services: Services) -> Counter[int]:
    """How many results each input has."""
    return Counter(json.loads(stored.body)["n"] for stored in services.objects.values())


def account_for(
    results: Counter[int], letters: dict[int, list[str]], inputs: int = MESSAGES, *, most: int | None = None
) -> None:
    """Every input is one result, or a dead letter with its cause; `most` is how many letters it may have."""
    assert set(results.values()) == {1}
    assert not set(results) & set(letters)
    assert set(results) | set(letters) == set(range(inputs))
    assert most is None or max(map(len, letters.values())) <= most
    for kind, cause in _PERMANENT.items():
        assert all(cause in letters[number] for number in numbered(kind, inputs))
    assert numbered("cursed", inputs) <= set(letters)
    others = set(letters) - numbered("poison", inputs) - numbered("huge", inputs)
    assert {cause for number in others for cause in letters[number]} <= _ATTEMPTED
    assert len(others - numbered("cursed", inputs)) <= 10, "nearly everything that passes was cured"


def faults_played(server: EndpointServer) -> int:
    faults = server.faults
    assert isinstance(faults, SeededFaults)
    return faults.played
