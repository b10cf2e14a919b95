"""The Lambda handler. What can be prepared once is prepared while the function starts, or fails then."""

from __future__ import annotations

import os
from typing import Any, Final

# botocore ships no types, and no stub package is worth a dependency for two clients.
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from resume_executions.resumption import Resumption

_CONFIG: Final = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_SESSION: Final = botocore.session.get_session()
_RESUMPTION: Final = Resumption(
    os.environ["TOKENS_TABLE"],
    dynamodb=_SESSION.create_client("dynamodb", config=_CONFIG),
    step_functions=_SESSION.create_client("stepfunctions", config=_CONFIG),
)


def handle(event: dict[str, Any], context: object) -> None:
    """Resume the execution that waits for what a topic has heard; Lambda tries an event again that fails."""
    del context
    for record in event["Records"]:
        _RESUMPTION.resume(record["Sns"]["Message"])
