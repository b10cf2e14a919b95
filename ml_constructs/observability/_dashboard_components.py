"""The inference components on a shared endpoint: what their callers notice, their copies, and what these use."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.observability._dashboard_headline import component_headline
from ml_constructs.observability._dashboard_rows import FULL, PERCENTILES, THIRD
from ml_constructs.observability._dashboard_view import View, line
from ml_constructs.observability._endpoint_parts import components_of, scaling_of_component
from ml_constructs.observability.metric_expressions import (
    component_source,
    failed_percent,
    milliseconds,
    per_minute,
    rejected_percent,
    unit_count,
)

_USED: Final = {
    "CPUUtilizationNormalized": "CPU",
    "MemoryUtilizationNormalized": "memory",
    "GPUUtilizationNormalized": "GPU",
    "GPUMemoryUtilizationNormalized": "GPU memory",
}


def components(view: View) -> None:
    """Two rows for each component that is known."""
    for component in components_of(view.endpoint):
        text = component_headline(component.component_name, view.region)
        view.rows.add(cloudwatch.TextWidget(markdown=text, width=FULL, height=2))
        _callers(view, component)
        _copies(view, component)


def _callers(view: View, component: IInferenceComponent) -> None:
    source = component_source(component)
    limits = view.thresholds
    requests = {"i": ("Invocations", "requests"), "n": ("NoCapacityInvocationFailures", "failed without a copy")}
    failed, rejected = failed_percent(source, "f"), rejected_percent(source, "r")
    view.rows.add(
        view.graph(
            "Requests per minute",
            [per_minute(source.metric(name, statistic="Sum"), key, label) for key, (name, label) in requests.items()],
            width=THIRD,
        ),
        view.graph(
            "Failed and rejected requests (%)",
            [failed.with_(label="failed"), rejected.with_(label="rejected, 4XX")],
            width=THIRD,
            lines=[*line(limits.error_percent, "alarm on failed"), *line(limits.client_error_percent, "on rejected")],
        ),
        view.graph(
            "Model latency (ms)",
            [milliseconds(source.metric("ModelLatency", statistic=each), f"l{each}", each) for each in PERCENTILES],
            width=THIRD,
            lines=line(limits.model_latency_ms, "alarm on p99"),
        ),
    )


def _copies(view: View, component: IInferenceComponent) -> None:
    source = component_source(component)
    scaling = scaling_of_component(component)
    view.rows.add(
        view.graph(
            "Copies (known while there are requests)",
            [unit_count(source)],
            width=THIRD,
            lines=line(None if scaling is None else scaling.max_capacity, "largest number"),
        ),
        view.graph(
            "Requests per copy and minute",
            [per_minute(source.metric("InvocationsPerCopy", statistic="Sum"), "p", source.name)],
            width=THIRD,
        ),
        view.graph(
            "Used of what a copy reserves, average (%)",
            [source.metric(name, label=label) for name, label in _USED.items()],
            width=THIRD,
        ),
    )
