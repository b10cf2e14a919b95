"""Callers: each with credentials of its own, at a pace that the story sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from tests.local_aws.demo.snapshot import Call

# Two tumours of scikit-learn's breast cancer data, one malignant and one benign.
MALIGNANT: Final = (
    *(17.99, 10.38, 122.8, 1001.0, 0.1184, 0.2776, 0.3001, 0.1471, 0.2419, 0.07871),
    *(1.095, 0.9053, 8.589, 153.4, 0.006399, 0.04904, 0.05373, 0.01587, 0.03003, 0.006193),
    *(25.38, 17.33, 184.6, 2019.0, 0.1622, 0.6656, 0.7119, 0.2654, 0.4601, 0.1189),
)
BENIGN: Final = (
    *(13.08, 15.71, 85.63, 520.0, 0.1075, 0.127, 0.04568, 0.0311, 0.1967, 0.06811),
    *(0.1852, 0.7477, 1.383, 14.67, 0.004097, 0.01898, 0.01698, 0.00649, 0.01678, 0.002425),
    *(14.5, 20.49, 96.09, 630.5, 0.1312, 0.2776, 0.189, 0.07283, 0.3184, 0.08183),
)
BODY: Final = {"instances": [MALIGNANT, BENIGN]}

_JOIN_SECONDS: Final = 2.0  # for requests under way; the threads end with the process in any case
_NO_ANSWER: Final = 0


class Answered(Protocol):
    """An answer of the API."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def variant(self) -> str | None:
        """The variant that served the request."""


Post = Callable[[], Answered]


class Journal:
    """Every call, in the order of the answers."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._calls: list[Call] = []

    @property
    def second(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    def add(self, call: Call) -> None:
        """Keep a call; from any thread."""
        self._calls.append(call)

    def since(self, second: float) -> list[Call]:
        """The calls that were answered from a moment on."""
        calls = self._calls
        first = len(calls)
        while first and calls[first - 1].at >= second:
            first -= 1
        return calls[first:]


class Callers:
    """Threads that call until the end, one for each way to call.

    Args:
        posts: Send one request each, with the credentials of one caller.
        journal: Where the answers are kept.
    """

    def __init__(self, posts: Sequence[Post], journal: Journal) -> None:
        self._journal = journal
        self._ended = threading.Event()
        self._pause = 0.0
        self._threads = [threading.Thread(target=self._call, args=(post,), daemon=True) for post in posts]

    def pace(self, per_second: float | None) -> None:
        """Let all callers together send so many requests a second; None: as many as they can."""
        self._pause = 0.0 if per_second is None else len(self._threads) / per_second

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _call(self, post: Post) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            status, variant = _NO_ANSWER, None
            try:
                answer = post()
                status, variant = answer.status, answer.variant
            except (OSError, ValueError):  # no connection, or an answer that is none
                self._ended.wait(0.1)
            spent = time.monotonic() - began
            self._journal.add(Call(at=self._journal.second, seconds=spent, status=status, variant=variant))
            self._ended.wait(max(0.0, self._pause - spent))
