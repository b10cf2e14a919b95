"""What the Lambda handler costs: `python tests/bench/handler.py`.

(c) Importing it cold against `import boto3` and creating the same client, in alternating pairs of fresh processes.
(d) Its time per request, the endpoint answering at once, against a bare boto3 handler, alternating in one process.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import socketserver
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

SOURCE: Final = Path(__file__).parents[2] / "lambda"
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "ENDPOINT_NAME": "tabular",
    "NO_PROXY": "127.0.0.1",
    "PYTHONPATH": str(SOURCE),
}
COLD_TARGET: Final = 1.15

_TIMED: Final = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
_HANDLER: Final = "import invoke_endpoint.handler"
_BASELINE: Final = (
    "import boto3; from botocore.config import Config; "
    "boto3.client('sagemaker-runtime', config=Config(connect_timeout=1, read_timeout=25, tcp_keepalive=True, "
    "retries={'mode': 'standard', 'total_max_attempts': 1}))"
)
_BODY: Final = json.dumps({"instances": [[0.5] * 30]})
_ANSWER: Final = b'{"predictions": [0.5]}'


@dataclass(frozen=True, kw_only=True)
class ColdImport:
    """Medians, in milliseconds; the ratio is the median of the pairs' ratios."""

    handler_ms: float
    baseline_ms: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class RequestTime:
    """Percentiles over all requests, in milliseconds."""

    handler_p50_ms: float
    handler_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float


def cold_import(pairs: int = 15) -> ColdImport:
    """Measure (c), without the interpreter's own start."""
    for statement in (_HANDLER, _BASELINE):
        _seconds(statement)  # writes the byte code, fills the disk cache
    handler: list[float] = []
    baseline: list[float] = []
    for pair in range(pairs):
        runs = [(_HANDLER, handler), (_BASELINE, baseline)]
        for statement, times in runs if pair % 2 else reversed(runs):
            times.append(_seconds(statement))
    return ColdImport(
        handler_ms=statistics.median(handler) * 1000,
        baseline_ms=statistics.median(baseline) * 1000,
        ratio=statistics.median(ours / theirs for ours, theirs in zip(handler, baseline, strict=True)),
    )


def request_time(requests: int = 2000) -> RequestTime:
    """Measure (d), the lines of log and metrics included."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        _endpoint() as url,
        mock.patch.dict(os.environ, {**ENVIRONMENT, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url}),
        _json_log(),
    ):
        sys.path.insert(0, str(SOURCE))
        handle = importlib.import_module("invoke_endpoint.handler").handle
        bare = _bare_handler()
        times: dict[Callable[..., Any], list[float]] = {handle: [], bare: []}
        for number in range(requests + 50):
            for handler, measured in times.items():
                started = time.perf_counter()
                response = handler(_EVENT, _Context())
                elapsed = time.perf_counter() - started
                if response["statusCode"] != 200 or response["body"] != _ANSWER.decode():
                    raise RuntimeError(f"unexpected answer: {response}")
                if number >= 50:
                    measured.append(elapsed * 1000)
    return RequestTime(
        handler_p50_ms=_percentile(times[handle], 50),
        handler_p99_ms=_percentile(times[handle], 99),
        bare_p50_ms=_percentile(times[bare], 50),
        bare_p99_ms=_percentile(times[bare], 99),
    )


class _Context:
    aws_request_id = "8f507cfc-1b2e-4c3d-9a41-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


_EVENT: Final = {
    "httpMethod": "POST",
    "headers": {"Content-Type": "application/json", "Accept": "application/json", "Host": "example.com"},
    "multiValueHeaders": {
        "Content-Type": ["application/json"],
        "Accept": ["application/json"],
        "Host": ["example.com"],
    },
    "requestContext": {"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
    "body": _BODY,
    "isBase64Encoded": False,
}


def _bare_handler() -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """The shortest handler that people write."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - ships no types; not part of the handler's import

    client = boto3.client("sagemaker-runtime")

    def handle(event: dict[str, Any], _: object) -> dict[str, Any]:
        output = client.invoke_endpoint(EndpointName="tabular", ContentType="application/json", Body=event["body"])
        body = output["Body"].read().decode()
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}

    return handle


@contextlib.contextmanager
def _json_log() -> Iterator[None]:
    """A log as Lambda's JSON format writes it, to nowhere."""

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps({**vars(record), "message": record.getMessage()}, default=str)

    log = logging.StreamHandler(io.StringIO())
    log.setFormatter(Formatter())
    root = logging.getLogger()
    root.addHandler(log)
    root.setLevel(logging.INFO)
    yield
    root.removeHandler(log)


def _seconds(statement: str) -> float:
    environment = {**os.environ, **ENVIRONMENT}
    command = [sys.executable, "-c", _TIMED.format(statement)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


@contextlib.contextmanager
def _endpoint() -> Iterator[str]:
    """An endpoint that answers at once, in a process of its own."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class _AtOnce(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amzn-requestid: 1\r\n"
            b"x-amzn-invoked-production-variant: champion\r\ncontent-length: "
            + str(len(_ANSWER)).encode()
            + b"\r\n\r\n"
        )
        while line := self.rfile.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            elif line == b"\r\n":
                self.rfile.read(length)
                self.wfile.write(head + _ANSWER)


def _serve() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _AtOnce) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


def main() -> None:
    """Print both measurements."""
    cold = cold_import()
    print(
        f"(c) cold import   handler {cold.handler_ms:6.1f} ms   boto3 and client {cold.baseline_ms:6.1f} ms", end="   "
    )
    print(f"ratio {cold.ratio:.2f}x (target at most {COLD_TARGET}x)")
    warm = request_time()
    print(f"(d) per request   handler p50 {warm.handler_p50_ms:.3f} ms  p99 {warm.handler_p99_ms:.3f} ms", end="   ")
    print(f"bare boto3 p50 {warm.bare_p50_ms:.3f} ms  p99 {warm.bare_p99_ms:.3f} ms")


if __name__ == "__main__":
    _serve() if sys.argv[1:] == ["--serve"] else main()
