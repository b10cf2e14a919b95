"""The Lambda handler. What can be prepared once is prepared while the function starts, or fails then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from invoke_endpoint.endpoint import Endpoint
from invoke_endpoint.metrics import Metrics
from invoke_endpoint.service import Service
from invoke_endpoint.settings import Settings

if TYPE_CHECKING:
    from invoke_endpoint.service import Context

_SETTINGS: Final = Settings.from_environment(os.environ)
_METRICS: Final = Metrics(_SETTINGS.endpoint_name, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))
_SERVICE: Final = Service(_SETTINGS, Endpoint(_SETTINGS), _METRICS)


def handle(event: object, context: Context) -> dict[str, Any]:
    """Answer one event of an API Gateway proxy integration."""
    return _SERVICE.respond(event, context)
