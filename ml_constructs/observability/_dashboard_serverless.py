"""How near a serverless variant is to its concurrency, and how often and how long requests wait for a container."""

from __future__ import annotations

from ml_constructs.observability._dashboard_rows import QUARTER
from ml_constructs.observability._dashboard_view import View, line
from ml_constructs.observability.metric_expressions import milliseconds, per_minute, percent


def concurrency(view: View) -> None:
    """Concurrency in use, cold starts and memory; what is not provisioned draws nothing."""
    ((_, source),) = view.sources
    starts = source.metric("ModelSetupTime", statistic="SampleCount")
    used = {
        "m": ("ServerlessConcurrentExecutionsUtilization", "of the maximum"),
        "p": ("ServerlessProvisionedConcurrencyUtilization", "of the provisioned"),
    }
    view.rows.add(
        view.graph(
            "Concurrency in use (%)",
            [percent(source.metric(name, statistic="Maximum"), key, label) for key, (name, label) in used.items()],
            width=QUARTER,
            lines=line(view.thresholds.concurrency_percent, "alarm on the maximum"),
        ),
        view.graph("Cold starts per minute", [per_minute(starts, "c", source.name)], width=QUARTER),
        view.graph(
            "Cold start (ms)",
            [
                milliseconds(source.metric("ModelSetupTime", statistic=each), f"s{each.lower()}", each)
                for each in ("Average", "Maximum")
            ],
            width=QUARTER,
            lines=line(view.thresholds.cold_start_ms, "alarm on the longest"),
        ),
        view.graph(
            "Memory, fullest (%)",
            [source.metric("MemoryUtilization", statistic="Maximum", label=source.name)],
            width=QUARTER,
            lines=line(view.thresholds.memory_percent),
        ),
    )
