"""Messages of an event stream, as the SageMaker runtime frames an answer in parts.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import binascii
import json
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7
_OVERHEAD: Final = 16


def payload(data: bytes) -> bytes:
    """A part of the model's answer."""
    return message(data, {":message-type": "event", ":event-type": "PayloadPart"})


def exception(kind: str, **members: str) -> bytes:
    """A failure after the answer has begun."""
    return message(json.dumps(members).encode(), {":message-type": "exception", ":exception-type": kind})


def message(data: bytes, headers: Mapping[str, str]) -> bytes:
    """Lengths and their checksum, headers, data, and the checksum of all."""
    encoded = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack("!II", len(encoded) + len(data) + _OVERHEAD, len(encoded))
    framed = prelude + struct.pack("!I", binascii.crc32(prelude)) + encoded + data
    return framed + struct.pack("!I", binascii.crc32(framed))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value
