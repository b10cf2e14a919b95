from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from invoke_endpoint.endpoint import Endpoint
from invoke_endpoint.metrics import Metrics
from invoke_endpoint.service import Service
from invoke_endpoint.settings import Settings
from tests.runtime.conftest import ENDPOINT, FakeContext, proxy_event
from tests.runtime.endpoint_server import EndpointServer

SOURCE = Path(__file__).parents[2] / "lambda"
WHERE = ["EndpointName", "FunctionName"]


def written(**facts: object) -> dict[str, Any]:
    """The one line about a request."""
    lines: list[str] = []
    Metrics("tabular", "Stack-Function", lines.append).record(facts)
    (line,) = lines
    assert line.endswith("}\n")
    assert line.count("\n") == 1  # Lambda takes each line for an event
    document: dict[str, Any] = json.loads(line)
    return document


def check_format(line: dict[str, Any]) -> None:
    """What the specification of the embedded metric format demands."""
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "MLConstructs"
        assert all(isinstance(line[name], str) for dimensions in directive["Dimensions"] for name in dimensions)
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert isinstance(line[metric["Name"]], (int, float))


def metrics_of(line: dict[str, Any]) -> dict[str, tuple[list[str], float]]:
    """Dimensions and value by name."""
    return {
        metric["Name"]: (directive["Dimensions"][0], line[metric["Name"]])
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def test_an_answer_is_neither_failure_nor_refusal() -> None:
    line = written(status=200)
    check_format(line)
    assert metrics_of(line) == {"Failures": (WHERE, 0), "Refusals": (WHERE, 0)}
    assert (line["EndpointName"], line["FunctionName"]) == ("tabular", "Stack-Function")


@pytest.mark.parametrize(("status", "failures", "refusals"), [(399, 0, 0), (400, 0, 1), (499, 0, 1), (500, 1, 0)])
def test_a_problem_counts_by_its_kind(status: int, failures: int, refusals: int) -> None:
    line = written(status=status, error="throttled")
    check_format(line)
    assert metrics_of(line) == {
        "Failures": (WHERE, failures),
        "Refusals": (WHERE, refusals),
        "Problems": ([*WHERE, "Problem"], 1),
    }
    assert line["Problem"] == "throttled"


def test_a_streamed_answer_has_a_first_byte() -> None:
    line = written(status=200, first_byte_ms=12.5)
    check_format(line)
    assert metrics_of(line)["TimeToFirstByte"] == (WHERE, 12.5)


def test_names_cannot_break_the_line() -> None:
    lines: list[str] = []
    Metrics('a"b\n{', "%s}", lines.append).record({"status": 200})
    assert json.loads(lines[0])["EndpointName"] == 'a"b\n{'
    assert lines[0].count("\n") == 1


def test_each_request_is_counted_once(server: EndpointServer) -> None:
    lines: list[str] = []
    settings = Settings(endpoint_name=ENDPOINT)
    service = Service(settings, Endpoint(settings, client=object()), Metrics(ENDPOINT, "f", lines.append))
    service.respond(proxy_event(""), FakeContext())
    service.respond(proxy_event("{}"), FakeContext())  # the client is none, which is a bug
    kinds = [json.loads(line)["Problem"] for line in lines]
    assert kinds == ["missing-body", "endpoint-failed"]
    assert not server.received


def test_lambda_prints_the_line_as_it_is(server: EndpointServer) -> None:
    program = (
        "from invoke_endpoint.handler import handle\n"
        "context = type('C', (), {'aws_request_id': 'r', 'get_remaining_time_in_millis': lambda self: 9000})()\n"
        f"handle({proxy_event('[1]')!r}, context)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "ENDPOINT_NAME": ENDPOINT,
        "AWS_LAMBDA_FUNCTION_NAME": "Stack-Function",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{server.server_port}",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    check_format(json.loads(line))
    assert json.loads(line)["FunctionName"] == "Stack-Function"
