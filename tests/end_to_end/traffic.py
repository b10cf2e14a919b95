"""Callers who go on and on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.deployment import Deployment

_LIMIT: Final = 120.0  # seconds until the first answers
_PAUSE: Final = 0.02  # seconds: leaves the processor to those who are tested
_ANSWERED: Final = "answered"


class Outcomes(Counter[str]):
    """How requests ended; those that were answered, by the words the caller has for it, and the errors' codes."""

    def await_some(self, number: int) -> None:
        """Wait until there are so many more.

        Raises:
            TimeoutError: there never were.
        """
        wanted, deadline = self.total() + number, time.monotonic() + _LIMIT
        while self.total() < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"too few requests ended within {_LIMIT:.0f} s: {dict(self)}")
            time.sleep(0.01)


@contextmanager
def traffic(*callers: Callable[[], str]) -> Iterator[Outcomes]:
    """Let each caller call again and again, on a thread of its own; what a call returns is counted."""
    finished, lock, outcomes = threading.Event(), threading.Lock(), Outcomes()

    def repeat(caller: Callable[[], str]) -> None:
        while not finished.wait(_PAUSE):
            try:
                outcome = caller()
            except ClientError as error:
                outcome = error.response["Error"]["Code"]
            except Exception as error:  # noqa: BLE001 - whatever it is, the request failed
                outcome = repr(error)
            with lock:
                outcomes[outcome] += 1

    threads = [threading.Thread(target=repeat, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        outcomes.await_some(len(callers))
        yield outcomes
    finally:
        finished.set()
        for thread in threads:
            thread.join()


def invoking(deployment: Deployment, endpoint: str, body: Any) -> Callable[[], str]:  # noqa: ANN401 - JSON
    """A caller of the endpoint itself."""

    def call() -> str:
        deployment.invoke(endpoint, body)
        return _ANSWERED

    return call
