"""Clients of AWS services that many threads use."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any, Final

# botocore ships no types, and no stub package is worth a dependency for a handful of calls.
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

REFUSALS: Final = (BotoCoreError, ClientError)
_CONNECT_SECONDS: Final = 1
_READ_SECONDS: Final = 5
_ATTEMPTS: Final = 3


def create_client(service: str, connections: int) -> Any:  # noqa: ANN401 - botocore generates its clients at run time
    """A client with a connection for each thread, for calls that may be sent again."""
    logging.getLogger("botocore").setLevel(logging.WARNING)  # its debug log contains the payload
    return _session().create_client(
        service,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=connections,
            tcp_keepalive=True,
        ),
    )


@cache
def _session() -> Any:  # noqa: ANN401 - botocore has no types
    """One for all clients: it reads the descriptions of AWS once."""
    return botocore.session.get_session()


def error_code(error: BaseException) -> str:
    """What the service, or botocore, calls the error; its text may contain the payload."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return str(code or type(error).__name__)
