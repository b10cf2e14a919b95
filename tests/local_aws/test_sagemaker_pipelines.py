"""Models of several containers: from one to the next, and each by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.local_aws.sagemaker_harness import ACCOUNT, REGION, Emulator, refusal, servers, until, variant

# Says what it was asked, by whom it is called, and with which content types.
STEP = b"""
import json, os
def model_fn(model_dir): return os.environ["STEP"]
def input_fn(body, content_type): return {"got": body if isinstance(body, str) else body.decode(), "as": content_type}
def predict_fn(data, step):
    if "fail" in data["got"] and step in data["got"]: raise ValueError(f"{step} does not like this")
    if "die" in data["got"] and step in data["got"]: os._exit(1)
    if "huge" in data["got"]: return {"huge": "x" * (5 * 1024 * 1024)}
    return {**data, "step": step, "port": os.environ["SAGEMAKER_BIND_TO_PORT"]}
def output_fn(prediction, accept):
    return json.dumps({**prediction, "accept": accept}), "text/csv" if accept == "text/csv" else "application/json"
"""
GONE = "An error occurred while handling request as the model process exited."


def containers(*steps: str, named: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "Image": f"image:{step}",
            "ModelDataUrl": "s3://models/step.tar.gz",
            "Environment": {"STEP": step},
            **({"ContainerHostname": step} if named else {}),
        }
        for step in steps
    ]


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    cloud.put_model("step.tar.gz", {"code/inference.py": STEP})
    arn: str = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def serial(cloud: Emulator, role: str) -> Iterator[str]:
    cloud.client("sagemaker").create_model(
        ModelName="serial", ExecutionRoleArn=role, Containers=containers("clean", "predict", "explain")
    )
    with cloud.serving("serial", variant("A", "serial", InitialInstanceCount=2)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def direct(cloud: Emulator, role: str) -> Iterator[str]:
    cloud.client("sagemaker").create_model(
        ModelName="direct",
        ExecutionRoleArn=role,
        Containers=containers("left", "right"),
        InferenceExecutionConfig={"Mode": "Direct"},
    )
    with cloud.serving("direct", variant("A", "direct")) as endpoint:
        yield endpoint


def ask(cloud: Emulator, endpoint: str, body: str, **members: str) -> dict[str, Any]:
    members = {"ContentType": "text/csv"} | members
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body, **members)
    return {**answer, "Body": json.loads(answer["Body"].read())}


def steps(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What each container said, the first one first."""
    said = [answer["Body"]]
    while said[0]["got"].startswith("{"):
        said.insert(0, json.loads(said[0]["got"]))
    return said


def statistic(cloud: Emulator, space: str, metric: str, dimensions: dict[str, str], kind: str = "Sum") -> float:
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=space,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        Period=3600,
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
        Statistics=[kind],
    )["Datapoints"]
    return float(sum(point[kind] for point in points))


def test_the_answer_of_one_is_the_next_ones_request(cloud: Emulator, serial: str) -> None:
    answer = ask(cloud, serial, "1,2", Accept="text/csv")
    first, second, third = steps(answer)
    assert (first["step"], first["got"], first["as"]) == ("clean", "1,2", "text/csv")
    assert (second["step"], second["as"]) == ("predict", "application/json")
    assert (third["step"], third["as"]) == ("explain", "application/json")
    assert [one["accept"] for one in (first, second, third)] == ["application/json", "application/json", "text/csv"]
    assert answer["ContentType"] == "text/csv"
    assert len({one["port"] for one in (first, second, third)}) == 3


def test_each_instance_has_each_container_and_they_end_together(cloud: Emulator, serial: str) -> None:
    before = servers(cloud)
    ports = {step["port"] for _ in range(20) for step in steps(ask(cloud, serial, "1"))}
    assert len(ports) == 6
    error = refusal(lambda: ask(cloud, serial, "die predict"))
    assert error["OriginalMessage"] == GONE
    assert "Received server error (0) from predict with message" in error["Error"]["Message"]
    until(lambda: len(servers(cloud) - before) == 3 and len(servers(cloud)) == len(before))
    found = cloud.client("sagemaker").describe_endpoint(EndpointName=serial)["ProductionVariants"][0]
    assert [image["SpecifiedImage"] for image in found["DeployedImages"]] == [
        "image:clean",
        "image:predict",
        "image:explain",
    ]


@pytest.mark.parametrize("step", ["clean", "predict", "explain"])
def test_a_failure_names_its_container(cloud: Emulator, serial: str, step: str) -> None:
    error = refusal(lambda: ask(cloud, serial, f"fail {step}"))
    assert error["OriginalStatusCode"] == 500
    assert error["OriginalMessage"].startswith(f"{step} does not like this")
    assert f'Received server error (500) from {step} with message "{step} does' in error["Error"]["Message"]
    group, _, stream = error["LogStreamArn"].partition(":log-group:")[2].partition(":log-stream:")
    assert group == "/aws/sagemaker/Endpoints/serial"
    assert stream.startswith("A/i-")
    assert stream.endswith(f"/{step}")

    def said() -> str:
        events = cloud.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
        return " ".join(event["message"] for event in events)

    until(lambda: f"{step} does not like this" in said())


def test_an_answer_of_more_than_5_mb_does_not_reach_the_next(cloud: Emulator, serial: str) -> None:
    error = refusal(lambda: ask(cloud, serial, "huge"))["Error"]
    assert error["Code"] == "ModelError"
    assert error["Message"].startswith(
        "Received response from clean with status code 200. However, the request payload from clean to predict is "
    )
    assert "bytes, which has exceeded the maximum limit of 5 MB. See https://" in error["Message"]


def test_the_latency_of_each_container_is_a_metric(cloud: Emulator, serial: str) -> None:
    ask(cloud, serial, "1")
    of_variant = {"EndpointName": serial, "VariantName": "A"}
    for step in ("clean", "predict", "explain"):
        own = {**of_variant, "ContainerName": step}
        until(partial(statistic, cloud, "AWS/SageMaker", "ContainerLatency", own))
    until(lambda: statistic(cloud, "AWS/SageMaker", "Invocations", of_variant) > 0)
    assert statistic(cloud, "AWS/SageMaker", "Invocations", {**of_variant, "ContainerName": "clean"}) == 0


def test_containers_without_names_are_numbered(cloud: Emulator, role: str) -> None:
    unnamed = containers("one", "two", named=False)
    cloud.client("sagemaker").create_model(ModelName="unnamed", ExecutionRoleArn=role, Containers=unnamed)
    with cloud.serving("unnamed", variant("A", "unnamed")) as endpoint:
        assert [step["step"] for step in steps(ask(cloud, endpoint, "1"))] == ["one", "two"]
        assert "from container-2 with message" in refusal(lambda: ask(cloud, endpoint, "fail two"))["Error"]["Message"]


def test_a_container_that_does_not_start_fails_the_endpoint_by_name(cloud: Emulator, role: str) -> None:
    broken = containers("good", "bad")
    del broken[1]["Environment"]["STEP"]
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(ModelName="half", ExecutionRoleArn=role, Containers=broken)
    before = servers(cloud)
    cloud.config("half", variant("A", "half"))
    sagemaker.create_endpoint(EndpointName="half", EndpointConfigName="half")
    described = cloud.settle("half")
    assert described["FailureReason"] == (
        "The bad container for production variant A did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    cloud.remove("half")
    assert servers(cloud) == before


def test_a_request_goes_to_the_container_that_it_names(cloud: Emulator, direct: str) -> None:
    for name in ("left", "right", "left"):
        answer = ask(cloud, direct, "1", TargetContainerHostname=name, Accept="text/csv")["Body"]
        assert (answer["step"], answer["got"], answer["accept"]) == (name, "1", "text/csv")
    error = refusal(lambda: ask(cloud, direct, "fail right", TargetContainerHostname="right"))["Error"]
    assert "Received server error (500) from right with message" in error["Message"]


def test_the_last_container_streams(cloud: Emulator, serial: str, direct: str) -> None:
    runtime = cloud.client("sagemaker-runtime")
    for endpoint, members, expected in (
        (serial, {}, "explain"),
        (direct, {"TargetContainerHostname": "right"}, "right"),
    ):
        arguments = {"EndpointName": endpoint, "ContentType": "text/csv", "Body": b"1", **members}
        stream = runtime.invoke_endpoint_with_response_stream(**arguments)
        said = json.loads(b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]))
        assert said["step"] == expected
        error = refusal(
            partial(runtime.invoke_endpoint_with_response_stream, **arguments | {"Body": b"fail right clean"})
        )
        assert error["Error"]["Message"].startswith(
            f"Received server error (500) from {'clean' if endpoint == serial else 'right'} with message"
        )


def test_a_name_that_is_missing_unknown_or_of_no_use_is_refused(cloud: Emulator, direct: str, serial: str) -> None:
    for call, expected in (
        (lambda: ask(cloud, direct, "1"), "requires target container hostname header"),
        (lambda: ask(cloud, direct, "1", TargetContainerHostname="middle"), "Container middle not found in endpoint"),
        (
            lambda: ask(cloud, serial, "1", TargetContainerHostname="clean"),
            "does not support target container hostname",
        ),
        (lambda: ask(cloud, serial, "1", TargetModel="a.tar.gz"), "is not a multi-model endpoint and does not support"),
    ):
        error = refusal(call)["Error"]
        assert error["Code"] == "ValidationError"
        assert expected in error["Message"]


def test_each_container_has_metrics_of_its_own(cloud: Emulator, direct: str) -> None:
    ask(cloud, direct, "1", TargetContainerHostname="left")
    refusal(lambda: ask(cloud, direct, "fail left", TargetContainerHostname="left"))
    own = {"EndpointName": direct, "VariantName": "A", "ContainerName": "left"}
    until(lambda: statistic(cloud, "AWS/SageMaker", "Invocations", own) >= 2)
    until(lambda: statistic(cloud, "AWS/SageMaker", "Invocation5XXErrors", own) >= 1)
    assert statistic(cloud, "AWS/SageMaker", "ContainerLatency", own) > 0
    until(lambda: statistic(cloud, "/aws/sagemaker/Endpoints", "MemoryUtilization", own) > 0)
    of_variant = {name: own[name] for name in ("EndpointName", "VariantName")}
    alone = statistic(cloud, "/aws/sagemaker/Endpoints", "MemoryUtilization", own, "Maximum")
    assert statistic(cloud, "/aws/sagemaker/Endpoints", "MemoryUtilization", of_variant, "Maximum") > alone


def test_a_policy_can_name_containers(cloud: Emulator, direct: str) -> None:
    allowed: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/direct",
        "Condition": {"StringLike": {"sagemaker:TargetContainerHostname": ["le*"]}},
    }
    caller = cloud.client("sagemaker-runtime", cloud.user("left-hander", allowed))
    arguments = {"EndpointName": direct, "Body": "1", "ContentType": "text/csv"}
    caller.invoke_endpoint(**arguments, TargetContainerHostname="left")
    for more in ({"TargetContainerHostname": "right"}, {}):
        error = refusal(partial(caller.invoke_endpoint, **arguments, **more))["Error"]
        assert error["Code"] == "AccessDeniedException"


TWO = [{"Image": "i:1", "ContainerHostname": "a"}, {"Image": "i:2", "ContainerHostname": "b"}]
UNSOUND: dict[str, tuple[dict[str, Any], str]] = {
    "more than fifteen": ({"Containers": [{"Image": "i"}] * 16}, "Member must have length less than or equal to 15"),
    "primary and others": ({"Containers": TWO, "PrimaryContainer": {"Image": "i"}}, "Specify only one of them"),
    "some names": ({"Containers": [TWO[0], {"Image": "i"}]}, "for all containers or for none"),
    "a name twice": ({"Containers": [TWO[0], TWO[0]]}, "ContainerHostname must be unique"),
    "direct without names": (
        {"Containers": [{"Image": "i"}] * 2, "InferenceExecutionConfig": {"Mode": "Direct"}},
        "Direct invocation requires at least two containers, each with a ContainerHostname",
    ),
    "direct with one": (
        {"Containers": TWO[:1], "InferenceExecutionConfig": {"Mode": "Direct"}},
        "Direct invocation requires at least two containers",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_containers_that_do_not_go_together_are_refused(cloud: Emulator, role: str, name: str) -> None:
    members, expected = UNSOUND[name]
    sagemaker = cloud.client("sagemaker")
    error = refusal(lambda: sagemaker.create_model(ModelName="unsound", ExecutionRoleArn=role, **members))["Error"]
    assert error["Code"] == "ValidationException"
    assert expected in error["Message"]


def test_a_pipeline_replaces_a_single_container_and_the_reverse(cloud: Emulator, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(ModelName="pipeline", ExecutionRoleArn=role, Containers=containers("a", "b"))
    (alone,) = containers("alone")
    sagemaker.create_model(ModelName="alone", ExecutionRoleArn=role, PrimaryContainer=alone)
    cloud.config("to-pipeline", variant("A", "pipeline"))
    with cloud.serving("changing", variant("A", "alone")) as endpoint:
        assert [step["step"] for step in steps(ask(cloud, endpoint, "1"))] == ["alone"]
        for config, expected in (("to-pipeline", ["a", "b"]), ("changing", ["alone"])):
            sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
            assert cloud.settle(endpoint)["EndpointConfigName"] == config
            assert [step["step"] for step in steps(ask(cloud, endpoint, "1"))] == expected
