"""Models: containers, the artefacts they load, and the role SageMaker assumes to run them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Final, Protocol

from aws_cdk import Annotations, Reference, Stack, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import (
    check_each,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    is_token,
)
from ml_constructs._environment import check_account, environment_of
from ml_constructs.images import BoundImage, ContainerImage
from ml_constructs.model_data import BoundModelData, ModelData
from ml_constructs.network import InferenceNetwork, security_group_description
from ml_constructs.permissions import Permission, acknowledge_wildcards, allow_exactly

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
HOSTNAME_PATTERN: Final = r"(?!.{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
MAX_ENVIRONMENT: Final = 100
MAX_ENVIRONMENT_ENTRY: Final = 1024  # bytes of a name, and of a value
MAX_ENVIRONMENT_TOTAL: Final = 32 * 1024  # bytes, over all containers of a model

_PULL: Final = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_PULL_TOKEN: Final = Permission(
    actions=["ecr:GetAuthorizationToken"],
    resources=["*"],
    wildcard="ECR defines no resource for GetAuthorizationToken; what may be pulled with the token is named beside.",
)


class IModel(Protocol):
    """A SageMaker model, owned or imported."""

    @property
    def model_name(self) -> str:
        """The name, known at deployment for an owned model."""

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        """Give the execution role permissions; returns what makes them work, None if they cannot be given."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """An image, the model data it loads, and its environment.

    Args:
        image: The inference image.
        model_data: What SageMaker unpacks to `/opt/ml/model`. Default: nothing.
        environment: Environment variables, no secrets: at most 100, each name and value at most 1,024 bytes.
        hostname: Names the container in logs and metrics of a model with several containers.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """

    image: ContainerImage
    model_data: ModelData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None

    def __post_init__(self) -> None:
        check_type(ContainerImage, image=self.image)
        check_type((ModelData, NoneType), model_data=self.model_data)
        check_type(Mapping, environment=self.environment)
        check_pattern("hostname", self.hostname, HOSTNAME_PATTERN, "at most 63 letters, digits and inner hyphens")
        check_length("environment", self.environment, 0, MAX_ENVIRONMENT)
        for name, value in self.environment.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"environment must have names and values of text, got {name!r}: {value!r}")
            check_pattern("environment", name, r"[a-zA-Z_][a-zA-Z0-9_]*", "named with letters, digits and underscores")
            for text in (name, value):
                if not is_token(text) and len(text.encode()) > MAX_ENVIRONMENT_ENTRY:
                    raise ValueError(
                        f"environment must have names and values of at most {MAX_ENVIRONMENT_ENTRY:,} bytes, "
                        f"got {len(text.encode()):,} bytes in {name[:64]!r}"
                    )

    @property
    def environment_bytes(self) -> int:
        """The size of all names and values that are known at synth."""
        return sum(len(text.encode()) for item in self.environment.items() for text in item if not is_token(text))


class Model(Construct):
    """A SageMaker model with an execution role that may read its artefacts, pull its images, and nothing else.

    SageMaker models are immutable: a change to containers, network or isolation replaces the model, and CloudFormation
    deletes the old one once the endpoint has moved to the new one. What the role may read is a policy per set of
    artefacts and images, so that during a deployment, and after a rollback, instances of the old model find theirs.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        containers: The container.
        network: Puts the model's network interfaces into this network. Default: none.
        network_isolation: Whether the containers are cut off from every network. Default: True, unless AWS documents
            that an image does not work in isolation; then False, with the warning `ml-constructs:NetworkIsolation`.
        role: The execution role. Default: a new role. A given role gets the permissions as statements of its own, or,
            if it is of another stack, as policies in this one; an immutable role gets none.

    Raises:
        ValueError: there is not exactly one container, or the environment is larger than 32 KiB.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        containers: Sequence[Container],
        network: InferenceNetwork | None = None,
        network_isolation: bool | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        check_each("Container", Container, containers=containers)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type((bool, NoneType), network_isolation=network_isolation)
        check_offers("role_arn", "a role", role=role)
        check_account(scope, network=network)
        if len(containers) != 1:
            raise ValueError(f"containers must have exactly 1 member, got {len(containers)}")
        size = sum(container.environment_bytes for container in containers)
        if size > MAX_ENVIRONMENT_TOTAL:
            raise ValueError(
                f"containers must have environments of at most {MAX_ENVIRONMENT_TOTAL:,} bytes together, got {size:,}"
            )
        super().__init__(scope, construct_id)
        images = [container.image.bind(self) for container in containers]
        data = [None if container.model_data is None else container.model_data.bind(self) for container in containers]
        self._role = _execution_role(self, construct_id) if role is None else role
        self._owns_role = role is None
        self._role_name = self._role.role_name
        self._network = network
        self._data_buckets = tuple(bound.bucket for bound in data if bound is not None)
        reads = [_pull(images)] + [
            permission for bound in data if bound is not None for permission in bound.permissions
        ]
        # The id follows the artefacts: other artefacts are another policy, and the old one outlives the update.
        policies = [self._attach(self, f"Artefacts{_digest(self, images, data)}", [_PULL_TOKEN, *reads])]
        vpc_config = None
        if network is not None:
            group, subnets = _join(self, network), [subnet.subnet_id for subnet in network.subnets]
            for bound in filter(None, data):
                # Any version of the artefact: the old one is still loaded while the endpoint moves to the new one.
                network.allow_s3(_without_cycle(network, bound.bucket.arn_for_objects("*")), "s3:GetObject")
            policies.append(self._attach(self, "NetworkInterfaces", _network_interfaces(self, group, subnets)))
            vpc_config = sagemaker.CfnModel.VpcConfigProperty(
                subnets=subnets, security_group_ids=[group.security_group_id]
            )
        self._resource = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self._role.role_arn,
            enable_network_isolation=_isolation(self, images, network_isolation),
            primary_container=_render(containers[0], images[0], data[0]),
            vpc_config=vpc_config,
        )
        # SageMaker reads the artefact when it creates the model: https://github.com/aws/aws-cdk/issues/10064
        self._resource.node.add_dependency(*(policy for policy in policies if policy is not None))
        if network is not None:
            # And instances load it through the network, whose routes and S3 endpoint no reference orders before them.
            self._resource.node.add_dependency(*_way_to_s3(network))

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
        check_pattern("model_name", model_name, HOSTNAME_PATTERN, "at most 63 letters, digits and inner hyphens")
        check_offers("role_arn", "a role", role=role)
        return _ImportedModel(model_name=model_name, role=role)

    @property
    def model_name(self) -> str:
        """The name that CloudFormation gave the model."""
        return self._resource.attr_model_name

    @property
    def role(self) -> iam.IRole:
        """The execution role."""
        return self._role

    @property
    def data_buckets(self) -> tuple[s3.IBucket, ...]:
        """The buckets that hold the model data, e.g. for a trail."""
        return self._data_buckets

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        """Give the execution role permissions, as a managed policy in `scope` if the role is this model's own.

        Returns:
            What must exist before the permissions work; None if the given role cannot be changed from here.
        """
        if self._network is not None:
            for permission in permissions:
                if permission.actions[0].startswith("s3:"):
                    arn = _without_cycle(self._network, permission.resources[0])
                    self._network.allow_s3(arn, *permission.actions)
        return self._attach(scope, construct_id, permissions)

    def _attach(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        if self._owns_role:
            return allow_exactly(scope, construct_id, self._role_name, permissions)
        return _allow_given(scope, construct_id, self._role, permissions)


@dataclass(frozen=True, kw_only=True)
class _ImportedModel:
    model_name: str
    role: iam.IRole | None

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> IDependable | None:
        return None if self.role is None else _allow_given(scope, construct_id, self.role, permissions)


def _allow_given(
    scope: Construct, construct_id: str, role: iam.IRole, permissions: Sequence[Permission]
) -> IDependable | None:
    """Add statements to a role that its owner may have made immutable, or that lives in another account."""
    if environment_of(role).stack_path != environment_of(scope).stack_path:
        # A statement in the role's stack would depend on this stack, which depends on the role.
        if isinstance(role, iam.Role):
            return allow_exactly(scope, construct_id, role.role_name, permissions)
        policy = iam.Policy(scope, construct_id, statements=[permission.statement() for permission in permissions])
        role.attach_inline_policy(policy)  # of no effect on an immutable role
        acknowledge_wildcards(policy, permissions)
        return policy
    added = None
    for permission in permissions:
        result = role.add_to_principal_policy(permission.statement())
        added = result.policy_dependable if result.statement_added else added
    return added


def _execution_role(model: Model, construct_id: str) -> iam.Role:
    environment = environment_of(model)
    # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    conditions = {
        "StringEquals": {"aws:SourceAccount": environment.account},
        "ArnLike": {"aws:SourceArn": environment.arn("sagemaker", "*")},
    }
    principal = iam.ServicePrincipal("sagemaker.amazonaws.com", conditions=conditions)
    return iam.Role(model, "Role", assumed_by=principal, description=_role_description(construct_id))


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


def _pull(images: Sequence[BoundImage]) -> Permission:
    repositories = dict.fromkeys(arn for image in images for arn in image.repositories)
    return Permission(actions=_PULL, resources=list(repositories))


def _join(model: Model, network: InferenceNetwork) -> ec2.SecurityGroup:
    """A security group that nothing may reach: SageMaker calls containers from within their instances."""
    description = security_group_description(f"Instances of {model.node.path}")
    return network.create_security_group(model, "SecurityGroup", description=description, endpoints=False, s3=True)


def _way_to_s3(network: InferenceNetwork) -> list[IDependable]:
    routes = [subnet.internet_connectivity_established for subnet in network.subnets]
    return routes if network.s3_endpoint is None else [*routes, network.s3_endpoint]


def _role_description(construct_id: str) -> str:
    """In the characters that IAM takes, 1,000 at most."""
    return re.sub(r"[^ -~\u00a1-\u00ff]", "-", f"Runs the containers of {construct_id}")[:1000]


def _without_cycle(network: InferenceNetwork, arn: str) -> str:
    """Objects as the network's stack can name them: those in a bucket of another stack by their path alone.

    That stack depends on the network, so the network's stack cannot depend on its bucket.
    """
    environment = environment_of(network)
    for token in Tokenization.reverse_string(arn).tokens:
        if isinstance(token, Reference) and environment_of(token.target).stack_path != environment.stack_path:
            return f"arn:{environment.partition}:s3:::*/{arn.partition('/')[2]}"
    return arn


def _network_interfaces(model: Model, group: ec2.SecurityGroup, subnet_ids: Sequence[str]) -> list[Permission]:
    """What SageMaker documents for models in a VPC, https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html."""
    environment = environment_of(model)
    return [
        Permission(
            actions=[
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
            ],
            resources=[
                environment.arn("ec2", "network-interface/*"),
                environment.arn("ec2", f"security-group/{group.security_group_id}"),
                *(environment.arn("ec2", f"subnet/{subnet}") for subnet in subnet_ids),
            ],
            wildcard="SageMaker creates and deletes the network interfaces of the model's instances, whose ids EC2 "
            "chooses; they can only be made in the subnets and the security group named beside.",
        ),
        Permission(
            actions=[
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            resources=["*"],
            wildcard="EC2 defines no resource for these actions, which SageMaker needs to place a model in a VPC.",
        ),
    ]


def _digest(model: Model, images: Sequence[BoundImage], data: Sequence[BoundModelData | None]) -> str:
    artefacts = [image.uri for image in images] + [bound.url for bound in data if bound is not None]
    if any(map(is_token, artefacts)):
        artefacts = Stack.of(model).resolve(artefacts)
    return hashlib.sha256(json.dumps(artefacts, sort_keys=True).encode()).hexdigest()[:8].upper()


def _render(
    container: Container, image: BoundImage, data: BoundModelData | None
) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    return sagemaker.CfnModel.ContainerDefinitionProperty(
        image=image.uri,
        model_data_url=None if data is None else data.url,
        environment=dict(container.environment) or None,
        container_hostname=container.hostname,
    )
