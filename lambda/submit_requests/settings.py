"""The environment of the function, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from invoke_endpoint.settings import Settings as EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER: Final = re.compile(r"[\x20-\x7e]{1,1024}")
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
_TIME_TO_LIVE: Final = (60, 21_600)
_TIMEOUT: Final = (1, 3_600)
_RECEIVES: Final = (1, 1_000)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the function needs to know; each field is the environment variable of the same name in capitals."""

    endpoint: EndpointSettings
    """Whom to call, and how long to wait: the variables of `invoke_endpoint`."""
    dead_letter_queue_url: str
    """Takes each upload that cannot be submitted, with the cause. Required."""
    max_receives: int
    """How often an upload is tried, 1 to 1,000. Required: the queue's `maxReceiveCount`."""
    content_type: str | None = None
    """The media type of all objects. Default: that of each object's suffix."""
    accept: str | None = None
    """The media type of the answers. Default: the model decides."""
    time_to_live_seconds: int = 21_600
    """How long a request may wait in the endpoint's queue, 60 to 21,600. Default: 21,600."""
    invocation_timeout_seconds: int = 900
    """How long the model may take, 1 to 3,600. Default: 900."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Parse the environment variables; one that is absent has its default.

        Raises:
            ValueError: a variable is missing or has a value out of range. The function then fails while it starts.
        """
        url = environ.get("DEAD_LETTER_QUEUE_URL", "")
        if not re.fullmatch(r"https?://\S+", url):
            raise ValueError(f"DEAD_LETTER_QUEUE_URL must be the URL of a queue, got {url!r}")
        return cls(
            endpoint=EndpointSettings.from_environment(environ),
            dead_letter_queue_url=url,
            max_receives=_whole(environ, "MAX_RECEIVES", *_RECEIVES),
            content_type=_header(environ, "CONTENT_TYPE"),
            accept=_header(environ, "ACCEPT"),
            time_to_live_seconds=_whole(environ, "TIME_TO_LIVE_SECONDS", *_TIME_TO_LIVE, cls.time_to_live_seconds),
            invocation_timeout_seconds=_whole(
                environ, "INVOCATION_TIMEOUT_SECONDS", *_TIMEOUT, cls.invocation_timeout_seconds
            ),
        )


def _whole(environ: Mapping[str, str], variable: str, low: int, high: int, default: int | None = None) -> int:
    text = environ.get(variable)
    if text is None and default is not None:
        return default
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise ValueError(f"{variable} must be a whole number between {low:,} and {high:,}, got {text!r}")
    return int(text)


def _header(environ: Mapping[str, str], variable: str) -> str | None:
    text = environ.get(variable)
    if text is not None and not _HEADER.fullmatch(text):
        raise ValueError(f"{variable} must be 1 to 1,024 printable ASCII characters, got {text!r}")
    return text
