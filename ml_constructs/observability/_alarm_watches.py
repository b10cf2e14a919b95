"""What is watched of each kind of endpoint: one alarm for each way in which it lets its callers down.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs._checks import is_token
from ml_constructs.endpoints._kind import Kind
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.metric_expressions import (
    Source,
    broken_percent,
    cpu_percent,
    failed_percent,
    lost_percent,
    milliseconds,
    percent,
    rejected_percent,
    unit_count,
)
from ml_constructs.scaling.interface import IScaling

_AT_OR_ABOVE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_FINE: Final = cloudwatch.TreatMissingData.NOT_BREACHING


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One alarm; unless it says otherwise, three minutes of five call, and no data is no request."""

    what: str
    metric: cloudwatch.IMetric
    threshold: float | None
    """None for no alarm."""
    description: str
    periods: float = 5
    datapoints: float = 3
    missing: cloudwatch.TreatMissingData = _FINE
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A variant or an inference component, and what is known of it."""

    source: Source
    title: str
    """What it is, in front of each description."""
    alarm_prefix: str
    """What it is, in front of each alarm's name."""
    thresholds: AlarmThresholds
    log_group: str
    vcpus: int | None = None
    scaling: IScaling | None = None


Percent = Callable[..., cloudwatch.MathExpression]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the requests of one kind are watched, and by what alarms."""

    watches: tuple[Callable[[Watched, Plan], Watch | None], ...]
    failed: Percent = failed_percent
    """The share of failed requests, as far as it is published."""
    requests: str = "Invocations"
    """Counts the requests."""
    sparse: bool = False
    """Whether requests are so few that minutes without any lie between them."""
    steady: bool = False
    """Whether instances are always there, so that their silence should be seen."""
    unit: str = "instance"
    """What scales."""


def watches(plan: Plan, watched: Watched) -> Iterator[Watch]:
    """The alarms of a variant or a component that its thresholds do not switch off."""
    for make in plan.watches:
        watch = make(watched, plan)
        if watch is not None and watch.threshold is not None:
            yield watch


def _window(plan: Plan) -> tuple[Duration | None, dict[str, Any]]:
    """The period, and how many are looked at: as many bad ones call, but within an hour where requests are few."""
    return (Duration.minutes(5), {"periods": 12}) if plan.sparse else (None, {})


def _errors(watched: Watched, plan: Plan) -> Watch:
    period, window = _window(plan)
    return Watch(
        what="errors",
        metric=plan.failed(watched.source, period=period),
        threshold=watched.thresholds.error_percent,
        description=f"requests fail (percent). Look first at the container's log in {watched.log_group}, then whether "
        "a deployment is under way.",
        **window,
    )


def _client_errors(watched: Watched, plan: Plan) -> Watch:
    period, window = _window(plan)
    return Watch(
        what="client-errors",
        metric=rejected_percent(watched.source, period=period),
        threshold=watched.thresholds.client_error_percent,
        description="the model rejects requests with 4XX (percent). Look first at the container's log in "
        f"{watched.log_group} for the reason, then at what changed in the callers' requests or in the input that the "
        "model expects.",
        **window,
    )


def _model_latency(watched: Watched, plan: Plan) -> Watch:
    return Watch(
        what="model-latency",
        metric=milliseconds(watched.source.metric("ModelLatency", statistic="p99"), "l"),
        threshold=watched.thresholds.model_latency_ms,
        description=f"the model answers slowly (p99, milliseconds). Look first at CPU and requests per {plan.unit}, "
        "then whether the requests grew or a new model was deployed.",
    )


def _overhead_latency(watched: Watched, _: Plan) -> Watch:
    return Watch(
        what="overhead-latency",
        metric=milliseconds(watched.source.metric("OverheadLatency"), "o"),
        threshold=watched.thresholds.overhead_latency_ms,
        description="SageMaker adds latency to the model's (average, milliseconds). Look first at the size of "
        "requests and answers, then at the AWS Health Dashboard.",
    )


def _resource(watched: Watched, plan: Plan, what: str, metric: cloudwatch.IMetric, text: str) -> Watch:
    return Watch(
        what=what,
        metric=metric,
        threshold=getattr(watched.thresholds, f"{what}_percent"),
        description=text,
        periods=3,
        datapoints=3,
        missing=cloudwatch.TreatMissingData.MISSING if plan.steady else _FINE,
    )


def _five_minutes() -> Duration:
    return Duration.minutes(5)  # the longest interval at which SageMaker can be asked to publish


def _cpu(watched: Watched, plan: Plan) -> Watch | None:
    if watched.vcpus is None or watched.thresholds.cpu_percent is None:
        return None
    metric = cpu_percent(watched.source, watched.vcpus, period=_five_minutes())
    text = (
        "the CPUs are busy (percent of all cores). Look first whether the variant has scaled to its largest size, then "
        "at requests per instance."
    )
    return _resource(watched, plan, "cpu", metric, text)


def _memory(watched: Watched, plan: Plan) -> Watch:
    metric = watched.source.metric("MemoryUtilization", statistic="Maximum", period=_five_minutes())
    text = (
        "an instance runs out of memory (percent). Look first whether it grows steadily, which is a leak in the "
        "container, or with the load, which takes fewer workers or larger instances."
    )
    return _resource(watched, plan, "memory", metric, text)


def _disk(watched: Watched, plan: Plan) -> Watch:
    metric = watched.source.metric("DiskUtilization", statistic="Maximum", period=_five_minutes())
    text = (
        "an instance runs out of disk (percent). Look first at what the container writes, then at the size of its "
        "volume."
    )
    return _resource(watched, plan, "disk", metric, text)


_GROWTH: Final = {
    "instance": ("variant", "instances", "the account's quota for the instance type"),
    "copy": ("component", "copies", "what the endpoint's instances hold"),
}


def _at_capacity(watched: Watched, plan: Plan) -> Watch | None:
    scaling, minutes = watched.scaling, watched.thresholds.at_capacity_minutes
    if scaling is None or minutes is None or scaling.min_capacity == scaling.max_capacity:
        return None
    title, units, room = _GROWTH[plan.unit]
    return Watch(
        what="at-capacity",
        metric=unit_count(watched.source),
        threshold=scaling.max_capacity,
        description=f"the {title} has scaled to its largest size and cannot grow ({units}). Look first whether "
        f"errors or latency rise; then raise max_capacity, within {room}.",
        periods=minutes,
        datapoints=minutes,
        comparison=_AT_OR_ABOVE,
    )


def _no_traffic(watched: Watched, plan: Plan) -> Watch | None:
    minutes = watched.thresholds.no_traffic_minutes
    if minutes is None:
        return None
    return Watch(
        what="no-traffic",
        metric=watched.source.metric(plan.requests, statistic="Sum"),
        threshold=1,
        description="no request arrives. Look first at the callers and at what is in front of the endpoint, then "
        "at the variant's weight.",
        periods=minutes,
        datapoints=minutes,
        missing=cloudwatch.TreatMissingData.BREACHING,
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    )


def _concurrency(watched: Watched, _: Plan) -> Watch:
    used = watched.source.metric("ServerlessConcurrentExecutionsUtilization", statistic="Maximum")
    return Watch(
        what="concurrency",
        metric=percent(used, "u"),
        threshold=watched.thresholds.concurrency_percent,
        description="almost as many requests are answered at a time as may be; more are throttled (percent). Look "
        "first whether the model became slower; then raise max_concurrency, within the account's quota.",
    )


def _cold_start(watched: Watched, _: Plan) -> Watch:
    time = watched.source.metric("ModelSetupTime", statistic="Maximum", period=_five_minutes())
    return Watch(
        what="cold-start",
        metric=milliseconds(time, "s"),
        threshold=watched.thresholds.cold_start_ms,
        description="requests wait long for a container to start (longest, milliseconds). Look first at the size of "
        "the image and of the model, then whether provisioned concurrency should answer these requests.",
        periods=12,  # containers start now and then
    )


def _failures(watched: Watched, plan: Plan) -> Watch:
    period, window = _window(plan)
    return Watch(
        what="failures",
        metric=lost_percent(watched.source, period=period),
        threshold=watched.thresholds.failed_percent,
        description="asynchronous requests fail for any reason (percent). Look first at the failures' bucket and "
        f"prefix for the reason, then at the data log in {watched.log_group}.",
        **window,
    )


def _count(watched: Watched, what: str, metric: str, threshold: float | None, text: str) -> Watch:
    return Watch(
        what=what,
        metric=watched.source.metric(metric, statistic="Sum", period=Duration.minutes(5)),
        threshold=threshold,
        description=text,
        periods=1,
        datapoints=1,
    )


def _expired(watched: Watched, _: Plan) -> Watch:
    text = (
        "requests waited in vain for as long as their callers let them, and are lost. Look first at the age of the "
        "backlog and at the instances, then at the largest size that scaling allows."
    )
    return _count(watched, "expired", "ExpiredRequests", watched.thresholds.expired_requests, text)


def _notifications(watched: Watched, _: Plan) -> Watch:
    text = (
        "nobody was told of answers or failures, which are in the bucket. Look first whether the topic and its key "
        "still admit the model's role."
    )
    return _count(watched, "notifications", "NotificationFailures", watched.thresholds.unsent_notifications, text)


def _backlog_age(watched: Watched, _: Plan) -> Watch:
    return Watch(
        what="backlog-age",
        metric=watched.source.metric("ApproximateAgeOfOldestRequest", statistic="Maximum"),
        threshold=watched.thresholds.backlog_age_seconds,
        description="requests wait long in the queue (oldest, seconds). Look first whether there are instances and "
        "whether they have reached their largest number, then whether the model became slower.",
    )


def _queue_without_capacity(watched: Watched, _: Plan) -> Watch | None:
    minutes = watched.thresholds.no_capacity_minutes
    if minutes is None:
        return None
    return Watch(
        what="no-capacity",
        metric=watched.source.metric("HasBacklogWithoutCapacity", statistic="Maximum"),
        threshold=1,
        description="requests wait in the queue, and no instance comes. Look first at the scaling activities of the "
        "variant, e.g. for a lack of capacity or a suspension, then at the container's start in "
        f"{watched.log_group}.",
        periods=minutes,
        datapoints=minutes,
        comparison=_AT_OR_ABOVE,
    )


def _component_without_capacity(watched: Watched, _: Plan) -> Watch | None:
    minutes = watched.thresholds.no_capacity_minutes
    if minutes is None:
        return None
    return Watch(
        what="no-capacity",
        metric=watched.source.metric("NoCapacityInvocationFailures", statistic="Sum"),
        threshold=1,
        description="requests fail since there is no copy, and none comes. Look first whether the endpoint's instances "
        f"have room for a copy, then at the container's start in {watched.log_group}.",
        periods=minutes,
        # A minute without a request tells nothing, so that half of the minutes must do.
        datapoints=minutes if is_token(minutes) else -(-minutes // 2),
        comparison=_AT_OR_ABOVE,
    )


_REQUESTS: Final = (_errors, _client_errors, _model_latency, _overhead_latency)
_INSTANCES: Final = (_cpu, _memory, _disk)
_QUEUE: Final = (_failures, _expired, _notifications, _backlog_age, _queue_without_capacity)

VARIANT_PLANS: Final[Mapping[Kind, Plan]] = {
    Kind.REAL_TIME: Plan(watches=(*_REQUESTS, *_INSTANCES, _at_capacity, _no_traffic), steady=True),
    Kind.SERVERLESS: Plan(
        watches=(_errors, _client_errors, _model_latency, _concurrency, _cold_start, _memory, _no_traffic),
        failed=broken_percent,
    ),
    Kind.ASYNCHRONOUS: Plan(
        watches=(_errors, _client_errors, *_QUEUE, _memory, _disk, _no_traffic),  # busy CPUs are what a queue is for
        failed=broken_percent,
        requests="InvocationsProcessed",
        sparse=True,
    ),
    Kind.SHARED: Plan(watches=_INSTANCES),
}
COMPONENT_PLAN: Final = Plan(watches=(*_REQUESTS, _component_without_capacity, _at_capacity, _no_traffic), unit="copy")
