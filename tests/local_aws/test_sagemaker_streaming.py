"""InvokeEndpointWithResponseStream: parts as they come, and streams that break."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import EventStreamError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker.streaming import ModelStream, failure, part
from tests.local_aws.sagemaker_harness import LIMIT, REGION, Emulator, refusal, servers, until, variant

BROKEN = "The Transmission Control Protocol (TCP) connection between the client and the model was reset or closed."


@pytest.fixture(scope="module")
def streaming(cloud: Emulator) -> Iterator[Emulator]:
    with cloud.serving("Streaming", variant("A", "champion")):
        yield cloud


def stream(cloud: Emulator, body: object, **members: str) -> dict[str, Any]:
    response: dict[str, Any] = cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName="Streaming", ContentType="application/json", Body=json.dumps(body), **members
    )
    return response


def parts(response: dict[str, Any]) -> list[bytes]:
    with closing(response["Body"]) as events:
        return [event["PayloadPart"]["Bytes"] for event in events]


def breaking(response: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """What came before the stream broke, and how that was said; botocore leaves the ErrorCode out."""
    received: list[bytes] = []
    with closing(response["Body"]), pytest.raises(EventStreamError) as caught:
        received.extend(event["PayloadPart"]["Bytes"] for event in response["Body"])
    return b"".join(received), caught.value.response["Error"]


def test_an_answer_comes_with_who_gave_it(streaming: Emulator) -> None:
    response = stream(streaming, {"parts": {"number": 3}}, TargetVariant="A", CustomAttributes="a=1")
    assert response["InvokedProductionVariant"] == "A"
    assert response["ContentType"] == "text/event-stream"
    assert b"".join(parts(response)) == b"part 0;part 1;part 2;end"


def test_parts_come_before_the_model_is_done(streaming: Emulator, tmp_path: Path) -> None:
    response = stream(streaming, {"parts": {"number": 2, "wait_for": str(tmp_path / "go")}})
    received = b""
    with closing(response["Body"]) as body:
        for event in body:
            received += event["PayloadPart"]["Bytes"]
            if received == b"part 0;part 1;":
                (tmp_path / "go").touch()  # the model waits for this
    assert received == b"part 0;part 1;end"


def test_an_answer_of_one_piece_is_streamed_too(streaming: Emulator) -> None:
    response = stream(streaming, {"n": 1, "large": 1_000_000})
    received = parts(response)
    assert len(received) > 1
    answer = json.loads(b"".join(received))
    assert (answer["tag"], len(answer["large"])) == ("champion", 1_000_000)
    assert response["ContentType"] == "application/json"


def test_a_failure_before_the_first_part_is_a_model_error(streaming: Emulator) -> None:
    response = refusal(lambda: stream(streaming, {"fail": True}))
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"].startswith("the model does not like this")


def test_a_model_that_fails_in_the_middle_breaks_the_stream(streaming: Emulator) -> None:
    received, error = breaking(stream(streaming, {"parts": {"number": 2, "fail": True}}))
    assert received == b"part 0;part 1;"
    assert error == {"Code": "ModelStreamError", "Message": BROKEN}
    assert parts(stream(streaming, {"parts": {"number": 0}})) == [b"end"]


def test_a_container_that_dies_in_the_middle_breaks_the_stream_and_is_replaced(cloud: Emulator) -> None:
    others = servers(cloud)
    with cloud.serving("Streaming-2", variant("A", "champion")):
        (first,) = servers(cloud) - others
        body = {"parts": {"number": 1, "die": True}}
        response = cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
            EndpointName="Streaming-2", ContentType="application/json", Body=json.dumps(body)
        )
        received, error = breaking(response)
        assert received == b"part 0;"
        assert error == {"Code": "ModelStreamError", "Message": BROKEN}
        until(lambda: servers(cloud) - others - {first})


def test_a_caller_who_leaves_ends_the_stream(streaming: Emulator, tmp_path: Path) -> None:
    """The container is told by its connection, which closes."""
    body = json.dumps({"parts": {"number": 1, "wait_for": str(tmp_path / "never")}}).encode()
    url = f"{streaming.url}/endpoints/Streaming/invocations-response-stream"
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "sagemaker", REGION).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", streaming.port, timeout=LIMIT)
    connection.request(
        "POST", "/endpoints/Streaming/invocations-response-stream", body=body, headers=dict(request.headers)
    )
    response = connection.getresponse()
    assert response.read(1)
    (pid,) = servers(streaming)
    assert connected(pid)
    response.close()
    connection.close()
    until(lambda: not connected(pid))


def connected(pid: int) -> list[str]:
    """The connections to a model server that are open at both ends."""
    ports = {line.split()[1].rpartition(":")[2] for line in rows(pid) if line.split()[3] == "0A"}
    return [line for line in rows(pid) if line.split()[3] == "01" and line.split()[1].rpartition(":")[2] in ports]


def rows(pid: int) -> list[str]:
    inodes = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if f"socket:[{line.split()[9]}]" in inodes]


def test_the_right_to_invoke_is_needed_and_enough(streaming: Emulator) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/streaming"
    allowed = streaming.user("streamer", {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn})
    call = {"EndpointName": "Streaming", "ContentType": "application/json", "Body": b'{"parts": {"number": 1}}'}
    runtime = streaming.client("sagemaker-runtime", allowed)
    assert b"".join(parts(runtime.invoke_endpoint_with_response_stream(**call))) == b"part 0;end"
    stranger = streaming.client("sagemaker-runtime", streaming.user("no-streamer"))
    error = refusal(lambda: stranger.invoke_endpoint_with_response_stream(**call))["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert arn in error["Message"]


class Opened:
    """A model's answer that fails in a given way."""

    def __init__(self, error: BaseException | None) -> None:
        self.answer = self
        self.closed = 0
        self._error = error

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"first"
        if self._error is None:
            await asyncio.sleep(LIMIT)
        else:
            raise self._error

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("error", "last", "said"),
    [
        (None, "ModelStreamError", "ModelInvocationTimeExceeded"),
        (ConnectionError(), "ModelStreamError", "StreamBroken"),
        (ZeroDivisionError(), "InternalStreamFailure", "InternalStreamFailure"),
    ],
)
def test_every_end_is_told_and_closes_once(error: BaseException | None, last: str, said: str) -> None:
    opened, ends = Opened(error), list[str]()

    async def run() -> list[bytes]:
        model = ModelStream(opened, timeout=0.5, on_end=ends.append)  # type: ignore[arg-type]  # stands in
        return [frame async for frame in model.frames()]

    first, end = [decoded(frame) for frame in asyncio.run(run())]
    assert (first.payload, end.headers[":exception-type"]) == (b"first", last)
    assert (ends, opened.closed) == ([said], 1)


def test_a_stream_that_nobody_reads_is_closed() -> None:
    opened, ends = Opened(None), list[str]()
    model = ModelStream(opened, timeout=1, on_end=ends.append)  # type: ignore[arg-type]  # stands in
    model.close()
    model.close()
    assert (ends, opened.closed) == (["StreamBroken"], 1)


def decoded(frame: bytes) -> Any:  # noqa: ANN401 - botocore has no types
    buffer = EventStreamBuffer()
    buffer.add_data(frame)
    (message,) = buffer
    return message


def test_frames_are_what_botocore_reads() -> None:
    message = decoded(part(b"\x00" * 70_000))
    assert (len(message.payload), message.headers[":event-type"]) == (70_000, "PayloadPart")
    message = decoded(failure("ModelStreamError", Message="☃", ErrorCode="StreamBroken"))
    assert message.headers == {
        ":exception-type": "ModelStreamError",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    assert json.loads(message.payload) == {"Message": "☃", "ErrorCode": "StreamBroken"}


def test_a_streamed_request_is_counted(streaming: Emulator) -> None:
    parts(stream(streaming, {"parts": {"number": 1}}))
    breaking(stream(streaming, {"parts": {"number": 1, "fail": True}}))
    cloudwatch = streaming.client("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": "Streaming"}, {"Name": "VariantName", "Value": "A"}]

    def sums(metric: str) -> float:
        now = time.time()
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Dimensions=dimensions, Period=3600,
            StartTime=now - 3600, EndTime=now + 60, Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    until(lambda: sums("Invocations") >= 2 and sums("InvocationModelErrors") >= 1)
