"""Metrics in the units that people read, as alarms and dashboards both show them.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from aws_cdk import Duration, Token
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs._checks import is_token
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint


@dataclass(frozen=True, kw_only=True)
class Source:
    """Whose metrics: those of one variant, or of one inference component."""

    name: str
    metric: Callable[..., cloudwatch.Metric]
    """Takes the name of a metric, and the arguments `statistic`, `period` and `label`."""
    requests_per_unit: str = "InvocationsPerInstance"
    """The requests per instance, or per copy."""


def variant_source(endpoint: IEndpoint, variant: str) -> Source:
    """The metrics of a variant, or of the shadow variant."""
    return Source(name=variant, metric=partial(endpoint.metric, variant=variant))


def component_source(component: IInferenceComponent) -> Source:
    """The metrics of an inference component."""
    return Source(name=component.component_name, metric=component.metric, requests_per_unit="InvocationsPerCopy")


def failed_percent(source: Source, suffix: str = "", *, period: Duration | None = None) -> cloudwatch.MathExpression:
    """The share of requests that failed for no fault of the caller: a 5XX status, or no valid answer at all.

    `InvocationModelErrors` also counts sockets that broke, timeouts and malformed answers, which have no status, and
    the 4XX ones, which are taken off. `suffix` tells the variables of several expressions in one widget apart.
    """
    names = {"m": "InvocationModelErrors", "c": "Invocation4XXErrors"}
    unanswered = _math(
        f"m{suffix} - c{suffix}",
        {f"{key}{suffix}": source.metric(name, period=period) for key, name in names.items()},
        period=period,
    )
    return _math(
        f"100 * MAX([e{suffix}, n{suffix}])",
        {f"e{suffix}": source.metric("Invocation5XXErrors", period=period), f"n{suffix}": unanswered},
        label=source.name,
        period=period,
    )


def broken_percent(source: Source, suffix: str = "", *, period: Duration | None = None) -> cloudwatch.MathExpression:
    """The share of requests with a 5XX status, where `InvocationModelErrors` is not published."""
    return percent(source.metric("Invocation5XXErrors", period=period), f"e{suffix}", source.name)


def rejected_percent(source: Source, suffix: str = "", *, period: Duration | None = None) -> cloudwatch.MathExpression:
    """The share of requests that the model answered with a 4XX status."""
    return percent(source.metric("Invocation4XXErrors", period=period), f"c{suffix}", source.name)


def lost_percent(source: Source, suffix: str = "", *, period: Duration | None = None) -> cloudwatch.MathExpression:
    """The share of queued requests that failed for any reason.

    AWS does not tell whether `InvocationsProcessed` counts those, too; the larger of the two is right at both ends.
    """
    return _math(
        f"100 * f{suffix} / MAX([f{suffix}, p{suffix}])",
        {
            f"f{suffix}": source.metric("InvocationFailures", statistic="Sum", period=period),
            f"p{suffix}": source.metric("InvocationsProcessed", statistic="Sum", period=period),
        },
        label=source.name,
        period=period,
    )


def percent(metric: cloudwatch.Metric, variable: str, label: str | None = None) -> cloudwatch.MathExpression:
    """A share of 1 in percent."""
    return _math(f"100 * {variable}", {variable: metric}, label=label, period=metric.period)


def milliseconds(metric: cloudwatch.Metric, variable: str, label: str | None = None) -> cloudwatch.MathExpression:
    """A metric of microseconds in milliseconds."""
    return _math(f"{variable} / 1000", {variable: metric}, label=label, period=metric.period)


def seconds(
    metric: cloudwatch.Metric, variable: str, label: str | None = None, *, per_second: int = 1_000_000
) -> cloudwatch.MathExpression:
    """A metric of microseconds, or of another part of a second, in seconds."""
    return _math(f"{variable} / {per_second}", {variable: metric}, label=label)


def per_minute(metric: cloudwatch.Metric, variable: str, label: str | None = None) -> cloudwatch.MathExpression:
    """A sum per minute, whatever period a dashboard chooses for the time range it shows."""
    return _math(f"60 * {variable} / PERIOD({variable})", {variable: metric}, label=label, period=metric.period)


def cpu_percent(
    source: Source, vcpus: int, suffix: str = "", *, period: Duration | None = None
) -> cloudwatch.MathExpression:
    """CPU in use, as a share of all cores of an instance: SageMaker publishes the sum over the cores."""
    cores = Token.as_string(vcpus) if is_token(vcpus) else vcpus
    cpu = source.metric("CPUUtilization", period=period)
    return _math(f"u{suffix} / {cores}", {f"u{suffix}": cpu}, label=source.name, period=period)


def unit_count(source: Source, suffix: str = "") -> cloudwatch.MathExpression:
    """The number of instances, or of copies, known while there are requests.

    SageMaker publishes no such metric, but adds `1 / instances` to `InvocationsPerInstance` for each request.
    """
    requests = source.metric("Invocations", statistic="Sum")
    return _quotient(source, requests, source.metric(source.requests_per_unit, statistic="Sum"), suffix)


def queue_instance_count(source: Source, suffix: str = "") -> cloudwatch.MathExpression:
    """The number of instances of an asynchronous endpoint, known while requests are queued or at work."""
    backlog = source.metric("ApproximateBacklogSize")
    return _quotient(source, backlog, source.metric("ApproximateBacklogSizePerInstance"), suffix)


def _quotient(
    source: Source, every: cloudwatch.Metric, each: cloudwatch.Metric, suffix: str
) -> cloudwatch.MathExpression:
    return _math(f"FLOOR(i{suffix} / p{suffix} + 0.5)", {f"i{suffix}": every, f"p{suffix}": each}, label=source.name)


def _math(
    expression: str,
    metrics: Mapping[str, cloudwatch.IMetric],
    *,
    label: str | None = None,
    period: Duration | None = None,
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics=dict(metrics),
        label=label,
        period=Duration.minutes(1) if period is None else period,
    )
