"""What the functions tell about a batch: one log line, one for each failure, and metrics. Never a payload."""

from __future__ import annotations

from collections import Counter
from typing import IO, TYPE_CHECKING, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consume_records.failure import Failure
    from consume_records.settings import CallSettings


class Context(Protocol):
    """What Lambda tells about the running invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""


class Observer:
    """Writes logs and metrics.

    Args:
        settings: Service and namespace.
        stream: Takes the log lines. Default: the standard output.
    """

    def __init__(self, settings: CallSettings, stream: IO[str] | None = None) -> None:
        self._settings = settings
        self._logger = Logger(service=settings.service_name, stream=stream)

    def failed(self, context: Context, record_id: str, failure: Failure, *, final: bool) -> None:
        """Log that a record was not processed; `final` if it is among the dead letters now."""
        facts = {
            "function_request_id": context.aws_request_id,
            "record_id": record_id,
            "cause": failure.kind,
            "status": failure.status,
            **failure.log,
        }
        self._logger.warning("dead letter" if final else "not processed yet", extra=facts)

    def delay_failed(self, context: Context, error: BaseException) -> None:
        """Log that failed messages come back when their visibility timeout ends, and not before or after."""
        facts = {"function_request_id": context.aws_request_id, "error_type": type(error).__name__}
        self._logger.warning("visibility not changed", extra=facts)

    def finished(
        self,
        context: Context,
        *,
        processed: int,
        duplicates: int,
        dead: Iterable[str],
        retried: int,
        latencies: list[float],
    ) -> None:
        """Log and measure a batch.

        Args:
            context: The invocation.
            processed: How many records have a result.
            duplicates: How many had one before, and were not given another.
            dead: The cause of each dead letter.
            retried: How many records come again.
            latencies: Milliseconds of each call.
        """
        causes = Counter(dead)
        facts = {"processed": processed, "duplicates": duplicates, "dead_letters": causes.total(), "retried": retried}
        self._logger.info("batch", extra={"function_request_id": context.aws_request_id, **facts})
        metrics = self._metrics()
        for latency in latencies:  # first: a hundred values fill a line, which is then written
            metrics.add_metric("Latency", MetricUnit.Milliseconds, latency)
        metrics.add_metric("Processed", MetricUnit.Count, processed)
        metrics.add_metric("Duplicates", MetricUnit.Count, duplicates)
        metrics.add_metric("DeadLetters", MetricUnit.Count, causes.total())
        metrics.add_metric("TransientFailures", MetricUnit.Count, retried)
        metrics.flush_metrics()
        for cause, count in causes.items():
            by_cause = self._metrics()
            by_cause.add_dimension("Cause", cause)
            by_cause.add_metric("DeadLetters", MetricUnit.Count, count)
            by_cause.flush_metrics()

    def _metrics(self) -> EphemeralMetrics:
        metrics = EphemeralMetrics(namespace=self._settings.metrics_namespace, service=self._settings.service_name)
        metrics.add_dimension("EndpointName", self._settings.endpoint.endpoint_name)
        return metrics
