"""One instance of a variant: a process that honours the container contract.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.local_aws.sagemaker.connection import Connections

_GUARD: Final = Path(__file__).with_name("guarded.py")
_ATTEMPTS: Final = 3  # another process may take the port between our choice and the server's start
_PING_SECONDS: Final = 2.0  # "the container must respond to /ping within 2 seconds"
_STOP_SECONDS: Final = 3.0
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")

# The kernel ties a child to the thread that started it: this one lives as long as the emulator.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker-start")


class Instance:
    """A model server on a port of its own, and what the router needs to know about it."""

    def __init__(self, *, program: Path, model: Path, environment: Mapping[str, str], log: Path) -> None:
        self._program = program
        self._model = model
        self._environment = environment
        self._log = log
        self.in_flight = 0
        self._start()

    def _start(self) -> None:
        self.port = _free_port()
        self.connections = Connections(self.port)
        self._process = _starter.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home = str(self._model.parents[1])
        local = {name: value.replace("/opt/ml", home) for name, value in self._environment.items()}
        contract = {
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{self.port}-{self.port}",
            "SM_MODEL_DIR": str(self._model),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, str(_GUARD), str(os.getpid()), str(self._program), "--model-dir", str(self._model)]
        with self._log.open("ab") as log:
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
        """The server's process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def wait_until_healthy(self, seconds: float) -> bool:
        """Whether /ping answers 200 within the time given."""
        deadline = time.monotonic() + seconds
        attempts = _ATTEMPTS
        while time.monotonic() < deadline:
            if self._answers_ping():
                return True
            if not self.is_running:
                attempts -= 1
                if attempts == 0 or not _is_taken(self.port):
                    return False
                self._start()
            time.sleep(0.05)
        return False

    def _answers_ping(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.client.OK and self.is_running
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process: politely, then not."""
        self.connections.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
