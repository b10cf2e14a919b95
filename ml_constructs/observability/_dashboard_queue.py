"""How an asynchronous endpoint works off its queue, and what is lost on the way."""

from __future__ import annotations

from typing import Final

from ml_constructs.observability._dashboard_rows import HALF, THIRD
from ml_constructs.observability._dashboard_view import View, line
from ml_constructs.observability._endpoint_parts import scaling_of
from ml_constructs.observability.metric_expressions import lost_percent, per_minute, queue_instance_count, seconds

_LOST: Final = {
    "ExpiredRequests": "expired",
    "RequestDownloadFailures": "not downloaded",
    "ResponseUploadFailures": "not uploaded",
    "NotificationFailures": "not notified",
}
_MICROSECONDS: Final = 1_000_000
_MILLISECONDS: Final = 1000
_TIMES: Final = (
    ("TimeInBacklog", "Average", _MICROSECONDS, "in the queue, average"),
    ("ModelLatency", "Average", _MICROSECONDS, "in the model, average"),
    ("ModelLatency", "Maximum", _MICROSECONDS, "in the model, longest"),
    ("TotalProcessingTime", "Average", _MILLISECONDS, "in all, average"),
)


def processed(view: View) -> None:
    """Requests worked off, and those among them that failed."""
    ((_, source),) = view.sources
    requests = source.metric("InvocationsProcessed", statistic="Sum")
    view.rows.add(
        view.graph("Requests processed per minute", [per_minute(requests, "r", source.name)]),
        view.graph(
            "Requests failed for any reason (%)", [lost_percent(source)], lines=line(view.thresholds.failed_percent)
        ),
    )


def queue(view: View) -> None:
    """What waits, for how long, and whether anything works on it."""
    ((_, source),) = view.sources
    age = source.metric("ApproximateAgeOfOldestRequest", statistic="Maximum", label="oldest")
    without = source.metric("HasBacklogWithoutCapacity", statistic="Maximum", label="waiting for an instance")
    view.rows.add(
        view.graph(
            "Requests queued or at work",
            [source.metric("ApproximateBacklogSize", statistic="Maximum", label="backlog")],
            width=THIRD,
        ),
        view.graph(
            "Age of the oldest request (s)", [age], width=THIRD, lines=line(view.thresholds.backlog_age_seconds)
        ),
        view.graph("Backlog without an instance (1 is yes)", [without], width=THIRD),
    )


def times(view: View) -> None:
    """Where time goes, and requests are lost."""
    ((_, source),) = view.sources
    view.rows.add(
        view.graph(
            "Time of a request (s)",
            [
                seconds(source.metric(name, statistic=statistic), f"t{n}", label, per_second=parts)
                for n, (name, statistic, parts, label) in enumerate(_TIMES)
            ],
        ),
        view.graph(
            "Lost requests and answers per minute",
            [
                per_minute(source.metric(name, statistic="Sum"), f"n{n}", label)
                for n, (name, label) in enumerate(_LOST.items())
            ],
        ),
    )


def workers(view: View) -> None:
    """How many instances there are, and what waits for each."""
    ((_, source),) = view.sources
    scaling = scaling_of(view.endpoint, source.name)
    view.rows.add(
        view.graph(
            "Instances (known while there is a backlog)",
            [queue_instance_count(source)],
            width=HALF,
            lines=line(None if scaling is None else scaling.max_capacity, f"largest size of {source.name}"),
        ),
        view.graph(
            "Requests queued or at work per instance",
            [source.metric("ApproximateBacklogSizePerInstance", label=source.name)],
        ),
    )
