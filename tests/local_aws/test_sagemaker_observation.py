"""What an endpoint leaves behind for those who watch it: captured data, metrics, logs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import READ, WRITE_LOGS, Emulator, refusal, until, variant

WRITE_CAPTURED = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::captured/*"}
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://captured/data",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
}


@pytest.fixture(scope="module")
def watched(cloud: Emulator) -> Iterator[Emulator]:
    role = cloud.role("capturing", READ, WRITE_CAPTURED, WRITE_LOGS)
    cloud.client("s3").create_bucket(Bucket="captured")
    cloud.model("watched", role, "s3://models/model.tar.gz", TAG="watched")
    with cloud.serving("Watched", variant("A", "watched"), DataCaptureConfig=CAPTURE):
        yield cloud


def events(cloud: Emulator, endpoint: str, stream: str) -> list[str]:
    arguments = {"logGroupName": f"/aws/sagemaker/Endpoints/{endpoint}", "logStreamName": stream}
    messages: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = cloud.client("logs").get_log_events(**arguments, **token, startFromHead=True)
        messages += [event["message"] for event in page["events"]]
        if not page["events"]:
            return messages
        token = {"nextToken": page["nextForwardToken"]}


def streams(cloud: Emulator, endpoint: str) -> list[str]:
    """The log streams of an endpoint; none where there is no log group."""
    try:
        found = cloud.client("logs").describe_log_streams(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"  # noqa: PT017 - anything else is a failure
        return []
    return [stream["logStreamName"] for stream in found["logStreams"]]


def test_captured_data_has_the_documented_form(watched: Emulator) -> None:
    described = watched.client("sagemaker").describe_endpoint(EndpointName="Watched")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    watched.invoke("Watched", {"n": 1}, InferenceId="id-1", CustomAttributes="trace=1")
    s3 = watched.client("s3")
    objects: list[dict[str, Any]] = until(lambda: s3.list_objects_v2(Bucket="captured").get("Contents"))
    key = objects[0]["Key"]
    assert key.startswith("data/Watched/A/20")
    assert key.endswith(".jsonl")
    assert len(key.split("/")) == 8
    line = json.loads(s3.get_object(Bucket="captured", Key=key)["Body"].read())
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '{"n": 1}',
        "encoding": "JSON",
    }
    assert json.loads(line["captureData"]["endpointOutput"]["data"])["tag"] == "watched"
    assert line["eventMetadata"]["inferenceId"] == "id-1"
    assert line["eventMetadata"]["customAttributes"] == ["trace=1"]
    assert line["eventVersion"] == "0"


def test_metrics_have_their_official_names_and_dimensions(watched: Emulator) -> None:
    for _ in range(4):
        watched.invoke("Watched")
    refusal(lambda: watched.invoke("Watched", {"fail": True}))
    cloudwatch = watched.client("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": "Watched"}, {"Name": "VariantName", "Value": "A"}]
    wanted = {"AWS/SageMaker": {
        "Invocations", "InvocationsPerInstance", "ModelLatency", "OverheadLatency", "Invocation4XXErrors",
        "Invocation5XXErrors", "InvocationModelErrors",
    }, "/aws/sagemaker/Endpoints": {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}}  # fmt: skip

    def names(space: str) -> set[str]:
        return {
            item["MetricName"] for item in cloudwatch.list_metrics(Namespace=space, Dimensions=dimensions)["Metrics"]
        }

    def statistics() -> tuple[float, float]:
        now = time.time()
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName="Invocation5XXErrors", Dimensions=dimensions, Period=3600,
            StartTime=now - 3600, EndTime=now + 60, Statistics=["Sum", "SampleCount"],
        )["Datapoints"]  # fmt: skip
        return sum(point["Sum"] for point in points), sum(point["SampleCount"] for point in points)

    until(lambda: {space: names(space) for space in wanted} == wanted)
    until(lambda: statistics()[0] >= 1 and statistics()[1] >= 5)


def test_what_a_container_prints_is_logged_in_the_stream_that_an_error_names(watched: Emulator) -> None:
    watched.invoke("Watched", {"say": "first\nsecond ☃\n\nthird"})
    stream = refusal(lambda: watched.invoke("Watched", {"fail": True}))["LogStreamArn"].partition(":log-stream:")[2]

    def said() -> list[str]:
        messages = events(watched, "Watched", stream)
        return messages[messages.index("first") :] if "first" in messages else []

    until(lambda: "ValueError: the model does not like this" in said())
    assert said()[:4] == ["first", "second ☃", "third", "Traceback (most recent call last):"]
    assert streams(watched, "Watched") == [stream]
    assert "the model is loaded" in events(watched, "Watched", stream)


def test_more_lines_than_a_call_takes_are_all_delivered_in_order(watched: Emulator) -> None:
    lines = [f"line {number:05}" for number in range(12_000)] + ["x" * 300_000]
    watched.invoke("Watched", {"say": "\n".join(lines)})
    (stream,) = streams(watched, "Watched")

    def last() -> str:
        arguments = {"logGroupName": "/aws/sagemaker/Endpoints/Watched", "logStreamName": stream, "limit": 1}
        found = watched.client("logs").get_log_events(**arguments)["events"]
        return str(found[-1]["message"]) if found else ""

    until(lambda: last().startswith("xxx"))
    assert len(last()) == 256 * 1024
    found = [message for message in events(watched, "Watched", stream) if message.startswith("line ")]
    assert found == lines[:-1]


def test_a_container_that_never_becomes_healthy_says_why_in_its_log(cloud: Emulator) -> None:
    cloud.config("speechless", variant("A", "broken"))
    cloud.client("sagemaker").create_endpoint(EndpointName="speechless", EndpointConfigName="speechless")
    assert cloud.settle("speechless")["EndpointStatus"] == "Failed"
    cloud.remove("speechless")
    (stream,) = until(lambda: streams(cloud, "speechless"))
    until(lambda: "RuntimeError: no model" in events(cloud, "speechless", stream))


@pytest.mark.parametrize("missing", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
def test_a_role_without_the_right_gets_no_logs_and_no_failure(cloud: Emulator, missing: str) -> None:
    name = f"silent-{missing[5:].lower()}"
    rights = WRITE_LOGS | {"Action": [action for action in WRITE_LOGS["Action"] if action != missing]}
    cloud.model(name, cloud.role(name, READ, rights), "s3://models/model.tar.gz")
    with cloud.serving(name, variant("A", name)):
        cloud.invoke(name, {"say": "unheard"})
        with cloud.serving(f"{name}-other", variant("A", "champion")):  # by then, an attempt was made
            until(lambda: streams(cloud, f"{name}-other"))
        assert all(events(cloud, name, stream) == [] for stream in streams(cloud, name))
        assert cloud.invoke(name)["InvokedProductionVariant"] == "A"


def test_a_group_that_somebody_else_owns_needs_no_right_to_make_one(cloud: Emulator) -> None:
    cloud.client("logs").create_log_group(logGroupName="/aws/sagemaker/Endpoints/owned")
    rights = WRITE_LOGS | {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
    cloud.model("owned", cloud.role("owned", READ, rights), "s3://models/model.tar.gz")
    with cloud.serving("owned", variant("A", "owned", InitialInstanceCount=2)):
        assert len(until(lambda: found if len(found := streams(cloud, "owned")) == 2 else None)) == 2
