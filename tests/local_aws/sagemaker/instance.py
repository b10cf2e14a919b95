"""One instance of a variant: its containers, and what the router needs to know about it."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Sequence

from tests.local_aws.sagemaker.connection import Connections
from tests.local_aws.sagemaker.model_server import ModelServer
from tests.local_aws.sagemaker.multi_model import MultiModelServer
from tests.local_aws.sagemaker.placement import Slot


def new_id() -> str:
    """The id of a new instance."""
    return f"i-{secrets.token_hex(9)[:17]}"


class Instance:
    """Containers that start, serve and end together; one that waits for inference components has none of its own."""

    def __init__(self, instance_id: str, servers: Sequence[ModelServer]) -> None:
        self.id = instance_id
        self.servers = tuple(servers)
        self.in_flight = 0
        self.failed_pings = 0
        self.slot: Slot | None = None
        """The place of a copy of an inference component."""

        self._is_stopped = False

    @property
    def connections(self) -> Connections:
        """The way to the only container, or to the first."""
        return self.servers[0].connections

    @property
    def is_running(self) -> bool:
        """Whether all processes live."""
        return not self._is_stopped and all(server.is_running for server in self.servers)

    @property
    def multi_model(self) -> MultiModelServer | None:
        """The container of many models, if there is one."""
        return next((server for server in self.servers if isinstance(server, MultiModelServer)), None)

    def wait_until_healthy(self, seconds: float, given_up: threading.Event | None = None) -> list[str]:
        """The names of the containers that do not answer 200 to /ping in time, and before somebody gives up."""
        deadline = time.monotonic() + seconds
        return [server.name for server in self.servers if not server.wait_until_healthy(deadline, given_up)]

    async def ping(self) -> None:
        """Ask once whether all containers are well, and count the failures since the last success."""
        are_well = await asyncio.gather(*(server.is_well() for server in self.servers))
        self.failed_pings = 0 if all(are_well) else self.failed_pings + 1

    def settle(self) -> None:
        """Wait, on another thread, until who chose this instance is counted."""
        for server in self.servers:
            server.connections.settle()

    def terminate(self) -> None:
        """Ask the processes to end."""
        self._end()
        for server in self.servers:
            server.terminate()

    def kill(self) -> None:
        """End the processes at once: they may hang."""
        self._end()
        for server in self.servers:
            server.kill()

    def stop(self) -> None:
        """End the processes: politely, then not."""
        self.terminate()
        for server in self.servers:
            server.stop()

    def _end(self) -> None:
        self._is_stopped = True
        if self.slot is not None:
            self.slot.free()
