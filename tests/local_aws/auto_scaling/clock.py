"""The calendar of the service: it starts with the emulator, and runs as fast as everything else in the local cloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """AWS time: the true time at the start, then `speed` AWS seconds in each second of this machine.

    Schedules, cooldowns and every timestamp that the service returns are of this calendar: the CreationTime of a
    target that was just registered says what time it is.
    """

    speed: float
    read: Callable[[], float] = time.time
    started: float = field(init=False)

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError(f"speed must be positive, got {self.speed}")
        object.__setattr__(self, "started", self.read())

    def now(self) -> float:
        """The AWS time, in seconds since 1970."""
        return self.started + (self.read() - self.started) * self.speed
