"""Inference components: models that share the instances of one endpoint, each with copies and resources of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import Annotations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, check_whole
from ml_constructs._environment import check_account, check_region
from ml_constructs._log_groups import hosting_log_group
from ml_constructs.components._alarms import component_rollback_alarms
from ml_constructs.components._import import ImportedComponent
from ml_constructs.components._names import arn_of_component, identity, literal_component_name
from ml_constructs.components._rules import check_new_name, check_on_endpoint, check_specifications, warn_of_component
from ml_constructs.components._serving import render, serve
from ml_constructs.components.deployment import ComponentDeployment
from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.endpoints._permissions import write_logs_and_metrics
from ml_constructs.endpoints._rollback_watch import RollbackWatch
from ml_constructs.interfaces.component import COMPONENT_NAMESPACE, IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.models._execution_role import in_policies, joined
from ml_constructs.models.model import IModel
from ml_constructs.permissions import NO_RESOURCE, Permission
from ml_constructs.scaling.component_scaling import ComponentScaling

COMPONENT_LOGS: Final = f"{COMPONENT_NAMESPACE}/"
MOST_COPIES: Final = 2**31 - 1


class InferenceComponent(Construct, IInferenceComponent):
    """A model on the instances of a `SharedEndpoint`, in copies that are placed, scaled and deployed for themselves.

    Its name is a literal, because alarms, log group, scaling and policies need it before the component exists. Updates
    of what a copy runs replace the copies batch by batch, and turn back on alarms.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint that hosts it.
        specification: What a copy runs and reserves; or 2 to 5 of them, one for each instance type of the endpoint.
        copies: How many copies to start with, 1 or more. Default: 2, so that one may fail. Each deployment that changes
            a copy begins with this number again.
        deployment: How updates are rolled out. Default: `ComponentDeployment()`, batches of 25 percent.
        encryption_key: Encrypts the logs. Default: the endpoint's key, or a new `EncryptionKey` for an imported one.
        log_retention: How long the containers' logs are kept. Default: 1 year.
        component_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path, the
            endpoint and its variant.

    Raises:
        ValueError: an argument is out of its range, or the endpoint cannot run the specification.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: ISharedEndpoint,
        specification: ComponentSpecification | Sequence[ComponentSpecification],
        copies: int = 2,
        deployment: ComponentDeployment | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        component_name: str | None = None,
    ) -> None:
        check_type(ISharedEndpoint, endpoint=endpoint)
        specifications = check_specifications(specification)
        check_given(copies=copies)
        check_whole("copies", copies, 1, MOST_COPIES)  # https://github.com/stdapi-ai/stdapi.ai/issues/43
        check_type((ComponentDeployment, NoneType), deployment=deployment)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_pattern("component_name", component_name, NAME_PATTERN, NAME_RULE)
        if isinstance(endpoint, Construct):
            check_account(scope, endpoint=endpoint)
        check_region(scope, encryption_key=encryption_key)
        check_new_name(endpoint, component_name)
        check_on_endpoint(scope, endpoint, specifications)
        deployment = ComponentDeployment() if deployment is None else deployment
        deployment.check_copies(copies)
        super().__init__(scope, construct_id)
        where = identity(self, endpoint.endpoint_name, endpoint.variant_name, component_name or "")
        name = literal_component_name(self, where) if component_name is None else component_name
        self.component_name = name
        self.component_arn = arn_of_component(self, endpoint.endpoint_arn, name)
        self.endpoint: IEndpoint = endpoint
        self.copies: Final = copies
        self._host = endpoint
        key = endpoint.encryption_key if encryption_key is None else encryption_key
        self.encryption_key: Final = EncryptionKey(self, "Key") if key is None else key
        self.log_group: Final = hosting_log_group(
            self,
            "Logs",
            name=name,
            encryption_key=self.encryption_key,
            retention=log_retention,
            prefix=COMPONENT_LOGS,
        )
        self._deployment = deployment
        own = {} if deployment.rollback is None else component_rollback_alarms(self, self, deployment.rollback)
        self._watch = RollbackWatch(own)
        served = [serve(self, each) for each in specifications]
        self._models: Final = _unique([each.model for each in specifications])
        reads = [permission for each in served for permission in each.reads]
        # The ids follow what is read: other artefacts are another policy, and the old one outlives the update.
        policy = f"Policy{identity(self, *(json.dumps(each.document(), sort_keys=True) for each in reads)).upper()}"
        run = [*_run(self.log_group), *self._watch.permissions(self)]
        needed = [*_allow_host(self, policy, endpoint, joined([*run, *reads])), *_allow_models(self, self._models, run)]
        self._resource = sagemaker.CfnInferenceComponent(
            self,
            f"Resource{where.upper()}",
            endpoint_name=endpoint.endpoint_name,
            variant_name=endpoint.variant_name,
            inference_component_name=name,
            runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(copy_count=copies),
            deployment_config=deployment.render(self._watch.names, copies),
            **render(specifications, served),
        )
        self.node.default_child = self._resource
        # Names of the endpoint, the alarms and the log group are literals, so no reference orders them before.
        before: list[IDependable] = [self.log_group, *own.values(), *needed]
        resource = endpoint.resource()
        self._resource.node.add_dependency(*before, *([] if resource is None else [resource]))
        endpoint.add_component(self)
        warn_of_component(self, endpoint, self._models)
        self._scaled = False

    @staticmethod
    def from_component_name(
        scope: Construct, construct_id: str, component_name: str, *, endpoint: IEndpoint
    ) -> IInferenceComponent:
        """Refer to an inference component by its name.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`.
            component_name: The name.
            endpoint: The endpoint that hosts it, owned or imported.

        Raises:
            ValueError: `component_name` is malformed.
        """
        return ImportedComponent(scope, construct_id, component_name=component_name, endpoint=endpoint)

    @property
    def rollback_alarms(self) -> list[cloudwatch.IAlarm]:
        """The alarms that take a deployment back."""
        return list(self._watch.alarms)

    def auto_scale(self, *, min_capacity: int = 2, max_capacity: int) -> ComponentScaling:
        """Let the number of copies scale; add policies to what is returned.

        Args:
            min_capacity: The fewest copies, 0 or more. Default: 2.
            max_capacity: The most copies, at least `min_capacity`.

        Raises:
            ValueError: the component already scales, or a capacity is out of its range.
        """
        if self._scaled:
            raise ValueError(f"component must be scaled once, got {self.component_name!r} again")
        scaling = ComponentScaling(
            self,
            "Scaling",
            component=self._resource,
            component_name=self.component_name,
            # To zero, it starts with a copy all the same: SageMaker makes no component without one.
            copies=self.copies,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        self._scaled = True
        variant = self._host.variant
        if variant is not None and variant.max_instances is None:
            Annotations.of(self).add_warning_v2(
                "ml-constructs:FixedInstances",
                f"the copies of {self.component_name} scale, but the instances of variant {variant.name} do not: "
                "copies that find no room wait for it. Give the variant max_instances, or acknowledge this.",
            )
        return scaling

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Roll a deployment back when this alarm fires.

        Args:
            alarm: An alarm of this account and region; at most 10 in all, with the component's own.

        Raises:
            ValueError: the component has 10 rollback alarms already.
        """
        permissions = self._watch.add(self, alarm)
        self._resource.deployment_config = self._deployment.render(self._watch.names, self.copies)
        if permissions:
            self._resource.node.add_dependency(*self.allow(self, "AlarmPolicy", permissions))

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> list[IDependable]:
        """Give the roles that run the component permissions; returns what makes them work.

        These are the endpoint's role and those of the models: AWS does not document which of them reads artefacts, and
        which writes logs.
        """
        return [
            *_allow_host(scope, construct_id, self._host, permissions),
            *_allow_models(scope, self._models, permissions, construct_id),
        ]


def _allow_host(
    scope: Construct, construct_id: str, endpoint: ISharedEndpoint, permissions: Sequence[Permission]
) -> list[IDependable]:
    return [
        dependable
        for number, part in enumerate(in_policies(permissions))
        for dependable in endpoint.allow(scope, f"{construct_id}{number or ''}", part)
    ]


def _allow_models(
    scope: Construct, models: Sequence[IModel], permissions: Sequence[Permission], construct_id: str = "Policy"
) -> list[IDependable]:
    allowed = [
        model.allow(scope, f"Model{number or ''}{construct_id}", permissions) for number, model in enumerate(models)
    ]
    return [policy for policy in allowed if policy is not None]


def _unique(models: Sequence[IModel | None]) -> list[IModel]:
    """The models, each once."""
    return list({id(model): model for model in models if model is not None}.values())


def _run(log_group: logs.ILogGroup) -> list[Permission]:
    """What the containers do at run time."""
    return [
        *write_logs_and_metrics([log_group.log_group_arn]),
        Permission(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": [COMPONENT_NAMESPACE]}},
            wildcard=NO_RESOURCE,
        ),
    ]
