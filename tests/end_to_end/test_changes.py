"""What an update of the realtime stack does when it goes wrong, and when it goes well, in the order of the tests."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.assemblies import (
    STACK,
    broken_model,
    failing_model,
    retrained_model,
    synthesise,
    with_dark_variant,
    without_grant,
)
from tests.end_to_end.deployment import ROOT_USER, Deployment
from tests.local_aws.processes import await_end, descendants

GOOD: Final = {"instances": [[float(number) for number in range(30)]]}
CALLERS: Final = 3


@pytest.fixture(scope="module")
def stack(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment.deploy(STACK, synthesise(tmp_path_factory.mktemp("first")))
    return deployment


@pytest.fixture
def before(stack: Deployment) -> dict[str, Any]:
    return describe(stack)


def describe(stack: Deployment) -> dict[str, Any]:
    (summary,) = stack.client("sagemaker").list_endpoints()["Endpoints"]
    found: dict[str, Any] = stack.client("sagemaker").describe_endpoint(EndpointName=summary["EndpointName"])
    return found


def invoke(stack: Deployment, endpoint: str, **options: str) -> str:
    answer = stack.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="application/json", Body=json.dumps(GOOD), **options
    )
    return str(answer["InvokedProductionVariant"])


@contextmanager
def traffic(stack: Deployment, endpoint: str) -> Iterator[Counter[str]]:
    """Requests without a pause, straight to the endpoint; counts how they ended."""
    finished, outcomes = threading.Event(), Counter[str]()

    def call() -> None:
        while not finished.is_set():
            try:
                invoke(stack, endpoint)
                outcomes["answered"] += 1
            except ClientError as error:
                outcomes[error.response["Error"]["Code"]] += 1

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        finished.set()
        for thread in threads:
            thread.join()


def test_a_container_that_never_becomes_healthy_rolls_back(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    assembly = synthesise(tmp_path / "out", champion=broken_model(tmp_path / "broken"))
    done = stack.deploy(STACK, assembly, check=False)
    assert done.returncode != 0
    assert "did not pass the ping health check" in done.stdout + done.stderr
    assert stack.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert describe(stack)["EndpointConfigName"] == before["EndpointConfigName"]
    assert len(stack.client("sagemaker").list_models()["Models"]) == 2
    assert stack.post(GOOD, ROOT_USER).status == 200


def test_a_worse_model_rolls_back_on_an_alarm_during_the_canary(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    assembly = synthesise(tmp_path / "out", champion=failing_model(tmp_path / "failing"))
    with traffic(stack, before["EndpointName"]) as outcomes:
        done = stack.deploy(STACK, assembly, check=False)
    assert done.returncode != 0
    assert "rollback-5xx" in done.stdout + done.stderr
    assert stack.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert describe(stack)["EndpointConfigName"] == before["EndpointConfigName"]
    assert 0 < outcomes["ModelError"] < 0.2 * outcomes["answered"]  # the canary got a tenth, for a part of the time
    assert set(outcomes) == {"answered", "ModelError"}
    assert stack.post(GOOD, ROOT_USER).status == 200


def test_new_model_data_replaces_the_model_and_a_variant_is_added(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    models = {model["ModelName"] for model in stack.client("sagemaker").list_models()["Models"]}
    assembly = synthesise(tmp_path / "out", champion=retrained_model(tmp_path / "retrained"), change=with_dark_variant)
    stack.deploy(STACK, assembly)
    after = describe(stack)
    assert after["CreationTime"] == before["CreationTime"]
    assert {variant["VariantName"]: variant["CurrentWeight"] for variant in after["ProductionVariants"]} == {
        "champion": 90.0,
        "challenger": 10.0,
        "dark": 0.0,
    }
    assert len(models & {model["ModelName"] for model in stack.client("sagemaker").list_models()["Models"]}) == 1
    assert len(stack.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]) == 1
    assert "dark" not in {invoke(stack, after["EndpointName"]) for _ in range(50)}
    assert invoke(stack, after["EndpointName"], TargetVariant="dark") == "dark"


def test_a_variant_is_removed_and_without_its_grant_the_function_is_refused(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    stack.deploy(STACK, synthesise(tmp_path / "out", change=without_grant))
    after = describe(stack)
    assert {variant["VariantName"] for variant in after["ProductionVariants"]} == {"champion", "challenger"}
    assert after["CreationTime"] == before["CreationTime"]
    with pytest.raises(ClientError, match="dark"):
        invoke(stack, after["EndpointName"], TargetVariant="dark")
    assert stack.post(GOOD, ROOT_USER).body["detail"] == "The service may not call its endpoint."
    assert invoke(stack, after["EndpointName"]) in {"champion", "challenger"}  # the endpoint itself is well


def test_no_model_server_and_no_function_outlives_a_killed_cloud(stack: Deployment) -> None:
    family = descendants(stack.cloud.process_id)
    assert len(family) >= 5  # the server, and two instances of each variant
    os.kill(stack.cloud.process_id, signal.SIGKILL)
    assert not await_end(family)
