"""Fixtures: the functions behind a queue and a stream, between an endpoint and services over real HTTP."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from consume_records import workers
from consume_records.clients import create_client
from consume_records.message_worker import MessageWorker
from consume_records.record_worker import RecordWorker
from consume_records.workers import create_message_worker, create_record_worker
from invoke_endpoint.endpoint import create_client as create_runtime_client
from invoke_endpoint.settings import Settings
from tests.runtime.conftest import ENDPOINT, FakeContext
from tests.runtime.consume.services import QUEUE, Services
from tests.runtime.endpoint_server import EndpointServer, Received, Response

SOURCE_QUEUE = "arn:aws:sqs:us-east-1:111122223333:work"
STREAM = "arn:aws:kinesis:us-east-1:111122223333:stream/work"
_serial = itertools.count()  # Powertools keeps one logger for each service name


@dataclass
class Function:
    """A function, and what it wrote."""

    worker: MessageWorker | RecordWorker
    log: io.StringIO
    context: FakeContext

    def handle(self, *records: dict[str, Any]) -> list[str]:
        """Process a batch; gives the ids of those that come back."""
        response = self.worker.handle({"Records": list(records)}, self.context)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


Create = Callable[..., Function]


def message(
    identity: str,
    body: str = "{}",
    *,
    receives: int = 1,
    group: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A record of an event of SQS."""
    return {
        "messageId": identity,
        "receiptHandle": f"receipt-{identity}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "ApproximateFirstReceiveTimestamp": "1700000000000",
            "SentTimestamp": "1700000000000",
            **({} if group is None else {"MessageGroupId": group}),
        },
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String", "stringListValues": [], "binaryListValues": []}
            for name, value in (attributes or {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": SOURCE_QUEUE,
        "awsRegion": "us-east-1",
    }


def record(number: int, data: bytes = b"{}", *, key: str = "key") -> dict[str, Any]:
    """A record of an event of Kinesis."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": sequence(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1700000000.0,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{sequence(number)}",
        "eventSourceARN": STREAM,
        "awsRegion": "us-east-1",
    }


def sequence(number: int) -> str:
    """A sequence number as Kinesis makes them."""
    return str(49590338271490256608559692538361571095921575989136588898 + number)


def cause(letter: dict[str, Any]) -> str:
    """Why a letter is dead."""
    return str(attribute(letter, "Cause"))


def attribute(letter: dict[str, Any], name: str) -> str | None:
    """A message attribute of a letter."""
    value = letter["MessageAttributes"].get(name)
    return None if value is None else value["StringValue"]


@pytest.fixture(scope="session")
def _services() -> Iterator[Services]:
    services = Services()
    with services.start():
        yield services


@pytest.fixture
def services(_services: Services) -> Services:
    """Services as new."""
    for kept in (
        _services.objects,
        _services.letters,
        _services.notifications,
        _services.delivered,
        _services.delays,
        _services.items,
        _services.calls,
        _services.faults,
        _services.broken,
    ):
        kept.clear()
    return _services


@contextmanager
def answering(server: EndpointServer, model: Callable[[Received], Response]) -> Iterator[None]:
    """Another model for a while."""
    variants, server.variants = server.variants, {"AllTraffic": model}
    try:
        yield
    finally:
        server.variants = variants


@pytest.fixture(scope="session")
def _clients() -> Iterator[dict[tuple[object, ...], Any]]:
    """Creating a client takes longer than most tests."""
    clients: dict[tuple[object, ...], Any] = {}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch,
    server: EndpointServer,
    services: Services,
    _clients: dict[tuple[object, ...], Any],
) -> dict[str, str]:
    """Where the clients go, and the variables that both functions need."""

    def create(service: str, connections: int) -> Any:  # noqa: ANN401 - botocore's clients have no types
        key = (service, connections)
        if key not in _clients:
            _clients[key] = create_client(service, connections)
        return _clients[key]

    def create_runtime(settings: Settings, *, connections: int) -> Any:  # noqa: ANN401
        key = ("runtime", connections, settings.connect_timeout_seconds, settings.read_timeout_seconds)
        if key not in _clients:
            _clients[key] = create_runtime_client(settings, connections=connections)
        return _clients[key]

    monkeypatch.setattr(workers, "create_client", create)
    monkeypatch.setattr(workers, "create_runtime_client", create_runtime)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{services.server_port}")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"http://127.0.0.1:{server.server_port}")
    return {
        "ENDPOINT_NAME": ENDPOINT,
        "CONNECT_TIMEOUT_SECONDS": "0.5",
        "READ_TIMEOUT_SECONDS": "5",
        "MAX_ATTEMPTS": "1",
        "DEAD_LETTER_QUEUE_URL": QUEUE,
        "POWERTOOLS_METRICS_NAMESPACE": "MLConstructs",
        "POWERTOOLS_SERVICE_NAME": f"consume-{next(_serial)}",
    }


@pytest.fixture
def queue(environment: dict[str, str]) -> Iterator[Create]:
    """Makes the function behind a queue; arguments are variables."""
    yield from _creating(create_message_worker, {**environment, "MAX_RECEIVES": "3"})


@pytest.fixture
def stream(environment: dict[str, str]) -> Iterator[Create]:
    """Makes the function behind a stream; arguments are variables."""
    yield from _creating(create_record_worker, environment)


def _creating(
    factory: Callable[..., MessageWorker | RecordWorker], environment: dict[str, str]
) -> Iterator[Callable[..., Function]]:
    made: list[Function] = []

    def create(**variables: str) -> Function:
        log = io.StringIO()
        name = f"consume-{next(_serial)}"
        worker = factory({**environment, "POWERTOOLS_SERVICE_NAME": name, **variables}, log=log, pause=lambda _: None)
        made.append(Function(worker, log, FakeContext()))
        return made[-1]

    yield create
    for function in made:
        function.worker.close()
