"""What each front end adds to a call of the endpoint: `python -m tests.bench.front_ends`.

Its handler gets what its event source would pass, in turns with the shortest handler that people write for the same
job with boto3, and with the calls of the endpoint alone. Endpoint and services are a process of their own; the model
takes five milliseconds.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tests.bench.handler import ENVIRONMENT

ROOT: Final = Path(__file__).parents[2]
TARGET: Final = 1.1
MODEL_SECONDS: Final = 0.005
_BODY: Final = json.dumps({"instances": [[0.5] * 30]})
_ACCOUNT: Final = "111122223333"
_BATCH: Final = 10


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times of one event, in seconds."""

    name: str
    ours: list[float]
    bare: list[float]
    direct: list[float]

    def percentiles(self, percent: int) -> tuple[float, float, float]:
        """Ours, bare and direct."""
        ours, bare, direct = (_percentile(times, percent) for times in (self.ours, self.bare, self.direct))
        return ours, bare, direct

    @property
    def ratio(self) -> float:
        """Of the medians, to the bare handler."""
        ours, bare, _ = self.percentiles(50)
        return ours / bare


def measure(events: int = 200) -> list[Timing]:
    """Measure the API's function, the queue's and the stream's."""
    with _servers() as (endpoint, services), mock.patch.dict(os.environ, _environment(endpoint, services)):
        sys.path.insert(0, str(ROOT / "lambda"))
        clients = _clients()
        return [
            _alternate("POST through the API's function", events, *_api(clients)),
            _alternate(f"{_BATCH} messages of a queue, results to S3", events, *_queue(clients)),
            _alternate(f"{_BATCH} records of a stream, results to Firehose", events, *_stream(clients)),
        ]


class _Context:
    aws_request_id = "8f507cfc-1b2e-4c3d-9a41-000000000001"
    function_name = memory_limit_in_mb = invoked_function_arn = "0"

    def get_remaining_time_in_millis(self) -> int:
        return 180_000


Handler = Callable[[], object]


def _alternate(name: str, events: int, ours: Handler, bare: Handler, direct: Handler) -> Timing:
    timing = Timing(name=name, ours=[], bare=[], direct=[])
    handlers = ((ours, timing.ours), (bare, timing.bare), (direct, timing.direct))
    for number in range(events + 10):
        for handler, times in handlers:
            with contextlib.redirect_stdout(io.StringIO()):  # where metrics go
                started = time.perf_counter()
                handler()
                elapsed = time.perf_counter() - started
            if number >= 10:  # connections are open, code is warm
                times.append(elapsed)
    return timing


def _clients() -> dict[str, Any]:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - ships no types; reads the environment set above

    return {name: boto3.client(name) for name in ("sagemaker-runtime", "s3", "firehose")}


def _invoke(clients: dict[str, Any], body: str) -> bytes:
    output = clients["sagemaker-runtime"].invoke_endpoint(
        EndpointName="tabular", ContentType="application/json", Body=body
    )
    answer: bytes = output["Body"].read()
    return answer


def _api(clients: dict[str, Any]) -> tuple[Handler, Handler, Handler]:
    from invoke_endpoint.handler import handle  # noqa: PLC0415 - reads the environment when it is imported

    event = {
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "requestContext": {"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
        "body": _BODY,
        "isBase64Encoded": False,
    }

    def ours() -> None:
        assert handle(event, _Context())["statusCode"] == 200

    def bare() -> dict[str, Any]:
        return {"statusCode": 200, "body": _invoke(clients, str(event["body"])).decode()}

    return ours, bare, lambda: _invoke(clients, _BODY)


def _queue(clients: dict[str, Any]) -> tuple[Handler, Handler, Handler]:
    from consume_records.workers import create_message_worker  # noqa: PLC0415 - lies in lambda/

    worker = create_message_worker({**os.environ, "MAX_RECEIVES": "3", "RESULTS_BUCKET": "results"}, log=io.StringIO())
    serial = iter(range(10**9))

    def event() -> dict[str, Any]:
        return {"Records": [_message(f"m{next(serial)}") for _ in range(_BATCH)]}

    def ours() -> None:
        assert worker.handle(event(), _Context()) == {"batchItemFailures": []}

    def bare() -> None:
        for record in event()["Records"]:
            answer = _invoke(clients, record["body"])
            clients["s3"].put_object(Bucket="results", Key=record["messageId"], Body=answer)

    return ours, bare, lambda: [_invoke(clients, _BODY) for _ in range(_BATCH)]


def _stream(clients: dict[str, Any]) -> tuple[Handler, Handler, Handler]:
    from consume_records.workers import create_record_worker  # noqa: PLC0415 - lies in lambda/

    worker = create_record_worker({**os.environ, "RESULTS_DELIVERY_STREAM": "results"}, log=io.StringIO())
    event = {"Records": [_record(number) for number in range(_BATCH)]}

    def ours() -> None:
        assert worker.handle(event, _Context()) == {"batchItemFailures": []}

    def bare() -> None:
        answers = [_invoke(clients, base64.b64decode(each["kinesis"]["data"]).decode()) for each in event["Records"]]
        clients["firehose"].put_record_batch(
            DeliveryStreamName="results", Records=[{"Data": answer} for answer in answers]
        )

    return ours, bare, lambda: [_invoke(clients, _BODY) for _ in range(_BATCH)]


def _message(identity: str) -> dict[str, Any]:
    return {
        "messageId": identity,
        "receiptHandle": identity,
        "body": _BODY,
        "attributes": {"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "1700000000000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:{_ACCOUNT}:requests",
        "awsRegion": "us-east-1",
    }


def _record(number: int) -> dict[str, Any]:
    return {
        "kinesis": {
            "partitionKey": "p",
            "sequenceNumber": str(49_000_000 + number),
            "data": base64.b64encode(_BODY.encode()).decode(),
            "approximateArrivalTimestamp": 1_700_000_000.0,
            "kinesisSchemaVersion": "1.0",
        },
        "eventID": f"shardId-000000000000:{49_000_000 + number}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:{_ACCOUNT}:stream/events",
        "eventName": "aws:kinesis:record",
        "eventVersion": "1.0",
        "invokeIdentityArn": f"arn:aws:iam::{_ACCOUNT}:role/worker",
        "awsRegion": "us-east-1",
    }


def _environment(endpoint: str, services: str) -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": services,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint,
        "DEAD_LETTER_QUEUE_URL": f"https://sqs.us-east-1.amazonaws.com/{_ACCOUNT}/dead-letters",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "Bench",
        "PARALLELISM": "10",
    }


@contextlib.contextmanager
def _servers() -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "tests.bench.front_ends", "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            endpoint, services = process.stdout.readline().split()
            yield endpoint, services
        finally:
            process.terminate()


def _serve() -> None:
    from tests.runtime.consume.services import Services  # noqa: PLC0415 - for the servers' process alone
    from tests.runtime.endpoint_server import EndpointServer, Received, Response  # noqa: PLC0415

    def model(received: Received) -> Response:
        time.sleep(MODEL_SECONDS)
        return Response(200, received.body, {"content-type": "application/json"})

    services = Services()
    with EndpointServer("tabular", {"main": model}).start() as endpoint, services.start() as url:
        sys.stdout.write(f"{endpoint} {url}\n")
        sys.stdout.flush()
        signal.pause()


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main() -> None:
    """Print the times."""
    for timing in measure():
        print(timing.name)
        for percent in (50, 99):
            ours, bare, direct = (value * 1000 for value in timing.percentiles(percent))
            print(
                f"  p{percent}  ours {ours:7.2f} ms   bare boto3 {bare:7.2f} ms   endpoint alone {direct:7.2f} ms",
                end="",
            )
            print(f"   ratio {ours / bare:.2f}x" + (f" (target at most {TARGET}x)" if percent == 50 else ""))


if __name__ == "__main__":
    _serve() if "--serve" in sys.argv else main()
