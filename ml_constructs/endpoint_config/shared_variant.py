"""Instances without a model: the capacity that inference components share, and how SageMaker scales it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScaling.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final, Literal

from aws_cdk import Duration, Size
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import (
    check_choice,
    check_given,
    check_pattern,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs.endpoint_config._instances import (
    check_reservation,
    check_types,
    check_volume,
    common_vcpus,
    types_of,
)
from ml_constructs.endpoint_config.instance_pools import PROVISION_SECONDS, InstancePool
from ml_constructs.endpoint_config.instance_variant import INFERENCE_AMI_VERSIONS, NAME_PATTERN, NAME_RULE
from ml_constructs.endpoint_config.routing import Routing

MOST_INSTANCES: Final = 2**31 - 1
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScalingScaleInPolicy.html
SCALE_IN_STEP: Final = (1, 100)
SCALE_IN_MINUTES: Final = (5, 1440)


@dataclass(frozen=True, kw_only=True)
class ScaleIn:
    """How SageMaker gives instances back; use `idle_release` or `consolidation`.

    Args:
        strategy: `IDLE_RELEASE` or `CONSOLIDATION`.
        max_step: Instances to end at a time, 1 to 100; with `CONSOLIDATION` alone.
        cooldown: Rest after the last operation, 5 to 1,440 minutes; with `CONSOLIDATION` alone.

    Raises:
        ValueError: an argument is out of its range, or given for `IDLE_RELEASE`.
    """

    strategy: Literal["IDLE_RELEASE", "CONSOLIDATION"]
    max_step: int | None = None
    cooldown: Duration | None = None

    def __post_init__(self) -> None:
        check_type(str, strategy=self.strategy)
        check_choice("strategy", self.strategy, ("IDLE_RELEASE", "CONSOLIDATION"))
        if self.strategy == "IDLE_RELEASE":
            for argument, value in (("max_step", self.max_step), ("cooldown", self.cooldown)):
                if value is not None:
                    raise ValueError(f"{argument} must not be given for IDLE_RELEASE, got {value!r}")
        check_whole("max_step", self.max_step, *SCALE_IN_STEP)
        check_type((Duration, NoneType), cooldown=self.cooldown)
        if self.cooldown is not None:
            _check_minutes("cooldown", self.cooldown)

    @classmethod
    def idle_release(cls) -> ScaleIn:
        """Ends instances that hold no copy any more."""
        return cls(strategy="IDLE_RELEASE")

    @classmethod
    def consolidation(cls, *, max_step: int | None = None, cooldown: Duration | None = None) -> ScaleIn:
        """Also moves copies together, so that instances become free; honours each component's placement.

        Args:
            max_step: Instances to end at a time, 1 to 100. Default: 1.
            cooldown: Rest after the last operation on the endpoint, 5 to 1,440 whole minutes. Default: 20 minutes.

        Raises:
            ValueError: an argument is out of its range.
        """
        return cls(strategy="CONSOLIDATION", max_step=max_step, cooldown=cooldown)

    def render(self) -> sagemaker.CfnEndpointConfig.ScaleInPolicyProperty:
        """The policy as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.ScaleInPolicyProperty(
            strategy=self.strategy,
            maximum_step_size=self.max_step,
            cooldown_in_minutes=None if self.cooldown is None else self.cooldown.to_minutes(),
        )


@dataclass(frozen=True, kw_only=True)
class SharedVariant:
    """Instances of a `SharedEndpoint`, on which inference components run.

    Args:
        name: At most 63 letters, digits and inner hyphens. Do not change it on a live endpoint: SageMaker refuses an
            update that renames a variant. Default: `main`.
        instance_type: An ML instance type, e.g. `ml.g5.2xlarge`. Default: `instance_pools` name several.
        instance_pools: Instead, 1 to 5 types in order of preference, without models of their own.
        instance_count: How many instances to start with, 1 or more. Default: 2, which SageMaker spreads over two zones.
        max_instances: Lets SageMaker add instances up to this number when copies find no room. Default: the number
            never changes.
        min_instances: The fewest instances that SageMaker keeps, 0 or more; with `max_instances` alone. 0 ends all
            instances while no component has a copy, where the region offers that. Default: `instance_count`.
        scale_in: How SageMaker gives instances back; with `max_instances` alone. Default: as SageMaker chooses.
        volume_size: Size of the storage volume, 1 to 512 GiB; not for instance types with local storage.
            Default: the size SageMaker chooses.
        inference_ami_version: The machine image of the instances, one of `INFERENCE_AMI_VERSIONS`.
            Default: the newest that SageMaker supports for the instance type.
        provision_timeout: How long SageMaker looks for capacity, 300 to 3600 s. Default: as long as SageMaker does.
        routing: How a copy is chosen for a request. Default: at random.
        capacity_reservation_arn: An ML capacity reservation, outside of which no instance starts. Default: on demand.

    Raises:
        ValueError: an argument is out of its range, `instance_count` is outside the range of instances, or arguments
            exclude each other.
        TypeError: an argument is of another type, or there is no instance type.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html
    """

    name: str = "main"
    instance_type: str | None = None
    instance_pools: Sequence[InstancePool] | None = None
    instance_count: int = 2
    max_instances: int | None = None
    min_instances: int | None = None
    scale_in: ScaleIn | None = None
    volume_size: Size | None = None
    inference_ami_version: str | None = None
    provision_timeout: Duration | None = None
    routing: Routing | None = None
    capacity_reservation_arn: str | None = None

    def __post_init__(self) -> None:
        check_type(str, name=self.name)
        check_type(
            (str, NoneType), instance_type=self.instance_type, capacity_reservation_arn=self.capacity_reservation_arn
        )
        check_type((Size, NoneType), volume_size=self.volume_size)
        check_type((Routing, NoneType), routing=self.routing)
        check_type((ScaleIn, NoneType), scale_in=self.scale_in)
        check_given(instance_count=self.instance_count)
        check_pattern("name", self.name, NAME_PATTERN, NAME_RULE)
        self._check_types()
        check_whole("instance_count", self.instance_count, 1, MOST_INSTANCES)
        self._check_scaling()
        check_choice("inference_ami_version", self.inference_ami_version, INFERENCE_AMI_VERSIONS)
        check_seconds("provision_timeout", self.provision_timeout, *PROVISION_SECONDS)
        check_reservation(self.capacity_reservation_arn)
        check_volume(self.volume_size, self.instance_types)

    def _check_types(self) -> None:
        check_types(self.instance_type, self.instance_pools)
        for pool in self.instance_pools or ():
            if isinstance(pool, InstancePool) and pool.model is not None:
                raise ValueError(
                    f"instance_pools must have no models, which components bring, got one for {pool.instance_type}"
                )

    def _check_scaling(self) -> None:
        if self.max_instances is None:
            for argument, value in (("min_instances", self.min_instances), ("scale_in", self.scale_in)):
                if value is not None:
                    raise ValueError(f"{argument} must only be given with max_instances, got {value!r}")
            return
        check_whole("max_instances", self.max_instances, 1, MOST_INSTANCES)
        check_whole("min_instances", self.min_instances, 0, MOST_INSTANCES)
        low = self.least
        if not is_token(low) and not is_token(self.max_instances) and low > self.max_instances:
            raise ValueError(f"max_instances must be at least min_instances, {low}, got {self.max_instances}")
        if any(map(is_token, (low, self.max_instances, self.instance_count))):
            return
        if not low <= self.instance_count <= self.max_instances:
            raise ValueError(
                f"instance_count must be between min_instances and max_instances, {low} and {self.max_instances}, "
                f"got {self.instance_count}"
            )

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The instance types that the variant may run on; a list of pools that is a token tells none."""
        return types_of(self.instance_type, self.instance_pools)

    @property
    def least(self) -> float:
        """The fewest instances that SageMaker keeps."""
        return self.instance_count if self.min_instances is None else self.min_instances

    @property
    def vcpus(self) -> int | None:
        """The vCPUs of one instance; None when not known at synth, or not the same in all pools."""
        return common_vcpus(self.instance_types)

    def render(self) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """The variant as CloudFormation property: without a model, and so without a weight."""
        config = sagemaker.CfnEndpointConfig
        return config.ProductionVariantProperty(
            variant_name=self.name,
            instance_type=self.instance_type,
            initial_instance_count=self.instance_count,
            instance_pools=None
            if self.instance_pools is None
            else [pool.render(place) for place, pool in enumerate(self.instance_pools, 1)],
            managed_instance_scaling=None
            if self.max_instances is None
            else config.ManagedInstanceScalingProperty(
                status="ENABLED",
                min_instance_count=self.least,
                max_instance_count=self.max_instances,
                scale_in_policy=None if self.scale_in is None else self.scale_in.render(),
            ),
            volume_size_in_gb=None if self.volume_size is None else self.volume_size.to_gibibytes(),
            inference_ami_version=self.inference_ami_version,
            variant_instance_provision_timeout_in_seconds=None
            if self.provision_timeout is None
            else self.provision_timeout.to_seconds(),
            routing_config=None if self.routing is None else self.routing.render(),
            capacity_reservation_config=None
            if self.capacity_reservation_arn is None
            else config.CapacityReservationConfigProperty(
                capacity_reservation_preference="capacity-reservations-only",
                ml_reservation_arn=self.capacity_reservation_arn,
            ),
        )


def _check_minutes(argument: str, duration: Duration) -> None:
    """Raise `ValueError` unless this is a whole number of minutes in range; tokens in minutes pass."""
    low, high = SCALE_IN_MINUTES
    if is_token(duration):
        try:
            duration.to_minutes()
        except RuntimeError:
            raise ValueError(
                f"{argument} must be given in minutes where known only at deployment, got a token"
            ) from None
        return
    minutes = duration.to_minutes(integral=False)
    if not low <= minutes <= high or minutes != int(minutes):
        raise ValueError(f"{argument} must be between {low:,} and {high:,} whole minutes, got {minutes:g} minutes")
