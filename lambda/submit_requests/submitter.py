"""Each upload ends as one accepted request, or in the dead-letter queue with its cause."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from invoke_endpoint.failure import FAILURES, explain
from submit_requests.upload import Unusable, parse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from submit_requests.settings import Settings

OUTCOMES: Final = ("Submitted", "DeadLetters", "TransientFailures")
_ADDRESSES: Final = 3  # an interface endpoint has one per zone, and each has the connect timeout
_RESERVE: Final = 1.0  # seconds, to move a message and to return


class Context(Protocol):
    """What Lambda tells about the running batch."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""


class NotSubmittedError(Exception):
    """The message stays in the queue for another attempt."""


class Submitter:
    """Submits uploads.

    A request may be sent twice: a lost answer looks like a lost request. Both have the same inference id, which is also
    in what the endpoint's topics hear.

    Args:
        settings: The endpoint, and how its requests look.
        runtime: A client of the SageMaker runtime.
        sqs: A client of SQS.
        logger: Writes a line for each upload, without payload.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        runtime: Any,  # noqa: ANN401 - botocore generates its clients at run time
        sqs: Any,  # noqa: ANN401
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._sqs = sqs
        self._logger = logger
        self._outcomes: Counter[str] = Counter()

    def submit(self, record: SQSRecord, lambda_context: Context) -> None:
        """Submit the upload of one message; a folder is none.

        Raises:
            NotSubmittedError: the message has to stay in the queue.
        """
        facts: dict[str, object] = {"message_id": record.message_id}
        try:
            upload = parse(record.body)
            facts |= {"key": upload.key, "bytes": upload.size, "inference_id": upload.inference_id}
            if upload.is_folder:
                self._logger.info("folder ignored", extra=facts)
                return
            request = {
                "EndpointName": self._settings.endpoint.endpoint_name,
                "InputLocation": upload.location,
                "InferenceId": upload.inference_id,
                "ContentType": self._settings.content_type or upload.content_type,
                "RequestTTLSeconds": self._settings.time_to_live_seconds,
                "InvocationTimeoutSeconds": self._settings.invocation_timeout_seconds,
                **({} if self._settings.accept is None else {"Accept": self._settings.accept}),
            }
        except Unusable as error:
            self._bury(record, error.kind, error.detail, facts)
            return
        self._check_time(lambda_context)
        try:
            output = self._send(request)
        except FAILURES as error:
            problem = explain(error)
            facts |= problem.log
            if not problem.retryable or self._is_last(record):
                self._bury(record, problem.kind, problem.detail, facts)
                return
            self._outcomes["TransientFailures"] += 1
            self._logger.warning("upload not submitted yet", extra=facts | {"cause": problem.kind})
            raise NotSubmittedError(problem.kind) from error
        self._outcomes["Submitted"] += 1
        self._logger.info("upload submitted", extra=facts | {"output": output.get("OutputLocation")})

    def report(self) -> None:
        """Publish how many uploads ended how since the last report."""
        metrics = EphemeralMetrics()
        metrics.add_dimension("EndpointName", self._settings.endpoint.endpoint_name)
        for name in OUTCOMES:
            metrics.add_metric(name, MetricUnit.Count, self._outcomes[name])
        metrics.flush_metrics()
        self._outcomes.clear()

    def _send(self, request: dict[str, object]) -> dict[str, Any]:
        output: dict[str, Any] = self._runtime.invoke_endpoint_async(**request)
        if output.get("InferenceId") != request["InferenceId"]:  # botocore takes any body with a status of success
            raise ValueError("the answer is not of this request")
        return output

    def _check_time(self, context: Context) -> None:
        endpoint = self._settings.endpoint
        needed = _ADDRESSES * endpoint.connect_timeout_seconds + endpoint.read_timeout_seconds + _RESERVE
        if context.get_remaining_time_in_millis() / 1000 < needed:
            raise NotSubmittedError("out of time")

    def _is_last(self, record: SQSRecord) -> bool:
        received = record.attributes.approximate_receive_count
        return (int(received) if received else math.inf) >= self._settings.max_receives

    def _bury(self, record: SQSRecord, kind: str, detail: str, facts: dict[str, object]) -> None:
        """Move a message to the dead-letter queue; one that cannot be moved stays, because the error goes up."""
        self._sqs.send_message(
            QueueUrl=self._settings.dead_letter_queue_url,
            MessageBody=record.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in {
                    "Cause": kind,
                    "CauseDetail": detail,
                    "OriginalMessageId": record.message_id,
                    "EndpointName": self._settings.endpoint.endpoint_name,
                }.items()
            },
        )
        self._outcomes["DeadLetters"] += 1
        self._logger.error("upload moved to the dead-letter queue", extra=facts | {"cause": kind})
