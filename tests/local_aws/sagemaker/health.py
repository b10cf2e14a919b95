"""Pings every instance in service, and replaces those that died, hang or say that they are not well.

SageMaker asks each running container periodically; an answer other than 200, or none within two seconds, is a failure.
How often it asks, and after how many failures an instance is replaced, is not documented: see `Settings`.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import asyncio
import logging

from tests.local_aws.sagemaker.deployment import in_background
from tests.local_aws.sagemaker.fleet import Fleet
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import Store

_log = logging.getLogger("sagemaker")


class Health:
    """Watches from an event loop of its own: the emulator's may be busy for longer than a ping may take."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def start(self) -> None:
        """Watch until the process ends."""
        in_background("health", lambda: asyncio.run(self._watch()))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_seconds)
            try:
                await self._ping()
                for hosted, fleet in self._store.fleets():
                    await asyncio.to_thread(self._mend, hosted.name, fleet)
            except Exception:  # noqa: BLE001 - logged; the next round comes
                _log.exception("the health of instances was not looked at")

    async def _ping(self) -> None:
        variants = [variant for _, fleet in self._store.fleets() for variant in fleet.variants.values()]
        await asyncio.gather(*(instance.ping() for variant in variants for instance in variant.instances))

    @staticmethod
    def _mend(name: str, fleet: Fleet) -> None:
        if fleet.withdraw():
            in_background(f"replace-{name}", fleet.replace)
