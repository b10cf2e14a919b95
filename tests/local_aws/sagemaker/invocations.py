"""The way of an invocation through the emulator: past its general dispatcher, which costs more than the model."""

from __future__ import annotations

import asyncio
import logging
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from tests.local_aws import seams
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.requests import PATH
from tests.local_aws.sagemaker.runtime import Runtime
from tests.local_aws.sagemaker.streaming import StreamReply

_log = logging.getLogger("sagemaker")


class InvocationRoute:
    """An ASGI application that answers the SageMaker runtime's paths and hands on all others."""

    def __init__(self, application: seams.Application, runtime: Runtime) -> None:
        self._application = application
        self._runtime = runtime

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        match = PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if match is None:
            await self._application(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        reply = await self._reply(scope, match[2], urllib.parse.unquote(match[1]), headers, body)
        if isinstance(reply, StreamReply):
            await _stream(reply, receive, send)
            return
        status, answered, content = reply
        await _start(send, status, {**answered, "content-length": str(len(content))})
        await send({"type": "http.response.body", "body": content})

    async def _reply(
        self,
        scope: Any,  # noqa: ANN401 - ASGI is untyped
        kind: str,
        name: str,
        headers: dict[str, str],
        body: bytes,
    ) -> seams.Reply | StreamReply:
        try:
            seams.pin_request(scope, headers, body)
            return await self._runtime.invoke(kind, name, headers, body)
        except ApiError as error:
            return error.reply()
        except Exception:  # noqa: BLE001 - logged; the emulator goes on
            _log.exception("an invocation failed")
            return ApiError("InternalFailure", "the local cloud failed; see its log", status=500).reply()


async def _start(send: Any, status: int, headers: Mapping[str, str]) -> None:  # noqa: ANN401 - ASGI is untyped
    answered = {**headers, "x-amzn-RequestId": str(uuid.uuid4())}
    pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answered.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _stream(reply: StreamReply, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
    """Send frames as they come, as long as the caller is there."""
    gone = asyncio.ensure_future(_left(receive))
    try:
        await _start(send, 200, reply.headers)
        while (data := await _next(reply.frames, gone)) is not None:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        reply.close()


async def _next(frames: AsyncIterator[bytes], gone: asyncio.Future[None]) -> bytes | None:
    """The next frame; nothing at the end, and when the caller has left."""
    coming = asyncio.ensure_future(_step(frames))
    waiting: set[asyncio.Future[Any]] = {coming, gone}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if coming.done():
        return coming.result()
    coming.cancel()
    with suppress(asyncio.CancelledError):
        await coming
    return None


async def _step(frames: AsyncIterator[bytes]) -> bytes | None:
    return await anext(frames, None)


async def _left(receive: Any) -> None:  # noqa: ANN401 - ASGI is untyped
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Any) -> bytes | None:  # noqa: ANN401 - ASGI is untyped
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
