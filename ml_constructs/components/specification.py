"""What one copy of an inference component runs, and what it reserves of its instance.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, Literal

from aws_cdk import Duration, Size
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import (
    check_choice,
    check_finite,
    check_given,
    check_offers,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._instance_types import check_instance_type
from ml_constructs._sizes import mebibytes
from ml_constructs.endpoint_config.instance_variant import TIMEOUT_SECONDS
from ml_constructs.models.container import Container
from ml_constructs.models.model import IModel, Model
from ml_constructs.models.model_data import ModelData

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html
LEAST_MEMORY: Final = 128  # MiB
LEAST_CORES: Final = 0.25
LEAST_ACCELERATORS: Final = 1
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentContainerSpecification.html
MAX_ENVIRONMENT: Final = 16
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentAvailabilityZoneBalance.html
IMBALANCE: Final = (0, 100)

_MOST: Final = 2**31 - 1
_DEFAULT_TIMEOUT: Final = 600


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where SageMaker puts copies; use `spread` or `binpack`. It balances zones as far as there is room.

    Args:
        strategy: `SPREAD` or `BINPACK`.
        max_imbalance: By how many copies two zones may differ, 0 to 100. Default: 0.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSchedulingConfig.html
    """

    strategy: Literal["SPREAD", "BINPACK"]
    max_imbalance: int | None = None

    def __post_init__(self) -> None:
        check_type(str, strategy=self.strategy)
        check_choice("strategy", self.strategy, ("SPREAD", "BINPACK"))
        check_whole("max_imbalance", self.max_imbalance, *IMBALANCE)

    @classmethod
    def spread(cls, *, max_imbalance: int | None = None) -> Placement:
        """Evenly over the instances, so that the loss of one costs the fewest copies.

        Args:
            max_imbalance: By how many copies two zones may differ, 0 to 100. Default: 0.
        """
        return cls(strategy="SPREAD", max_imbalance=max_imbalance)

    @classmethod
    def binpack(cls, *, max_imbalance: int | None = None) -> Placement:
        """On as few instances as possible, so that others can be given back.

        Args:
            max_imbalance: By how many copies two zones may differ, 0 to 100. Default: 0.
        """
        return cls(strategy="BINPACK", max_imbalance=max_imbalance)

    def render(self) -> sagemaker.CfnInferenceComponent.InferenceComponentSchedulingConfigProperty:
        """The placement as CloudFormation property."""
        component = sagemaker.CfnInferenceComponent
        return component.InferenceComponentSchedulingConfigProperty(
            placement_strategy=self.strategy,
            availability_zone_balance=component.InferenceComponentAvailabilityZoneBalanceProperty(
                enforcement_mode="PERMISSIVE", max_imbalance=self.max_imbalance
            ),
        )


@dataclass(frozen=True, kw_only=True)
class ComponentSpecification:
    """What one copy of an inference component runs, and what it reserves.

    Args:
        model: The model to serve. Default: `container` says what to run.
        container: Instead, an image with its archive and environment, for which no model is made: at most 16 variables,
            `ModelData` or none, no hostname, and an image in Amazon ECR.
        memory: Memory that each copy reserves, 128 MiB or more. SageMaker keeps a part of each instance for itself.
        max_memory: Memory at which a copy is stopped, at least `memory`. Default: as SageMaker chooses.
        cpu_cores: Cores that each copy reserves, 0.25 or more. Default: none.
        accelerators: GPUs or Neuron devices that each copy has to itself, 1 or more. Default: none.
        container_startup_timeout: Time for the container to pass its health check, 60 to 3600 s. Default: 10 minutes.
        model_download_timeout: Time to download and unpack the model, 60 to 3600 s. Default: 10 minutes.
        cache: Whether instances keep image and artefacts, so that further copies start sooner. Default: as SageMaker
            chooses.
        placement: Where SageMaker puts copies. Default: as SageMaker chooses.
        instance_type: The instance type that this specification is for, in a list of several.

    Raises:
        ValueError: an argument is out of its range, or not exactly one of `model` and `container` is given.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html
    """

    memory: Size
    model: IModel | None = None
    container: Container | None = None
    max_memory: Size | None = None
    cpu_cores: float | None = None
    accelerators: float | None = None
    container_startup_timeout: Duration | None = None
    model_download_timeout: Duration | None = None
    cache: bool | None = None
    placement: Placement | None = None
    instance_type: str | None = None

    def __post_init__(self) -> None:
        check_type(Size, memory=self.memory)
        check_type((Size, NoneType), max_memory=self.max_memory)
        check_type((Container, NoneType), container=self.container)
        check_type((bool, NoneType), cache=self.cache)
        check_type((Placement, NoneType), placement=self.placement)
        check_type((str, NoneType), instance_type=self.instance_type)
        check_offers("model_name", "a model", model=self.model)
        if (self.model is None) == (self.container is None):
            got = "none" if self.model is None else "both"
            raise ValueError(f"exactly one of model and container must be given, got {got}")
        if self.container is not None:
            _check_container(self.container)
        self._check_resources()
        check_seconds("container_startup_timeout", self.container_startup_timeout, *TIMEOUT_SECONDS)
        check_seconds("model_download_timeout", self.model_download_timeout, *TIMEOUT_SECONDS)
        if self.instance_type is not None:
            check_instance_type("instance_type", self.instance_type)
            self.check_instance_type(self.instance_type)

    def _check_resources(self) -> None:
        least = mebibytes("memory", self.memory)
        check_whole("memory", least, LEAST_MEMORY, _MOST, "MiB")
        if self.max_memory is not None:
            most = mebibytes("max_memory", self.max_memory)
            check_whole("max_memory", most, LEAST_MEMORY, _MOST, "MiB")
            if least is not None and most is not None and most < least:
                raise ValueError(f"max_memory must be at least memory, {least:g} MiB, got {most:g} MiB")
        for argument, value, low in (
            ("cpu_cores", self.cpu_cores, LEAST_CORES),
            ("accelerators", self.accelerators, LEAST_ACCELERATORS),
        ):
            if value is not None:
                check_finite(argument, value, f"{low} or more", low=low)

    def check_instance_type(self, instance_type: str) -> None:
        """Raise `ValueError` if the model cannot run on an instance type; tokens pass."""
        if isinstance(self.model, Model):
            self.model.check_instance_type(instance_type)

    def render(self, served: dict[str, Any]) -> dict[str, Any]:
        """The specification as CloudFormation properties, around the model or the container that is served."""
        component = sagemaker.CfnInferenceComponent
        return {
            **served,
            "compute_resource_requirements": component.InferenceComponentComputeResourceRequirementsProperty(
                min_memory_required_in_mb=self.memory.to_mebibytes(),
                max_memory_required_in_mb=None if self.max_memory is None else self.max_memory.to_mebibytes(),
                number_of_cpu_cores_required=self.cpu_cores,
                number_of_accelerator_devices_required=self.accelerators,
            ),
            "startup_parameters": component.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=_seconds(self.container_startup_timeout),
                model_data_download_timeout_in_seconds=_seconds(self.model_download_timeout),
            ),
            "data_cache_config": None
            if self.cache is None
            else component.InferenceComponentDataCacheConfigProperty(enable_caching=self.cache),
            "scheduling_config": None if self.placement is None else self.placement.render(),
        }


def _check_container(container: Container) -> None:
    check_given(container=container)
    if container.model_data is not None and not isinstance(container.model_data, ModelData):
        raise ValueError(
            f"container must load an archive, ModelData, or be served through a model, "
            f"got {type(container.model_data).__name__}"
        )
    if container.hostname is not None:
        raise ValueError(f"container must have no hostname, got {container.hostname!r}")
    if container.image.private_registry is not None:
        raise ValueError(
            "container must have its image in Amazon ECR, or be served through a model, got another registry"
        )
    if not is_token(container.environment) and len(container.environment) > MAX_ENVIRONMENT:
        raise ValueError(
            f"container must have at most {MAX_ENVIRONMENT} environment variables, or be served through a model, "
            f"got {len(container.environment)}"
        )
    for name in container.environment:
        if len(name) == 1:  # the schema of CloudFormation asks for two
            raise ValueError(
                f"container must have environment variables with names of 2 characters or more, got {name!r}"
            )


def _seconds(duration: Duration | None) -> float:
    return _DEFAULT_TIMEOUT if duration is None else duration.to_seconds()
