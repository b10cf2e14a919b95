"""What a policy follows where Application Auto Scaling predefines no metric: any metric, or metric math."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Token
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IConstruct

from ml_constructs._checks import check_type, is_token
from ml_constructs._environment import environment_of
from ml_constructs.interfaces.endpoint import INSTANCE_NAMESPACE, INVOCATION_NAMESPACE

# The other statistics are extended ones, e.g. p99.
STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")

AnyMetric = cloudwatch.Metric | cloudwatch.MathExpression
Customized = autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty


@dataclass(frozen=True, kw_only=True)
class Query:
    """One line of metric math: a metric, or an expression of those before it; the last one is the result."""

    id: str
    metric: cloudwatch.Metric | None = None
    expression: str | None = None
    label: str | None = None


def check_metric(scope: IConstruct, metric: AnyMetric) -> list[Query]:
    """The lines of a metric, one unless it is metric math; `ValueError` unless they are of the region of `scope`."""
    check_type((cloudwatch.Metric, cloudwatch.MathExpression), metric=metric)
    queries = _queries(metric)
    if all(query.metric is None for query in queries):
        raise ValueError("metric must be an expression of at least one metric, got one of none")
    here = environment_of(scope)
    for query in queries:
        if query.metric is None:
            continue
        for what, there, own in (
            ("region", query.metric.region, here.region),
            ("account", query.metric.account, here.account),
        ):
            if there not in {None, own} and not is_token(there) and not is_token(own):
                raise ValueError(f"metric must be of the {what} of what scales, {own}, got one of {there}")
    return queries


def identity(queries: Sequence[Query]) -> Hashable:
    """What two policies must not have in common."""
    lines = tuple(
        query.expression
        if query.metric is None
        else metric_identity(
            query.metric.namespace, query.metric.metric_name, query.metric.dimensions, query.metric.statistic
        )
        for query in queries
    )
    return lines if len(lines) > 1 else lines[0]


def metric_identity(namespace: str, name: str, dimensions: Mapping[str, object] | None, statistic: str) -> Hashable:
    """The identity of one metric."""
    return namespace, name, frozenset((dimensions or {}).items()), statistic


def customized(queries: Sequence[Query]) -> Customized:
    """A metric as target tracking takes it; AWS reads all of them per minute."""
    policy = autoscaling.CfnScalingPolicy
    (*_, last) = queries
    metric = last.metric
    if metric is not None and metric.statistic in STATISTICS:
        return policy.CustomizedMetricSpecificationProperty(
            namespace=metric.namespace,
            metric_name=metric.metric_name,
            statistic=metric.statistic,
            unit=None if metric.unit is None else unit_name(metric.unit),
            dimensions=[
                policy.MetricDimensionProperty(name=name, value=value)
                for name, value in (metric.dimensions or {}).items()
            ],
        )
    return policy.CustomizedMetricSpecificationProperty(
        metrics=[
            policy.TargetTrackingMetricDataQueryProperty(
                id=query.id,
                expression=query.expression,
                label=query.label,
                metric_stat=None if query.metric is None else _tracked_stat(query.metric),
                return_data=query is last,
            )
            for query in queries
        ]
    )


def alarm_queries(queries: Sequence[Query]) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    """Metric math as an alarm takes it."""
    (*_, last) = queries
    return [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id=query.id,
            expression=query.expression,
            label=query.label,
            metric_stat=None
            if query.metric is None
            else cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=query.metric.namespace,
                    metric_name=query.metric.metric_name,
                    dimensions=alarm_dimensions(query.metric),
                ),
                period=query.metric.period.to_seconds(),
                stat=query.metric.statistic,
                unit=None if query.metric.unit is None else unit_name(query.metric.unit),
            ),
            return_data=query is last,
        )
        for query in queries
    ]


def alarm_dimensions(metric: cloudwatch.Metric) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    """The dimensions of a metric as an alarm takes them."""
    return [
        cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
        for name, value in (metric.dimensions or {}).items()
    ]


def cpu_sum(dimensions: Mapping[str, str]) -> Customized:
    """CPU summed over the cores, as SageMaker publishes it."""
    return one_metric(INSTANCE_NAMESPACE, "CPUUtilization", dimensions, "Average", "Percent")


def one_metric(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, unit: str | None = None
) -> Customized:
    """One metric under its official name."""
    policy = autoscaling.CfnScalingPolicy
    return policy.CustomizedMetricSpecificationProperty(
        namespace=namespace,
        metric_name=name,
        statistic=statistic,
        unit=unit,
        dimensions=[policy.MetricDimensionProperty(name=key, value=value) for key, value in dimensions.items()],
    )


def cpu_share(dimensions: Mapping[str, str], cores: int) -> Customized:
    """CPU as a share of all cores, computed by CloudWatch, for values that are known only at deployment."""
    stat = ("CPUUtilization", "Average", "Percent")
    return _computed(INSTANCE_NAMESPACE, stat, dimensions, "cpu", ("share", f"cpu / {Token.as_string(cores)}"))


def requests_per_second(name: str, dimensions: Mapping[str, str], safety_factor: float) -> Customized:
    """Requests per second that load testing would have to sustain, for values that are known only at deployment."""
    factor = Token.as_string(safety_factor) if is_token(safety_factor) else safety_factor
    return _computed(
        INVOCATION_NAMESPACE, (name, "Sum", None), dimensions, "requests", ("peak", f"requests / 60 / {factor}")
    )


def utilization_percent(
    dimensions: Mapping[str, str],
    *,
    namespace: str = INVOCATION_NAMESPACE,
    metric_name: str = "ServerlessProvisionedConcurrencyUtilization",
) -> Customized:
    """Provisioned concurrency in use, in percent, for values that are known only at deployment."""
    stat = (metric_name, "Average", None)
    return _computed(namespace, stat, dimensions, "used", ("percent", "100 * used"))


def _computed(
    namespace: str,
    stat: tuple[str, str, str | None],
    dimensions: Mapping[str, str],
    variable: str,
    result: tuple[str, str],
) -> Customized:
    policy = autoscaling.CfnScalingPolicy
    metric = policy.TargetTrackingMetricProperty(
        namespace=namespace,
        metric_name=stat[0],
        dimensions=[
            policy.TargetTrackingMetricDimensionProperty(name=name, value=value) for name, value in dimensions.items()
        ],
    )
    return policy.CustomizedMetricSpecificationProperty(
        metrics=[
            policy.TargetTrackingMetricDataQueryProperty(
                id=variable,
                metric_stat=policy.TargetTrackingMetricStatProperty(metric=metric, stat=stat[1], unit=stat[2]),
                return_data=False,
            ),
            policy.TargetTrackingMetricDataQueryProperty(id=result[0], expression=result[1], return_data=True),
        ]
    )


def _queries(metric: cloudwatch.IMetric, name: str | None = None) -> list[Query]:
    """The lines of metric math, what an expression uses before the expression; the CDK keeps their names apart."""
    if isinstance(metric, cloudwatch.Metric):
        return [Query(id=name or "result", metric=metric, label=metric.label)]
    if not isinstance(metric, cloudwatch.MathExpression):
        raise TypeError(f"metric must use only Metric and MathExpression, got {metric!r}")
    used: dict[str, Query] = {}
    for variable, each in metric.using_metrics.items():
        for query in _queries(each, variable):
            used.setdefault(query.id, query)
    while name is None or name in used:
        name = "result" if name is None else f"{name}_"
    return [*used.values(), Query(id=name, expression=metric.expression, label=metric.label)]


def _tracked_stat(metric: cloudwatch.Metric) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricStatProperty:
    policy = autoscaling.CfnScalingPolicy
    return policy.TargetTrackingMetricStatProperty(
        metric=policy.TargetTrackingMetricProperty(
            namespace=metric.namespace,
            metric_name=metric.metric_name,
            dimensions=[
                policy.TargetTrackingMetricDimensionProperty(name=name, value=value)
                for name, value in (metric.dimensions or {}).items()
            ],
        ),
        stat=metric.statistic,
        unit=None if metric.unit is None else unit_name(metric.unit),
    )


def unit_name(unit: cloudwatch.Unit) -> str:
    """A unit as CloudWatch writes it, e.g. `Bytes/Second`; the enumeration holds only its own names."""
    return "/".join(part.capitalize() for part in unit.name.split("_PER_"))
