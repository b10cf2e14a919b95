"""Callers who send requests until they are told to stop, and tell what came of it."""

from __future__ import annotations

import threading
import time
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import Emulator

_PAUSE: Final = 0.005  # seconds between two requests: what is watched needs the processor, too


class Traffic:
    """Requests from several callers, from the entry of the block to its end."""

    def __init__(self, cloud: Emulator, endpoint: str, *, callers: int = 2) -> None:
        self._cloud = cloud
        self._endpoint = endpoint
        self._stop = threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(callers)]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(self._cloud.invoke(self._endpoint)["Body"])
            except (BotoCoreError, ClientError) as error:
                self.errors.append(str(error))
            time.sleep(_PAUSE)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def end(self) -> None:
        """Ask the callers to stop."""
        self._stop.set()

    def __exit__(self, *_: object) -> None:
        self.end()
        for thread in self._threads:
            thread.join()

    def tags(self) -> list[str]:
        """Which model answered, in order."""
        return [answer["tag"] for answer in self.answers]
