"""The function's process: prepare once, then answer one request after the other until Lambda ends it."""

from __future__ import annotations

import os
import sys

from invoke_endpoint.endpoint import Endpoint
from invoke_endpoint.metrics import Metrics
from invoke_endpoint.settings import Settings
from stream_endpoint.log import log_as_json
from stream_endpoint.runtime_api import RuntimeApi
from stream_endpoint.service import StreamService


def main() -> int:
    """Answer requests; returns only if the function cannot start."""
    log_as_json(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        settings = Settings.from_environment(os.environ)
        metrics = Metrics(settings.endpoint_name, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))
        service = StreamService(settings, Endpoint(settings), metrics)
    except Exception as error:  # noqa: BLE001 - Lambda logs it and starts the function anew
        api.fail_to_start(error)
        return 1
    while True:
        request = api.next()
        os.environ["_X_AMZN_TRACE_ID"] = request.trace_id  # where the SDK looks for it
        api.reply(request, service.respond(request.event, request))


if __name__ == "__main__":
    sys.exit(main())
