"""The way of an invocation through the emulator: past its general dispatcher, which costs more than the model."""

from __future__ import annotations

import logging
import urllib.parse
import uuid
from typing import Any

from tests.local_aws import seams
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.runtime import PATH, Runtime

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
        try:
            seams.pin_request(scope, headers, body)
            reply = await self._runtime.invoke(urllib.parse.unquote(match[1]), match[2], headers, body)
        except ApiError as error:
            reply = error.reply()
        except Exception:  # noqa: BLE001 - logged; the emulator goes on
            _log.exception("an invocation failed")
            reply = ApiError("InternalFailure", "the local cloud failed; see its log", status=500).reply()
        status, answered, content = reply
        answered |= {"content-length": str(len(content)), "x-amzn-RequestId": str(uuid.uuid4())}
        pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answered.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})


async def _read(receive: Any) -> bytes | None:  # noqa: ANN401 - ASGI is untyped
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
