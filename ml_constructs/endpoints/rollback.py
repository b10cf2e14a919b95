"""What makes a deployment turn back: thresholds, and the alarms that watch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_given, check_range, check_type, is_token
from ml_constructs.endpoint_config.instance_variant import construct_ids
from ml_constructs.interfaces.endpoint import IEndpoint

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html
MAX_ROLLBACK_ALARMS: Final = 10

# Two alarms a variant leave room for the user's own up to here; beyond, two alarms watch all variants together.
_MAX_WATCHED_ALONE: Final = 4


@dataclass(frozen=True, kw_only=True)
class RollbackThresholds:
    """When a deployment is taken back: the endpoint then serves its previous configuration.

    Both are measured per variant over one-minute periods; two of three periods beyond a threshold roll back. Copies
    that a shadow variant is sent do not count. An asynchronous endpoint also turns back when it cannot put an answer
    into its bucket.

    Args:
        error_percent: Requests that the model answers with a 5XX status, 0 to 100 percent. Default: 1 percent.
        model_latency: The 99th percentile of the model's own response time, above 0, known at synth; on an
            asynchronous endpoint, which publishes no percentiles, the longest. Default: 5 seconds, which suits few
            models: set it to what your callers tolerate. On an asynchronous endpoint, whose answers may take an hour:
            no limit.

    Raises:
        ValueError: a threshold is out of its range.
    """

    error_percent: float = 1.0
    model_latency: Duration | None = None

    def __post_init__(self) -> None:
        check_given(error_percent=self.error_percent)
        check_range("error_percent", self.error_percent, 0, 100, "percent")
        check_type((Duration, NoneType), model_latency=self.model_latency)
        if self.model_latency is not None:
            if is_token(self.model_latency):
                raise ValueError(
                    "model_latency must be known at synth, because CloudFormation cannot convert it to microseconds, "
                    "got a token"
                )
            if not self.latency_microseconds > 0:
                raise ValueError("model_latency must be longer than 0 seconds, got 0 seconds")

    @property
    def latency_microseconds(self) -> float:
        """The latency threshold in the unit of the metric `ModelLatency`."""
        return 5e6 if self.model_latency is None else self.model_latency.to_milliseconds(integral=False) * 1000


DEFAULT_THRESHOLDS: Final = RollbackThresholds()


def rollback_alarms(
    scope: Construct, endpoint: IEndpoint, thresholds: RollbackThresholds
) -> dict[str, cloudwatch.Alarm]:
    """Alarms on errors and latency by name: two a variant, or two over all variants of an endpoint with many.

    An asynchronous endpoint, which has one variant, publishes other metrics:
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    """
    names = endpoint.variant_names
    groups = [(group_id, name, [name]) for group_id, name in zip(construct_ids(names), names, strict=True)]
    if len(names) > _MAX_WATCHED_ALONE:
        groups = [("all", "all", list(names))]
    # A share known only at deployment cannot be divided; the metric is multiplied instead.
    percent = is_token(thresholds.error_percent)
    errors = thresholds.error_percent if percent else thresholds.error_percent / 100
    watched: list[tuple[str, str, str, float, int]] = [
        ("5xx", "Average", "Invocation5XXErrors", errors, 100 if percent else 1)
    ]
    if not endpoint.asynchronous:
        watched.append(("latency", "p99", "ModelLatency", thresholds.latency_microseconds, 1))
    elif thresholds.model_latency is not None:
        watched.append(("latency", "Maximum", "ModelLatency", thresholds.latency_microseconds, 1))
    if endpoint.asynchronous:
        watched.append(("uploads", "Sum", "ResponseUploadFailures", 0, 1))
    alarms = {}
    for group_id, group, members in groups:
        for kind, statistic, metric_name, threshold, factor in watched:
            metrics = [endpoint.metric(metric_name, variant=name, statistic=statistic) for name in members]
            name = f"{endpoint.endpoint_name}-{group}-rollback-{kind}"
            alarms[name] = cloudwatch.Alarm(
                scope,
                f"Rollback-{group_id}-{kind}",
                alarm_name=name,
                alarm_description=f"Rolls back a deployment of {endpoint.endpoint_name}: {metric_name} of {group}",
                metric=metrics[0] if len(metrics) == 1 and factor == 1 else _worst(metrics, factor),
                threshold=threshold,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=3,
                datapoints_to_alarm=2,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
    return alarms


def _worst(metrics: Sequence[cloudwatch.Metric], factor: int) -> cloudwatch.MathExpression:
    using = {f"m{index}": metric for index, metric in enumerate(metrics)}
    worst = f"MAX([{', '.join(using)}])"
    expression = worst if factor == 1 else f"{factor} * {worst}"
    return cloudwatch.MathExpression(expression=expression, using_metrics=using, period=Duration.minutes(1))
