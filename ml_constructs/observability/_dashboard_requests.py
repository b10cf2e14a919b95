"""What callers that wait for an answer notice: requests, errors, latency; and how many instances share the load."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs._checks import is_token
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability._dashboard_rows import FULL, HALF, PERCENTILES
from ml_constructs.observability._dashboard_view import View, line
from ml_constructs.observability._endpoint_parts import scaling_of
from ml_constructs.observability.metric_expressions import (
    broken_percent,
    failed_percent,
    milliseconds,
    per_minute,
    rejected_percent,
    unit_count,
)


def traffic(view: View) -> None:
    """Requests, and how they are shared."""
    requests = {f"i{n}": source.metric("Invocations", statistic="Sum") for n, source in view.sources}
    several = len(requests) > 1
    drawn = view.graph(
        "Requests per minute",
        [per_minute(requests[f"i{n}"], f"i{n}", source.name) for n, source in view.sources],
        width=HALF if several else FULL,
        stacked=True,
    )
    if not several:
        view.rows.add(drawn)
        return
    share = view.graph(
        "Share of the requests (%)",
        [
            cloudwatch.MathExpression(
                expression=f"100 * i{n} / SUM([{', '.join(requests)}])",
                using_metrics=dict(requests),
                label=source.name,
                period=requests["i0"].period,
            )
            for n, source in view.sources
        ],
        lines=_weights(view.endpoint),
    )
    view.rows.add(drawn, share)


def errors(view: View) -> None:
    """Requests that failed, in whichever way, and those that the model rejected."""
    failed = view.graph(
        "Failed requests (%)",
        [failed_percent(source, n) for n, source in view.sources],
        lines=line(view.thresholds.error_percent),
    )
    view.rows.add(failed, _rejected(view))


def answered_errors(view: View) -> None:
    """The same where only what the model answered is published."""
    failed = view.graph(
        "Requests failed by the model, 5XX (%)",
        [broken_percent(source, n) for n, source in view.sources],
        lines=line(view.thresholds.error_percent),
    )
    view.rows.add(failed, _rejected(view))


def latency(view: View) -> None:
    """The model's latency, and SageMaker's."""
    _add_latency(
        view, "Overhead latency of SageMaker (ms)", line(view.thresholds.overhead_latency_ms, "alarm on average")
    )


def latency_with_starts(view: View) -> None:
    """The same where SageMaker's holds the time to start a container, which has a graph and an alarm of its own."""
    _add_latency(view, "Overhead latency of SageMaker, cold starts included (ms)", [])


def load(view: View) -> None:
    """How many instances there are, and what each has to do."""
    limits = [(name, scaling_of(view.endpoint, name)) for name in view.endpoint.variant_names]
    view.rows.add(
        view.graph(
            "Instances (known while there are requests)",
            [unit_count(source, n) for n, source in view.sources],
            lines=[
                each
                for name, scaling in limits
                if scaling is not None
                for each in line(scaling.max_capacity, f"largest size of {name}")
            ],
        ),
        view.graph(
            "Requests per instance and minute",
            [
                per_minute(source.metric("InvocationsPerInstance", statistic="Sum"), f"p{n}", source.name)
                for n, source in view.sources
            ],
        ),
    )


def _add_latency(view: View, title: str, lines: Sequence[cloudwatch.HorizontalAnnotation]) -> None:
    overhead = _latencies(view, "OverheadLatency", ("Average", "Maximum"))  # percentiles of it are not documented
    view.rows.add(
        view.graph(
            "Model latency (ms)",
            _latencies(view, "ModelLatency", PERCENTILES),
            lines=line(view.thresholds.model_latency_ms, "alarm on p99"),
        ),
        view.graph(title, overhead, lines=lines),
    )


def _rejected(view: View) -> cloudwatch.GraphWidget:
    return view.graph(
        "Requests rejected by the model, 4XX (%)",
        [rejected_percent(source, n) for n, source in view.sources],
        lines=line(view.thresholds.client_error_percent),
    )


def _latencies(view: View, metric: str, statistics: Sequence[str]) -> list[cloudwatch.IMetric]:
    return [
        milliseconds(source.metric(metric, statistic=each), f"l{n}{each.lower()}", f"{source.name} {each}")
        for n, source in view.sources
        for each in statistics
    ]


def _weights(endpoint: IEndpoint) -> list[cloudwatch.HorizontalAnnotation]:
    """The configured share of each variant, where it is known."""
    if not isinstance(endpoint, Endpoint) or any(is_token(variant.weight) for variant in endpoint.variants):
        return []
    total = sum(variant.weight for variant in endpoint.variants)
    return [
        each
        for variant in endpoint.variants
        for each in line(100 * variant.weight / total, f"configured for {variant.name}", cloudwatch.Color.GREY)
    ]
