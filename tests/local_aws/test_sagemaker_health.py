"""Containers that are late, hang or are not well, in a cloud that is less patient than AWS."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.processes import is_alive
from tests.local_aws.sagemaker_harness import READ, ROOT, Emulator, refusal, servers, until, variant

GONE = "An error occurred while handling request as the model process exited."


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    settings = {
        "LOCAL_AWS_SPEED": "120",
        "LOCAL_AWS_STARTUP_SECONDS": "1",
        "LOCAL_AWS_MODEL_TIMEOUT_SECONDS": "2",
        "LOCAL_AWS_FASTEST_PING_SECONDS": "0.2",
        "LOCAL_AWS_CONTAINER": str(ROOT / "tests" / "local_aws" / "unwell_container.py"),
    }
    with Emulator(tmp_path_factory.mktemp("impatient"), **settings) as emulator:
        role = emulator.role("execution", READ)
        url = emulator.put_model("model.tar.gz")
        emulator.model("model", role, url)
        emulator.model("slow", role, url, SLOW="600")
        yield emulator


@pytest.fixture
def pair(impatient: Emulator) -> Iterator[tuple[int, int]]:
    """The processes of an endpoint of two instances."""
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    with impatient.serving("pair", variant("A", "model", InitialInstanceCount=2, RoutingConfig=routing)):
        first, second = servers(impatient)
        yield first, second


def count(cloud: Emulator) -> int:
    found: int = cloud.client("sagemaker").describe_endpoint(EndpointName="pair")["ProductionVariants"][0][
        "CurrentInstanceCount"
    ]
    return found


def test_one_that_hangs_is_replaced_and_the_other_serves_meanwhile(impatient: Emulator, pair: tuple[int, int]) -> None:
    hanging, other = pair

    def outcome(_: int) -> object:
        try:
            return impatient.invoke("pair")["Body"]["pid"]
        except ClientError as error:
            return error.response["OriginalMessage"]

    os.kill(hanging, signal.SIGSTOP)
    with ThreadPoolExecutor(20) as pool:
        outcomes = set(pool.map(outcome, range(20)))
    assert other in outcomes
    assert hanging not in outcomes
    late = {text for text in outcomes if isinstance(text, str)}
    assert all(text == GONE or text.startswith("Your invocation timed out") for text in late)
    until(lambda: not is_alive(hanging) and count(impatient) == 2)
    assert other in servers(impatient)
    assert {impatient.invoke("pair")["Body"]["pid"] for _ in range(30)} == servers(impatient)


def test_one_that_is_not_well_is_replaced(impatient: Emulator, pair: tuple[int, int]) -> None:
    unwell = impatient.invoke("pair", {"unwell": True})["Body"]["pid"]
    (other,) = set(pair) - {unwell}
    until(lambda: not is_alive(unwell) and count(impatient) == 2)
    assert other in servers(impatient)
    assert {impatient.invoke("pair")["Body"]["pid"] for _ in range(30)} == servers(impatient)


def test_a_container_that_takes_too_long_fails_the_endpoint(impatient: Emulator) -> None:
    sagemaker = impatient.client("sagemaker")
    impatient.config("late", variant("A", "slow", ContainerStartupHealthCheckTimeoutInSeconds=60))
    sagemaker.create_endpoint(EndpointName="late", EndpointConfigName="late")
    described = impatient.settle("late")
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert not servers(impatient)
    impatient.remove("late")


def test_a_deletion_does_not_wait_for_a_replacement_that_never_comes_up(impatient: Emulator) -> None:
    with impatient.serving("doomed", variant("A", "model")):
        (pid,) = servers(impatient)
        impatient.invoke("doomed", {"never": True})  # what is started from now on takes ten minutes
        os.kill(pid, signal.SIGKILL)
        until(lambda: servers(impatient) - {pid})
        error = refusal(lambda: impatient.invoke("doomed"))["Error"]
        assert (error["Code"], error["Message"]) == ("ServiceUnavailable", "Variant A has no instance in service.")
    assert not servers(impatient)


def test_a_model_that_takes_too_long_is_an_error_of_the_model(impatient: Emulator, pair: tuple[int, int]) -> None:
    response = refusal(lambda: impatient.invoke("pair", {"sleep": 600}))
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 0
    assert response["OriginalMessage"].startswith("Your invocation timed out while waiting for a response")
    assert set(pair) == servers(impatient)
    assert impatient.invoke("pair")["Body"]["pid"] in pair


def test_a_reset_ends_what_is_still_starting(impatient: Emulator) -> None:
    """The last test here: it takes the roles and models of the others away."""
    impatient.config("starting", variant("A", "slow", InitialInstanceCount=2))
    impatient.client("sagemaker").create_endpoint(EndpointName="starting", EndpointConfigName="starting")
    until(lambda: len(servers(impatient)) == 2)
    urllib.request.urlopen(
        urllib.request.Request(f"{impatient.url}/_ministack/reset", method="POST"), timeout=60
    ).close()
    until(lambda: not servers(impatient))
    assert impatient.client("sagemaker").list_endpoints()["Endpoints"] == []
