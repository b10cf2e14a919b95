"""An endpoint of instances without a model, for inference components to share."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import Annotations, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs._names import arn_of_endpoint, literal_name
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config._metrics import check_frequency, metrics_config
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.endpoints._import import name_and_arn
from ml_constructs.endpoints._permissions import write_captured
from ml_constructs.endpoints._rollback_watch import RollbackWatch
from ml_constructs.endpoints._rules import key_on_volumes
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.models import _network as _model_network
from ml_constructs.models._execution_role import allow_given, execution_role
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, allow_exactly
from ml_constructs.storage import CaptureBucket

# Where `MinInstanceCount: 0` was refused: https://github.com/stdapi-ai/stdapi.ai/issues/43
_NEVER_EMPTY: Final = frozenset({"eu-west-3"})


class SharedEndpoint(Construct, ISharedEndpoint):
    """A SageMaker endpoint of instances that inference components share.

    Its name is a literal, and it has an execution role of its own, since no model brings one. It answers nobody until
    an `InferenceComponent` is on it.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        variant: The instances, and how SageMaker scales them.
        network: Puts the network interfaces of all components into this network. Default: none.
        network_isolation: Whether all containers are cut off from every network. Default: True. The models of
            components must say the same.
        role: The execution role. Default: a new role, which gets what components need. A given role gets it as
            statements of its own; an immutable role gets nothing.
        deployment: How updates of the instances are rolled out, with `rollback=None`: components have the metrics, see
            `add_rollback_alarm`. Default: `Deployment.all_at_once(rollback=None)`.
        data_capture: Which requests and responses to keep. Default: none.
        encryption_key: Encrypts volumes, the logs of components and captured data. Default: a new `EncryptionKey`.
        encrypt_volumes: Whether `encryption_key` also encrypts the instances' volumes. AWS forbids it for instance
            types with local storage, whose disks encrypt themselves. Default: True, unless all have local storage.
        metric_frequency: How often utilisation metrics are published: 10, 30, 60, 120, 180, 240 or 300 seconds.
            Default: every minute.
        enhanced_metrics: Whether metrics are also published for each instance and each copy. Default: False.
        detailed_observability: Whether containers' own metrics, GPUs and hosts are published as OpenTelemetry.
            Default: as SageMaker chooses, which is True for new configurations.
        endpoint_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path.

    Raises:
        ValueError: an argument is out of its range, or `deployment` has thresholds.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variant: SharedVariant,
        network: InferenceNetwork | None = None,
        network_isolation: bool = True,
        role: iam.IRole | None = None,
        deployment: Deployment | None = None,
        data_capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
        encrypt_volumes: bool | None = None,
        metric_frequency: Duration | None = None,
        enhanced_metrics: bool = False,
        detailed_observability: bool | None = None,
        endpoint_name: str | None = None,
    ) -> None:
        check_type(SharedVariant, variant=variant)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type(bool, network_isolation=network_isolation, enhanced_metrics=enhanced_metrics)
        check_type((Deployment, NoneType), deployment=deployment)
        check_type((DataCapture, NoneType), data_capture=data_capture)
        check_type((bool, NoneType), encrypt_volumes=encrypt_volumes, detailed_observability=detailed_observability)
        check_offers("role_arn", "a role", role=role)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        check_frequency(metric_frequency)
        check_account(scope, network=network)
        check_region(scope, encryption_key=encryption_key)
        if deployment is None:
            deployment = Deployment.all_at_once(rollback=None)
        if deployment.rollback is not None:
            raise ValueError(
                "deployment must have rollback=None on a shared endpoint, whose components have the metrics, got "
                f"{deployment.rollback!r}; see add_rollback_alarm"
            )
        volumes = key_on_volumes((variant,), encrypt_volumes)
        super().__init__(scope, construct_id)
        self.variant = variant
        self.variant_name = variant.name
        self.variant_names = (variant.name,)
        self.endpoint_name = literal_name(self) if endpoint_name is None else endpoint_name
        self.endpoint_arn = arn_of_endpoint(self, self.endpoint_name)
        self.network = network
        self.network_isolation = network_isolation
        key = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.encryption_key = key
        self._role = execution_role(self, construct_id) if role is None else role
        self.role = self._role
        self._owns_role = role is None
        self._known = []
        self._invokers = []
        self.capture_bucket: Final = _capture_bucket(self, data_capture, key)
        needed: list[IDependable] = []
        vpc_config = None
        if network is not None:
            group = _model_network.join(self, network, ())
            subnets = [subnet.subnet_id for subnet in network.subnets]
            interfaces = _model_network.network_interfaces(self, group, subnets)
            needed += [*_model_network.ways(network, group, ()), *self.allow(self, "NetworkInterfaces", interfaces)]
            vpc_config = sagemaker.CfnEndpointConfig.VpcConfigProperty(
                subnets=subnets, security_group_ids=[group.security_group_id]
            )
        captured = write_captured(self, data_capture, self.capture_bucket, self.endpoint_name)
        if captured:
            needed += self.allow(self, "Capturing", captured)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[variant.render()],
            execution_role_arn=self._role.role_arn,  # which a model would bring
            enable_network_isolation=network_isolation,
            vpc_config=vpc_config,
            kms_key_id=key.key_arn if volumes else None,
            data_capture_config=None
            if data_capture is None or self.capture_bucket is None
            else data_capture.render(self.capture_bucket),
            metrics_config=metrics_config(metric_frequency, enhanced=enhanced_metrics, detailed=detailed_observability),
        )
        self._deployment = deployment
        self._watch = RollbackWatch({})
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=deployment.render(self._watch.names),
        )
        self._resource.node.add_dependency(*needed)
        _warn(self, variant)

    @property
    def rollback_alarms(self) -> list[cloudwatch.IAlarm]:
        """The alarms that take an update of the instances back."""
        return list(self._watch.alarms)

    @staticmethod
    def from_endpoint_name(
        scope: Construct,
        construct_id: str,
        endpoint_name: str,
        *,
        variant_name: str = "main",
        role: iam.IRole | None = None,
    ) -> ISharedEndpoint:
        """Refer to a shared endpoint of this account and region, e.g. to put components on it.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            endpoint_name: The name.
            variant_name: Its variant. Default: `main`.
            role: Its execution role, which components let read what they need. Default: left to its owner.

        Raises:
            ValueError: a name is malformed.
        """
        return _ImportedSharedEndpoint(
            scope, construct_id, endpoint_name=endpoint_name, variant_name=variant_name, role=role
        )

    @staticmethod
    def from_endpoint_arn(
        scope: Construct,
        construct_id: str,
        endpoint_arn: str,
        *,
        variant_name: str = "main",
        role: iam.IRole | None = None,
    ) -> ISharedEndpoint:
        """Refer to a shared endpoint by its ARN.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            endpoint_arn: The ARN; SageMaker writes the name in it in lower case.
            variant_name: Its variant. Default: `main`.
            role: Its execution role, which components let read what they need. Default: left to its owner.

        Raises:
            ValueError: the ARN is not one of an endpoint, or a name is malformed.
        """
        check_type(str, endpoint_arn=endpoint_arn)
        return _ImportedSharedEndpoint(
            scope, construct_id, endpoint_arn=endpoint_arn, variant_name=variant_name, role=role
        )

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Take an update of the instances back when this alarm fires, e.g. one of a component's `rollback_alarms`.

        Args:
            alarm: An alarm of this account and region; at most 10 in all.

        Raises:
            ValueError: the endpoint has 10 rollback alarms already.
        """
        permissions = self._watch.add(self, alarm)
        self._resource.deployment_config = self._deployment.render(self._watch.names)
        if permissions:
            self._resource.node.add_dependency(*self.allow(self, "AlarmPolicy", permissions))

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> list[IDependable]:
        """Give the execution role permissions, from the stack of `scope`; returns what makes them work."""
        if self.network is not None:
            _open_s3(self.network, permissions)
        if self._owns_role:
            return [allow_exactly(scope, construct_id, self._role.role_name, permissions)]
        given = allow_given(scope, construct_id, self._role, permissions)
        return [] if given is None else [given]

    def resource(self) -> Construct | None:
        """What must exist before a component does."""
        return self._resource


class _ImportedSharedEndpoint(Construct, ISharedEndpoint):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variant_name: str,
        role: iam.IRole | None,
        endpoint_name: str | None = None,
        endpoint_arn: str | None = None,
    ) -> None:
        name, arn = name_and_arn(scope, endpoint_name, endpoint_arn)
        check_type(str, variant_name=variant_name)
        check_pattern("variant_name", variant_name, NAME_PATTERN, NAME_RULE)
        check_offers("role_arn", "a role", role=role)
        super().__init__(scope, construct_id)
        self.endpoint_name = name
        self.endpoint_arn = arn
        self.variant_name = variant_name
        self.variant_names = (variant_name,)
        self.role = role
        self._known = []
        self._invokers = []

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> list[IDependable]:
        given = None if self.role is None else allow_given(scope, construct_id, self.role, permissions)
        return [] if given is None else [given]


def _open_s3(network: InferenceNetwork, permissions: Sequence[Permission]) -> None:
    """Let what the role reads and writes through the network's S3 endpoint."""
    for permission in permissions:
        if permission.actions[0].startswith("s3:"):
            for resource in permission.resources:
                bucket, slash, _ = resource.partition("/")
                # Any version of an artefact: copies still load the old one while they move to the new one.
                opened = f"{bucket}/*" if slash and "s3:GetObject" in permission.actions else resource
                network.allow_s3(_model_network.without_cycle(network, opened), *permission.actions)


def _capture_bucket(endpoint: SharedEndpoint, capture: DataCapture | None, key: kms.IKey) -> s3.IBucket | None:
    if capture is None or capture.bucket is not None:
        return None if capture is None else capture.bucket
    return CaptureBucket(endpoint, "Capture", encryption_key=key)


def _warn(endpoint: SharedEndpoint, variant: SharedVariant) -> None:
    region = environment_of(endpoint).region
    if 1 in {variant.instance_count, variant.least}:
        Annotations.of(endpoint).add_warning_v2(
            "ml-constructs:SingleInstance",
            f"variant {variant.name} may have one instance, and so be in one Availability Zone. "
            "Use instance_count=2 and min_instances=2 or more, or acknowledge this.",
        )
    if variant.max_instances is not None and variant.least == 0 and not is_token(region) and region in _NEVER_EMPTY:
        Annotations.of(endpoint).add_warning_v2(
            "ml-constructs:NeverEmpty",
            f"SageMaker has refused min_instances=0 in {region}, with: Min instance count needs to be greater than 0 "
            "for enabled managed instance scaling. Use min_instances=1 or another region, or acknowledge this.",
        )
