# ruff: noqa: ANN401 - boto3 has no types
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import INFERENCE, ROOT, Emulator

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[Emulator]:
    with Emulator(directory, LOCAL_AWS_STARTUP_SECONDS="8", LOCAL_AWS_MODEL_TIMEOUT_SECONDS="1.5") as emulator:
        url = emulator.put_model("model.tar.gz")
        role = emulator.role("execution", READ)
        emulator.model("champion", role, url, TAG="champion", SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code")
        emulator.model("challenger", role, url, TAG="challenger")
        emulator.model("broken", role, url, FAIL="1")
        emulator.config("config", variant("A", "champion", 3), variant("B", "challenger"))
        emulator.client("sagemaker").create_endpoint(EndpointName="Served", EndpointConfigName="config")
        assert emulator.settle("Served")["EndpointStatus"] == "InService"
        yield emulator


def variant(name: str, model: str, weight: float = 1, **members: Any) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **members}


def refusal(call: Callable[[], object]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = dict(caught.value.response)
    return response


def failure(cloud: Emulator, name: str, model: str) -> str:
    sagemaker = cloud.client("sagemaker")
    cloud.config(name, variant("A", model))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = cloud.settle(name)
    assert described["EndpointStatus"] == "Failed"
    assert (
        refusal(lambda: cloud.invoke(name))["Error"]["Message"] == f"Endpoint {name} of account 000000000000 not found."
    )
    sagemaker.delete_endpoint(EndpointName=name)
    reason: str = described["FailureReason"]
    return reason


def gone(cloud: Emulator, name: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if name not in [item["EndpointName"] for item in cloud.client("sagemaker").list_endpoints()["Endpoints"]]:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} is still there")


def test_weights_share_out_the_traffic(cloud: Emulator) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cloud.invoke("Served"), range(200)))
    counts = Counter(answer["InvokedProductionVariant"] for answer in answers)
    assert 130 <= counts["A"] <= 170
    assert {answer["Body"]["tag"] for answer in answers if answer["InvokedProductionVariant"] == "B"} == {"challenger"}


def test_a_target_variant_is_obeyed(cloud: Emulator) -> None:
    assert {cloud.invoke("Served", TargetVariant="B")["InvokedProductionVariant"] for _ in range(10)} == {"B"}
    error = refusal(lambda: cloud.invoke("Served", TargetVariant="C"))["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationError", "Variant C not found for Request.")


def test_a_model_error_keeps_the_status_and_message_of_the_model(cloud: Emulator) -> None:
    response = refusal(lambda: cloud.invoke("Served", {"fail": True}, TargetVariant="A"))
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"].startswith("the model does not like this")
    assert response["Error"]["Message"].startswith('Received server error (500) from primary with message "the model')


@pytest.mark.parametrize(
    "members", [{"InferenceId": "x" * 65}, {"CustomAttributes": "x" * 1025}, {"TargetVariant": "not valid"}]
)
def test_members_outside_the_api_are_refused(cloud: Emulator, members: dict[str, str]) -> None:
    assert refusal(lambda: cloud.invoke("Served", **members))["Error"]["Code"] == "ValidationError"


def test_a_body_has_a_limit(cloud: Emulator) -> None:
    runtime = cloud.client("sagemaker-runtime")
    body = b"x" * (6_291_456 + 1)
    error = refusal(lambda: runtime.invoke_endpoint(EndpointName="Served", Body=body))["Error"]
    assert error["Code"] == "ValidationError"


def test_a_model_that_takes_too_long_is_an_error_of_the_model(cloud: Emulator) -> None:
    response = refusal(lambda: cloud.invoke("Served", {"sleep": 3}, TargetVariant="A"))
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 0
    assert response["OriginalMessage"].startswith("Your invocation timed out while waiting for a response")
    assert cloud.invoke("Served", TargetVariant="A")["Body"]["tag"] == "champion"


@pytest.mark.parametrize("member", ["TargetModel", "InferenceComponentName", "TargetContainerHostname"])
def test_members_of_features_that_are_not_served_are_refused(cloud: Emulator, member: str) -> None:
    error = refusal(lambda: cloud.invoke("Served", **{member: "some-name"}))["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationError", f"Endpoint Served does not support {member}.")


def test_other_ways_to_invoke_say_that_they_are_not_served(cloud: Emulator) -> None:
    runtime = cloud.client("sagemaker-runtime")
    error = refusal(lambda: runtime.invoke_endpoint_async(EndpointName="Served", InputLocation="s3://models/x"))[
        "Error"
    ]
    assert error["Code"] == "UnsupportedByLocalCloud"
    assert "InvokeEndpointAsync" in error["Message"]


def test_only_callers_with_the_right_invoke(cloud: Emulator) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/served"
    allowed = cloud.user("invoker", {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn})
    body = {"EndpointName": "Served", "ContentType": "application/json", "Body": b"{}"}
    assert cloud.client("sagemaker-runtime", allowed).invoke_endpoint(**body)["InvokedProductionVariant"]
    stranger = cloud.client("sagemaker-runtime", cloud.user("nobody"))
    response = refusal(lambda: stranger.invoke_endpoint(**body))
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert arn in response["Error"]["Message"]
    forger = cloud.client("sagemaker-runtime", allowed | {"aws_secret_access_key": "wrong"})
    assert refusal(lambda: forger.invoke_endpoint(**body))["Error"]["Code"] == "InvalidSignatureException"


def test_a_container_that_is_never_healthy_fails_the_endpoint(cloud: Emulator) -> None:
    assert failure(cloud, "unhealthy", "broken") == (
        "The primary container for production variant A did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )


def test_a_container_that_takes_too_long_fails_the_endpoint(cloud: Emulator) -> None:
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    cloud.model("slow", role, "s3://models/model.tar.gz", SLOW="60")
    assert "did not pass the ping health check" in failure(cloud, "late", "slow")


def test_a_grant_that_was_taken_away_fails_the_endpoint(cloud: Emulator) -> None:
    role = cloud.role("revoked", READ)
    cloud.model("revoked", role, "s3://models/model.tar.gz")
    cloud.client("iam").delete_role_policy(RoleName="revoked", PolicyName="policy")
    reason = failure(cloud, "revoked", "revoked")
    assert reason.startswith('Failed to download model data for container "container_1" from URL: "s3://models/model.')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text", b"this is no archive"),
        ("cut", None),
        ("escaping", {"../../../../../../../tmp/escaped-from-the-archive": b"x", "code/inference.py": INFERENCE}),
        ("absolute", {"/tmp/../../etc/escaped-from-the-archive": b"x"}),
    ],
)
def test_an_archive_that_is_not_sound_fails_the_endpoint(cloud: Emulator, name: str, content: Any) -> None:
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    url = cloud.put_model(f"{name}.tar.gz", content if isinstance(content, dict) else None)
    s3 = cloud.client("s3")
    if content is None:
        whole = s3.get_object(Bucket="models", Key=f"{name}.tar.gz")["Body"].read()
        s3.put_object(Bucket="models", Key=f"{name}.tar.gz", Body=whole[: len(whole) // 2])
    elif isinstance(content, bytes):
        s3.put_object(Bucket="models", Key=f"{name}.tar.gz", Body=content)
    cloud.model(f"archive-{name}", role, url)
    reason = failure(cloud, f"archive-{name}", f"archive-{name}")
    assert reason.startswith('Failed to extract model data archive for container "container_1"')
    assert not Path("/tmp/escaped-from-the-archive").exists()


def test_a_dead_instance_is_replaced(cloud: Emulator) -> None:
    cloud.config("mortal", variant("A", "champion"))
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="mortal", EndpointConfigName="mortal")
    cloud.settle("mortal")
    before = cloud.invoke("mortal")["Body"]["pid"]
    response = refusal(lambda: cloud.invoke("mortal", {"crash": True}))
    assert response["OriginalMessage"] == "An error occurred while handling request as the model process exited."
    deadline = time.monotonic() + 15
    after = before
    while after == before and time.monotonic() < deadline:
        try:
            after = cloud.invoke("mortal")["Body"]["pid"]
        except ClientError:
            time.sleep(0.1)
    assert after != before
    sagemaker.delete_endpoint(EndpointName="mortal")
    gone(cloud, "mortal")


@pytest.fixture
def pair(cloud: Emulator) -> Iterator[set[int]]:
    """The processes of an endpoint of two instances."""
    sagemaker = cloud.client("sagemaker")
    if not sagemaker.list_endpoint_configs(NameContains="pair")["EndpointConfigs"]:
        cloud.config("pair", variant("A", "champion", InitialInstanceCount=2))
    sagemaker.create_endpoint(EndpointName="pair", EndpointConfigName="pair")
    cloud.settle("pair")
    yield {cloud.invoke("pair")["Body"]["pid"] for _ in range(30)}
    sagemaker.delete_endpoint(EndpointName="pair")
    gone(cloud, "pair")


def test_a_dead_server_costs_no_request_while_another_lives(cloud: Emulator, pair: set[int]) -> None:
    assert len(pair) == 2
    os.kill(min(pair), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while threads(min(pair)) > 1 and time.monotonic() < deadline:  # what it had when it was killed may be lost
        time.sleep(0.001)
    answered = {cloud.invoke("pair")["Body"]["pid"] for _ in range(60)}
    assert max(pair) in answered
    assert min(pair) not in answered


def test_a_request_that_ends_a_server_is_not_given_to_the_next(cloud: Emulator, pair: set[int]) -> None:
    assert len(pair) == 2
    refusal(lambda: cloud.invoke("pair", {"crash": True}))
    time.sleep(0.2)
    assert len([pid for pid in pair if alive(pid)]) == 1


def test_a_deleted_endpoint_leaves_no_process_and_no_file(cloud: Emulator, directory: Path) -> None:
    sagemaker = cloud.client("sagemaker")
    before = (children(cloud.process.pid), sorted((directory / "sagemaker" / "instances").iterdir()))
    cloud.config("cycle", variant("A", "champion", InitialInstanceCount=2))
    for _ in range(3):
        sagemaker.create_endpoint(EndpointName="cycle", EndpointConfigName="cycle")
        cloud.settle("cycle")
        assert len(children(cloud.process.pid)) == len(before[0]) + 2
        sagemaker.delete_endpoint(EndpointName="cycle")
        gone(cloud, "cycle")
        assert (children(cloud.process.pid), sorted((directory / "sagemaker" / "instances").iterdir())) == before


def test_weights_and_capacities_change_in_place(cloud: Emulator) -> None:
    cloud.config("scaled", variant("A", "champion"), variant("B", "challenger"))
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="scaled", EndpointConfigName="scaled")
    cloud.settle("scaled")
    change = [{"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredInstanceCount": 2}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="scaled", DesiredWeightsAndCapacities=change)
    assert sagemaker.describe_endpoint(EndpointName="scaled")["EndpointStatus"] == "Updating"
    again = {"EndpointName": "scaled", "EndpointConfigName": "scaled"}
    assert (
        "Cannot update in-progress endpoint" in refusal(lambda: sagemaker.update_endpoint(**again))["Error"]["Message"]
    )
    assert (
        "Cannot update in-progress"
        in refusal(lambda: sagemaker.delete_endpoint(EndpointName="scaled"))["Error"]["Message"]
    )
    first, second = cloud.settle("scaled")["ProductionVariants"]
    assert (first["CurrentWeight"], first["CurrentInstanceCount"]) == (0, 1)
    assert (second["CurrentWeight"], second["CurrentInstanceCount"]) == (1, 2)
    answers = [cloud.invoke("scaled") for _ in range(20)]
    assert {answer["InvokedProductionVariant"] for answer in answers} == {"B"}
    assert len({answer["Body"]["pid"] for answer in answers}) == 2
    sagemaker.delete_endpoint(EndpointName="scaled")
    gone(cloud, "scaled")


def test_captured_data_has_the_documented_form(cloud: Emulator) -> None:
    role = cloud.role(
        "capturing", READ, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::captured/*"}
    )
    cloud.client("s3").create_bucket(Bucket="captured")
    cloud.model("captured", role, "s3://models/model.tar.gz")
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://captured/data",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    cloud.config("captured", variant("A", "captured"), DataCaptureConfig=capture)
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="captured", EndpointConfigName="captured")
    assert cloud.settle("captured")["DataCaptureConfig"]["CaptureStatus"] == "Started"
    cloud.invoke("captured", {"n": 1}, InferenceId="id-1", CustomAttributes="trace=1")
    s3, deadline = cloud.client("s3"), time.monotonic() + 10
    keys: list[str] = []
    while not keys and time.monotonic() < deadline:
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="captured").get("Contents", [])]
        time.sleep(0.1)
    assert keys[0].startswith("data/captured/A/20")
    assert keys[0].endswith(".jsonl")
    assert len(keys[0].split("/")) == 8
    line = json.loads(s3.get_object(Bucket="captured", Key=keys[0])["Body"].read())
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '{"n": 1}',
        "encoding": "JSON",
    }
    assert json.loads(line["captureData"]["endpointOutput"]["data"])["tag"] == "none"
    assert line["eventMetadata"]["inferenceId"] == "id-1"
    assert line["eventMetadata"]["customAttributes"] == ["trace=1"]
    assert line["eventVersion"] == "0"
    sagemaker.delete_endpoint(EndpointName="captured")
    gone(cloud, "captured")


def test_metrics_have_their_official_names_and_dimensions(cloud: Emulator) -> None:
    for _ in range(4):
        cloud.invoke("Served", TargetVariant="A")
    refusal(lambda: cloud.invoke("Served", {"fail": True}, TargetVariant="A"))
    cloudwatch = cloud.client("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": "Served"}, {"Name": "VariantName", "Value": "A"}]
    wanted = {"AWS/SageMaker": {
        "Invocations", "InvocationsPerInstance", "ModelLatency", "OverheadLatency", "Invocation4XXErrors",
        "Invocation5XXErrors", "InvocationModelErrors",
    }, "/aws/sagemaker/Endpoints": {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}}  # fmt: skip
    deadline = time.monotonic() + 10
    found: dict[str, set[str]] = {}
    while found != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        found = {
            space: {
                item["MetricName"]
                for item in cloudwatch.list_metrics(Namespace=space, Dimensions=dimensions)["Metrics"]
            }
            for space in wanted
        }
    assert found == wanted
    now = time.time()
    errors = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName="Invocation5XXErrors", Dimensions=dimensions, Period=3600,
        StartTime=now - 3600, EndTime=now + 60, Statistics=["Sum", "SampleCount"],
    )["Datapoints"]  # fmt: skip
    assert sum(point["Sum"] for point in errors) >= 1
    assert sum(point["SampleCount"] for point in errors) >= 5


def children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return [int(row[0]) for row in rows if int(row[1]) == parent and "guarded.py" in row[2]]


def threads(pid: int) -> int:
    """Threads of a process, two at least while it lives: each may still hold its sockets after the first has ended."""
    try:
        tasks = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0
    return max(tasks, 2) if alive(pid) else tasks


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_model_servers_end_with_the_emulator(tmp_path: Path, number: signal.Signals) -> None:
    with Emulator(tmp_path) as cloud:
        cloud.model("model", cloud.role("execution", READ), cloud.put_model("model.tar.gz"))
        cloud.config("config", variant("A", "model", InitialInstanceCount=2))
        cloud.client("sagemaker").create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        cloud.settle("endpoint")
        pids = children(cloud.process.pid)
        assert len(pids) == 2
        os.kill(cloud.process.pid, number)
        cloud.process.wait(15)
        deadline = time.monotonic() + 5
        while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(pid) for pid in pids)


TAKEN = """
import socket, sys
from pathlib import Path
from tests.local_aws.sagemaker import instance
from tests.local_aws.sagemaker.settings import Settings
with socket.create_server(("127.0.0.1", 0)) as other:
    ports = [instance._free_port(), other.getsockname()[1]]
    expected = ports[0]
    instance._free_port = ports.pop
    model = Path(sys.argv[1])
    server = instance.Instance(program=Settings().container, model=model, environment={}, log=model / "log")
    try:
        assert server.wait_until_healthy(20), (model / "log").read_text()
        assert server.port == expected
    finally:
        server.stop()
"""


def test_a_port_that_somebody_took_is_given_up_for_another(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_bytes(INFERENCE)
    command = [os.environ.get("LOCAL_AWS_PYTHON", sys.executable), "-c", TAKEN, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
