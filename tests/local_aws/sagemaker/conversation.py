"""What one request says to the containers of an instance: to one, or to one after the other.

https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.local_aws.sagemaker.connection import Answer, NotAcceptedError, OpenAnswer
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.model_server import ModelServer
from tests.local_aws.sagemaker.multi_model import LoadRefusedError, MultiModelServer
from tests.local_aws.sagemaker.requests import TARGET_CONTAINER, TARGET_MODEL

BETWEEN_LIMIT: Final = (
    5 * 1024 * 1024
)  # https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html
_ANYTHING: Final = "*/*"  # the caller's Accept is for the last container's answer
_PATH: Final = "/invocations"


@dataclass(frozen=True)
class Heard:
    """What one container made of it."""

    container: str
    status: int
    seconds: float


class TooLongBetweenError(Exception):
    """A container's answer is more than the next one takes."""


class Conversation:
    """A request to one instance, and how far it has come.

    Args:
        instance: Whose containers are asked.
        headers: The last container gets them all, those before it another Accept.
        body: What the first container gets.
    """

    def __init__(self, instance: Instance, headers: Mapping[str, str], body: bytes) -> None:
        self._headers = {name: value for name, value in headers.items() if name != TARGET_CONTAINER}
        self._body = body
        self._model = headers.get(TARGET_MODEL)
        container = headers.get(TARGET_CONTAINER)
        self._servers = [one for one in instance.servers if container is None or one.name == container]
        self.asked: ModelServer | None = None
        """Who was asked last."""

        self.is_loading = False
        """Whether a model is waited for."""

        self.heard: list[Heard] = []

    async def hold(self) -> Answer:
        """The last container's answer, or the first that is no success.

        Raises:
            NotAcceptedError: nobody took anything.
            TooLongBetweenError: an answer is too long for the next container.
            ApiError: a model cannot be had.
            OSError: a container failed after it might have taken the request.
        """
        answer = await self._prepare()
        return await self._ask(self._last, self._headers, self._body) if answer is None else answer

    async def open(self) -> OpenAnswer | Answer:
        """The same, except that the last container's answer is read by the caller, in pieces."""
        answer = await self._prepare()
        if answer is not None:
            return answer
        self.asked = self._last
        try:
            return await self._last.connections.open_request("POST", _PATH, self._headers, self._body)
        except NotAcceptedError as error:
            raise self._lost(error) from error

    @property
    def _last(self) -> ModelServer:
        if not self._servers:
            raise ConnectionError("there is no container of this name")  # a shadow's may be called otherwise
        return self._servers[-1]

    async def _prepare(self) -> Answer | None:
        """Ask all containers but the last, and take over what they say; gives an answer that is no success."""
        for server, following in itertools.pairwise(self._servers):
            answer = await self._ask(server, self._headers | {"accept": _ANYTHING}, self._body)
            if not 200 <= answer.status < 300:
                return answer
            _check_length(server, following, answer)
            self._body = answer.body
            self._headers["content-type"] = answer.headers.get("content-type", "application/octet-stream")
        return None

    async def _ask(self, server: ModelServer, headers: Mapping[str, str], body: bytes) -> Answer:
        self.asked = server
        started, status = time.perf_counter(), 0
        try:
            answer = await self._invoke(server, headers, body)
            status = answer.status
        except NotAcceptedError as error:
            raise self._lost(error) from error
        finally:
            self.heard.append(Heard(server.name, status, time.perf_counter() - started))
        return answer

    def _lost(self, error: NotAcceptedError) -> OSError:
        """Nobody took anything, unless there are containers before this one that did."""
        return error if self.asked is self._servers[0] else ConnectionError(str(error))

    async def _invoke(self, server: ModelServer, headers: Mapping[str, str], body: bytes) -> Answer:
        if not isinstance(server, MultiModelServer) or self._model is None:
            return await server.connections.request("POST", _PATH, headers, body)
        self.is_loading = True
        try:
            async with server.using(self._model) as model:
                self.is_loading = False
                return await server.connections.request("POST", f"/models/{model}/invoke", headers, body)
        except LoadRefusedError as refusal:
            return refusal.answer


def _check_length(server: ModelServer, following: ModelServer, answer: Answer) -> None:
    if len(answer.body) > BETWEEN_LIMIT:
        raise TooLongBetweenError(
            f"Received response from {server.name} with status code {answer.status}. However, the request payload from "
            f"{server.name} to {following.name} is {len(answer.body)} bytes, which has exceeded the maximum limit of "
            "5 MB."
        )
