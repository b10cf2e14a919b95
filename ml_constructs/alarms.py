"""What on-call hears of an endpoint: alarms per variant, and the topic they go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, cast

import jsii
from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct, IValidation

from ml_constructs._alarm_topic import alarm_topic
from ml_constructs._checks import check_given, check_offers, check_type, check_whole, is_token
from ml_constructs._environment import check_account, check_region
from ml_constructs.alarm_thresholds import AlarmThresholds
from ml_constructs.endpoint import Endpoint
from ml_constructs.endpoint_interface import IEndpoint
from ml_constructs.metric_expressions import cpu_percent, failed_percent, instance_count, milliseconds, rejected_percent
from ml_constructs.scaling import VariantScaling

_MAX_VCPUS: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class _Watch:
    """One alarm of one variant; unless it says otherwise, three minutes of five call, and no data is no request."""

    what: str
    metric: cloudwatch.IMetric
    threshold: float
    description: str
    periods: float = 5
    datapoints: float = 3
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD


class EndpointAlarms(Construct):
    """Alarms on the errors, latency, saturation and capacity of each variant of an endpoint.

    Each alarm notifies a topic when it fires and when it recovers, under the name `<endpoint>-<variant>-<what>`: make
    one `EndpointAlarms` per endpoint. The endpoint's rollback alarms notify the same topic, so that on-call hears why
    a deployment was taken back.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint; an imported one must have been given its variant names. Scale its variants before, so
            that the alarm on their capacity knows it.
        topic: Where notifications go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic, to which
            CloudWatch alarms of this account and region publish, over TLS.
        thresholds: When to call someone. Default: `AlarmThresholds()`.
        encryption_key: Encrypts the new topic. Default: the endpoint's key, or a new `EncryptionKey` for an imported
            endpoint.
        vcpus: The vCPUs of one instance, by variant, where the instance type is not known at synth: without them there
            is no alarm on CPU. Default: those of the instance types of an endpoint of this app.

    Raises:
        ValueError: the variants of the endpoint are unknown, `vcpus` names another or is out of range, or both `topic`
            and `encryption_key` are given.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        topic: sns.ITopic | None = None,
        thresholds: AlarmThresholds | None = None,
        encryption_key: kms.IKey | None = None,
        vcpus: Mapping[str, int] | None = None,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_offers("topic_arn", "an SNS topic", topic=topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type((AlarmThresholds, NoneType), thresholds=thresholds)
        check_type((Mapping, NoneType), vcpus=vcpus)
        check_account(scope, endpoint=cast("Construct", endpoint))
        check_region(scope, topic=topic, encryption_key=encryption_key)
        vcpus = {} if vcpus is None else vcpus
        if not endpoint.variant_names:
            raise ValueError("endpoint must know its variants, import it with variant_names, got none")
        for variant, count in vcpus.items():
            if variant not in endpoint.variant_names:
                raise ValueError(f"vcpus must name variants of the endpoint, got {variant!r}")
            check_given(**{f"vcpus of variant {variant}": count})
            check_whole(f"vcpus of variant {variant}", count, 1, _MAX_VCPUS)
        if topic is not None and encryption_key is not None:
            raise ValueError("encryption_key must not be given with topic, whose owner encrypts it, got both")
        super().__init__(scope, construct_id)
        self.endpoint: Final = endpoint
        self.thresholds: Final = AlarmThresholds() if thresholds is None else thresholds
        self.vcpus: Final = {name: vcpus.get(name, vcpus_of(endpoint, name)) for name in endpoint.variant_names}
        self.topic: Final = alarm_topic(self, endpoint, encryption_key) if topic is None else topic
        self.alarms: Final = tuple(
            self._alarm(f"Variant{index}" if is_token(variant) else variant, variant, watch)
            for index, variant in enumerate(endpoint.variant_names)
            for watch in _watches(endpoint, variant, self.thresholds, self.vcpus[variant])
        )
        self._notify_of_rollback()
        if isinstance(endpoint, Endpoint) and self.thresholds.at_capacity is not None:
            self.node.add_validation(_ScaledBefore(endpoint))

    def _alarm(self, prefix: str, variant: str, watch: _Watch) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            f"{prefix}-{watch.what}",
            alarm_name=f"{self.endpoint.endpoint_name}-{variant}-{watch.what}",
            alarm_description=f"Endpoint {self.endpoint.endpoint_name}, variant {variant}: {watch.description}",
            metric=watch.metric,
            threshold=watch.threshold,
            comparison_operator=watch.comparison,
            evaluation_periods=watch.periods,
            datapoints_to_alarm=watch.datapoints,
            treat_missing_data=watch.missing,
        )
        _notify(alarm, self.topic)
        return alarm

    def _notify_of_rollback(self) -> None:
        if not isinstance(self.endpoint, Endpoint) or not self.endpoint.rollback_alarms:
            return
        if isinstance(self.topic, sns.Topic) and not _same_stack(self.topic, self.endpoint):
            Annotations.of(self).add_warning_v2(
                "ml-constructs:RollbackUnheard",
                "the endpoint's rollback alarms do not notify a topic of another stack, since the endpoint's stack "
                "would then depend on it. Make the alarms in the endpoint's stack, or acknowledge this.",
            )
            return
        for alarm in self.endpoint.rollback_alarms:
            if isinstance(alarm, cloudwatch.AlarmBase):
                _notify(alarm, self.topic)


@jsii.implements(IValidation)
class _ScaledBefore:
    """Fails synthesis when a variant was scaled after its alarms were made: one would be missing unnoticed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._scaled = {name for name in endpoint.variant_names if _scaling(endpoint, name) is not None}

    def validate(self) -> list[str]:
        return [
            f"variant {name} must be scaled before EndpointAlarms is made, or at_capacity be None, got it scaled after"
            for name in self._endpoint.variant_names
            if name not in self._scaled and _scaling(self._endpoint, name) is not None
        ]


def vcpus_of(endpoint: IEndpoint, variant: str) -> int | None:
    """The vCPUs of one instance of a variant; None when not known at synth."""
    if not isinstance(endpoint, Endpoint):
        return None
    return next(each.vcpus for each in endpoint.variants if each.name == variant)


def max_capacity_of(endpoint: IEndpoint, variant: str) -> float | None:
    """The most instances that a variant scales to; None when it does not scale, as far as known."""
    scaling = _scaling(endpoint, variant)
    return None if scaling is None else scaling.max_capacity


def _watches(endpoint: IEndpoint, variant: str, thresholds: AlarmThresholds, vcpus: int | None) -> Iterator[_Watch]:
    yield from _request_watches(endpoint, variant, thresholds)
    yield from _instance_watches(endpoint, variant, thresholds, vcpus)
    yield from _capacity_watches(endpoint, variant, thresholds)


def _request_watches(endpoint: IEndpoint, variant: str, thresholds: AlarmThresholds) -> Iterator[_Watch]:
    log = f"the container's log in /aws/sagemaker/Endpoints/{endpoint.endpoint_name}"
    if thresholds.error_percent is not None:
        yield _Watch(
            what="errors",
            metric=failed_percent(endpoint, variant),
            threshold=thresholds.error_percent,
            description=f"requests fail (percent). Look first at {log}, then whether a deployment is under way.",
        )
    if thresholds.client_error_percent is not None:
        yield _Watch(
            what="client-errors",
            metric=rejected_percent(endpoint, variant),
            threshold=thresholds.client_error_percent,
            description=f"the model rejects requests with 4XX (percent). Look first at {log} for the reason, then at "
            "what changed in the callers' requests or in the input that the model expects.",
        )
    if thresholds.model_latency_ms is not None:
        yield _Watch(
            what="model-latency",
            metric=milliseconds(endpoint.metric_model_latency(variant=variant), "l"),
            threshold=thresholds.model_latency_ms,
            description="the model answers slowly (p99, milliseconds). Look first at CPU and requests per instance, "
            "then whether the requests grew or a new model was deployed.",
        )
    if thresholds.overhead_latency_ms is not None:
        yield _Watch(
            what="overhead-latency",
            metric=milliseconds(endpoint.metric_overhead_latency(variant=variant, statistic="Average"), "o"),
            threshold=thresholds.overhead_latency_ms,
            description="SageMaker adds latency to the model's (average, milliseconds). Look first at the size of "
            "requests and answers, then at the AWS Health Dashboard.",
        )


def _instance_watches(
    endpoint: IEndpoint, variant: str, thresholds: AlarmThresholds, vcpus: int | None
) -> Iterator[_Watch]:
    common: dict[str, Any] = {
        "periods": 3,
        "datapoints": 3,
        "missing": cloudwatch.TreatMissingData.MISSING,  # instances publish without requests: show when they do not
    }
    period = Duration.minutes(5)  # the longest interval at which SageMaker can be asked to publish
    if thresholds.cpu_percent is not None and vcpus is not None:
        yield _Watch(
            what="cpu",
            metric=cpu_percent(endpoint, variant, vcpus, period=period),
            threshold=thresholds.cpu_percent,
            description="the CPUs are busy (percent of all cores). Look first whether the variant has scaled to its "
            "largest size, then at requests per instance.",
            **common,
        )
    if thresholds.memory_percent is not None:
        yield _Watch(
            what="memory",
            metric=endpoint.metric_memory_utilization(variant=variant, statistic="Maximum", period=period),
            threshold=thresholds.memory_percent,
            description="an instance runs out of memory (percent). Look first whether it grows steadily, which is a "
            "leak in the container, or with the load, which takes fewer workers or larger instances.",
            **common,
        )
    if thresholds.disk_percent is not None:
        yield _Watch(
            what="disk",
            metric=endpoint.metric_disk_utilization(variant=variant, statistic="Maximum", period=period),
            threshold=thresholds.disk_percent,
            description="an instance runs out of disk (percent). Look first at what the container writes, then at "
            "the size of its volume.",
            **common,
        )


def _capacity_watches(endpoint: IEndpoint, variant: str, thresholds: AlarmThresholds) -> Iterator[_Watch]:
    scaling = _scaling(endpoint, variant)
    minutes = thresholds.at_capacity_minutes
    if scaling is not None and minutes is not None and scaling.min_capacity != scaling.max_capacity:
        yield _Watch(
            what="at-capacity",
            metric=instance_count(endpoint, variant),
            threshold=scaling.max_capacity,
            periods=minutes,
            datapoints=minutes,
            description="the variant has scaled to its largest size and cannot grow (instances). Look first whether "
            "errors or latency rise; then raise max_capacity, within the account's quota for the instance type.",
            comparison=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        )
    minutes = thresholds.no_traffic_minutes
    if minutes is not None:
        yield _Watch(
            what="no-traffic",
            metric=endpoint.metric_invocations(variant=variant),
            threshold=1,
            periods=minutes,
            datapoints=minutes,
            description="no request arrives. Look first at the callers and at what is in front of the endpoint, then "
            "at the variant's weight.",
            missing=cloudwatch.TreatMissingData.BREACHING,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )


def _scaling(endpoint: IEndpoint, variant: str) -> VariantScaling | None:
    child = endpoint.node.try_find_child(f"{variant}Scaling") if isinstance(endpoint, Endpoint) else None
    return child if isinstance(child, VariantScaling) else None


def _notify(alarm: cloudwatch.AlarmBase, topic: sns.ITopic) -> None:
    """On recovery as well, so that paging tools close what they opened."""
    action = actions.SnsAction(topic)
    alarm.add_alarm_action(action)
    alarm.add_ok_action(action)


def _same_stack(one: Construct, other: Construct) -> bool:
    return Stack.of(one).node.addr == Stack.of(other).node.addr
