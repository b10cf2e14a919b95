"""Production variants: what an endpoint serves, on which capacity, and the limits AWS sets.

A variant is a value, valid from birth; `Endpoint` turns variants into an endpoint configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final

from aws_cdk import Duration, Size
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import (
    check_choice,
    check_finite,
    check_given,
    check_offers,
    check_pattern,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._instance_types import NO_ACCELERATOR, has_local_storage
from ml_constructs.endpoint_config._instances import (
    check_reservation,
    check_types,
    check_volume,
    common_vcpus,
    types_of,
)
from ml_constructs.endpoint_config.instance_pools import PROVISION_SECONDS, InstancePool
from ml_constructs.endpoint_config.routing import Routing
from ml_constructs.models.model import IModel, Model

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
NAME_PATTERN: Final = r"(?!.{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
NAME_RULE: Final = "at most 63 letters, digits and inner hyphens"
TIMEOUT_SECONDS: Final = (60, 3600)
INFERENCE_AMI_VERSIONS: Final = (
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2-ami-sagemaker-inference-neuron-2",
    "al2023-ami-sagemaker-inference-gpu-4-1",
)

_DEFAULT_TIMEOUT: Final = 600
# API_ProductionVariantCapacityReservationConfig.html


@dataclass(frozen=True, kw_only=True)
class InstanceVariant:
    """One model on instances of its own.

    Args:
        name: Unique on its endpoint; at most 63 letters, digits and inner hyphens. Do not change it on a live endpoint:
            SageMaker refuses an update that renames a variant.
        model: The model to serve.
        instance_type: An ML instance type, e.g. `ml.m5.large`. Default: `instance_pools` name several.
        instance_count: How many instances to start with, 1 or more. Default: 2, which SageMaker spreads over two zones.
        weight: Share of the traffic relative to the other variants, 0 or more; 0 keeps a variant dark. Default: 1.
        container_startup_timeout: Time for the container to pass its health check, 60 to 3600 s. Default: 10 minutes.
        model_download_timeout: Time to download and unpack the model, 60 to 3600 s. Default: 10 minutes.
        volume_size: Size of the storage volume, 1 to 512 GiB; not for instance types with local storage.
            Default: the size SageMaker chooses.
        inference_ami_version: The machine image of the instances, one of `INFERENCE_AMI_VERSIONS`.
            Default: the newest that SageMaker supports for the instance type.
        instance_pools: Instead of `instance_type`, 1 to 5 types in order of preference: SageMaker takes the next one
            where it finds no capacity.
        provision_timeout: How long SageMaker looks for capacity, 300 to 3600 s. Default: as long as SageMaker does.
        routing: How an instance is chosen for a request. Default: at random.
        capacity_reservation_arn: An ML capacity reservation, outside of which no instance starts. Default: on demand.
        accelerator_type: Not accepted, since AWS no longer offers Elastic Inference.

    Raises:
        ValueError: an argument is out of its range, or both `instance_type` and `instance_pools` are given.
        TypeError: an argument is of another type, or neither of the two is given.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
    """

    name: str
    model: IModel
    instance_type: str | None = None
    instance_count: int = 2
    weight: float = 1.0
    container_startup_timeout: Duration | None = None
    model_download_timeout: Duration | None = None
    volume_size: Size | None = None
    inference_ami_version: str | None = None
    instance_pools: Sequence[InstancePool] | None = None
    provision_timeout: Duration | None = None
    routing: Routing | None = None
    capacity_reservation_arn: str | None = None
    accelerator_type: None = None

    def __post_init__(self) -> None:
        check_type(str, name=self.name)
        check_type(
            (str, NoneType), instance_type=self.instance_type, capacity_reservation_arn=self.capacity_reservation_arn
        )
        check_type((Size, NoneType), volume_size=self.volume_size)
        check_type((Routing, NoneType), routing=self.routing)
        if self.accelerator_type is not None:
            raise ValueError(f"accelerator_type must not be given, {NO_ACCELERATOR}, got {self.accelerator_type!r}")
        check_given(model=self.model, instance_count=self.instance_count)
        check_offers("model_name", "a model", model=self.model)
        check_pattern("name", self.name, NAME_PATTERN, NAME_RULE)
        check_types(self.instance_type, self.instance_pools)
        self._check_models()
        check_whole("instance_count", self.instance_count, 1, 2**31 - 1)
        check_finite("weight", self.weight, "0 or more", low=0)
        check_seconds("container_startup_timeout", self.container_startup_timeout, *TIMEOUT_SECONDS)
        check_seconds("model_download_timeout", self.model_download_timeout, *TIMEOUT_SECONDS)
        check_choice("inference_ami_version", self.inference_ami_version, INFERENCE_AMI_VERSIONS)
        check_seconds("provision_timeout", self.provision_timeout, *PROVISION_SECONDS)
        check_reservation(self.capacity_reservation_arn)
        check_volume(self.volume_size, self.instance_types)

    def _check_models(self) -> None:
        if self.instance_type is not None:
            pairs = [(self.model, self.instance_type)]
        else:
            pools = self.instance_pools or ()
            pairs = [(self.model if pool.model is None else pool.model, pool.instance_type) for pool in pools]
        for model, instance_type in pairs:
            if isinstance(model, Model):
                model.check_instance_type(instance_type)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The instance types that the variant may run on; a list of pools that is a token tells none."""
        return types_of(self.instance_type, self.instance_pools)

    @property
    def models(self) -> tuple[IModel, ...]:
        """The variant's model, and those of its pools that have one of their own."""
        return (self.model, *(pool.model for pool in self.instance_pools or () if pool.model is not None))

    @property
    def local_storage(self) -> bool:
        """Whether an instance stores data on local disks, which AWS encrypts itself; False when not known at synth."""
        return any(map(has_local_storage, self.instance_types))

    @property
    def vcpus(self) -> int | None:
        """The vCPUs of one instance; None when not known at synth, or not the same in all pools."""
        return common_vcpus(self.instance_types)

    def render(self) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """The variant as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=self.name,
            model_name=self.model.model_name,
            instance_type=self.instance_type,
            initial_instance_count=self.instance_count,
            initial_variant_weight=self.weight,
            container_startup_health_check_timeout_in_seconds=_seconds(self.container_startup_timeout),
            model_data_download_timeout_in_seconds=_seconds(self.model_download_timeout),
            volume_size_in_gb=None if self.volume_size is None else self.volume_size.to_gibibytes(),
            inference_ami_version=self.inference_ami_version,
            instance_pools=None
            if self.instance_pools is None
            else [pool.render(place) for place, pool in enumerate(self.instance_pools, 1)],
            variant_instance_provision_timeout_in_seconds=None
            if self.provision_timeout is None
            else self.provision_timeout.to_seconds(),
            routing_config=None if self.routing is None else self.routing.render(),
            capacity_reservation_config=None
            if self.capacity_reservation_arn is None
            else sagemaker.CfnEndpointConfig.CapacityReservationConfigProperty(
                capacity_reservation_preference="capacity-reservations-only",
                ml_reservation_arn=self.capacity_reservation_arn,
            ),
        )


def construct_ids(names: Sequence[str]) -> list[str]:
    """Variants' names as ids of constructs; the position stands for a name that is known only at deployment."""
    return [f"Variant_{index}" if is_token(name) else name for index, name in enumerate(names)]


def _seconds(duration: Duration | None) -> float:
    return _DEFAULT_TIMEOUT if duration is None else duration.to_seconds()
