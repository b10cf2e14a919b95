"""A container of an instance: a process that honours the container contract.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.local_aws.sagemaker.connection import Connections

PING_SECONDS: Final = 2.0  # "the request timeout on /ping attempts is 2 seconds"
_GUARD: Final = Path(__file__).with_name("guarded.py")
_ATTEMPTS: Final = 3  # another process may take the port between our choice and the server's start
_STOP_SECONDS: Final = 3.0  # between SIGTERM and SIGKILL; 30 on AWS
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_PING: Final = b"GET /ping HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"

# The kernel ties a child to the thread that started it: this one lives as long as the emulator.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker-start")


@dataclass(frozen=True)
class LogStream:
    """A place in CloudWatch Logs."""

    group: str
    name: str


class ModelServer:
    """A process on a port of its own.

    Args:
        name: What errors, logs and metrics call the container.
        program: What runs in place of the image.
        model: What the program serves: stands in for `/opt/ml/model`, or `/opt/ml/models` of many models.
        environment: Variables of the container.
        log: The file for what the container prints.
        stream: Where that is delivered to.
    """

    def __init__(
        self,
        name: str,
        *,
        program: Path,
        model: Path,
        environment: Mapping[str, str],
        log: Path,
        stream: LogStream,
    ) -> None:
        self.name = name
        self.log = log
        self.stream = stream
        self._program = program
        self._model = model
        self._environment = environment
        self._is_stopped = False
        log.parent.mkdir(parents=True, exist_ok=True)
        self._start()

    def _start(self) -> None:
        self.port = _free_port()
        self.connections = Connections(self.port)
        self._process = _starter.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home = str(self._model.parent)
        local = {name: value.replace("/opt/ml", home) for name, value in self._environment.items()}
        contract = {
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{self.port}-{self.port}",
            "SM_MODEL_DIR": str(self._model),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, str(_GUARD), str(os.getpid()), str(self._program), "--model-dir", str(self._model)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._model,
                env=given | local | contract,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    @property
    def is_over(self) -> bool:
        """Whether it was stopped for good, and prints nothing more."""
        return self._is_stopped and not self.is_running

    def wait_until_healthy(self, deadline: float, given_up: threading.Event | None = None) -> bool:
        """Whether /ping answers 200 before the deadline, of the monotonic clock, and before somebody gives up.

        It is asked once even after the deadline: it may have been healthy while others were waited for.
        """
        attempts = _ATTEMPTS
        while not (given_up and given_up.is_set()):
            if self._answers_ping():
                return True
            if not self.is_running:
                attempts -= 1
                if attempts == 0 or not _is_taken(self.port):
                    return False
                self._start()
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return False

    def _answers_ping(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.client.OK and self.is_running
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def is_well(self) -> bool:
        """Whether it says so, asked once."""
        status = b""
        with suppress(OSError, ValueError):  # nobody listens, too late, or no line at all
            async with asyncio.timeout(PING_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(_PING)
                    status = (await reader.readline())[9:12]
                finally:
                    writer.close()
        return status == b"200"

    def terminate(self) -> None:
        """Ask the process to end."""
        self._is_stopped = True
        self.connections.close()
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once: it may hang."""
        self._is_stopped = True
        self.connections.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End the process: politely, then not."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
