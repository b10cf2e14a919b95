"""What a model says of its containers.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PRIMARY: Final = "primary"
MULTI_MODEL: Final = "MultiModel"
DIRECT: Final = "Direct"


@dataclass(frozen=True)
class ModelData:
    """Where a model lies in S3, and what is to be made of it in `/opt/ml/model`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
    """

    url: str
    is_prefix: bool = False
    """Whether it is all objects below; the rest of a key is the path of its file."""

    is_archive: bool = True
    """Whether it is unpacked, or one file as it is."""


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """One container of a model."""

    number: int
    name: str
    """What errors, logs and metrics call it, and requests by TargetContainerHostname."""

    image: str
    environment: Mapping[str, str]
    data: ModelData | None
    additional: Mapping[str, ModelData]
    """By the name of the channel: further directories of `/opt/ml/additional-model-data-sources`."""

    is_multi_model: bool = False
    is_keeping_models: bool = True
    """Whether one of many models stays loaded after a request."""


def containers_of(model: Mapping[str, Any]) -> tuple[ContainerSpec, ...]:
    """The containers of a model, as CreateModel got it."""
    given = model.get("Containers") or [model["PrimaryContainer"]]
    return tuple(_spec(number, item, is_alone=len(given) == 1) for number, item in enumerate(given, 1))


def is_direct(model: Mapping[str, Any]) -> bool:
    """Whether a request goes to the container that it names, and not from one to the next."""
    return bool(model.get("InferenceExecutionConfig", {}).get("Mode") == DIRECT)


def _spec(number: int, given: Mapping[str, Any], *, is_alone: bool) -> ContainerSpec:
    additional = given.get("AdditionalModelDataSources", [])
    return ContainerSpec(
        number=number,
        name=given.get("ContainerHostname") or (PRIMARY if is_alone else f"container-{number}"),
        image=given["Image"],
        environment=given.get("Environment", {}),
        data=data_of(given),
        additional={item["ChannelName"]: _source(item["S3DataSource"]) for item in additional},
        is_multi_model=given.get("Mode") == MULTI_MODEL,
        is_keeping_models=given.get("MultiModelConfig", {}).get("ModelCacheSetting") != "Disabled",
    )


def data_of(container: Mapping[str, Any]) -> ModelData | None:
    """The model of a container, or the place of its many models."""
    if "ModelDataUrl" in container:
        is_multi_model = container.get("Mode") == MULTI_MODEL
        return ModelData(container["ModelDataUrl"], is_prefix=is_multi_model)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    return None if source is None else _source(source)


def _source(source: Mapping[str, str]) -> ModelData:
    return ModelData(
        source["S3Uri"],
        is_prefix=source["S3DataType"] == "S3Prefix",
        is_archive=source["CompressionType"] == "Gzip",
    )
