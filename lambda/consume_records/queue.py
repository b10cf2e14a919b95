"""The Lambda handler behind a queue. What can be prepared once is prepared while it starts, or fails then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from consume_records.workers import create_message_worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consume_records.observer import Context

_WORKER: Final = create_message_worker(os.environ)


def handle(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
    """Process the messages of one event of SQS; gives those that shall come back."""
    return _WORKER.handle(event, context)
