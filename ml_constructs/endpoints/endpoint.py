"""The endpoint: variants behind one name, guarded deployments, capture, logs."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import check_offers, check_pattern, check_type
from ml_constructs._environment import check_account, check_region
from ml_constructs._log_groups import hosting_log_group
from ml_constructs._names import arn_of_endpoint, literal_name
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config._metrics import check_frequency, metrics_config
from ml_constructs.endpoint_config.asynchronous import AsyncInference, AsyncStorage, BoundAsyncInference
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.explainability import ClarifyExplainer
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE, InstanceVariant, construct_ids
from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
from ml_constructs.endpoints._import import ImportedEndpoint
from ml_constructs.endpoints._permissions import policy_id, write_captured, write_logs_and_metrics
from ml_constructs.endpoints._rollback_watch import RollbackWatch
from ml_constructs.endpoints._rules import AnyVariant, check_together, check_variants, key_on_volumes, serverless
from ml_constructs.endpoints._warnings import warn_of_guardrails, warn_of_variants
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.rollback import rollback_alarms
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.permissions import Permission
from ml_constructs.scaling.concurrency_scaling import ConcurrencyScaling
from ml_constructs.scaling.variant_scaling import VariantScaling
from ml_constructs.storage import CaptureBucket


class Endpoint(Construct, IEndpoint):
    """A SageMaker endpoint that updates by a guarded deployment and rolls back on alarms.

    Its name is a literal, because alarms, log group, scaling and policies need it before the endpoint exists; its
    configuration has none, so that CloudFormation can replace it.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        variants: The models to serve, 1 to 10, with unique names and a sum of weights above 0; or one serverless.
        shadow: A variant that is sent copies of requests, and whose answers nobody sees: as many as its weight is
            relative to that of the one variant that answers, all at the same weight. Default: none.
        asynchronous: Queues requests, and answers to a bucket. Default: answers the caller.
        explainer: Explains answers with Clarify. Default: none.
        deployment: How updates are rolled out. Default: `Deployment.canary()`, for a serverless variant
            `Deployment.all_at_once()`.
        data_capture: Which requests and responses to keep. Default: none.
        encryption_key: Encrypts volumes, logs and captured data. Default: a new `EncryptionKey`.
        encrypt_volumes: Whether `encryption_key` also encrypts the instances' volumes. AWS forbids it for instance
            types with local storage, whose disks encrypt themselves. Default: True, unless all have local storage.
        metric_frequency: How often instance metrics are published: 10, 30, 60, 120, 180, 240 or 300 seconds.
            Default: every minute.
        enhanced_metrics: Whether metrics are also published for each instance, and requests as often as
            `metric_frequency`. Default: False.
        detailed_observability: Whether the container's own metrics, GPUs and hosts are published as OpenTelemetry.
            Default: as SageMaker chooses, which is True for new configurations.
        log_retention: How long the containers' logs are kept. Default: 1 year.
        endpoint_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path.

    Raises:
        ValueError: AWS would reject the variants together, their deployment, or what is to be done with requests.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variants: Sequence[InstanceVariant | ServerlessVariant],
        shadow: InstanceVariant | None = None,
        asynchronous: AsyncInference | None = None,
        explainer: ClarifyExplainer | None = None,
        deployment: Deployment | None = None,
        data_capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
        encrypt_volumes: bool | None = None,
        metric_frequency: Duration | None = None,
        enhanced_metrics: bool = False,
        detailed_observability: bool | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        endpoint_name: str | None = None,
    ) -> None:
        check_type((Deployment, NoneType), deployment=deployment)
        check_type((DataCapture, NoneType), data_capture=data_capture)
        check_type((AsyncInference, NoneType), asynchronous=asynchronous)
        check_type((ClarifyExplainer, NoneType), explainer=explainer)
        check_type((bool, NoneType), encrypt_volumes=encrypt_volumes, detailed_observability=detailed_observability)
        check_type(bool, enhanced_metrics=enhanced_metrics)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_variants(variants)
        if deployment is None:
            deployment = Deployment.all_at_once() if serverless(variants) else Deployment.canary()
        check_together(
            variants,
            shadow=shadow,
            deployment=deployment,
            asynchronous=asynchronous is not None,
            explainer=explainer is not None,
            data_capture=data_capture is not None,
        )
        for part in (asynchronous, explainer):
            if part is not None:
                part.check_region(scope)
        hosted = (*variants, *(() if shadow is None else (shadow,)))
        volumes = key_on_volumes(hosted, encrypt_volumes)
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        check_frequency(metric_frequency)
        check_region(scope, encryption_key=encryption_key)
        for variant in hosted:
            models = [model for model in variant.models if isinstance(model, Construct)]
            for model in models:
                check_account(scope, **{f"model of variant {variant.name}": model})
        super().__init__(scope, construct_id)
        self.variants: Final = tuple(variants)
        self.shadow: Final = shadow
        self.variant_names = tuple(variant.name for variant in variants)
        self.shadow_name = None if shadow is None else shadow.name
        self.serverless = serverless(variants)
        self.asynchronous = asynchronous is not None
        names = tuple(variant.name for variant in hosted)
        self._ids = dict(zip(names, construct_ids(names), strict=True))
        self.endpoint_name = literal_name(self) if endpoint_name is None else endpoint_name
        self.endpoint_arn = arn_of_endpoint(self, self.endpoint_name)
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.log_group: Final = hosting_log_group(
            self, "Logs", name=self.endpoint_name, encryption_key=self.encryption_key, retention=log_retention
        )
        self.capture_bucket: Final = _capture_bucket(self, data_capture)
        queue = _async_inference(self, asynchronous)
        self.async_storage = None if queue is None else queue.storage
        self._config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[variant.render() for variant in variants],
            shadow_production_variants=None if shadow is None else [shadow.render()],
            async_inference_config=None if queue is None else queue.render(),
            explainer_config=None if explainer is None else explainer.render(),
            kms_key_id=self.encryption_key.key_arn if volumes else None,
            data_capture_config=None
            if data_capture is None or self.capture_bucket is None
            else data_capture.render(self.capture_bucket),
            metrics_config=metrics_config(metric_frequency, enhanced=enhanced_metrics, detailed=detailed_observability),
        )
        self._scaled: set[str] = set()
        own = {} if deployment.rollback is None else rollback_alarms(self, self, deployment.rollback)
        self._deployment = deployment
        self._watch = RollbackWatch(own)
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=self._config.attr_endpoint_config_name,
            deployment_config=deployment.render(self._watch.names),
        )
        used = [
            *([] if queue is None else queue.permissions(self)),
            *([] if explainer is None else explainer.permissions(self)),
        ]
        permissions = [
            *write_logs_and_metrics([self.log_group.log_group_arn]),
            *write_captured(self, data_capture, self.capture_bucket, self.endpoint_name),
            *self._watch.permissions(self),
            *used,
        ]
        # Names of alarms and the log group are literals, so no reference orders them before the endpoint.
        self._resource.node.add_dependency(
            self.log_group, *own.values(), *self._allow_models(policy_id(self, used), permissions)
        )
        warn_of_variants(self, hosted)
        warn_of_guardrails(self, self.variants, deployment)

    @property
    def rollback_alarms(self) -> list[cloudwatch.IAlarm]:
        """The alarms that take a deployment back."""
        return list(self._watch.alarms)

    @staticmethod
    def from_endpoint_name(
        scope: Construct, construct_id: str, endpoint_name: str, *, variant_names: Sequence[str] = ()
    ) -> IEndpoint:
        """Refer to an endpoint of this account and region by its name.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            endpoint_name: The name.
            variant_names: Its variants, for metrics. Default: unknown.

        Raises:
            ValueError: a name is malformed, or given twice.
        """
        check_type(str, endpoint_name=endpoint_name)
        return ImportedEndpoint(scope, construct_id, endpoint_name=endpoint_name, variants=variant_names)

    @staticmethod
    def from_endpoint_arn(
        scope: Construct, construct_id: str, endpoint_arn: str, *, variant_names: Sequence[str] = ()
    ) -> IEndpoint:
        """Refer to an endpoint by its ARN.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            endpoint_arn: The ARN; SageMaker writes the name in it in lower case.
            variant_names: Its variants, for metrics. Default: unknown.

        Raises:
            ValueError: the ARN is not one of an endpoint, or a name is malformed or given twice.
        """
        check_type(str, endpoint_arn=endpoint_arn)
        return ImportedEndpoint(scope, construct_id, endpoint_arn=endpoint_arn, variants=variant_names)

    @staticmethod
    def from_endpoint_attributes(
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str | None = None,
        endpoint_arn: str | None = None,
        variant_names: Sequence[str] = (),
        shadow_name: str | None = None,
        serverless: bool = False,
        asynchronous: bool = False,
        async_storage: AsyncStorage | None = None,
    ) -> IEndpoint:
        """Refer to an endpoint by what is known of it.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            endpoint_name: The name of an endpoint of this account and region.
            endpoint_arn: Instead, the ARN, of any account and region: metrics are then looked up there. To invoke it,
                a principal must be of its account.
            variant_names: Its variants, for metrics. Default: unknown.
            shadow_name: Its shadow variant. Default: none.
            serverless: Whether it has no instances. Default: False.
            asynchronous: Whether it takes `InvokeEndpointAsync` alone. Default: False.
            async_storage: Where an asynchronous endpoint keeps requests and answers, for `grant_invoke_async`.
                Default: unknown.

        Raises:
            ValueError: not exactly one of name and ARN is given, or an argument is malformed.
        """
        return ImportedEndpoint(
            scope,
            construct_id,
            endpoint_name=endpoint_name,
            endpoint_arn=endpoint_arn,
            variants=variant_names,
            shadow=shadow_name,
            serverless=serverless,
            asynchronous=asynchronous,
            async_storage=async_storage,
        )

    def auto_scale(self, variant: str | None = None, *, min_capacity: int = 2, max_capacity: int) -> VariantScaling:
        """Let a variant scale between two sizes; add policies to what is returned.

        From then on, a deployment keeps the number of instances that scaling has reached, while weights and capture
        follow the configuration.

        Args:
            variant: The name of the variant. Default: the only one.
            min_capacity: The fewest instances, 1 or more; 0 or more on an asynchronous endpoint. Default: 2.
            max_capacity: The most instances, at least `min_capacity`.

        Raises:
            ValueError: the variant is unknown, serverless or already scales, or a capacity is out of its range.
        """
        scaled = self._to_scale(variant)
        if isinstance(scaled, ServerlessVariant):
            message = f"variant must have instances, or be scaled by auto_scale_concurrency, got {scaled.name!r}"
            raise ValueError(message)  # noqa: TRY004 - of the right type, but of another kind
        scaling = VariantScaling(
            self,
            f"{self._ids[scaled.name]}Scaling",
            endpoint=self._resource,
            endpoint_name=self.endpoint_name,
            variant=scaled,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            asynchronous=self.asynchronous,
        )
        if not self._scaled:
            self._resource.retain_all_variant_properties = True
            self._resource.exclude_retained_variant_properties = [
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)
                for kind in ("DesiredWeight", "DataCaptureConfig")
            ]
        self._scaled.add(scaled.name)
        return scaling

    def auto_scale_concurrency(self, *, min_capacity: int = 1, max_capacity: int) -> ConcurrencyScaling:
        """Let the provisioned concurrency of the serverless variant scale; add policies to what is returned.

        A deployment that changes the configuration begins with the variant's `provisioned_concurrency` again.

        Args:
            min_capacity: The least provisioned concurrency, 1 or more. Default: 1.
            max_capacity: The largest, at least `min_capacity` and at most the variant's `max_concurrency`.

        Raises:
            ValueError: there is no serverless variant with provisioned concurrency, it already scales, or a capacity
                is out of its range.
        """
        scaled = self._to_scale(None) if self.serverless else None
        if not isinstance(scaled, ServerlessVariant):
            message = f"variants must be serverless, or be scaled by auto_scale, got {', '.join(self.variant_names)}"
            raise ValueError(message)  # noqa: TRY004 - of the right type, but of another kind
        scaling = ConcurrencyScaling(
            self,
            f"{self._ids[scaled.name]}Scaling",
            endpoint=self._resource,
            endpoint_name=self.endpoint_name,
            variant_name=scaled.name,
            provisioned_concurrency=scaled.provisioned_concurrency,
            max_concurrency=scaled.max_concurrency,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        self._scaled.add(scaled.name)
        return scaling

    def _to_scale(self, variant: str | None) -> AnyVariant:
        name = self.one_variant(variant)
        if name in self._scaled:
            raise ValueError(f"variant must be scaled once, got {name!r} again")
        if name == self.shadow_name:
            raise ValueError(f"variant must be one that answers, got the shadow variant {name!r}")
        return next(each for each in self.variants if each.name == name)

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Roll a deployment back when this alarm fires.

        Args:
            alarm: An alarm of this account and region; at most 10 in all, with the endpoint's own.

        Raises:
            ValueError: the endpoint has 10 rollback alarms already.
        """
        permissions = self._watch.add(self, alarm)
        self._resource.deployment_config = self._deployment.render(self._watch.names)
        if permissions:
            self._resource.node.add_dependency(*self._allow_models("AlarmPolicy", permissions))

    def _allow_models(self, suffix: str, permissions: Sequence[Permission]) -> list[IDependable]:
        """Let each model's role do something more; returns what makes that work."""
        policies = []
        seen = set()
        for variant in (*self.variants, *(() if self.shadow is None else (self.shadow,))):
            for index, model in enumerate(variant.models):
                if id(model) in seen:
                    continue
                seen.add(id(model))
                policy = model.allow(self, f"{self._ids[variant.name]}{suffix}{index or ''}", permissions)
                if policy is not None:
                    policies.append(policy)
        return policies


def _capture_bucket(endpoint: Endpoint, capture: DataCapture | None) -> s3.IBucket | None:
    if capture is None or capture.bucket is not None:
        return None if capture is None else capture.bucket
    return CaptureBucket(endpoint, "Capture", encryption_key=endpoint.encryption_key)


def _async_inference(endpoint: Endpoint, settings: AsyncInference | None) -> BoundAsyncInference | None:
    if settings is None:
        return None
    bucket = settings.bucket
    if bucket is None:
        bucket = CaptureBucket(endpoint, "Async", encryption_key=endpoint.encryption_key)
    return settings.bind(endpoint.endpoint_name, bucket)
