"""What the server holds, counted when it is asked: by SIGUSR1, answered in `census.json` of the run's directory.

Memory that the kernel reports depends on when garbage was collected and freed pages were returned: both are done
first, so that two counts can be compared.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

FILE: Final = "census.json"
_ROUNDS: Final = 3  # a finalizer may leave more to collect
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def install() -> None:
    """Answer the signal from now on."""
    signal.signal(signal.SIGUSR1, _answer)


def _answer(_signal: int, _frame: FrameType | None) -> None:
    file = Path(os.environ["LOCAL_AWS_DIRECTORY"]) / FILE
    count = json.dumps(census())
    draft = file.with_suffix(".draft")
    draft.write_text(count)
    draft.replace(file)  # a reader sees all of it, or nothing


def census() -> dict[str, int]:
    """Objects that the garbage collector knows, resident bytes, threads, connections, and other open files."""
    for _ in range(_ROUNDS):
        gc.collect()
    _return_free_pages()
    files = _open_files()
    sockets = sum(file.startswith("socket:") for file in files)
    return {
        "objects": len(gc.get_objects()),
        "bytes": int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE,
        "threads": threading.active_count(),
        "sockets": sockets,
        "files": len(files) - sockets,
    }


def _open_files() -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the directory itself was open while it was read
            found.append(str(link.readlink()))
    return found


def _return_free_pages() -> None:
    """Have the C library return what it keeps for later; another C library than glibc keeps it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
