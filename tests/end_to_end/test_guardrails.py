"""Updates that go wrong, and one that goes well, in the order of the tests; then the cloud itself is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import Duration

from tests.end_to_end.deployment import Deployment
from tests.end_to_end.light import ENDS, FAILS, RETRAINED, SERVES, STACK, Variant, synthesise
from tests.end_to_end.traffic import invoking, traffic
from tests.local_aws.processes import await_end, descendants

GOOD: Final = {"instances": [[1, 2, 3]]}
CALLERS: Final = 3
CHALLENGER: Final = Variant(name="challenger", weight=10)


@pytest.fixture(scope="module")
def stack(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment.deploy(STACK, synthesise(tmp_path_factory.mktemp("first"), champion(), CHALLENGER))
    return deployment


@pytest.fixture
def before(stack: Deployment) -> dict[str, Any]:
    return stack.endpoint()


def champion(program: str = SERVES) -> Variant:
    return Variant(name="champion", weight=90, program=program)


def assert_unharmed(stack: Deployment, before: dict[str, Any]) -> None:
    """After a rollback the endpoint is what it was, and serves."""
    assert stack.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    after = stack.endpoint()
    assert after["EndpointStatus"] == "InService"
    assert after["EndpointConfigName"] == before["EndpointConfigName"]
    assert len(stack.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]) == 1
    assert len(stack.models()) == 2
    for variant in ("champion", "challenger"):
        assert stack.invoke(after["EndpointName"], GOOD, TargetVariant=variant) == (variant, {"version": 1, "sum": 6})


def test_a_container_that_never_becomes_healthy_rolls_back(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    assembly = synthesise(tmp_path, champion(ENDS), CHALLENGER)
    calling = [invoking(stack, before["EndpointName"], GOOD)] * CALLERS
    with traffic(*calling) as outcomes:
        done = stack.deploy(STACK, assembly, check=False)
    assert done.returncode != 0
    assert "did not pass the ping health check" in done.stdout
    assert set(outcomes) == {"answered"}
    assert_unharmed(stack, before)


def test_a_worse_model_rolls_back_on_an_alarm_during_the_canary(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    # The longest canary: it ends as soon as the alarm goes off, and a busy machine has half a minute.
    assembly = synthesise(tmp_path, champion(FAILS), CHALLENGER, wait=Duration.hours(1))
    calling = [invoking(stack, before["EndpointName"], GOOD)] * CALLERS
    with traffic(*calling) as outcomes:
        done = stack.deploy(STACK, assembly, check=False)
    assert done.returncode != 0
    assert "champion-rollback-5xx" in done.stdout
    assert set(outcomes) == {"answered", "ModelError"}
    assert outcomes["ModelError"] < outcomes["answered"] / 2  # a tenth is expected, for a part of the time
    assert_unharmed(stack, before)


def test_new_model_data_replaces_the_model_and_no_request_fails(
    stack: Deployment, before: dict[str, Any], tmp_path: Path
) -> None:
    models, name = stack.models(), before["EndpointName"]
    assembly = synthesise(tmp_path, champion(RETRAINED), CHALLENGER)
    with traffic(*[invoking(stack, name, GOOD)] * CALLERS) as outcomes:
        stack.deploy(STACK, assembly)
    assert set(outcomes) == {"answered"}
    assert stack.endpoint()["CreationTime"] == before["CreationTime"]
    assert len(models & stack.models()) == 1
    assert len(stack.models()) == 2
    assert stack.invoke(name, GOOD, TargetVariant="champion")[1] == {"version": 2, "sum": 6}
    assert stack.invoke(name, GOOD, TargetVariant="challenger")[1] == {"version": 1, "sum": 6}


def test_no_model_server_and_no_function_outlives_a_killed_cloud(stack: Deployment) -> None:
    family = descendants(stack.cloud.process_id)
    assert len(family) >= 3  # the server, and an instance of each variant
    os.kill(stack.cloud.process_id, signal.SIGKILL)
    assert not await_end(family, seconds=120)
