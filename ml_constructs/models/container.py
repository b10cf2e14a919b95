"""A container of a model: an image, the data it loads, and its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Final

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import check_keys, check_length, check_pattern, check_text, check_type, is_token
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.models._location import BoundModelData
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model_data import ModelData
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MultiModelData

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
HOSTNAME_PATTERN: Final = r"(?!.{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
HOSTNAME_RULE: Final = "at most 63 letters, digits and inner hyphens"
MAX_ENVIRONMENT: Final = 100
MAX_ENVIRONMENT_ENTRY: Final = 1024  # bytes of a name, and of a value
MAX_IMAGE: Final = 255


@dataclass(frozen=True, kw_only=True)
class BoundContainer:
    """A container in the stack of its model.

    Args:
        definition: The container as CloudFormation property.
        images: The images that the model's role pulls.
        data: The data that it reads.
        names: What else tells one container from another.
    """

    definition: sagemaker.CfnModel.ContainerDefinitionProperty
    images: tuple[BoundImage, ...]
    data: tuple[BoundModelData, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Container:
    """An image, the model data it loads, and its environment.

    Args:
        image: The inference image.
        model_data: What SageMaker puts into `/opt/ml/model`: an archive that it unpacks (`ModelData`), files that it
            copies (`ModelDataSource`), or many archives, of which each request names one (`MultiModelData`).
            Default: nothing.
        environment: Environment variables, no secrets: at most 100, each name and value at most 1,024 bytes.
        hostname: Names the container in logs and metrics of a model with several containers, and in requests to one of
            them: at most 63 letters, digits and inner hyphens. Default: SageMaker names it by its position.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """

    image: ContainerImage
    model_data: ModelData | ModelDataSource | MultiModelData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None

    def __post_init__(self) -> None:
        check_type(ContainerImage, image=self.image)
        check_type((ModelData, ModelDataSource, MultiModelData, NoneType), model_data=self.model_data)
        check_settings(self.environment, self.hostname)

    @property
    def environment_bytes(self) -> int:
        """The size of all names and values that are known at synth."""
        return environment_bytes(self.environment)

    def bind(self, scope: Construct) -> BoundContainer:
        """Make the container usable in the stack of `scope`.

        Raises:
            ValueError: the image or the data is not available there.
        """
        image = self.image.bind(scope)
        if image.least_length > MAX_IMAGE:
            raise ValueError(
                f"image must have a URI of at most {MAX_IMAGE} characters, got {image.least_length} or more"
            )
        data = None if self.model_data is None else self.model_data.bind(scope)
        registry = self.image.private_registry
        definition = sagemaker.CfnModel.ContainerDefinitionProperty(
            image=image.uri,
            environment=dict(self.environment) or None,
            container_hostname=self.hostname,
            image_config=None if registry is None else registry.render(),
            **({} if data is None else data.properties),
        )
        return BoundContainer(
            definition=definition,
            images=(image,),
            data=() if data is None else (data,),
            names=() if registry is None or registry.credentials is None else (registry.credentials.function_arn,),
        )


def check_settings(environment: Mapping[str, str], hostname: str | None) -> None:
    """Raise `ValueError` unless SageMaker takes the environment and the name of a container; tokens pass."""
    check_type(Mapping, environment=environment)
    check_pattern("hostname", hostname, HOSTNAME_PATTERN, HOSTNAME_RULE)
    check_length("environment", environment, 0, MAX_ENVIRONMENT)
    check_keys("environment", environment)
    for name, value in environment.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"environment must have names and values of text, got {name!r}: {value!r}")
        check_pattern("environment", name, r"[a-zA-Z_][a-zA-Z0-9_]*", "named with letters, digits and underscores")
        check_text("environment", value)
        for text in (name, value):
            if not is_token(text) and len(text.encode()) > MAX_ENVIRONMENT_ENTRY:
                raise ValueError(
                    f"environment must have names and values of at most {MAX_ENVIRONMENT_ENTRY:,} bytes, "
                    f"got {len(text.encode()):,} bytes in {name[:64]!r}"
                )


def environment_bytes(environment: Mapping[str, str]) -> int:
    """The size of all names and values that are known at synth."""
    return sum(len(text.encode()) for item in environment.items() for text in item if not is_token(text))
