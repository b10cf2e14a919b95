"""Where container images come from, and what a model needs to know of one in its stack."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aws_cdk import CfnMapping, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets

from ml_constructs._checks import is_token
from ml_constructs._environment import StackEnvironment, environment_of
from ml_constructs.models import _image_table
from ml_constructs.models.private_registry import PrivateRegistry

if TYPE_CHECKING:
    from constructs import Construct

_Accounts = tuple[tuple[str, str], ...]  # pairs of region and account

_ARM64: Final = {"linux/amd64": False, "linux/arm64": True}


@dataclass(frozen=True, kw_only=True)
class BoundImage:
    """An image in the stack of its model."""

    uri: str
    """Registry, repository, and tag or digest. May contain tokens."""
    repositories: tuple[str, ...]
    """ARNs of the ECR repositories that the model's role must be able to pull from. May contain tokens."""
    network_isolation: bool
    """Whether the container works without any network."""
    framework: str | None = None
    """The SageMaker SDK's name of an image that AWS publishes; None for any other."""
    arm64: bool | None = None
    """Whether it runs on Graviton, and nowhere else; None where nobody knows."""

    @property
    def least_length(self) -> int:
        """The characters of the URI that are known at synth."""
        return len(re.sub(r"\$\{Token\[[^\]]*\]\}", "", self.uri))


@dataclass(frozen=True, kw_only=True)
class Published:
    """In a repository that AWS owns, in an account that depends on the region."""

    image: _image_table.PublishedImage
    name: str
    network_isolation: bool

    def bind(self, scope: Construct) -> BoundImage:
        environment = environment_of(scope)
        region, accounts = environment.region, dict(self.image.accounts)
        if is_token(region):
            account = _account_at_deployment(scope, self.image.accounts)
            suffix = environment.url_suffix
        elif region in accounts:
            account = accounts[region]
            suffix = _image_table.domain_suffix(region)
        else:
            raise ValueError(
                f"region must be one where AWS publishes {self.name} as {self.image.repository}:{self.image.tag}, "
                f"got {region!r}; available in {', '.join(accounts)}"
            )
        repository = self.image.repository
        return BoundImage(
            uri=f"{account}.dkr.ecr.{region}.{suffix}/{repository}:{self.image.tag}",
            repositories=(f"arn:{environment.partition}:ecr:{region}:{account}:repository/{repository}",),
            network_isolation=self.network_isolation,
            framework=self.name,
            arm64=self.image.arm64,
        )


@dataclass(frozen=True, kw_only=True)
class Stored:
    """In a repository of the user."""

    repository: ecr.IRepository
    digest: str | None
    tag: str | None

    def bind(self, scope: Construct) -> BoundImage:
        region = _region_of(self.repository)
        here = environment_of(scope).region
        if region != here and not is_token(region) and not is_token(here):
            raise ValueError(f"repository must be in the region of its model, {here}, got one in {region}")
        if self.tag is not None:
            _check_immutable(self.repository, self.tag)
        return BoundImage(
            uri=(
                self.repository.repository_uri_for_tag(self.tag)
                if self.digest is None
                else self.repository.repository_uri_for_digest(self.digest)
            ),
            repositories=(self.repository.repository_arn,),
            network_isolation=True,
        )


@dataclass(frozen=True, kw_only=True)
class Built:
    """Built from a directory, into the repository of the CDK's bootstrap stack."""

    directory: str
    file: str
    target: str | None
    build_args: tuple[tuple[str, str], ...]
    platform: str

    def bind(self, scope: Construct) -> BoundImage:
        asset = ecr_assets.DockerImageAsset(
            scope,
            _free_id(scope, "Image"),
            directory=self.directory,
            file=self.file,
            target=self.target,
            build_args=dict(self.build_args) or None,
            platform=ecr_assets.Platform.custom(self.platform),
        )
        return BoundImage(
            uri=asset.image_uri,
            repositories=(asset.repository.repository_arn,),
            network_isolation=True,
            arm64=_ARM64.get(self.platform),
        )


@dataclass(frozen=True, kw_only=True)
class Private:
    """In a registry of the user that is not Amazon ECR."""

    registry: PrivateRegistry
    digest: str | None
    tag: str | None

    def bind(self, scope: Construct) -> BoundImage:  # noqa: ARG002 - it is the same everywhere
        pin = f":{self.tag}" if self.digest is None else f"@{self.digest}"
        return BoundImage(
            uri=f"{self.registry.image}{pin}",
            repositories=(),
            network_isolation=True,
        )


def _check_immutable(repository: ecr.IRepository, tag: str) -> None:
    """Raise `ValueError` if a repository of this app lets tags move; nothing is known of an imported one."""
    resource = repository.node.default_child if isinstance(repository, ecr.Repository) else None
    if isinstance(resource, ecr.CfnRepository):
        setting = resource.image_tag_mutability
        if not is_token(setting) and not (setting or "").startswith("IMMUTABLE"):
            raise ValueError(
                f"tag must be in a repository with immutable tags, got {tag!r} in {repository.node.path}, where it can "
                "move: set image_tag_mutability, or use a digest"
            )


def _region_of(repository: ecr.IRepository) -> str:
    """From the ARN, because an imported repository takes the region of its stack; a resource's ARN is one token."""
    match = re.match("arn:[^:]+:ecr:([^:]+):", repository.repository_arn)
    return match[1] if match else repository.env.region


# By stack: the same registry is the same token, so that policies name a repository once.
_ACCOUNTS: Final[WeakKeyDictionary[StackEnvironment, dict[_Accounts, str]]] = WeakKeyDictionary()


def _account_at_deployment(scope: Construct, accounts: _Accounts) -> str:
    """The registry account in the region of the stack, which is known only at deployment."""
    environment = environment_of(scope)
    known = _ACCOUNTS.setdefault(environment, {})
    if accounts not in known:
        known[accounts] = _registry_mapping(Stack.of(scope), dict(accounts)).find_in_map(environment.region, "account")
    return known[accounts]


def _registry_mapping(stack: Stack, accounts: Mapping[str, str]) -> CfnMapping:
    """The stack's mapping from region to registry account; images of one registry share it."""
    digest = hashlib.sha256(json.dumps(accounts, sort_keys=True).encode()).hexdigest()
    mapping_id = f"ImageRegistry{digest[:8]}"
    mapping = stack.node.try_find_child(mapping_id)
    if isinstance(mapping, CfnMapping):
        return mapping
    return CfnMapping(stack, mapping_id, mapping={region: {"account": account} for region, account in accounts.items()})


def _free_id(scope: Construct, base: str) -> str:
    """An id for one more child: a model may have several containers with assets."""
    number, candidate = 1, base
    while scope.node.try_find_child(candidate) is not None:
        number += 1
        candidate = f"{base}{number}"
    return candidate
