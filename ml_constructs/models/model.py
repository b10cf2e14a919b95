"""Models: one container or several, and the role SageMaker assumes to run them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final, Protocol

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_account
from ml_constructs.models import _network as _model_network
from ml_constructs.models._containers import (
    AnyContainer,
    check_containers,
    check_instance_type,
    check_surroundings,
    has_data_source,
    is_multi_model,
    is_of_marketplace,
    private_registries,
    warn_about_images,
)
from ml_constructs.models._execution_role import allow_given, ask, execution_role, in_policies, joined, pull
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.models.container import HOSTNAME_PATTERN, HOSTNAME_RULE, BoundContainer
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, allow_exactly


class IModel(Protocol):
    """A SageMaker model, owned or imported."""

    @property
    def model_name(self) -> str:
        """The name, known at deployment for an owned model."""

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        """Give the execution role permissions; returns what makes them work, None if they cannot be given."""


class Model(Construct):
    """A SageMaker model with an execution role that may read its artefacts, pull its images, and nothing else.

    SageMaker models are immutable: a change to containers, network or isolation replaces the model, and CloudFormation
    deletes the old one once the endpoint has moved to the new one. What the role may read is a policy per set of
    artefacts and images, so that during a deployment, and after a rollback, instances of the old model find theirs.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        containers: One container; or 2 to 15, which run on each instance together: as an inference pipeline, where each
            answers what the one before it said, or each by itself with `direct_invocation`.
        direct_invocation: Whether a request names the one container that answers, `TargetContainerHostname`.
            Default: False, a pipeline.
        network: Puts the model's network interfaces into this network. Default: none.
        network_isolation: Whether the containers are cut off from every network. Default: True, unless AWS documents
            that an image does not work in isolation; then False, with the warning `ml-constructs:NetworkIsolation`.
        role: The execution role. Default: a new role. A given role gets the permissions as statements of its own, or,
            if it is of another stack, as policies in this one; an immutable role gets none.

    Attributes:
        containers: The containers, in the order in which a pipeline runs them.
        direct_invocation: Whether a request names the container that answers.
        network: The network of the instances, or None.
        network_isolation: Whether the containers are cut off from every network.
        multi_model: Whether a container has `MultiModelData`.
        data_source: Whether a container has a `ModelDataSource`.
        marketplace: Whether a container is a product of AWS Marketplace.
        private_registry: Whether an image is in a registry that is not Amazon ECR.
        data_buckets: The buckets that hold the model data, e.g. for a trail.
        reads: What a role needs to pull the images and to read the data.
        role: The execution role.

    Raises:
        ValueError: AWS would reject the containers together, or not find their images or data.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        containers: Sequence[AnyContainer],
        direct_invocation: bool = False,
        network: InferenceNetwork | None = None,
        network_isolation: bool | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        check_type(bool, direct_invocation=direct_invocation)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type((bool, NoneType), network_isolation=network_isolation)
        check_offers("role_arn", "a role", role=role)
        check_account(scope, network=network)
        check_containers(containers, direct_invocation=direct_invocation)
        check_surroundings(containers, network=network, network_isolation=network_isolation, role=role)
        registries = private_registries(containers)
        super().__init__(scope, construct_id)
        bound = [container.bind(self) for container in containers]
        data = [each for container in bound for each in container.data]
        self._images = tuple(image for container in bound for image in container.images)
        self.containers: Final = tuple(containers)
        self.direct_invocation: Final = direct_invocation
        self.network: Final = network
        self.network_isolation: Final = _isolation(self, self._images, network_isolation)
        self.multi_model: Final = any(map(is_multi_model, containers))
        self.data_source: Final = any(map(has_data_source, containers))
        self.marketplace: Final = any(map(is_of_marketplace, containers))
        self.private_registry: Final = bool(registries)
        self.data_buckets: Final = tuple(each.bucket for each in data)
        self.role: Final = execution_role(self, construct_id) if role is None else role
        self._owns_role = role is None
        self._role_name = self.role.role_name
        reads = joined([*pull(self._images), *ask(registries), *(each for item in data for each in item.permissions)])
        self.reads: Final = tuple(reads)
        # The id follows the artefacts: other artefacts are another policy, and the old one outlives the update.
        base = f"Artefacts{_digest(self, bound)}"
        policies = [self._attach(self, f"{base}{number or ''}", part) for number, part in enumerate(in_policies(reads))]
        ways: list[IDependable] = []
        vpc_config = None
        if network is not None:
            group = _model_network.join(self, network, registries)
            subnets = [subnet.subnet_id for subnet in network.subnets]
            _model_network.open_s3(network, data)
            interfaces = _model_network.network_interfaces(self, group, subnets)
            policies.append(self._attach(self, "NetworkInterfaces", interfaces))
            ways = _model_network.ways(network, group, registries)
            vpc_config = sagemaker.CfnModel.VpcConfigProperty(
                subnets=subnets, security_group_ids=[group.security_group_id]
            )
        warn_about_images(self, containers, self._images)
        several = len(bound) > 1
        mode = "Direct" if direct_invocation else "Serial"
        self._resource = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=self.network_isolation,
            primary_container=None if several else bound[0].definition,
            containers=[each.definition for each in bound] if several else None,
            inference_execution_config=sagemaker.CfnModel.InferenceExecutionConfigProperty(mode=mode)
            if several
            else None,
            vpc_config=vpc_config,
        )
        # SageMaker reads the artefact when it creates the model: https://github.com/aws/aws-cdk/issues/10064. Instances
        # load it through the network, whose routes and endpoints no reference orders before them.
        self._resource.node.add_dependency(*(policy for policy in policies if policy is not None), *ways)

    @staticmethod
    def from_model_name(model_name: str, *, role: iam.IRole | None = None) -> IModel:
        """Refer to a model that exists in this account and region.

        Args:
            model_name: The name.
            role: Its execution role, which an endpoint lets write logs and captured data. Default: left to its owner.

        Raises:
            ValueError: `model_name` is malformed.
        """
        check_type(str, model_name=model_name)
        check_pattern("model_name", model_name, HOSTNAME_PATTERN, HOSTNAME_RULE)
        check_offers("role_arn", "a role", role=role)
        return _ImportedModel(model_name=model_name, role=role)

    @property
    def model_name(self) -> str:
        """The name that CloudFormation gave the model."""
        return self._resource.attr_model_name

    def check_instance_type(self, instance_type: str) -> None:
        """Say whether the containers can run on an instance type; called by what serves the model on instances.

        Args:
            instance_type: An ML instance type, e.g. `ml.m5.large`; a token passes.

        Raises:
            ValueError: an image is made for another processor architecture, or AWS does not support the type for
                multi-model containers.
        """
        check_instance_type(instance_type, images=self._images, multi_model=self.multi_model)

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        """Give the execution role permissions, as a managed policy in `scope` if the role is this model's own.

        Returns:
            What must exist before the permissions work; None if the given role cannot be changed from here.
        """
        if self.network is not None:
            for permission in permissions:
                if permission.actions[0].startswith("s3:"):
                    for resource in permission.resources:
                        self.network.allow_s3(_model_network.without_cycle(self.network, resource), *permission.actions)
        return self._attach(scope, construct_id, permissions)

    def _attach(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        if self._owns_role:
            return allow_exactly(scope, construct_id, self._role_name, permissions)
        return allow_given(scope, construct_id, self.role, permissions)


@dataclass(frozen=True, kw_only=True)
class _ImportedModel:
    model_name: str
    role: iam.IRole | None

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        return None if self.role is None else allow_given(scope, construct_id, self.role, permissions)


def _isolation(model: Model, images: Sequence[BoundImage], wanted: bool | None) -> bool:  # noqa: FBT001
    if wanted is not None:
        return wanted
    possible = all(image.network_isolation for image in images)
    if not possible:
        Annotations.of(model).add_warning_v2(
            "ml-constructs:NetworkIsolation",
            "network isolation is off: AWS documents that an image of this model needs network access "
            "(https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html). "
            "Say network_isolation=False to accept this, or True to try it all the same.",
        )
    return possible


def _digest(model: Model, containers: Sequence[BoundContainer]) -> str:
    artefacts = [image.uri for container in containers for image in container.images]
    artefacts += [data.url for container in containers for data in container.data]
    artefacts += [name for container in containers for name in container.names]
    if any(map(is_token, artefacts)):
        artefacts = Stack.of(model).resolve(artefacts)
    return hashlib.sha256(json.dumps(artefacts, sort_keys=True).encode()).hexdigest()[:8].upper()
