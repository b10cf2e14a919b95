from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_aws.launcher import HOST, KEPT_RUNS, ROOT, Cloud, CloudError, PortError, interpreter
from tests.local_aws.processes import await_end, descendants

LIMIT = 90  # seconds, for a machine that does much else
MODULE = [sys.executable, "-m", "tests.local_aws"]


def health(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/_ministack/health", timeout=LIMIT) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "the-developers-own")
        patch.setenv("AWS_PROFILE", "production")
        patch.setenv("HTTPS_PROXY", "http://proxy.example.com")
        with Cloud(home=home) as cloud:
            yield cloud


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m tests.local_aws`, once it is ready, and its URL."""
    command = [*MODULE, "--logs", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    found = re.search(r"AWS_ENDPOINT_URL=(\S+)", "".join(lines))
    assert found is not None, "".join(lines)
    yield process, found.group(1)
    if process.poll() is None:
        process.kill()
    process.stdout.close()
    process.wait()


def test_it_answers_on_the_loopback_alone(cloud: Cloud) -> None:
    assert health(cloud.url) == 200
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == cloud.port
    ]
    assert listening == [f"0100007F:{cloud.port:04X}"]


def test_the_server_knows_nothing_of_the_developers_credentials(cloud: Cloud) -> None:
    variables = Path(f"/proc/{cloud.process_id}/environ").read_bytes().decode().split("\0")
    assert not [item for item in variables if "the-developers-own" in item or "production" in item or "proxy." in item]
    assert "AUTH=true" in variables


def test_commands_reach_this_cloud_alone(cloud: Cloud) -> None:
    environment = cloud.environment
    assert environment["AWS_ENDPOINT_URL"] == cloud.url
    assert environment["AWS_SECRET_ACCESS_KEY"] == "test"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert Path(environment["CDK_HOME"]).is_relative_to(cloud.run)
    assert "AWS_PROFILE" not in environment
    assert "HTTPS_PROXY" not in environment


def test_a_taken_port_is_named(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = cloud.run.name.rpartition("-")[0]
    monkeypatch.setattr("tests.local_aws.launcher.time.strftime", lambda _: second)  # two runs of one name
    with pytest.raises(PortError, match=f"port {cloud.port} of 127.0.0.1 is already in use"):
        Cloud(port=cloud.port, home=tmp_path).start()
    assert health(cloud.url) == 200


def test_a_port_that_is_taken_in_the_meantime_is_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken, socket.socket() as probe:
        taken.bind((HOST, 0))
        taken.listen()
        probe.bind((HOST, 0))
        ports = iter([taken.getsockname()[1], probe.getsockname()[1]])
        probe.close()
        monkeypatch.setattr("tests.local_aws.launcher.free_port", lambda: next(ports))
        with Cloud(home=tmp_path) as cloud:
            assert health(cloud.url) == 200


def test_a_missing_interpreter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_PYTHON", str(tmp_path / "python"))
    with pytest.raises(CloudError, match=r"LOCAL_AWS_PYTHON"):
        Cloud(home=tmp_path).start()


def test_a_server_that_cannot_start_shows_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="speed must be positive"):
        Cloud(home=tmp_path, settings={"LOCAL_AWS_SPEED": "-1"}).start()


def test_the_log_stays_and_the_temporary_files_go(tmp_path: Path) -> None:
    with Cloud(home=tmp_path) as cloud:
        group = descendants(cloud.process_id)
    assert not await_end(group)
    assert cloud.log.stat().st_size > 0
    assert not (cloud.run / "tmp").exists()
    with pytest.raises(CloudError):
        cloud.check()


def test_an_untested_emulator_says_so() -> None:
    program = "from tests.local_aws import seams, server; seams.TESTED_VERSIONS = ('0.1',); server.warn_about_version()"
    done = subprocess.run(
        [str(interpreter()), "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=LIMIT
    )
    assert re.search(r"WARNING: this is MiniStack 1\.\S+, but .* tested with 0\.1 only", done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name)
def test_every_signal_ends_it_cleanly(foreground: tuple[subprocess.Popen[str], str], number: signal.Signals) -> None:
    process, _ = foreground
    family = descendants(process.pid)
    assert len(family) > 1
    process.send_signal(number)
    assert process.wait(LIMIT) == 0
    assert process.stdout is not None
    assert "has stopped" in process.stdout.read()
    assert not await_end(family)


def test_nothing_outlives_a_killed_launcher(foreground: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = foreground
    family = descendants(process.pid)
    process.kill()
    process.wait()
    assert len(family) > 1
    assert not await_end(family)


def test_a_killed_server_is_reported(foreground: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = foreground
    (server,) = descendants(process.pid) - {process.pid}
    os.kill(server, signal.SIGKILL)
    assert process.wait(LIMIT) == 1
    assert process.stdout is not None
    assert "the local cloud has ended" in process.stdout.read()


def test_old_runs_are_removed_but_not_live_ones(tmp_path: Path) -> None:
    live = tmp_path / f"20000101-000000-{os.getpid()}"
    old = [tmp_path / f"20000102-0000{number:02}-{2**22 + number}" for number in range(KEPT_RUNS + 2)]
    for run in (live, *old):
        run.mkdir()
    Cloud(home=tmp_path)._prepare()
    assert live.exists()
    assert [run.exists() for run in old] == [False] * 3 + [True] * (KEPT_RUNS - 1)
