"""What on-call hears of an endpoint: alarms per variant and per component, and the topic they go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Final, cast

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct, IValidation

from ml_constructs._checks import check_given, check_offers, check_type, check_whole, is_token
from ml_constructs._environment import check_account, check_region
from ml_constructs.endpoints._kind import Kind, kind_of
from ml_constructs.interfaces.component import COMPONENT_NAMESPACE, IInferenceComponent
from ml_constructs.interfaces.endpoint import INSTANCE_NAMESPACE, IEndpoint
from ml_constructs.observability._alarm_topic import endpoint_alarm_topic
from ml_constructs.observability._alarm_watches import COMPONENT_PLAN, VARIANT_PLANS, Watch, Watched, watches
from ml_constructs.observability._endpoint_parts import (
    components_of,
    rollback_alarms_of,
    scaling_of,
    scaling_of_component,
    vcpus_of,
)
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.metric_expressions import component_source, variant_source

_MAX_VCPUS: Final = 2**31 - 1


class EndpointAlarms(Construct):
    """Alarms on the errors, latency, saturation and capacity of each variant of an endpoint, as its kind has them.

    A serverless variant is watched for its concurrency and cold starts, an asynchronous endpoint for its queue and lost
    requests, a shared endpoint by its inference components, and a shadow variant, whose answers nobody sees, not at
    all. Each alarm notifies a topic when it fires and when it recovers, under the name `<endpoint>-<variant>-<what>` or
    `<component>-<what>`: make one `EndpointAlarms` per endpoint. The rollback alarms of the endpoint and its components
    notify the same topic, so that on-call hears why a deployment was taken back.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint; an imported one must have been given its variant names. Scale its variants before, make
            the components of a shared one and scale them, so that there are alarms on them.
        topic: Where notifications go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic, to which
            CloudWatch alarms of this account and region publish, over TLS.
        thresholds: When to call someone. Default: `AlarmThresholds()`.
        encryption_key: Encrypts the new topic. Default: the endpoint's key, or a new `EncryptionKey` for an imported
            endpoint.
        vcpus: The vCPUs of one instance, by variant, where the instance type is not known at synth: without them there
            is no alarm on CPU. Default: those of the instance types of an endpoint of this app.

    Raises:
        ValueError: the variants of the endpoint are unknown, `vcpus` names another, is out of range or given for a
            serverless endpoint, or both `topic` and `encryption_key` are given.

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
        if vcpus and endpoint.serverless:
            raise ValueError(
                f"vcpus must not be given for a serverless endpoint, which publishes no CPU, got {vcpus!r}"
            )
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
        self.topic: Final = endpoint_alarm_topic(self, endpoint, encryption_key) if topic is None else topic
        self.alarms: Final = tuple(
            self._alarm(f"{construct_id}-{watch.what}", watched, watch)
            for construct_id, watched, watch in _every(endpoint, self.thresholds, self.vcpus)
        )
        self._notify_of_rollback()
        self.node.add_validation(_MadeBefore(endpoint, scaled=self.thresholds.at_capacity is not None))

    def _alarm(self, construct_id: str, watched: Watched, watch: Watch) -> cloudwatch.Alarm:
        assert watch.threshold is not None  # noqa: S101 - the others were left out
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{watched.alarm_prefix}-{watch.what}",
            alarm_description=f"{watched.title}: {watch.description}",
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
        unheard = False
        heard: dict[int, cloudwatch.AlarmBase] = {}
        for owner, alarms in rollback_alarms_of(self.endpoint):
            if self._is_foreign_to(owner):
                unheard = unheard or bool(alarms)
                continue
            heard.update({id(alarm): alarm for alarm in alarms if isinstance(alarm, cloudwatch.AlarmBase)})
        for alarm in heard.values():  # an endpoint and its components may share one
            _notify(alarm, self.topic)
        if unheard:
            Annotations.of(self).add_warning_v2(
                "ml-constructs:RollbackUnheard",
                "the endpoint's rollback alarms do not notify a topic of another stack, since the endpoint's stack "
                "would then depend on it. Make the alarms in the endpoint's stack, or acknowledge this.",
            )

    def _is_foreign_to(self, owner: Construct) -> bool:
        """Whether alarms of `owner` would make its stack depend on the topic's."""
        near = (owner, cast("Construct", self.endpoint))  # a component's stack depends on its endpoint's anyway
        return isinstance(self.topic, sns.Topic) and not any(_same_stack(self.topic, each) for each in near)


@jsii.implements(IValidation)
class _MadeBefore:
    """Fails synthesis when something was made or scaled after its alarms: they would be missing unnoticed."""

    def __init__(self, endpoint: IEndpoint, *, scaled: bool) -> None:
        self._endpoint = endpoint
        self._scaled = scaled
        self._known = self._faults()

    def validate(self) -> list[str]:
        return [text for name, text in self._faults().items() if name not in self._known]

    def _faults(self) -> dict[str, str]:
        """What would be wrong about each part if it were new."""
        faults = {
            f"component {each.component_name}": f"component {each.component_name} must be made before EndpointAlarms, "
            "got it made after"
            for each in components_of(self._endpoint)
        }
        for title in _scaled_parts(self._endpoint) if self._scaled else ():
            faults[f"{title} scaled"] = (
                f"{title} must be scaled before EndpointAlarms is made, or at_capacity be None, got it scaled after"
            )
        return faults


def _scaled_parts(endpoint: IEndpoint) -> Iterator[str]:
    for variant in endpoint.variant_names if kind_of(endpoint) is Kind.REAL_TIME else ():
        if scaling_of(endpoint, variant) is not None:
            yield f"variant {variant}"
    for component in components_of(endpoint):
        if scaling_of_component(component) is not None:
            yield f"component {component.component_name}"


def _every(
    endpoint: IEndpoint, thresholds: AlarmThresholds, vcpus: Mapping[str, int | None]
) -> Iterator[tuple[str, Watched, Watch]]:
    """Each alarm, with what it watches, and the beginning of its id."""
    plan = VARIANT_PLANS[kind_of(endpoint)]
    for index, variant in enumerate(endpoint.variant_names):
        watched = _variant(endpoint, variant, thresholds, vcpus[variant])
        for watch in watches(plan, watched):
            yield f"Variant{index}" if is_token(variant) else variant, watched, watch
    for index, component in enumerate(components_of(endpoint)):
        watched = _component(component, thresholds)
        name = component.component_name
        for watch in watches(COMPONENT_PLAN, watched):
            yield f"Component{index}" if is_token(name) else name, watched, watch


def _variant(endpoint: IEndpoint, variant: str, thresholds: AlarmThresholds, vcpus: int | None) -> Watched:
    return Watched(
        source=variant_source(endpoint, variant),
        title=f"Endpoint {endpoint.endpoint_name}, variant {variant}",
        alarm_prefix=f"{endpoint.endpoint_name}-{variant}",
        thresholds=thresholds,
        log_group=f"{INSTANCE_NAMESPACE}/{endpoint.endpoint_name}",
        vcpus=vcpus,
        scaling=scaling_of(endpoint, variant),
    )


def _component(component: IInferenceComponent, thresholds: AlarmThresholds) -> Watched:
    return Watched(
        source=component_source(component),
        title=f"Inference component {component.component_name}",
        alarm_prefix=component.component_name,
        thresholds=thresholds,
        log_group=f"{COMPONENT_NAMESPACE}/{component.component_name}",
        scaling=scaling_of_component(component),
    )


def _notify(alarm: cloudwatch.AlarmBase, topic: sns.ITopic) -> None:
    """On recovery as well, so that paging tools close what they opened."""
    action = actions.SnsAction(topic)
    alarm.add_alarm_action(action)
    alarm.add_ok_action(action)


def _same_stack(one: Construct, other: Construct) -> bool:
    return Stack.of(one).node.addr == Stack.of(other).node.addr
