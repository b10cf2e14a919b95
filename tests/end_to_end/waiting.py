"""Waits for what the cloud does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_LIMIT: Final = 120.0  # seconds, for a machine that does much else
_PAUSE: Final = 0.1

T = TypeVar("T")


def until(condition: Callable[[], T | None]) -> T:
    """What the condition gives, as soon as it gives something.

    Raises:
        TimeoutError: it gave nothing for two minutes.
    """
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(_PAUSE)
    raise TimeoutError(f"it did not happen within {_LIMIT:.0f} seconds")
