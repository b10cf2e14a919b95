"""The service as the emulator sees it."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import shutil
import threading
import time

from tests.local_aws import seams
from tests.local_aws.sagemaker import authorization, roles
from tests.local_aws.sagemaker.capture import Capture
from tests.local_aws.sagemaker.components import Components
from tests.local_aws.sagemaker.container_logs import ContainerLogs
from tests.local_aws.sagemaker.deployment import in_background
from tests.local_aws.sagemaker.endpoints import Endpoints
from tests.local_aws.sagemaker.errors import ERROR_TYPE, ApiError
from tests.local_aws.sagemaker.health import Health
from tests.local_aws.sagemaker.metrics import Metrics
from tests.local_aws.sagemaker.records import OPERATIONS
from tests.local_aws.sagemaker.runtime import Runtime
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.shapes import read_request
from tests.local_aws.sagemaker.store import Store

_log = logging.getLogger("sagemaker")


class SageMaker:
    """Control plane, runtime and what goes on between calls."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        self.metrics = Metrics(settings.metrics_seconds)
        self.capture = Capture()
        self.logs = ContainerLogs()
        deciding = threading.Lock()
        self.components = Components(settings, self.store, self.logs, deciding)
        self.endpoints = Endpoints(settings, self.store, self.logs, self.components.hosts, deciding)
        self.runtime = Runtime(self.store, self.metrics, self.capture, settings)
        self._operations = OPERATIONS | self.endpoints.operations | self.components.operations
        self._housekeeping: asyncio.Task[None] | None = None
        shutil.rmtree(settings.directory / "instances", ignore_errors=True)
        atexit.register(self.reset)

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> seams.Reply:
        """Answer a call of the control plane."""
        del method, path, query_params
        if self._housekeeping is None or self._housekeeping.done():
            self._begin()
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            return await self._answer(operation, headers, body)
        except ApiError as error:
            return error.reply()

    async def _answer(self, operation: str, headers: dict[str, str], body: bytes) -> seams.Reply:
        if operation not in self._operations:
            raise ApiError(
                "UnknownOperationException", f"the local cloud does not serve {operation or 'this call'} yet"
            )
        request = read_request(operation, body)
        place = self.store.here()
        refused = authorization.refuse(operation, request, headers, body, place)
        if refused is not None:
            return refused
        answer = await asyncio.to_thread(self._operations[operation], place, request)
        return 200, {"Content-Type": ERROR_TYPE}, json.dumps(answer).encode()

    def _begin(self) -> None:
        """Start what goes on between calls, from the emulator's event loop."""
        if self._housekeeping is None:
            Health(self.settings, self.store).start()
            in_background("logs", self._deliver_logs)
        self._housekeeping = asyncio.create_task(self._keep_house())

    async def _keep_house(self) -> None:
        """Publish metrics and captured data, once a period."""
        while True:
            await asyncio.sleep(self.metrics.left())
            try:
                self.runtime.cool()
                self.runtime.queues.observe()
                self.metrics.flush(self.store.fleets())
                await asyncio.to_thread(self.capture.flush)
                await asyncio.to_thread(self.components.hosts.release, self.store.endpoints())
            except Exception:  # noqa: BLE001 - logged; the emulator goes on
                _log.exception("housekeeping failed; it goes on")

    def _deliver_logs(self) -> None:
        while True:
            time.sleep(self.settings.logs_seconds)
            self.logs.deliver()

    def reset(self) -> None:
        """Stop and forget everything."""
        self.runtime.queues.clear()
        self.components.close()
        self.endpoints.close()
        self.store.clear()
        self.logs.clear()
        roles.forget()

    def get_state(self) -> None:
        """Nothing is kept across runs."""

    def load_persisted_state(self, data: object) -> None:
        """Nothing is kept across runs."""
