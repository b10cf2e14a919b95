"""The real-time endpoint: variants behind one name, guarded deployments, capture, logs."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import Annotations, ArnFormat, Duration, Names, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import (
    check_choice,
    check_each,
    check_given,
    check_offers,
    check_pattern,
    check_seconds,
    check_type,
    is_token,
)
from ml_constructs._environment import check_account, check_region, environment_of, outermost_stack
from ml_constructs.capture import DataCapture
from ml_constructs.deployment import Deployment
from ml_constructs.encryption import EncryptionKey, admit_log_groups
from ml_constructs.endpoint_interface import INSTANCE_NAMESPACE, INVOCATION_NAMESPACE, IEndpoint
from ml_constructs.permissions import Permission
from ml_constructs.rollback import MAX_ROLLBACK_ALARMS, rollback_alarms
from ml_constructs.scaling import VariantScaling
from ml_constructs.storage import CaptureBucket
from ml_constructs.variants import (
    NAME_PATTERN,
    NAME_RULE,
    InstanceVariant,
    check_variants,
    construct_ids,
    key_on_volumes,
)

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-sagemaker-endpointconfig-metricsconfig.html
METRIC_SECONDS: Final = (10, 30, 60, 120, 180, 240, 300)

_LOG_PREFIX: Final = "/aws/sagemaker/Endpoints/"
_ARN_PATTERN: Final = rf"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{{12}}:endpoint/{NAME_PATTERN}"


class Endpoint(Construct, IEndpoint):
    """A real-time SageMaker endpoint that updates by a guarded deployment and rolls back on alarms.

    Its name is a literal, because alarms, log group, scaling and policies need it before the endpoint exists; its
    configuration has none, so that CloudFormation can replace it.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        variants: The models to serve, 1 to 10, with unique names and a sum of weights above 0.
        deployment: How updates are rolled out. Default: `Deployment.canary()`.
        data_capture: Which requests and responses to keep. Default: none.
        encryption_key: Encrypts volumes, logs and captured data. Default: a new `EncryptionKey`.
        encrypt_volumes: Whether `encryption_key` also encrypts the instances' volumes. AWS forbids it for instance
            types with local storage, whose disks encrypt themselves. Default: True, unless all have local storage.
        metric_frequency: How often instance metrics are published: 10, 30, 60, 120, 180, 240 or 300 seconds.
            Default: every minute.
        log_retention: How long the containers' logs are kept. Default: 1 year.
        endpoint_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path.

    Raises:
        ValueError: AWS would reject the variants together, their deployment, or their encryption.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variants: Sequence[InstanceVariant],
        deployment: Deployment | None = None,
        data_capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
        encrypt_volumes: bool | None = None,
        metric_frequency: Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        endpoint_name: str | None = None,
    ) -> None:
        check_type((Deployment, NoneType), deployment=deployment)
        check_type((DataCapture, NoneType), data_capture=data_capture)
        check_type((bool, NoneType), encrypt_volumes=encrypt_volumes)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        deployment = Deployment.canary() if deployment is None else deployment
        check_variants(variants, rolling=deployment.strategy == "ROLLING")
        volumes = key_on_volumes(variants, encrypt_volumes)
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        check_seconds("metric_frequency", metric_frequency, METRIC_SECONDS[0], METRIC_SECONDS[-1])
        if metric_frequency is not None and not is_token(metric_frequency):
            check_choice("metric_frequency", metric_frequency.to_seconds(), METRIC_SECONDS)
        check_region(scope, encryption_key=encryption_key)
        for variant in variants:
            if isinstance(variant.model, Construct):
                check_account(scope, **{f"model of variant {variant.name}": variant.model})
        super().__init__(scope, construct_id)
        self.variants: Final = tuple(variants)
        self.variant_names = tuple(variant.name for variant in variants)
        self._ids = dict(zip(self.variant_names, construct_ids(self.variant_names), strict=True))
        self.endpoint_name = _literal_name(self) if endpoint_name is None else endpoint_name
        self.endpoint_arn = _arn(self, self.endpoint_name)
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.log_group: Final = _log_group(self, log_retention)
        self.capture_bucket: Final = _capture_bucket(self, data_capture)
        self._config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[variant.render() for variant in variants],
            kms_key_id=self.encryption_key.key_arn if volumes else None,
            data_capture_config=None
            if data_capture is None or self.capture_bucket is None
            else data_capture.render(self.capture_bucket),
            metrics_config=None
            if metric_frequency is None
            else sagemaker.CfnEndpointConfig.MetricsConfigProperty(
                metric_publish_frequency_in_seconds=metric_frequency.to_seconds()
            ),
        )
        self._deployment = deployment
        self._scaled: set[str] = set()
        own = {} if deployment.rollback is None else rollback_alarms(self, self, deployment.rollback)
        self.rollback_alarms: list[cloudwatch.IAlarm] = list(own.values())
        self._rollback_names = list(own)
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=self._config.attr_endpoint_config_name,
            deployment_config=self._render_deployment(),
        )
        # Names of alarms and the log group are literals, so no reference orders them before the endpoint.
        self._resource.node.add_dependency(self.log_group, *own.values(), *self._allow_models(data_capture))
        _warn(self)

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
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        return _ImportedEndpoint(
            scope, construct_id, name=endpoint_name, arn=_arn(scope, endpoint_name), variants=variant_names
        )

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
        check_pattern("endpoint_arn", endpoint_arn, _ARN_PATTERN, "the ARN of an endpoint")
        name = Stack.of(scope).split_arn(endpoint_arn, ArnFormat.SLASH_RESOURCE_NAME).resource_name
        # Only the name, since what precedes it may hold tokens, such as the partition's.
        before, slash, last = endpoint_arn.rpartition("/")
        arn = endpoint_arn if is_token(last) else f"{before}{slash}{last.lower()}"
        return _ImportedEndpoint(scope, construct_id, name=name or "", arn=arn, variants=variant_names)

    def auto_scale(self, variant: str | None = None, *, min_capacity: int = 2, max_capacity: int) -> VariantScaling:
        """Let a variant scale between two sizes; add policies to what is returned.

        From then on, a deployment keeps the number of instances that scaling has reached, while weights and capture
        follow the configuration.

        Args:
            variant: The name of the variant. Default: the only one.
            min_capacity: The fewest instances, 1 or more. Default: 2.
            max_capacity: The most instances, at least `min_capacity`.

        Raises:
            ValueError: the variant is unknown or already scales, or a capacity is out of its range.
        """
        name = self.one_variant(variant)
        if name in self._scaled:
            raise ValueError(f"variant must be scaled once, got {name!r} again")
        scaling = VariantScaling(
            self,
            f"{self._ids[name]}Scaling",
            endpoint=self._resource,
            endpoint_name=self.endpoint_name,
            variant=next(each for each in self.variants if each.name == name),
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        if not self._scaled:
            self._resource.retain_all_variant_properties = True
            self._resource.exclude_retained_variant_properties = [
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)
                for kind in ("DesiredWeight", "DataCaptureConfig")
            ]
        self._scaled.add(name)
        return scaling

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Roll a deployment back when this alarm fires.

        Args:
            alarm: An alarm of this account and region; at most 10 in all, with the endpoint's own.

        Raises:
            ValueError: the endpoint has 10 rollback alarms already.
        """
        check_given(alarm=alarm)
        check_offers("alarm_name", "an alarm", alarm=alarm)
        check_region(self, alarm=alarm)
        if len(self.rollback_alarms) == MAX_ROLLBACK_ALARMS:
            raise ValueError(f"alarm must be one of at most {MAX_ROLLBACK_ALARMS} rollback alarms, got one more")
        self.rollback_alarms.append(alarm)
        self._rollback_names.append(alarm.alarm_name)
        self._resource.deployment_config = self._render_deployment()

    def _render_deployment(self) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
        return self._deployment.render(self._rollback_names)

    def _allow_models(self, data_capture: DataCapture | None) -> list[IDependable]:
        """Let each model's role write this endpoint's logs, metrics and captured data."""
        permissions = _runtime_permissions(self, data_capture)
        models = {id(variant.model): variant for variant in reversed(self.variants)}
        policies = []
        for variant in reversed(models.values()):
            policy = variant.model.allow(self, f"{self._ids[variant.name]}Policy", permissions)
            if policy is not None:
                policies.append(policy)
        return policies


class _ImportedEndpoint(Construct, IEndpoint):
    def __init__(self, scope: Construct, construct_id: str, *, name: str, arn: str, variants: Sequence[str]) -> None:
        check_each("names", str, variant_names=variants)
        if is_token(variants):
            raise ValueError("variant_names must be a list whose length is known at synth, got a token")
        for variant in variants:
            check_pattern("variant_names", variant, NAME_PATTERN, NAME_RULE)
        if len(set(variants)) < len(variants):
            raise ValueError(f"variant_names must be unique, got {', '.join(variants)}")
        super().__init__(scope, construct_id)
        self.endpoint_name = name
        self.endpoint_arn = arn
        self.variant_names = tuple(variants)


def _literal_name(endpoint: Endpoint) -> str:
    return Names.unique_resource_name(endpoint, max_length=63, separator="-", allowed_special_characters="-").lower()


def _arn(scope: Construct, name: str) -> str:
    """The ARN, in which SageMaker writes the name in lower case."""
    return environment_of(scope).arn("sagemaker", f"endpoint/{name if is_token(name) else name.lower()}")


def _log_group(endpoint: Endpoint, retention: logs.RetentionDays) -> logs.LogGroup:
    """Made beforehand, since SageMaker would make it without encryption and without end.

    Retained, but not when the stack fails to create: its name is a literal, and would be taken at the next try.
    """
    admit_log_groups(endpoint, endpoint.encryption_key, f"{_LOG_PREFIX}*")
    return logs.LogGroup(
        endpoint,
        "Logs",
        log_group_name=f"{_LOG_PREFIX}{endpoint.endpoint_name}",
        encryption_key=endpoint.encryption_key,
        retention=retention,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )


def _capture_bucket(endpoint: Endpoint, capture: DataCapture | None) -> s3.IBucket | None:
    if capture is None or capture.bucket is not None:
        return None if capture is None else capture.bucket
    return CaptureBucket(endpoint, "Capture", encryption_key=endpoint.encryption_key)


def _runtime_permissions(endpoint: Endpoint, capture: DataCapture | None) -> list[Permission]:
    """What the execution role does at run time, https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html."""
    environment = environment_of(endpoint)
    permissions = [
        Permission(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[endpoint.log_group.log_group_arn],
        ),
        Permission(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": [INVOCATION_NAMESPACE, INSTANCE_NAMESPACE]}},
            wildcard="CloudWatch defines no resource for PutMetricData; a condition confines it to SageMaker's own.",
        ),
    ]
    bucket = endpoint.capture_bucket
    if capture is not None and bucket is not None:
        permissions.append(
            Permission(
                actions=["s3:PutObject"],
                resources=[f"{bucket.bucket_arn}/{capture.prefix}/{endpoint.endpoint_name}/*"],
                wildcard="SageMaker names the captured files; they lie under this endpoint's own prefix.",
            )
        )
        if bucket.encryption_key is not None:
            permissions.append(
                Permission(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=[bucket.encryption_key.key_arn],
                    conditions={"StringEquals": {"kms:ViaService": environment.service("s3")}},
                )
            )
    return permissions


def _warn(endpoint: Endpoint) -> None:
    here = environment_of(endpoint).stack_path
    for variant in endpoint.variants:
        if isinstance(variant.model, Construct):
            elsewhere = environment_of(variant.model).stack_path != here
            # A nested stack hands the name on as a parameter, which may change.
            if elsewhere and outermost_stack(variant.model).node.path != outermost_stack(endpoint).node.path:
                Annotations.of(endpoint).add_warning_v2(
                    "ml-constructs:ModelInOtherStack",
                    f"the model of variant {variant.name} is in another stack: a changed model has another name, but "
                    "CloudFormation refuses to change a name that one stack exports and another imports. Create the "
                    "model in the endpoint's stack, or acknowledge this if the model never changes.",
                )
        if variant.instance_count == 1:
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:SingleInstance",
                f"variant {variant.name} starts with one instance, and so in one Availability Zone. "
                "Use instance_count=2 or more, or acknowledge this.",
            )
        if not is_token(variant.instance_type) and variant.instance_type.startswith("ml.inf1."):
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:GuardrailsIgnored",
                f"SageMaker ignores the deployment policy of endpoints with Inf1 instances (variant {variant.name}) "
                "and updates all at once (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)",
            )
