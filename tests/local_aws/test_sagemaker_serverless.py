"""Serverless variants: processes that come with the requests and go without them, and what is throttled and refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import READ, WRITE_LOGS, Emulator, refusal, servers, until, variant
from tests.local_aws.sagemaker_metrics import INSTANCES, names, statistic

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A cloud of its own: how long a serverless container may take to start is no part of its configuration."""
    settings = {"LOCAL_AWS_SPEED": "300", "LOCAL_AWS_STARTUP_SECONDS": "60"}
    with Emulator(tmp_path_factory.mktemp("lean"), **settings) as emulator:
        url = emulator.put_model("model.tar.gz")
        role = emulator.role("execution", READ, WRITE_LOGS)
        for name in ("champion", "challenger"):
            emulator.model(name, role, url, TAG=name)
        emulator.model("broken", role, url, FAIL="1")
        yield emulator


def serverless(model: str = "champion", concurrency: int = 10, provisioned: int | None = None) -> dict[str, Any]:
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": concurrency}
    more = {} if provisioned is None else {"ProvisionedConcurrency": provisioned}
    return variant("A", model, ServerlessConfig=config | more)


@contextmanager
def gate(directory: Path) -> Iterator[dict[str, Any]]:
    """A request that is under way until the block is left."""
    path = directory / "gate"
    try:
        yield {"wait_for": str(path)}
    finally:
        path.touch()


def test_processes_go_when_there_are_no_requests_and_come_with_them(lean: Emulator) -> None:
    with lean.serving("Lean", serverless()):
        until(lambda: not servers(lean))
        first = lean.invoke("Lean")
        assert first["InvokedProductionVariant"] == "A"
        assert {first["Body"]["pid"]} == servers(lean)
        until(lambda: statistic(lean, "ModelSetupTime", "Lean", "A", kind="SampleCount") == 1)
        assert (statistic(lean, "ModelSetupTime", "Lean", "A", kind="Minimum") or 0) > 0
        until(lambda: not servers(lean))
        assert lean.invoke("Lean")["Body"]["pid"] != first["Body"]["pid"]
        until(lambda: statistic(lean, "ModelSetupTime", "Lean", "A", kind="SampleCount") == 2)


def test_provisioned_concurrency_stays_warm(lean: Emulator) -> None:
    with lean.serving("Warm", serverless(provisioned=2)):
        warm = servers(lean)
        assert len(warm) == 2
        with lean.serving("Cold", serverless()):
            until(lambda: servers(lean) == warm)  # those of the other have been idle for as long
        assert lean.invoke("Warm")["Body"]["pid"] in warm
        until(lambda: statistic(lean, "ServerlessProvisionedConcurrencyInvocations", "Warm", "A") == 1)
        assert statistic(lean, "ServerlessProvisionedConcurrencySpilloverInvocations", "Warm", "A") == 0
        assert statistic(lean, "ServerlessProvisionedConcurrencyUtilization", "Warm", "A", kind="Maximum") == 0.5
        assert "ModelSetupTime" not in names(lean, "Warm", "A")


def test_requests_at_the_same_time_get_a_process_each_and_beyond_the_maximum_are_throttled(
    lean: Emulator, tmp_path: Path
) -> None:
    used = "ServerlessConcurrentExecutionsUtilization"
    with lean.serving("Busy", serverless(concurrency=3, provisioned=1)), ThreadPoolExecutor(3) as pool:
        with gate(tmp_path) as waiting:
            pending = [pool.submit(lean.invoke, "Busy", waiting) for _ in range(3)]
            until(lambda: (statistic(lean, used, "Busy", "A", kind="SampleCount") or 0) == 3)
            response = refusal(lambda: lean.invoke("Busy"))
        answers = [future.result()["Body"]["pid"] for future in pending]
        assert response["Error"]["Code"] == "ThrottlingException"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert response["Error"]["Message"] is None
        assert len(set(answers)) == 3
        assert statistic(lean, used, "Busy", "A", kind="Maximum") == 1
        assert statistic(lean, "ServerlessProvisionedConcurrencySpilloverInvocations", "Busy", "A") == 2


def test_more_requests_than_this_machine_gets_processes_for_share_them(lean: Emulator) -> None:
    with lean.serving("Crowded", serverless(concurrency=40)), ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: lean.invoke("Crowded", {"sleep": 0.2}), range(40)))
        assert 1 < len({answer["Body"]["pid"] for answer in answers}) <= 4


def test_an_idle_variant_under_many_first_requests_answers_all(lean: Emulator) -> None:
    """Processes come, go and come again while requests arrive."""
    with lean.serving("Restless", serverless(concurrency=50)), ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            until(lambda: not servers(lean))
            answers = list(pool.map(lambda _: lean.invoke("Restless")["Body"]["tag"], range(20)))
            assert Counter(answers) == {"champion": 20}


def test_metrics_are_those_of_serverless_endpoints_alone(lean: Emulator) -> None:
    with lean.serving("Seen", serverless(provisioned=1)):
        lean.invoke("Seen")
        refusal(lambda: lean.invoke("Seen", {"fail": True}))
        until(lambda: statistic(lean, "Invocation5XXErrors", "Seen", "A") == 1)
        assert names(lean, "Seen", "A") - {"ModelSetupTime"} == {
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "Invocations",
            "ModelLatency",
            "OverheadLatency",
            "ServerlessConcurrentExecutionsUtilization",
            "ServerlessProvisionedConcurrencyExecutions",
            "ServerlessProvisionedConcurrencyInvocations",
            "ServerlessProvisionedConcurrencySpilloverInvocations",
            "ServerlessProvisionedConcurrencyUtilization",
        }
        until(lambda: names(lean, "Seen", "A", INSTANCES) == {"MemoryUtilization"})


def test_a_model_that_does_not_come_up_fails_the_endpoint(lean: Emulator) -> None:
    lean.config("fallen", serverless("broken"))
    lean.client("sagemaker").create_endpoint(EndpointName="fallen", EndpointConfigName="fallen")
    described = lean.settle("fallen")
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        "Unable to successfully stand up your model within the allotted 180 second timeout."
    )
    lean.remove("fallen")


def test_a_cold_start_that_fails_is_a_model_error_and_the_next_may_succeed(lean: Emulator) -> None:
    with lean.serving("Moody", serverless()):
        lean.invoke("Moody", {"fail_at_start": True})
        until(lambda: not servers(lean))
        response = refusal(lambda: lean.invoke("Moody"))
        assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 500)
        assert "Unable to successfully stand up your model" in response["OriginalMessage"]
        assert lean.invoke("Moody")["Body"]["tag"] == "champion"


@pytest.mark.parametrize("provisioned", [None, 1])
def test_a_process_that_dies_is_replaced(lean: Emulator, provisioned: int | None) -> None:
    with lean.serving("Mortal", serverless(provisioned=provisioned)):
        pid = lean.invoke("Mortal")["Body"]["pid"]
        refusal(lambda: lean.invoke("Mortal", {"crash": True}))

        def answer() -> int | None:
            try:
                return int(lean.invoke("Mortal")["Body"]["pid"])
            except ClientError:  # it takes a moment until its end is noticed
                return None

        assert until(answer) != pid


def test_requests_and_answers_have_a_limit_of_their_own(lean: Emulator) -> None:
    with lean.serving("Small", serverless(provisioned=1)):
        error = refusal(lambda: lean.invoke("Small", {"padding": "x" * 4 * MIB}))["Error"]
        assert error["Code"] == "ValidationError"
        assert "more than the 4194304 allowed" in error["Message"]
        error = refusal(lambda: lean.invoke("Small", {"large": 4 * MIB}))["Error"]
        assert error["Code"] == "ModelError"
        assert "more than the 4194304 allowed" in error["Message"]
        assert len(lean.invoke("Small", {"large": 3 * MIB})["Body"]["large"]) == 3 * MIB


def test_responses_are_not_streamed(lean: Emulator) -> None:
    with lean.serving("Whole", serverless(provisioned=1)):
        call = {"EndpointName": "Whole", "Body": b"{}"}
        runtime = lean.client("sagemaker-runtime")
        error = refusal(lambda: runtime.invoke_endpoint_with_response_stream(**call))["Error"]
        assert error["Code"] == "ValidationError"


def test_concurrency_is_described_and_changes_in_place(lean: Emulator) -> None:
    sagemaker = lean.client("sagemaker")
    with lean.serving("Grown", serverless(concurrency=4, provisioned=1)):
        (one,) = sagemaker.describe_endpoint(EndpointName="Grown")["ProductionVariants"]
        given = {"MemorySizeInMB": 2048, "MaxConcurrency": 4, "ProvisionedConcurrency": 1}
        assert (one["CurrentServerlessConfig"], one["CurrentInstanceCount"]) == (given, 0)
        assert "DesiredInstanceCount" not in one

        def change(**members: Any) -> None:  # noqa: ANN401 - as boto3
            wanted = [{"VariantName": "A", **members}]
            sagemaker.update_endpoint_weights_and_capacities(EndpointName="Grown", DesiredWeightsAndCapacities=wanted)

        change(ServerlessUpdateConfig={"ProvisionedConcurrency": 3, "MaxConcurrency": 5})
        (one,) = lean.settle("Grown")["ProductionVariants"]
        changed = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 3}
        assert one["DesiredServerlessConfig"] == changed
        assert len(servers(lean)) == 3
        for wrong in ({"ServerlessUpdateConfig": {"ProvisionedConcurrency": 6}}, {"DesiredInstanceCount": 2}):
            assert refusal(lambda wrong=wrong: change(**wrong))["Error"]["Code"] == "ValidationException"  # type: ignore[misc]


def test_instances_follow_serverless_but_not_the_other_way_round(lean: Emulator) -> None:
    sagemaker = lean.client("sagemaker")
    lean.config("with-instances", variant("A", "challenger"))
    with lean.serving("Turned", serverless()):
        lean.config("rolled", serverless("challenger"))
        batch = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
        arguments = {"EndpointName": "Turned", "EndpointConfigName": "rolled"}
        rolling = {"RollingUpdatePolicy": batch}
        error = refusal(lambda: sagemaker.update_endpoint(**arguments, DeploymentConfig=rolling))["Error"]
        assert error["Code"] == "ValidationException"
        sagemaker.update_endpoint(**arguments)
        assert lean.settle("Turned")["EndpointConfigName"] == "rolled"
        assert lean.invoke("Turned")["Body"]["tag"] == "challenger"
        sagemaker.update_endpoint(EndpointName="Turned", EndpointConfigName="with-instances")
        (one,) = lean.settle("Turned")["ProductionVariants"]
        assert (one["CurrentInstanceCount"], one["DesiredInstanceCount"]) == (1, 1)
        error = refusal(lambda: sagemaker.update_endpoint(**arguments))["Error"]
        assert error["Code"] == "ValidationException"


def test_an_endpoint_is_deleted_while_a_process_starts(lean: Emulator) -> None:
    with ThreadPoolExecutor(1) as pool:
        with lean.serving("Vanishing", serverless()):
            lean.invoke("Vanishing", {"never": True})  # no process comes up after this
            until(lambda: not servers(lean))
            pending = pool.submit(lambda: refusal(lambda: lean.invoke("Vanishing")))
            until(lambda: servers(lean))
        error = pending.result()["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationError",
        "Endpoint Vanishing of account 000000000000 not found.",
    )
    until(lambda: not servers(lean))


@pytest.mark.parametrize(
    ("config", "members", "more"),
    [
        ({"MemorySizeInMB": 1500}, {}, {}),
        ({"ProvisionedConcurrency": 11}, {}, {}),
        ({"MaxConcurrency": 201}, {}, {}),
        ({}, {"InstanceType": "ml.m5.large"}, {}),
        ({}, {"InitialInstanceCount": 1}, {}),
        ({}, {}, {"EnableNetworkIsolation": True}),
        ({}, {}, {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}),
        ({}, {"ModelName": "isolated"}, {}),
        ({}, {}, {"DataCaptureConfig": {
            "EnableCapture": True, "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://models/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }}),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_what_aws_does_not_serve_without_instances_is_refused(
    lean: Emulator, config: dict[str, Any], members: dict[str, Any], more: dict[str, Any]
) -> None:
    sagemaker = lean.client("sagemaker")
    if members.get("ModelName") == "isolated":
        role = lean.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
        container = {"Image": "image:1", "ModelDataUrl": "s3://models/model.tar.gz"}
        sagemaker.create_model(
            ModelName="isolated", ExecutionRoleArn=role, PrimaryContainer=container, EnableNetworkIsolation=True
        )
    one = serverless() | members
    one["ServerlessConfig"] |= config
    assert refusal(lambda: lean.config("refused", one, **more))["Error"]["Code"] == "ValidationException"
    assert refusal(lambda: sagemaker.describe_endpoint_config(EndpointConfigName="refused"))
