"""Answers that come in parts, framed as an event stream.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import asyncio
import binascii
import json
import logging
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.local_aws.sagemaker.caller import OpenedAnswer

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7  # the type of a header's value
_PRELUDE_AND_CHECKSUMS: Final = 16
_BROKEN: Final = (
    "StreamBroken",
    "The Transmission Control Protocol (TCP) connection between the client and the model was reset or closed.",
)
_LATE: Final = (
    "ModelInvocationTimeExceeded",
    "The model failed to finish sending the response within the timeout period allowed by Amazon SageMaker.",
)
_FAILED: Final = (
    "The stream processing failed because of an unknown error, exception or failure. Try your request again."
)

_log = logging.getLogger("sagemaker")


@dataclass(frozen=True)
class StreamReply:
    """Status 200, these headers, and frames as they come; close it, whether or not they were all sent."""

    headers: Mapping[str, str]
    frames: AsyncIterator[bytes]
    close: Callable[[], None]


class ModelStream:
    """The frames of a model's answer, and how it ended."""

    def __init__(self, opened: OpenedAnswer, *, timeout: float, on_end: Callable[[str], None]) -> None:
        self._opened = opened
        self._deadline = time.monotonic() + timeout
        self._on_end = on_end
        self._error = "StreamBroken"  # should nobody read to the end
        self._is_closed = False

    async def frames(self) -> AsyncIterator[bytes]:
        """A frame for each piece; a last one says what went wrong, if something did."""
        pieces = self._opened.answer.pieces()
        try:
            while True:
                async with asyncio.timeout(max(0.0, self._deadline - time.monotonic())):
                    piece = await anext(pieces, None)
                if piece is None:
                    self._error = ""
                    return
                yield part(piece)
        except TimeoutError:
            self._error = _LATE[0]
            yield failure("ModelStreamError", Message=_LATE[1], ErrorCode=_LATE[0])
        except OSError:
            yield failure("ModelStreamError", Message=_BROKEN[1], ErrorCode=_BROKEN[0])
        except Exception:  # noqa: BLE001 - logged; the caller is told in the stream: the status was sent long ago
            _log.exception("a stream failed")
            self._error = "InternalStreamFailure"
            yield failure("InternalStreamFailure", Message=_FAILED)
        finally:
            self.close()

    def close(self) -> None:
        """Close the model's connection, and tell once how the stream ended."""
        if not self._is_closed:
            self._is_closed = True
            self._opened.close()
            self._on_end(self._error)


def part(data: bytes) -> bytes:
    """The frame of a PayloadPart."""
    return frame(data, {
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    })  # fmt: skip


def failure(kind: str, **members: str) -> bytes:
    """The frame of an exception."""
    return frame(json.dumps(members).encode(), {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    })  # fmt: skip


def frame(payload: bytes, headers: Mapping[str, str]) -> bytes:
    """One message of an event stream: lengths, their checksum, headers, payload, and the checksum of all."""
    encoded = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack("!II", len(encoded) + len(payload) + _PRELUDE_AND_CHECKSUMS, len(encoded))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + encoded + payload
    return message + struct.pack("!I", binascii.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value
