"""What is in front of an endpoint on its dashboard: requests, errors and times of APIs and functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast, runtime_checkable

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs.observability._dashboard_rows import PERCENTILES, THIRD, Rows


@runtime_checkable
class ApiMetrics(Protocol):
    """A front end that is an HTTP API."""

    def metric_count(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - arguments of cloudwatch.Metric
        """Requests."""
        ...

    def metric_4xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 4XX."""
        ...

    def metric_5xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 5XX."""
        ...

    def metric_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time from request to answer, in milliseconds."""
        ...

    def metric_integration_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time spent behind the API, in milliseconds."""
        ...


@runtime_checkable
class FunctionMetrics(Protocol):
    """A front end that is a function."""

    def metric_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations that failed."""
        ...

    def metric_throttles(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations that were throttled."""
        ...

    def metric_duration(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Running time, in milliseconds."""
        ...

    def metric_concurrent_executions(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations under way at a time."""
        ...


def with_functions(front_ends: Sequence[ApiMetrics | FunctionMetrics]) -> list[ApiMetrics | FunctionMetrics]:
    """The front ends, each API followed by its function, none twice."""
    shown: dict[int, ApiMetrics | FunctionMetrics] = {}
    for front_end in front_ends:
        shown.setdefault(id(front_end), front_end)
        function = getattr(front_end, "function", None)
        if isinstance(front_end, ApiMetrics) and isinstance(function, FunctionMetrics):
            shown.setdefault(id(function), function)
    return list(shown.values())


def add_front_end(rows: Rows, front_end: ApiMetrics | FunctionMetrics) -> None:
    """Add a row of what callers of a front end notice."""
    construct = cast("Construct", front_end)
    region = Stack.of(construct).region
    path = construct.node.path
    minute = Duration.minutes(1)
    if isinstance(front_end, ApiMetrics):
        counts = [
            front_end.metric_count(label="requests", period=minute),
            front_end.metric_4xx(statistic="Sum", label="4XX", period=minute),
            front_end.metric_5xx(statistic="Sum", label="5XX", period=minute),
        ]
        latencies = [front_end.metric_latency(statistic=each, label=each, period=minute) for each in PERCENTILES]
        behind = front_end.metric_integration_latency(statistic="p99", label="p99 behind the API", period=minute)
        rows.add(
            rows.graph(region, f"{path}: requests and errors", counts),
            rows.graph(region, f"{path}: latency (ms)", [*latencies, behind]),
        )
        return
    failures = [
        front_end.metric_errors(statistic="Sum", label="errors", period=minute),
        front_end.metric_throttles(statistic="Sum", label="throttles", period=minute),
    ]
    durations = [front_end.metric_duration(statistic=each, label=each, period=minute) for each in PERCENTILES]
    at_once = front_end.metric_concurrent_executions(statistic="Maximum", label="at once", period=minute)
    rows.add(
        rows.graph(region, f"{path}: errors and throttles", failures, width=THIRD),
        rows.graph(region, f"{path}: duration (ms)", durations, width=THIRD),
        rows.graph(region, f"{path}: concurrency", [at_once], width=THIRD),
    )
