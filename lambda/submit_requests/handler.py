"""The Lambda handler. What can be prepared once is prepared while the function starts, or fails then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

# botocore ships no types, and no stub package is worth a dependency for one client.
import botocore.session  # type: ignore[import-untyped]
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from botocore.config import Config  # type: ignore[import-untyped]

from invoke_endpoint.endpoint import create_client
from submit_requests.settings import Settings
from submit_requests.submitter import Submitter

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

_SETTINGS: Final = Settings.from_environment(os.environ)
_SUBMITTER: Final = Submitter(
    _SETTINGS,
    runtime=create_client(_SETTINGS.endpoint),
    sqs=botocore.session.get_session().create_client(
        "sqs", config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    ),
    logger=Logger(),
)
# A batch of failures alone is no crash of the function: each message is retried or buried for itself.
_PROCESSOR: Final = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Submit the uploads of one batch of SQS messages; those that it names as failed stay in the queue."""
    response = process_partial_response(
        event=event, record_handler=_SUBMITTER.submit, processor=_PROCESSOR, context=context
    )
    _SUBMITTER.report()
    return response
