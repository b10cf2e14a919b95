from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer  # type: ignore[import-untyped]  # ships no types

from stacks.models.train import CHALLENGER, CHAMPION
from tests.runtime.conftest import ENDPOINT, REQUEST_ID, Api, Connect, FakeContext, echo, proxy_event
from tests.runtime.endpoint_server import EndpointServer, Received, Response, error

ROWS: list[list[float]] = load_breast_cancer().data[:3].tolist()
JSON_BODY = json.dumps({"instances": ROWS})
CSV_BODY = "\n".join(",".join(str(value) for value in row) for row in ROWS)


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What the program added to a record."""
    usual = vars(logging.makeLogRecord({}))
    return {name: value for name, value in vars(record).items() if name not in usual}


@pytest.fixture
def echo_api(server: EndpointServer, connect: Connect) -> tuple[EndpointServer, Api]:
    return server, connect(server, max_attempts=1)


@pytest.fixture
def live_api(live: EndpointServer, connect: Connect) -> tuple[EndpointServer, Api]:
    return live, connect(live)


def problem(response: dict[str, Any]) -> dict[str, Any]:
    assert response["headers"]["content-type"] == "application/problem+json"
    assert response["isBase64Encoded"] is False
    document: dict[str, Any] = json.loads(response["body"])
    assert document["status"] == response["statusCode"]
    assert set(document) == {"type", "title", "status", "detail", "instance"}
    return document


def test_a_real_model_answers_json(live: EndpointServer, connect: Connect) -> None:
    response = connect(live).post(JSON_BODY, {"Content-Type": "application/json"})
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"] == "application/json"
    assert response["headers"]["x-amzn-invoked-production-variant"] in {CHAMPION, CHALLENGER}
    predictions = json.loads(response["body"])["predictions"]
    assert len(predictions) == 3
    assert all(0 <= probability < 0.5 for probability in predictions)  # the first three are malignant
    assert live.received[0].body == JSON_BODY.encode()


def test_a_real_model_answers_csv(live: EndpointServer, connect: Connect) -> None:
    api = connect(live, allow_target_variant=True)
    headers = {"x-amzn-sagemaker-target-variant": CHAMPION}
    csv = api.post(CSV_BODY, {"Content-Type": "text/csv", "Accept": "text/csv", **headers})
    assert csv["headers"]["content-type"] == "text/csv"
    expected = json.loads(api.post(JSON_BODY, headers)["body"])["predictions"]
    assert [float(line) for line in csv["body"].split()] == expected


def test_base64_gives_the_same_answer(live: EndpointServer, connect: Connect) -> None:
    api = connect(live, allow_target_variant=True)
    headers = {"X-Amzn-SageMaker-Target-Variant": CHAMPION}
    encoded = base64.b64encode(JSON_BODY.encode()).decode()
    assert api.post(encoded, headers, base64=True) == api.post(JSON_BODY, headers)


def test_traffic_follows_the_weights_unless_a_variant_is_chosen(live: EndpointServer, connect: Connect) -> None:
    api = connect(live, allow_target_variant=True)
    answered = [api.post(JSON_BODY)["headers"]["x-amzn-invoked-production-variant"] for _ in range(8)]
    assert answered.count(CHAMPION) == 6
    assert answered.count(CHALLENGER) == 2
    chosen = {"x-amzn-sagemaker-target-variant": CHALLENGER}
    assert {api.post(JSON_BODY, chosen)["headers"]["x-amzn-invoked-production-variant"] for _ in range(4)} == {
        CHALLENGER
    }


@pytest.mark.parametrize(
    ("body", "headers", "status", "detail"),
    [
        ('{"instances": [[1, 2]]}', {}, 400, "each instance must have 30 numbers, got 2"),
        ("{", {}, 400, "the body is not valid application/json"),
        ("a,b", {"Content-Type": "text/csv"}, 400, "the body is not valid text/csv"),
        ("<x/>", {"Content-Type": "application/xml"}, 415, "content type must be application/json or text/csv"),
        (JSON_BODY, {"Accept": "image/png"}, 406, "accept must allow application/json or text/csv"),
    ],
)
def test_what_a_real_model_refuses_is_the_callers_fault(
    live_api: tuple[EndpointServer, Api], body: str, headers: dict[str, str], status: int, detail: str
) -> None:
    live, api = live_api
    document = problem(api.post(body, headers))
    assert document["type"] == "https://ml-constructs.example.com/problems/rejected-by-model"
    assert document["status"] == status
    assert document["detail"] == detail  # the container's stack trace is not in it
    assert document["instance"] == REQUEST_ID
    assert len(live.received) == 1


def test_binary_answers_travel_as_base64(connect: Connect) -> None:
    picture = bytes(range(256))
    with EndpointServer(
        ENDPOINT, {"v": lambda _: Response(200, picture, {"content-type": "image/png"})}
    ).start() as url:
        response = connect(url).post("{}")
    assert response["isBase64Encoded"] is True
    assert base64.b64decode(response["body"]) == picture
    assert response["headers"]["content-type"] == "image/png"


def test_binary_requests_reach_the_model_unchanged(server: EndpointServer, connect: Connect) -> None:
    picture = bytes(range(256))
    response = connect(server).post(base64.b64encode(picture).decode(), {"Content-Type": "image/jpeg"}, base64=True)
    assert server.received[0].body == picture
    assert base64.b64decode(response["body"]) == picture


def test_headers_travel_both_ways(connect: Connect) -> None:
    def model(received: Received) -> Response:
        headers = {
            "content-type": "application/json",
            "x-amzn-sagemaker-custom-attributes": received.headers["x-amzn-sagemaker-custom-attributes"] + "!",
            "x-amzn-sagemaker-new-session-id": "s-1;Expires=2030-01-01T00:00:00Z",
            "x-amzn-sagemaker-closed-session-id": "s-0",
        }
        return Response(200, b"{}", headers)

    server = EndpointServer(ENDPOINT, {"v": model})
    with server.start() as url:
        response = connect(url).post(
            "{}",
            {
                "ACCEPT": "application/json",
                "X-AMZN-SAGEMAKER-INFERENCE-ID": "order 17",
                "x-amzn-sagemaker-custom-attributes": "trace=1",
                "x-amzn-sagemaker-session-id": "NEW_SESSION",
                "Authorization": "AWS4-HMAC-SHA256 the-callers-own",
            },
        )
    sent = server.received[0].headers
    assert sent["accept"] == "application/json"
    assert sent["x-amzn-sagemaker-inference-id"] == "order 17"
    assert sent["x-amzn-sagemaker-session-id"] == "NEW_SESSION"
    assert "the-callers-own" not in sent["authorization"]
    assert response["headers"]["x-amzn-sagemaker-custom-attributes"] == "trace=1!"
    assert response["headers"]["x-amzn-sagemaker-new-session-id"] == "s-1;Expires=2030-01-01T00:00:00Z"
    assert response["headers"]["x-amzn-sagemaker-closed-session-id"] == "s-0"


def test_an_unknown_variant_is_the_callers_fault(server: EndpointServer, connect: Connect) -> None:
    document = problem(
        connect(server, allow_target_variant=True).post("{}", {"x-amzn-sagemaker-target-variant": "none"})
    )
    assert document["status"] == 400
    assert document["detail"] == "The endpoint has no such production variant."


def test_parallel_requests_leave_no_sockets(connect: Connect) -> None:
    together = threading.Barrier(20)

    def model(received: Received) -> Response:
        together.wait(timeout=10)
        return echo(received)

    server = EndpointServer(ENDPOINT, {"v": model})
    with server.start() as url:
        api = connect(url)
        with ThreadPoolExecutor(40) as pool:
            statuses = {response["statusCode"] for response in pool.map(lambda _: api.post("{}"), range(200))}
        assert statuses == {200}
        assert server.connections >= 20
        assert server.settles(10)  # botocore's pool
        api.close()
        assert server.settles(0)


def test_one_line_per_request_without_the_payload(
    server: EndpointServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(server).post('{"patient": "secret"}', {"x-amzn-sagemaker-custom-attributes": "hidden"})
    records = [record for record in caplog.records if record.name == "invoke_endpoint"]
    assert len(records) == 1
    facts = vars(records[0])
    assert records[0].levelno == logging.INFO
    assert facts["request_id"] == REQUEST_ID
    assert facts["status"] == 200
    assert facts["variant"] == "AllTraffic"
    assert facts["bytes_in"] == facts["bytes_out"] == 21
    assert facts["attempts"] == 1
    assert facts["latency_ms"] > 0
    assert json.loads(json.dumps(extras(records[0])))["request_id"] == REQUEST_ID  # Lambda's formatter does the same
    for record in caplog.records:  # also of botocore, whose debug log would have it
        assert "secret" not in str(vars(record))
        assert "hidden" not in str(vars(record))
        assert "testing" not in str(vars(record))


@pytest.mark.parametrize(
    ("fault", "level", "kind"),
    [
        (error("ThrottlingException", 400), logging.WARNING, "throttled"),
        (error("AccessDeniedException", 403, "arn:aws:iam::111122223333:role/r"), logging.ERROR, "misconfigured"),
    ],
)
def test_failures_are_logged_with_their_cause(
    echo_api: tuple[EndpointServer, Api], caplog: pytest.LogCaptureFixture, fault: Response, level: int, kind: str
) -> None:
    server, api = echo_api
    server.faults.append(fault)
    response = api.post('{"patient": "secret"}')
    (record,) = [record for record in caplog.records if record.name == "invoke_endpoint"]
    assert record.levelno == level
    assert vars(record)["error"] == kind
    assert vars(record)["aws_error"] == fault.headers["x-amzn-errortype"]
    assert vars(record)["sagemaker_request_id"]
    json.dumps(extras(record))
    assert vars(record)["status"] == response["statusCode"]
    assert "secret" not in str(vars(record))
    assert "111122223333" not in response["body"]


def test_an_unexpected_error_shows_its_stack_in_the_log_only(
    server: EndpointServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenContext(FakeContext):
        def get_remaining_time_in_millis(self) -> int:
            raise RuntimeError("the clock is broken")

    server.faults.append(error("ThrottlingException", 400))
    api = connect(server)
    document = problem(api.service.respond(proxy_event("{}"), BrokenContext()))
    assert document["status"] == 500
    assert document["detail"] == "The request was not processed."
    stack, line = [record for record in caplog.records if record.name == "invoke_endpoint"]
    assert stack.exc_text is not None
    assert "the clock is broken" in stack.exc_text
    assert vars(line)["error"] == "internal-error"


@pytest.mark.parametrize(
    "event", [None, [], "x", 1, {}, {"requestContext": None}, {"Records": []}, {"requestContext": 1}]
)
def test_an_event_of_something_else_is_refused(server: EndpointServer, connect: Connect, event: object) -> None:
    api = connect(server)
    document = problem(api.service.respond(event, api.context))
    assert document["status"] == 400
    assert document["type"].endswith("/malformed-event")
    assert document["instance"] == api.context.aws_request_id
    assert not server.received


def handler_process(program: str, **environ: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(__file__).parents[2] / "lambda")
    environment = {**os.environ, "PYTHONPATH": source, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "", **environ}
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_lambda_finds_the_handler_from_its_environment(server: EndpointServer) -> None:
    program = (
        "import json, sys\n"
        "from invoke_endpoint.handler import handle\n"
        "context = type('C', (), {'aws_request_id': 'r', 'get_remaining_time_in_millis': lambda self: 9000})()\n"
        f"print(json.dumps(handle({proxy_event('[1]')!r}, context)))\n"
        "print('boto3' in sys.modules, 's3transfer' in sys.modules)\n"
    )
    url = f"http://127.0.0.1:{server.server_port}"
    done = handler_process(program, ENDPOINT_NAME=ENDPOINT, AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=url)
    metric, response, modules = done.stdout.splitlines()
    assert json.loads(response)["body"] == "[1]"
    assert json.loads(metric)["Failures"] == 0
    assert modules == "False False"
    assert not done.stderr


def test_a_started_function_has_no_connection_that_a_snapshot_could_freeze(server: EndpointServer) -> None:
    before = server.connections
    url = f"http://127.0.0.1:{server.server_port}"
    done = handler_process(
        "import invoke_endpoint.handler", ENDPOINT_NAME=ENDPOINT, AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=url
    )
    assert done.returncode == 0, done.stderr
    assert server.connections == before


def test_a_misconfigured_function_does_not_start() -> None:
    done = handler_process("import invoke_endpoint.handler", ENDPOINT_NAME="")
    assert done.returncode == 1
    assert "ValueError: ENDPOINT_NAME must be the name of an endpoint" in done.stderr
