"""A container as a model package describes it: a version in a registry, or a product of AWS Marketplace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import check_each, check_given, check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_region, environment_of
from ml_constructs.models.container import (
    HOSTNAME_PATTERN,
    HOSTNAME_RULE,
    BoundContainer,
    check_settings,
    environment_bytes,
)
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model_data import ModelData
from ml_constructs.models.model_data_source import ModelDataSource

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html: 176 characters at most
_PACKAGE: Final = (
    r"(?!.{177})arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/(?![^/]{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
)
_VERSION: Final = r"/\d{1,9}"


class HasModelPackageArn(Protocol):
    """A model package: a version of a model in a registry, or a product of AWS Marketplace."""

    @property
    def model_package_arn(self) -> str:
        """The ARN, with the version."""


@dataclass(frozen=True, kw_only=True)
class PackagedContainer:
    """What a version of a model package says, or a product of AWS Marketplace.

    The package names images and archives that nobody knows at synth. Name them here as well: the model's role may then
    read these, and nothing else. A package of another account must admit this account in the policy of its group, and
    its repository, bucket and key in theirs.

    Args:
        package: The package, or its ARN with the version, `arn:...:model-package/group/3`. Nothing is looked up at
            synth, so another version is another template.
        images: The images that the package runs. Needed, unless it is of AWS Marketplace or the model is given a role.
        model_data: The archives or files that the package loads. Default: none.
        environment: Environment variables beside the package's, no secrets, as of a `Container`.
        hostname: The name of the container, as of a `Container`.
        specification: The name of the package's inference specification to use. Default: the package's own choice.
        marketplace: Whether it is a product of AWS Marketplace: its ARN may have no version, AWS reads its image and
            data, and it runs in network isolation only. Default: False.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
    """

    package: str | HasModelPackageArn
    images: Sequence[ContainerImage] = ()
    model_data: Sequence[ModelData | ModelDataSource] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    specification: str | None = None
    marketplace: bool = False

    def __post_init__(self) -> None:
        check_type(bool, marketplace=self.marketplace)
        check_given(package=self.package)
        if isinstance(self.package, str):
            rule = "the ARN of a model package, model-package/name/version"
            pattern = f"{_PACKAGE}({_VERSION})?" if self.marketplace else f"{_PACKAGE}{_VERSION}"
            check_pattern("package", self.package, pattern, rule)
        else:
            check_offers("model_package_arn", "a model package or its ARN", package=self.package)
        check_each("ContainerImage", ContainerImage, images=self.images)
        check_each("ModelData or ModelDataSource", (ModelData, ModelDataSource), model_data=self.model_data)
        check_pattern("specification", self.specification, HOSTNAME_PATTERN, HOSTNAME_RULE)
        check_settings(self.environment, self.hostname)

    @property
    def environment_bytes(self) -> int:
        """The size of all names and values that are known at synth."""
        return environment_bytes(self.environment)

    def bind(self, scope: Construct) -> BoundContainer:
        """Make the container usable in the stack of `scope`.

        Raises:
            ValueError: the package is in another region.
        """
        package = self.package
        arn = package if isinstance(package, str) else package.model_package_arn
        check_region(scope, package=package if isinstance(package, Construct) else None)
        here = environment_of(scope).region
        if not is_token(arn) and not is_token(here) and arn.split(":")[3] != here:
            raise ValueError(f"package must be in the region of its model, {here}, got {arn}")
        definition = sagemaker.CfnModel.ContainerDefinitionProperty(
            model_package_name=arn,
            inference_specification_name=self.specification,
            environment=dict(self.environment) or None,
            container_hostname=self.hostname,
        )
        return BoundContainer(
            definition=definition,
            images=tuple(image.bind(scope) for image in self.images),
            data=tuple(data.bind(scope) for data in self.model_data),
            names=(arn,),
        )
