"""A container of many models: they are downloaded and loaded when they are asked for, and unloaded to make room.

On AWS the instance's memory says how many models there is room for; here a number does, and the container, which
answers 507 where it has no room. Files stay for a while after a model was unloaded, and are not downloaded again.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import ArtefactError
from tests.local_aws.sagemaker.connection import Answer
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.model_server import ModelServer
from tests.local_aws.sagemaker.objects import split_prefix

LOAD_SECONDS: Final = 360.0  # https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html
_OK: Final = 200
_LOADED_ALREADY: Final = 409
_NO_ROOM: Final = 507
_STORED_PER_LOADED: Final = 4
_HEADERS: Final = {"content-type": "application/json", "accept": "application/json"}

Fetch = Callable[[str, Path], None]
"""Brings a target model's files into a directory, or raises ArtefactError."""


class LoadRefusedError(Exception):
    """The container does not load the model; this is what it says."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the container answered {answer.status}")
        self.answer = answer


@dataclass
class _Model:
    """One of the models, while it is loaded or being loaded."""

    name: str = field(default_factory=lambda: secrets.token_hex(16))  # opaque, and another one for each loading
    in_use: int = 0
    is_loaded: bool = False
    loading: asyncio.Task[None] | None = None


class MultiModelServer(ModelServer):
    """Used from the emulator's event loop alone, once it was started.

    Args:
        name: What errors, logs and metrics call the container.
        prefix: The S3 URL that target models are relative to.
        fetch: Reads them.
        most: The number of models that stay loaded; those in use come on top.
        is_keeping: Whether models stay loaded after a request.
        settings: The other arguments of a model server; `model` is the directory of this container's models.
    """

    def __init__(
        self,
        name: str,
        *,
        prefix: str,
        fetch: Fetch,
        most: int,
        is_keeping: bool,
        **settings: Any,  # noqa: ANN401 - those of a model server
    ) -> None:
        self._directory: Path = settings["model"]
        self._prefix = prefix
        self._fetch = fetch
        self._most = most
        self._is_keeping = is_keeping
        self._models: OrderedDict[str, _Model] = OrderedDict()  # by target; what was used last stands last
        self._stored: OrderedDict[str, Path] = OrderedDict()
        self._changing = asyncio.Lock()
        self._events: list[tuple[str, float]] = []
        self._directory.mkdir(parents=True)
        settings["environment"] = {**settings["environment"], "SAGEMAKER_MULTI_MODEL": "true"}
        super().__init__(name, **settings)

    @property
    def loaded(self) -> int:
        """How many models are loaded."""
        return sum(model.is_loaded for model in self._models.values())

    def holds(self, target: str) -> bool:
        """Whether a model is loaded, or on its way."""
        return target in self._models

    def drain(self) -> list[tuple[str, float]]:
        """Names and values of the metrics since the last time; times are in seconds."""
        events, self._events = self._events, []
        return events

    @asynccontextmanager
    async def using(self, target: str) -> AsyncIterator[str]:
        """Load a model unless it is there, and keep it until the end of the block; gives its name in the container.

        Loading goes on where the caller gives up.

        Raises:
            ApiError: ValidationError where the model cannot be downloaded.
            LoadRefusedError: the container does not take it.
            OSError: the container is gone.
        """
        model = self._models.get(target)
        self._events.append(("ModelCacheHit", float(model is not None and model.is_loaded)))
        if model is None:
            model = self._models[target] = _Model()
            model.loading = asyncio.create_task(self._load(target, model))
            model.loading.add_done_callback(_look_at)
        self._models.move_to_end(target)
        model.in_use += 1
        try:
            if not model.is_loaded and model.loading is not None:
                await self._wait(model.loading)
            yield model.name
        finally:
            model.in_use -= 1
            if not self._is_keeping and model.is_loaded and not model.in_use:
                await asyncio.shield(asyncio.create_task(self._unload_unused(target, model)))

    async def _wait(self, loading: asyncio.Task[None]) -> None:
        started = time.perf_counter()
        try:
            await asyncio.shield(loading)
        finally:
            self._events.append(("ModelLoadingWaitTime", time.perf_counter() - started))

    async def _load(self, target: str, model: _Model) -> None:
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                path = await self._downloaded(target)
                async with self._changing:
                    await self._load_into(target, model, path)
        except BaseException:
            del self._models[target]
            raise
        model.is_loaded = True
        await self._forget_files()

    async def _downloaded(self, target: str) -> Path:
        if target not in self._stored:
            started = time.perf_counter()
            path = self._directory / hashlib.sha256(target.encode()).hexdigest()[:32] / "model"
            try:
                await asyncio.to_thread(self._download, target, path)
            except ArtefactError as error:
                bucket, prefix = split_prefix(self._prefix)
                raise ApiError(
                    "ValidationError",
                    f"Failed to download model data(bucket: {bucket}, key: {prefix}{target}). Please ensure that there "
                    "is an object located at the URL and that the role passed to CreateModel has permissions to "
                    "download the model.",
                ) from error
            self._stored[target] = path
            self._events.append(("ModelDownloadingTime", time.perf_counter() - started))
        self._stored.move_to_end(target)
        return self._stored[target]

    def _download(self, target: str, path: Path) -> None:
        try:
            path.mkdir(parents=True)
            self._fetch(target, path)
        except (ArtefactError, OSError) as error:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise error if isinstance(error, ArtefactError) else ArtefactError(str(error)) from error

    async def _load_into(self, target: str, model: _Model, path: Path) -> None:
        """Tell the container to load a model, after others were unloaded where there is no room."""
        while len(self._models) > self._most and await self._unload_oldest():
            pass
        while True:
            started = time.perf_counter()
            body = json.dumps({"model_name": model.name, "url": str(path)}).encode()
            headers = {**_HEADERS, "x-amzn-sagemaker-target-model": target}
            answer = await self.connections.request("POST", "/models", headers, body)
            if answer.status in {_OK, _LOADED_ALREADY}:
                self._events.append(("ModelLoadingTime", time.perf_counter() - started))
                return
            if answer.status != _NO_ROOM or not await self._unload_oldest():
                raise LoadRefusedError(answer)

    async def _unload_oldest(self) -> bool:
        """Unload the model that was not used for the longest time; gives whether there was one."""
        for target, model in self._models.items():
            if model.is_loaded and not model.in_use:
                await self._unload(target, model)
                return True
        return False

    async def _unload_unused(self, target: str, model: _Model) -> None:
        async with self._changing:
            if self._models.get(target) is model and not model.in_use:
                with suppress(OSError):  # the container may be gone
                    await self._unload(target, model)

    async def _unload(self, target: str, model: _Model) -> None:
        started = time.perf_counter()
        del self._models[target]
        await self.connections.request("DELETE", f"/models/{model.name}", {}, b"")
        self._events.append(("ModelUnloadingTime", time.perf_counter() - started))

    async def _forget_files(self) -> None:
        idle = [target for target in self._stored if target not in self._models]
        surplus = len(self._stored) - self._most * _STORED_PER_LOADED
        for target in idle[: max(0, surplus)]:
            await asyncio.to_thread(shutil.rmtree, self._stored.pop(target).parent, ignore_errors=True)


def _look_at(task: asyncio.Task[None]) -> None:
    """Nobody may be left to learn of the failure."""
    if not task.cancelled():
        task.exception()
