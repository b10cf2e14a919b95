"""An endpoint's metrics in the units that people read, as its alarms and its dashboard both show them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Token
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs._checks import is_token
from ml_constructs.endpoint_interface import IEndpoint


def failed_percent(endpoint: IEndpoint, variant: str, suffix: str = "") -> cloudwatch.MathExpression:
    """The share of requests that failed for no fault of the caller: a 5XX status, or no valid answer at all.

    `InvocationModelErrors` also counts sockets that broke, timeouts and malformed answers, which have no status, and
    the 4XX ones, which are taken off. `suffix` tells the variables of several expressions in one widget apart.
    """
    names = {"m": "InvocationModelErrors", "c": "Invocation4XXErrors"}
    unanswered = _math(
        f"m{suffix} - c{suffix}",
        {f"{key}{suffix}": endpoint.metric(name, variant=variant) for key, name in names.items()},
    )
    failed = endpoint.metric_invocation_5xx_errors(variant=variant, statistic="Average")
    return _math(f"100 * MAX([e{suffix}, n{suffix}])", {f"e{suffix}": failed, f"n{suffix}": unanswered}, label=variant)


def rejected_percent(endpoint: IEndpoint, variant: str, suffix: str = "") -> cloudwatch.MathExpression:
    """The share of requests that the model answered with a 4XX status."""
    rejected = endpoint.metric_invocation_4xx_errors(variant=variant, statistic="Average")
    return _math(f"100 * c{suffix}", {f"c{suffix}": rejected}, label=variant)


def milliseconds(metric: cloudwatch.Metric, variable: str, label: str | None = None) -> cloudwatch.MathExpression:
    """A metric of microseconds in milliseconds."""
    return _math(f"{variable} / 1000", {variable: metric}, label=label)


def per_minute(metric: cloudwatch.Metric, variable: str, label: str | None = None) -> cloudwatch.MathExpression:
    """A sum per minute, whatever period a dashboard chooses for the time range it shows."""
    return _math(f"60 * {variable} / PERIOD({variable})", {variable: metric}, label=label, period=metric.period)


def cpu_percent(
    endpoint: IEndpoint, variant: str, vcpus: int, suffix: str = "", *, period: Duration | None = None
) -> cloudwatch.MathExpression:
    """CPU in use, as a share of all cores of an instance: SageMaker publishes the sum over the cores."""
    cpu = endpoint.metric_cpu_utilization(variant=variant, period=period)
    cores = Token.as_string(vcpus) if is_token(vcpus) else vcpus
    return _math(f"u{suffix} / {cores}", {f"u{suffix}": cpu}, label=variant, period=period)


def instance_count(endpoint: IEndpoint, variant: str, suffix: str = "") -> cloudwatch.MathExpression:
    """The number of instances, known while there are requests.

    SageMaker publishes no such metric, but adds `1 / instances` to `InvocationsPerInstance` for each request.
    """
    return _math(
        f"FLOOR(i{suffix} / p{suffix} + 0.5)",
        {
            f"i{suffix}": endpoint.metric_invocations(variant=variant),
            f"p{suffix}": endpoint.metric_invocations_per_instance(variant=variant),
        },
        label=variant,
    )


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
