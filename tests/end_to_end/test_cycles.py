"""The realtime example deployed, used and destroyed again and again: the cloud forgets it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end import inventory
from tests.end_to_end.assemblies import STACK, synthesise
from tests.end_to_end.deployment import ROOT_USER, Deployment
from tests.end_to_end.light import SERVES
from tests.local_aws import census
from tests.local_aws.launcher import Cloud
from tests.local_aws.processes import descendants

SPEED: Final = 600  # no alarm has to go off here
GOOD: Final = {"instances": [[float(number) for number in range(30)]]}
CYCLES: Final = 3
CALLS: Final = 20
LIMIT: Final = 120.0  # seconds until what has been deleted is gone

Census = dict[str, int]


def count(cloud: Cloud) -> Census:
    """What the server holds now, with the processes it has started."""
    file = cloud.run / census.FILE
    file.unlink(missing_ok=True)
    os.kill(cloud.process_id, signal.SIGUSR1)
    deadline = time.monotonic() + LIMIT
    while not file.exists():
        assert time.monotonic() < deadline, f"the server did not answer the signal, see {cloud.log}"
        time.sleep(0.05)
    found: Census = json.loads(file.read_text())
    return found | {"processes": len(descendants(cloud.process_id))}


def live(stack: Deployment, assembly: Path) -> None:
    """Deploy, use, destroy, and remove what is retained."""
    before = inventory.take(stack)
    stack.deploy(STACK, assembly)
    name = stack.endpoint()["EndpointName"]
    for _ in range(CALLS):
        assert stack.post(GOOD, ROOT_USER).status == 200
        stack.invoke(name, GOOD)
    stack.destroy(STACK, assembly)
    inventory.remove_retained(stack, inventory.added(before, inventory.take(stack)))


@pytest.fixture(scope="module")
def counts(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> list[Census]:
    """Before the first cycle and after each."""
    directory = tmp_path_factory.mktemp("cycles")
    for name in ("champion", "challenger"):
        (directory / name / "code").mkdir(parents=True)
        (directory / name / "code" / "inference.py").write_text(SERVES)
    assembly = synthesise(directory / "out", champion=directory / "champion", challenger=directory / "challenger")
    counts = [count(deployment.cloud)]
    for _ in range(CYCLES):
        live(deployment, assembly)
        counts.append(count(deployment.cloud))
    return counts


def test_no_process_and_no_file_is_left(counts: list[Census]) -> None:
    before, first, *later = counts
    for after in (first, *later):
        assert after["processes"] == before["processes"], counts
    for after in later:
        assert after["files"] == first["files"], counts  # one is opened once, and kept


@pytest.mark.parametrize(
    ("what", "tolerance"),
    [
        # Pools grow with what happens to run at the same moment. A leak by request or by resource would be far larger:
        # two cycles are 80 requests and 200 resources.
        ("threads", 10),
        ("sockets", 20),
    ],
)
def test_pools_do_not_grow_with_the_cycles(counts: list[Census], what: str, tolerance: int) -> None:
    assert counts[-1][what] - counts[1][what] <= tolerance, counts


@pytest.mark.parametrize(("what", "part"), [("objects", 0.02), ("bytes", 0.1)])
def test_memory_does_not_grow_with_the_cycles(counts: list[Census], what: str, part: float) -> None:
    """The first cycle loads modules and API models; what follows may only add the history of deleted stacks."""
    first = counts[1][what] - counts[0][what]
    assert first > 0
    assert counts[-1][what] - counts[1][what] <= part * first, counts
