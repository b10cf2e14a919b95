from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from resume_executions.resumption import Resumption, UnknownExecutionError
from tests.runtime.endpoint_server import Fault, Hang, Reset, Response
from tests.runtime.submit.aws_server import AwsServer
from tests.runtime.submit.conftest import MakeClient

TOKEN = "t" * 2048  # the longest there is


def result(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What a topic hears, https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html."""
    return {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {"endpointName": "slow", "inputLocation": "s3://b/in"},
        "responseParameters": {"contentType": "text/csv", "outputLocation": "s3://b/responses/1.out"},
        "inferenceId": "abc-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        **members,
    }


FAILED = {"invocationStatus": "Failed", "failureReason": "ClientError: 500 from model", "responseParameters": None}


def error(code: str) -> Response:
    """A modelled error of a service that speaks JSON."""
    return Response(400, json.dumps({"__type": code, "message": "no"}).encode())


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def resumption(aws: AwsServer, clients: MakeClient, pauses: list[float]) -> Resumption:
    aws.tokens["abc-1"] = TOKEN
    return Resumption(
        "tokens", dynamodb=clients("dynamodb"), step_functions=clients("stepfunctions"), pause=pauses.append
    )


def test_an_answer_is_the_output(aws: AwsServer, resumption: Resumption, pauses: list[float]) -> None:
    resumption.resume(json.dumps(result()))
    (call,) = aws.of("SendTaskSuccess")
    assert call.body["taskToken"] == TOKEN
    assert json.loads(call.body["output"]) == {
        "inferenceId": "abc-1",
        "outputLocation": "s3://b/responses/1.out",
        "contentType": "text/csv",
    }
    (read,) = aws.of("GetItem")
    assert (read.body["TableName"], read.body["ConsistentRead"]) == ("tokens", True)
    assert pauses == []


def test_a_failure_has_its_reason(aws: AwsServer, resumption: Resumption) -> None:
    resumption.resume(json.dumps(result(**FAILED)))
    (call,) = aws.of("SendTaskFailure")
    assert call.body == {"taskToken": TOKEN, "error": "InferenceFailed", "cause": "ClientError: 500 from model"}
    assert aws.of("SendTaskSuccess") == []


@pytest.mark.parametrize(
    ("reason", "cause"), [(None, "SageMaker gives no reason."), ("x" * 40_000, "x" * 32_768)], ids=["none", "long"]
)
def test_a_reason_may_be_missing_or_long(
    aws: AwsServer, resumption: Resumption, reason: str | None, cause: str
) -> None:
    resumption.resume(json.dumps(result(**{**FAILED, "failureReason": reason})))
    (call,) = aws.of("SendTaskFailure")
    assert call.body["cause"] == cause


def test_a_test_of_the_topic_is_no_result(aws: AwsServer, resumption: Resumption) -> None:
    resumption.resume(json.dumps({"eventName": "TestNotification"}))
    assert aws.calls == []


def test_waits_for_an_execution_that_has_not_kept_its_token_yet(
    aws: AwsServer, resumption: Resumption, pauses: list[float]
) -> None:
    empty = Response(200, b"{}", {"content-type": "application/x-amz-json-1.0"})
    aws.faults["GetItem"].extend([empty] * 4)
    resumption.resume(json.dumps(result()))
    assert len(aws.of("SendTaskSuccess")) == 1
    assert pauses == [1.0] * 4


def test_without_a_token_the_event_is_tried_again(aws: AwsServer, resumption: Resumption) -> None:
    aws.tokens.clear()
    with pytest.raises(UnknownExecutionError, match="abc-1"):
        resumption.resume(json.dumps(result()))
    assert len(aws.of("GetItem")) == 5


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist"])
@pytest.mark.parametrize("status", [{}, FAILED])
def test_a_second_delivery_is_none(
    aws: AwsServer, resumption: Resumption, code: str, status: dict[str, object]
) -> None:
    for operation in ("SendTaskSuccess", "SendTaskFailure"):
        aws.faults[operation].append(error(code))
    resumption.resume(json.dumps(result(**status)))


@pytest.mark.parametrize("operation", ["GetItem", "SendTaskSuccess"])
@pytest.mark.parametrize(
    "fault", [error("KmsAccessDeniedException"), error("InvalidToken"), Response(500, b""), Reset(), Hang()]
)
def test_a_failure_of_a_service_is_tried_again(
    aws: AwsServer, resumption: Resumption, operation: str, fault: Response | Fault
) -> None:
    aws.faults[operation].append(fault)
    with pytest.raises((ClientError, BotoCoreError)):
        resumption.resume(json.dumps(result()))


@pytest.mark.parametrize("message", ["", "[]", '{"eventName": "InferenceResult"}'])
def test_what_is_no_notification_ends_among_the_dead_letters(resumption: Resumption, message: str) -> None:
    with pytest.raises((ValueError, AttributeError, LookupError)):
        resumption.resume(message)


def test_the_handler_is_ready_once_its_environment_is(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.tokens["abc-1"] = TOKEN
    url = f"http://127.0.0.1:{aws.server_port}"
    monkeypatch.setenv("TOKENS_TABLE", "tokens")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", url)
    handler = importlib.import_module("resume_executions.handler")
    handler.handle({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(result())}}]}, None)
    assert len(aws.of("SendTaskSuccess")) == 1
