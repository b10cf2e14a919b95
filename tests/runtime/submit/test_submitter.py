from __future__ import annotations

import importlib
import io
import itertools
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from invoke_endpoint.settings import Settings as EndpointSettings
from submit_requests.settings import Settings
from submit_requests.submitter import Submitter
from tests.runtime.conftest import FakeContext
from tests.runtime.endpoint_server import Bytes, Fault, Hang, Reset, Response, error
from tests.runtime.submit.aws_server import SUBMIT, AwsServer
from tests.runtime.submit.conftest import MakeClient

QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/dead"

Submit = Callable[..., list[str]]
_NUMBERS = itertools.count()  # Powertools keeps a logger by its name, with its stream


def message(number: int = 0, *, receives: int = 1, **item: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the event
    content = {"key": f"requests/slow/uploads/{number}.csv", "size": 3, "etag": "e", "version-id": f"v{number}"}
    event = {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {**content, **item}}}
    return {
        "messageId": f"m{number}",
        "receiptHandle": "r",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


@pytest.fixture(autouse=True)
def _metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MLConstructs")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "Stack/Bulk")


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def submit(aws: AwsServer, clients: MakeClient, lines: io.StringIO) -> Submit:
    """Submits the uploads of messages, as Lambda would; gives the ids of those that stay in the queue."""
    del aws

    def run(*messages: dict[str, Any], context: FakeContext | None = None, **fields: Any) -> list[str]:  # noqa: ANN401
        settings = Settings(
            **{
                "endpoint": EndpointSettings(endpoint_name="slow", read_timeout_seconds=10),
                "dead_letter_queue_url": QUEUE,
                "max_receives": 3,
                **fields,
            }
        )
        submitter = Submitter(
            settings,
            runtime=clients("sagemaker-runtime"),
            sqs=clients("sqs"),
            logger=Logger(service=f"bulk-{next(_NUMBERS)}", stream=lines),
        )
        response = process_partial_response(
            event={"Records": list(messages)},
            record_handler=submitter.submit,
            processor=BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False),
            context=cast("Any", context or FakeContext()),
        )
        submitter.report()
        return [str(each["itemIdentifier"]) for each in response["batchItemFailures"]]

    return run


def dead_letters(aws: AwsServer) -> list[tuple[str, str]]:
    """The original id and the cause of each."""
    attributes = [call.body["MessageAttributes"] for call in aws.of("SendMessage")]
    return [(each["OriginalMessageId"]["StringValue"], each["Cause"]["StringValue"]) for each in attributes]


def outcomes(text: str) -> dict[str, float]:
    (line,) = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    assert (line["service"], line["EndpointName"]) == ("Stack/Bulk", "slow")
    return {name: line[name][0] for name in ("Submitted", "DeadLetters", "TransientFailures")}


def test_each_upload_becomes_a_request(aws: AwsServer, submit: Submit, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit(message(1), message(2, key="a.json")) == []
    first, second = aws.of(SUBMIT)
    assert first.header("inputlocation") == "s3://b/requests/slow/uploads/1.csv"
    assert (first.header("requestttlseconds"), first.header("invocationtimeoutseconds")) == ("21600", "900")
    assert first.headers["x-amzn-sagemaker-content-type"] == "text/csv"
    assert second.headers["x-amzn-sagemaker-content-type"] == "application/json"
    assert first.header("inference-id") != second.header("inference-id")
    assert "x-amzn-sagemaker-accept" not in first.headers
    assert outcomes(capsys.readouterr().out) == {"Submitted": 2, "DeadLetters": 0, "TransientFailures": 0}


def test_a_duplicate_has_the_same_inference_id(aws: AwsServer, submit: Submit) -> None:
    submit(message(1))
    submit(message(1, receives=2))
    first, second = aws.of(SUBMIT)
    assert first.header("inference-id") == second.header("inference-id")


def test_the_front_end_may_name_the_media_types(aws: AwsServer, submit: Submit) -> None:
    submit(message(), content_type="application/x-npy", accept="text/csv", time_to_live_seconds=60)
    (call,) = aws.of(SUBMIT)
    assert call.headers["x-amzn-sagemaker-content-type"] == "application/x-npy"
    assert (call.header("accept"), call.header("requestttlseconds")) == ("text/csv", "60")


def test_a_folder_is_no_request(aws: AwsServer, submit: Submit) -> None:
    assert submit(message(key="requests/slow/uploads/", size=0)) == []
    assert aws.calls == []


@pytest.mark.parametrize(
    ("item", "cause"),
    [
        ({"size": 0}, "empty-object"),
        ({"size": 2**30 + 1}, "object-too-large"),
        ({"key": "ü"}, "unusable-key"),
        ({"size": None}, "malformed-event"),
    ],
)
def test_what_can_never_be_submitted_is_a_dead_letter_at_once(
    aws: AwsServer, submit: Submit, item: dict[str, Any], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = message(7, **item)
    assert submit(given, message(8)) == []
    assert dead_letters(aws) == [("m7", cause)]
    (call,) = aws.of("SendMessage")
    assert (call.body["QueueUrl"], call.body["MessageBody"]) == (QUEUE, given["body"])
    assert len(aws.of(SUBMIT)) == 1
    assert outcomes(capsys.readouterr().out) == {"Submitted": 1, "DeadLetters": 1, "TransientFailures": 0}


TRANSIENT: list[Response | Fault] = [
    error("ThrottlingException", 400),
    error("ServiceUnavailable", 503),
    error("InternalFailure", 500),
    error("ValidationError", 400, "Endpoint slow of account 111122223333 not found."),
    error("AccessDeniedException", 403),
    Response(503, b"<html>"),
    Response(200, b"not json", {"content-type": "application/json"}),
    Bytes(b"nonsense\r\n\r\n"),
    Reset(),
    Hang(),
]


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_transient_failure_keeps_the_message_alone(aws: AwsServer, submit: Submit, fault: Response | Fault) -> None:
    aws.faults[SUBMIT].append(fault)
    assert submit(message(1), message(2)) == ["m1"]
    assert dead_letters(aws) == []
    assert len(aws.of(SUBMIT)) == 2


@pytest.mark.parametrize("fault", TRANSIENT)
def test_on_the_last_receive_it_becomes_a_dead_letter(aws: AwsServer, submit: Submit, fault: Response | Fault) -> None:
    aws.faults[SUBMIT].append(fault)
    assert submit(message(1, receives=3), message(2, receives=3)) == []
    ((identity, cause),) = dead_letters(aws)
    assert identity == "m1"
    assert cause


def test_what_the_endpoint_rejects_is_a_dead_letter_at_once(aws: AwsServer, submit: Submit) -> None:
    aws.faults[SUBMIT].append(error("ValidationError", 400, "1 validation error detected"))
    assert submit(message(1)) == []
    assert dead_letters(aws) == [("m1", "request-rejected")]


@pytest.mark.parametrize("fault", [error("AccessDenied", 403), Response(500, b""), Reset(), Hang()])
def test_a_dead_letter_that_cannot_be_sent_stays_in_the_queue(
    aws: AwsServer, submit: Submit, fault: Response | Fault
) -> None:
    aws.faults["SendMessage"].append(fault)
    assert submit(message(1, size=0), message(2)) == ["m1"]
    assert len(aws.of(SUBMIT)) == 1


def test_without_time_nothing_is_begun(aws: AwsServer, submit: Submit) -> None:
    assert submit(message(1), message(2, size=0), context=FakeContext(remaining=13_900)) == ["m1"]
    assert aws.of(SUBMIT) == []
    assert dead_letters(aws) == [("m2", "empty-object")]


def test_a_storm_accounts_for_every_upload_once(aws: AwsServer, submit: Submit) -> None:
    aws.faults[SUBMIT].extend([TRANSIENT[0], TRANSIENT[1], TRANSIENT[8]] * 7)
    waiting = {f"m{number}": message(number, **({"size": 0} if number % 10 == 9 else {})) for number in range(50)}
    for receives in (1, 2, 3):
        for each in waiting.values():
            each["attributes"]["ApproximateReceiveCount"] = str(receives)
        batches = [list(waiting.values())[start : start + 10] for start in range(0, len(waiting), 10)]
        left = [identity for batch in batches for identity in submit(*batch)]
        waiting = {identity: waiting[identity] for identity in left}
    assert waiting == {}
    dead = {identity for identity, _ in dead_letters(aws)}
    assert dead == {f"m{number}" for number in range(9, 50, 10)}
    calls = [call.header("inputlocation") for call in aws.of(SUBMIT)]
    assert len(set(calls)) == 45
    assert len(calls) == 45 + 21


def test_logs_hold_facts_and_no_secrets(aws: AwsServer, submit: Submit, lines: io.StringIO) -> None:
    aws.faults[SUBMIT].append(error("AccessDeniedException", 403, "arn:aws:iam::111122223333:role/r"))
    submit(message(1), message(2))
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(each["level"], each["message_id"]) for each in written] == [("WARNING", "m1"), ("INFO", "m2")]
    assert written[0]["cause"] == "misconfigured"
    assert "arn:aws:iam" not in lines.getvalue()


def test_the_handler_is_ready_once_its_environment_is(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{aws.server_port}"
    for name, value in {
        "ENDPOINT_NAME": "slow",
        "DEAD_LETTER_QUEUE_URL": QUEUE,
        "MAX_RECEIVES": "3",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url,
        "AWS_ENDPOINT_URL_SQS": url,
    }.items():
        monkeypatch.setenv(name, value)
    handler = importlib.import_module("submit_requests.handler")
    event = {"Records": [message(1), message(2, size=0)]}
    assert handler.handle(event, FakeContext()) == {"batchItemFailures": []}
    assert len(aws.of(SUBMIT)) == 1
    assert dead_letters(aws) == [("m2", "empty-object")]
    assert outcomes(capsys.readouterr().out) == {"Submitted": 1, "DeadLetters": 1, "TransientFailures": 0}
