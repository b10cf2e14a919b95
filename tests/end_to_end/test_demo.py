"""`make demo` without a terminal: to its end, stopped in the middle, and where it cannot start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.local_aws.launcher import ROOT
from tests.local_aws.processes import await_end

LIMIT: Final = 1200  # seconds for the whole demo; about 50 on an idle machine
STOPPED: Final = 130


def command(directory: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.local_aws.demo"),
        *("--assembly", str(directory / "cdk.out"), "--logs", str(directory / "logs")),
    ]


def run(directory: Path, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(directory), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def left_behind(directory: Path) -> set[int]:
    """The processes that know the directory: the cloud, its models and functions, and the command line."""
    mark, found = str(directory).encode(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() + (process / "cmdline").read_bytes():
                found.add(int(process.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return await_end(found - {os.getpid()})


def test_everything_happens_as_told(tmp_path: Path) -> None:
    done = run(tmp_path)
    text = done.stdout
    assert done.returncode == 0, text + done.stderr
    assert done.stderr == ""
    for expected in (
        *(
            "Realtime",
            "DogBreeds",
            "Serverless",
            "Asynchronous",
            "Shadow",
            "Shared",
            "Pipeline",
            "PrivateApi",
            "Queue",
            "Stream",
            "MultiRegionMain",
            "MultiRegionStandby",
            "rolls back on 4 alarms",
            "0 unacknowledged",
            "14 stacks reviewed, nothing left to fix.",
        ),
        *("POST to the API, unsigned", "sagemaker:InvokeEndpoint, past the API"),
        *("What this does not prove", "make local", "All as told"),
    ):
        assert expected in text
    assert re.search(r"CREATE_COMPLETE, (\d+) of \1 resources", text)
    assert text.count("403 refused") == 3
    assert "NOT refused" not in text
    assert re.search(r"champion \d+% of traffic \(weight 90%\) on [3-6] instances", text)
    assert re.search(
        r"ROLLBACK by .*challenger-rollback-\w+: cdk deploy ended with 1, .* UPDATE_ROLLBACK_COMPLETE", text
    )
    (counts,) = re.findall(r"(\d+) of (\d+) requests failed, all in the canary; of the (\d+) since, none\.", text)
    failed, asked, since = (int(number) for number in counts)
    assert 0 < failed < asked
    assert since >= 20
    assert "\x1b" not in text
    assert left_behind(tmp_path) == set()


def test_a_signal_ends_it_in_the_middle_and_all_that_it_started(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as output:
        demo = subprocess.Popen(command(tmp_path), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + LIMIT
    text = ""
    try:
        while "CREATE_IN_PROGRESS" not in text:
            assert demo.poll() is None, text
            assert time.monotonic() < deadline, text
            text = (tmp_path / "output").read_text()
            time.sleep(0.1)
        demo.send_signal(signal.SIGINT)
        status = demo.wait(LIMIT)
    finally:
        demo.kill()
        demo.wait()
    assert status == STOPPED
    text = (tmp_path / "output").read_text()
    assert text.endswith("Stopped; nothing is left running.\n")
    assert "Traceback" not in text
    assert left_behind(tmp_path) == set()


def test_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, {**os.environ, "LOCAL_AWS_PYTHON": str(tmp_path / "python")})
    assert done.returncode == 1
    assert f"error: there is no {tmp_path / 'python'}: run `make local`" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
