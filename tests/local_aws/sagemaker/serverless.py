"""Serverless variants: processes that come with the requests, and go when there are none.

Each process answers one request at a time, as on AWS; but this machine gets a few processes only, which then share what
comes. The memory of a variant is what its metric is measured by; nothing enforces it.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.metrics import Metrics, microseconds
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import Endpoint

PAYLOAD_LIMIT: Final = (
    4 * 1024 * 1024
)  # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
STARTUP_SECONDS: Final = 180.0  # the same page: the model must answer /ping within three minutes


@dataclass(frozen=True)
class Place:
    """What a request gets: how many others there are, and what it waited for a process, if it had to."""

    concurrent: int
    setup_seconds: float


class Pool:
    """The processes of one serverless variant; all calls are made on the emulator's event loop.

    Args:
        fleet: Starts and stops the variant's instances.
        variant: The variant.
        config: Its ServerlessConfig.
        settings: How long it is idle before a process goes, and how many there may be.
    """

    def __init__(self, fleet: Fleet, variant: Variant, config: Mapping[str, Any], settings: Settings) -> None:
        self._fleet = fleet
        self._variant = variant
        self.memory_mib: int = config["MemorySizeInMB"]
        self.max_concurrency: int = config["MaxConcurrency"]
        self.provisioned: int = config.get("ProvisionedConcurrency", 0)
        self._most = settings.max_serverless_processes
        self._idle_seconds = settings.serverless_idle_seconds
        self._busy = 0
        self._used = time.monotonic()
        self._change: asyncio.Future[None] | None = None

    @property
    def warm(self) -> int:
        """The processes that are there whether or not there are requests."""
        return min(self.provisioned, self._most)

    @property
    def config(self) -> dict[str, int]:
        """The ServerlessConfig as it is now."""
        found = {"MemorySizeInMB": self.memory_mib, "MaxConcurrency": self.max_concurrency}
        return found | ({"ProvisionedConcurrency": self.provisioned} if self.provisioned else {})

    def update(self, update: Mapping[str, int]) -> None:
        """Take over a ServerlessUpdateConfig."""
        self.max_concurrency = update.get("MaxConcurrency", self.max_concurrency)
        self.provisioned = update.get("ProvisionedConcurrency", self.provisioned)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """A process for one request, until that is answered.

        Raises:
            ApiError: ThrottlingException, which says nothing more on AWS either.
            LaunchError: no process comes up.
        """
        if self._busy >= self.max_concurrency:
            raise ApiError("ThrottlingException", "", Message=None)
        self._busy += 1
        try:
            yield Place(self._busy, await self.wait())
        finally:
            self._busy -= 1
            self._used = time.monotonic()

    async def wait(self) -> float:
        """Wait until there are enough processes; gives for how many seconds.

        Raises:
            LaunchError: no process comes up.
        """
        begun = time.perf_counter()
        is_cold = False
        while len(self._variant.instances) < (wanted := min(self._busy, self._most)):
            is_cold = True
            await asyncio.shield(self._scale(wanted))  # others wait for it, too
        return time.perf_counter() - begun if is_cold else 0.0

    def cool(self) -> None:
        """Stop the processes that nobody has needed for a while."""
        is_idle = self._busy == 0 and time.monotonic() - self._used >= self._idle_seconds
        if is_idle and len(self._variant.instances) > self.warm:
            self._scale(self.warm)

    def _scale(self, count: int) -> asyncio.Future[None]:
        """Change the number of processes, unless a change is under way; gives that."""
        if self._change is None or self._change.done():
            self._change = asyncio.ensure_future(asyncio.to_thread(self._fleet.scale, self._variant, count))
            self._change.add_done_callback(_retrieve)
        return self._change


def _retrieve(change: asyncio.Future[None]) -> None:
    """Nobody may be left who waits for it."""
    if not change.cancelled():
        change.exception()


def observe(metrics: Metrics, endpoint: Endpoint, variant: Variant, place: Place) -> None:
    """Publish how much of its concurrency a variant uses, and a cold start."""
    pool = variant.pool
    if pool is None:
        return
    values: dict[str, float] = {"ServerlessConcurrentExecutionsUtilization": place.concurrent / pool.max_concurrency}
    if place.setup_seconds:
        values["ModelSetupTime"] = microseconds(place.setup_seconds)
    if pool.provisioned:
        is_provisioned = place.concurrent <= pool.provisioned
        values |= {
            "ServerlessProvisionedConcurrencyExecutions": min(place.concurrent, pool.provisioned),
            "ServerlessProvisionedConcurrencyUtilization": min(1.0, place.concurrent / pool.provisioned),
            "ServerlessProvisionedConcurrencyInvocations": int(is_provisioned),
            "ServerlessProvisionedConcurrencySpilloverInvocations": int(not is_provisioned),
        }
    metrics.add(endpoint, variant.name, values)
