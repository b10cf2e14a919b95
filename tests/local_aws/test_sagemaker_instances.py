"""The processes behind an endpoint: killed, replaced, scaled, and gone when nobody wants them any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_aws.processes import await_end, is_alive
from tests.local_aws.sagemaker_harness import INFERENCE, READ, ROOT, Emulator, refusal, servers, until, variant
from tests.local_aws.sagemaker_traffic import Traffic

GONE = "An error occurred while handling request as the model process exited."


@pytest.fixture
def pair(cloud: Emulator) -> Iterator[set[int]]:
    """The processes of an endpoint of two instances."""
    with cloud.serving("pair", variant("A", "champion", InitialInstanceCount=2)):
        yield servers(cloud)


def count(cloud: Emulator, endpoint: str) -> int:
    described = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    found: int = described["ProductionVariants"][0]["CurrentInstanceCount"]
    return found


def test_one_that_is_killed_under_traffic_costs_what_it_had_and_is_replaced(cloud: Emulator, pair: set[int]) -> None:
    victim, survivor = pair
    with Traffic(cloud, "pair", callers=4) as traffic:
        until(lambda: {answer["pid"] for answer in traffic.answers} == pair)
        os.kill(victim, signal.SIGKILL)
        until(lambda: {answer["pid"] for answer in traffic.answers} - pair)
        errors, answers = len(traffic.errors), len(traffic.answers)
        until(lambda: len(traffic.answers) > answers + 100)
    assert all(GONE in error for error in traffic.errors)
    assert len(traffic.errors) == errors < answers
    (replacement,) = servers(cloud) - {survivor}
    assert {answer["pid"] for answer in traffic.answers} == {victim, survivor, replacement}
    assert count(cloud, "pair") == 2


def test_a_request_that_ends_a_server_is_not_given_to_the_next(cloud: Emulator, pair: set[int]) -> None:
    assert refusal(lambda: cloud.invoke("pair", {"crash": True}))["OriginalMessage"] == GONE
    until(lambda: servers(cloud) - pair and count(cloud, "pair") == 2)
    assert len([pid for pid in pair if is_alive(pid)]) == 1


def test_the_only_one_is_replaced_too(cloud: Emulator) -> None:
    with cloud.serving("alone", variant("A", "champion")):
        (before,) = servers(cloud)
        refusal(lambda: cloud.invoke("alone", {"crash": True}))
        until(lambda: servers(cloud) - {before} and count(cloud, "alone") == 1)
        assert cloud.invoke("alone")["Body"]["pid"] != before


def test_a_replacement_that_fails_is_tried_again(cloud: Emulator, cloud_directory: Path) -> None:
    with cloud.serving("persistent", variant("A", "champion")):
        (first,) = servers(cloud)
        cloud.invoke("persistent", {"fail_at_start": True})
        os.kill(first, signal.SIGKILL)
        until(lambda: servers(cloud) - {first} and count(cloud, "persistent") == 1)
        assert cloud.invoke("persistent")["Body"]["tag"] == "champion"
    logs = [path.read_text() for path in (cloud_directory / "sagemaker" / "logs" / "persistent" / "A").iterdir()]
    assert sorted("not this time" in log for log in logs) == [False, False, True]


def test_a_deleted_endpoint_leaves_no_process_and_no_file(cloud: Emulator, cloud_directory: Path) -> None:
    before = servers(cloud), sorted((cloud_directory / "sagemaker" / "instances").iterdir())
    for _ in range(3):
        with cloud.serving("cycle", variant("A", "champion", InitialInstanceCount=2)):
            assert len(servers(cloud)) == len(before[0]) + 2
        assert (servers(cloud), sorted((cloud_directory / "sagemaker" / "instances").iterdir())) == before


def test_weights_and_capacities_change_in_place(cloud: Emulator, tmp_path: Path) -> None:
    sagemaker, gate = cloud.client("sagemaker"), tmp_path / "gate"
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    cloud.model("gated", role, "s3://models/model.tar.gz", GATE=str(gate))
    gate.touch()
    with cloud.serving("scaled", variant("A", "champion"), variant("B", "gated")):
        gate.unlink()  # until it is back, no further instance comes up
        change = [{"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredInstanceCount": 2}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="scaled", DesiredWeightsAndCapacities=change)
        assert sagemaker.describe_endpoint(EndpointName="scaled")["EndpointStatus"] == "Updating"
        again: dict[str, Any] = {"EndpointName": "scaled", "EndpointConfigName": "scaled"}
        error = refusal(lambda: sagemaker.update_endpoint(**again))["Error"]
        assert "Cannot update in-progress endpoint" in error["Message"]
        error = refusal(lambda: sagemaker.delete_endpoint(EndpointName="scaled"))["Error"]
        assert "Cannot update in-progress" in error["Message"]
        gate.touch()
        first, second = cloud.settle("scaled")["ProductionVariants"]
        assert (first["CurrentWeight"], first["CurrentInstanceCount"]) == (0, 1)
        assert (second["CurrentWeight"], second["CurrentInstanceCount"]) == (1, 2)
        answers = [cloud.invoke("scaled") for _ in range(20)]
        assert {answer["InvokedProductionVariant"] for answer in answers} == {"B"}
        assert len({answer["Body"]["pid"] for answer in answers}) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_servers_end_with_the_emulator_and_the_next_one_starts_afresh(tmp_path: Path, number: signal.Signals) -> None:
    def serve(cloud: Emulator) -> set[int]:
        cloud.model("model", cloud.role("execution", READ), cloud.put_model("model.tar.gz"))
        cloud.config("config", variant("A", "model", InitialInstanceCount=2))
        cloud.client("sagemaker").create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        assert cloud.settle("endpoint")["EndpointStatus"] == "InService"
        found = servers(cloud)
        assert len(found) == 2
        return found

    with Emulator(tmp_path) as cloud:
        pids = serve(cloud)
        with Traffic(cloud, "endpoint") as traffic:
            until(lambda: len(traffic.answers) > 10)
            os.kill(cloud.process.pid, signal.SIGSTOP)  # in the middle of something
            os.kill(cloud.process.pid, number)
            os.kill(cloud.process.pid, signal.SIGCONT)
            assert cloud.process.wait(30) is not None
            traffic.end()
        assert not await_end(pids)
    if number == signal.SIGKILL:  # which had no chance to tidy up
        with Emulator(tmp_path) as cloud:
            assert cloud.client("sagemaker").list_models()["Models"] == []
            assert not list((tmp_path / "sagemaker" / "instances").glob("*"))
            serve(cloud)


TAKEN = """
import socket, sys, time
from pathlib import Path
from tests.local_aws.sagemaker import model_server
with socket.create_server(("127.0.0.1", 0)) as other:
    ports = [model_server._free_port(), other.getsockname()[1]]
    expected = ports[0]
    model_server._free_port = ports.pop
    model = Path(sys.argv[1])
    program = Path("tests/runtime/container.py").resolve()
    server = model_server.ModelServer(
        "primary", program=program, model=model, environment={}, log=model / "log", stream=None
    )
    try:
        assert server.wait_until_healthy(time.monotonic() + 60), server.log.read_text()
        assert server.port == expected
    finally:
        server.stop()
"""


def test_a_port_that_somebody_took_is_given_up_for_another(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_bytes(INFERENCE)
    command = [sys.executable, "-c", TAKEN, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
