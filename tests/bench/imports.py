"""Importing the library, and importing the aws-cdk-lib modules that it uses."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

PAIRS: Final = 15
_LIBRARY: Final = "from ml_constructs import *"
_LIST: Final = f"""
import sys
{_LIBRARY}
print(*sorted(name for name in sys.modules if name in ("aws_cdk", "constructs") or name.startswith("aws_cdk.aws_")))
"""
_TIME: Final = """
import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def measure() -> tuple[float, float]:
    """Seconds: the library, and the modules alone; medians over alternating fresh processes."""
    modules = f"import {', '.join(_run(_LIST).split())}"
    ours, theirs = [], []
    for _ in range(PAIRS):
        ours.append(float(_run(_TIME.format(statement=_LIBRARY))))
        theirs.append(float(_run(_TIME.format(statement=modules))))
    return statistics.median(ours), statistics.median(theirs)


def _run(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return result.stdout
