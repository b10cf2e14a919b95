from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.local_aws.demo.commands import Command
from tests.local_aws.processes import await_end

# Starts a child that ignores the request to end, and says its number.
STUBBORN = """
import signal, subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def command(tmp_path: Path, program: str) -> Command:
    log = tmp_path / "log"
    return Command([sys.executable, "-c", program], environment=os.environ, directory=tmp_path, log=log)


def test_tells_how_it_ended_and_what_it_printed(tmp_path: Path) -> None:
    with command(tmp_path, "import sys; print('out'); sys.exit('err')") as run:
        assert run.wait(60) == 1
        assert run.status == 1
    assert sorted(run.output.split()) == ["err", "out"]


def test_ends_with_its_children_however_stubborn(tmp_path: Path) -> None:
    with command(tmp_path, STUBBORN) as run:
        while not run.output.endswith("\n"):
            assert run.status is None, run.output
        child = int(run.output)
    assert run.status is not None
    assert not await_end({child})


def test_says_what_did_not_end(tmp_path: Path) -> None:
    with command(tmp_path, "import time; time.sleep(600)") as run, pytest.raises(TimeoutError, match="-c did not end"):
        run.wait(0.01)
