"""The process of the local cloud: the emulator, taught what this project's stacks need.

The launcher runs it (`python -m tests.local_aws.server`) with a pipe as its standard input; the pipe's end means that
the launcher is gone, and ends this process and its children, whatever they are doing.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from typing import Final

_EXTENSIONS: Final = (
    "sagemaker",
    "stubs",
    "auto_scaling",
    "api_gateway",
    "event_sources",
    "workflows",
    "cloudformation",
    "census",
)
_LOG_WAIT: Final = 0.005  # seconds; a line that comes later stands in the next request's log
_GRACE: Final = 10.0  # seconds from the request to stop until the kill


def main() -> None:
    """Install our services and resource types, then serve until a signal or the launcher's end."""
    threading.Thread(target=_watch_launcher, name="launcher-watch", daemon=True).start()
    warn_about_version()
    seams = importlib.import_module("tests.local_aws.seams")
    seams.treat_loopback_as_tls()
    seams.shorten_log_wait(_LOG_WAIT)
    for extension in _EXTENSIONS:
        importlib.import_module(f"tests.local_aws.{extension}").install()
    importlib.import_module("ministack.app").main()


def warn_about_version() -> None:
    """Say on the standard error that nobody tested the installed emulator, if that is so."""
    seams = importlib.import_module("tests.local_aws.seams")
    untested = seams.untested_version()
    if untested:
        sys.stderr.write(
            f"WARNING: this is MiniStack {untested}, but tests/local_aws/seams.py touches private names and was tested "
            f"with {', '.join(seams.TESTED_VERSIONS)} only: run `make test-local` before you trust it\n"
        )


def _watch_launcher() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
