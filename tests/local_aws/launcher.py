"""Starts the local cloud as a process of its own, and makes sure that nothing of it outlives the one who started it.

    with Cloud() as cloud:
        boto3.client("sagemaker", endpoint_url=cloud.url)
        subprocess.run(["cdk", "deploy"], env=cloud.environment)

This module needs the standard library alone: the cloud runs on an interpreter of its own, which has the emulator
installed (`LOCAL_AWS_PYTHON`, by default `.venv-local/bin/python`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "build" / "local"
ACCOUNT: Final = "111122223333"
REGION: Final = "us-east-1"
HOST: Final = "127.0.0.1"
_ATTEMPTS: Final = 3  # somebody may take the free port before the server does
KEPT_RUNS: Final = 10
READY_WITHIN: Final = 60.0  # seconds; 3 on an idle machine
STOPPED_WITHIN: Final = 10.0  # seconds, before the kill
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TERM", "TZ")


def _say_nothing(_line: str) -> None:
    """No progress is wanted."""


class CloudError(RuntimeError):
    """The local cloud did not start, or ended by itself."""


def interpreter() -> Path:
    """The Python that has the emulator: `LOCAL_AWS_PYTHON`, or the one of `make local`."""
    return Path(os.environ.get("LOCAL_AWS_PYTHON") or ROOT / ".venv-local" / "bin" / "python")


def scrubbed() -> dict[str, str]:
    """What a process of the local cloud may know of the developer's environment: no credentials and no proxies."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class PortError(CloudError):
    """Somebody else listens on the port."""


class Cloud:
    """One local cloud, from `start` to `stop`.

    Args:
        port: Where it listens, on 127.0.0.1 only. Default: 0, a free one.
        home: Where logs are kept, a directory per run. Default: `build/local`.
        settings: More environment variables for the server.
        say: Called with a line of progress.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        home: Path = HOME,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = _say_nothing,
    ) -> None:
        self.port = port
        self._wanted_port = port
        self._home = home
        self._settings = dict(settings or {})
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._log_file: IO[bytes] | None = None
        self._mark = uuid.uuid4().hex
        self.run = home

    @property
    def url(self) -> str:
        """The one endpoint of every service."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the server and its children print."""
        return self.run / "server.log"

    @property
    def process_id(self) -> int:
        """The server's process; it leads a process group."""
        if self._process is None:
            raise CloudError("the local cloud is not running")
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """For the CDK command line, the AWS command line and boto3: every service here, nothing anywhere else."""
        return scrubbed() | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(self.run / "cdk-home"),  # the CLI remembers the account of a key
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": f"{HOST},localhost",
        }

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        python = interpreter()
        if not python.exists():
            raise CloudError(f"there is no {python}: run `make local`, or let LOCAL_AWS_PYTHON name its interpreter")
        self._prepare()
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = self._wanted_port or free_port()
            try:
                return self._launch(python)
            except PortError:
                if self._wanted_port or attempt == _ATTEMPTS:
                    raise
        raise AssertionError

    def stop(self) -> None:
        """End the server and all its children; what it logged stays."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            _end(process)
        if self._log_file is not None:
            self._log_file.close()
            self._log_file = None
        shutil.rmtree(self.run / "tmp", ignore_errors=True)

    def check(self) -> None:
        """Raise if the server has ended by itself."""
        if self._process is None or self._process.poll() is not None:
            if self.log.exists() and b"is already in use" in self.log.read_bytes():
                raise PortError(f"port {self.port} of {HOST} is already in use; choose another, or none")
            raise CloudError(f"the local cloud has ended; {self._tail()}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        finished = sorted(run for run in self._home.glob("[0-9]*-[0-9]*") if not _is_live(run))
        for old in finished[: 1 - KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)
        self.run = self._home / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        serial = 0
        while self.run.exists():
            serial += 1
            self.run = self.run.with_name(f"{self.run.name.partition('+')[0]}+{serial}")
        (self.run / "tmp").mkdir(parents=True)
        (self.run / "cdk-home").mkdir()

    def _launch(self, python: Path) -> Self:
        self._say(f"Starting the local cloud (log: {self.log})")
        started = time.monotonic()
        self._log_file = self.log.open("ab")
        self._process = subprocess.Popen(
            [str(python), "-m", "tests.local_aws.server"],
            cwd=ROOT,
            env=self._server_environment(),
            stdin=subprocess.PIPE,  # its end tells the server that we are gone, however we went
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        self._say(f"Ready after {time.monotonic() - started:.1f} s at {self.url}, account {ACCOUNT}, {REGION}")
        return self

    def _server_environment(self) -> dict[str, str]:
        run = self.run
        return scrubbed() | {
            "AUTH": "true",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "MINISTACK_HOST": "localhost",
            "MINISTACK_EDITION": self._mark,  # shown by the health check, which tells our server from another
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "CLOUDTRAIL_RECORDING": "1",
            "DOCKER_HOST": f"unix://{run}/no-docker",  # the emulator would remove containers that it finds
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOCAL_AWS_DIRECTORY": str(run),
            "TMPDIR": str(run / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_PROXY": f"{HOST},localhost",
            **self._settings,
        }

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            self.check()
            if self._answers():
                return
            time.sleep(0.05)
        raise CloudError(f"the local cloud was not ready within {READY_WITHIN:.0f} seconds; {self._tail()}")

    def _answers(self) -> bool:
        """Whether our server answers, and not somebody else on this port."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/_ministack/health", timeout=2) as answer:
                return bool(json.load(answer).get("edition") == self._mark)
        except (OSError, ValueError, AttributeError):
            return False

    def _tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return f"{self.log} ends with:\n" + "\n".join(text[-lines:])


def _is_live(run: Path) -> bool:
    """Whether the process still lives that a run is named after, or another of its number."""
    try:
        os.kill(int(run.name.split("-")[2].partition("+")[0]), 0)
    except (IndexError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, then kill the group: Lambda workers and model servers are in it."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPED_WITHIN)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
