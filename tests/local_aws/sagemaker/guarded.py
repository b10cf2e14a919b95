"""Runs a Python program that ends when the process that started it does, even if that one is killed.

    python guarded.py PARENT PROGRAM [ARGUMENT...]

Standard input is a pipe whose other end only the parent holds: it closes with the parent. On Linux the kernel kills
this process as well, should a model hold the interpreter lock and keep the watching thread from running.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_watch, daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(program)  # noqa: PTH120 - as Python does for a program that it runs
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
