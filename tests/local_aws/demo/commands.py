"""Programs that the demo runs beside itself, and that end with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_STOP_SECONDS: Final = 5.0


class Command:
    """A program with its children in a process group of their own: they end together, and get no Ctrl-C of their own.

    Args:
        arguments: The program, then its arguments.
        environment: All that it may know.
        directory: Where it runs.
        log: Where its output goes.
    """

    def __init__(self, arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, log: Path) -> None:
        self.name = Path(arguments[0]).name + " " + arguments[1]
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                list(arguments),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def wait(self, limit: float) -> int:
        """Wait for its end.

        Raises:
            TimeoutError: it did not end within `limit` seconds.
        """
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {limit:.0f} seconds (log: {self.log})") from None

    def stop(self) -> None:
        """End it and whatever it started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
