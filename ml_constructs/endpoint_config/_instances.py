"""What variants with instances have in common: their types, their volumes and their reservation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Size

from ml_constructs._checks import check_pattern, check_whole, is_token
from ml_constructs._instance_types import check_instance_type, has_local_storage, vcpus_of_type
from ml_constructs._sizes import gibibytes
from ml_constructs.endpoint_config.instance_pools import InstancePool, check_pools

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
VOLUME_GIB: Final = (1, 512)
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantCapacityReservationConfig.html
MAX_RESERVATION_ARN: Final = 258

_RESERVATION_ARN: Final = r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:\d{12}:[a-z0-9-]{1,14}/.*"


def types_of(instance_type: str | None, pools: Sequence[InstancePool] | None) -> tuple[str, ...]:
    """The instance types that a variant may run on; a list of pools that is a token tells none."""
    return tuple(pool.instance_type for pool in pools or ()) if instance_type is None else (instance_type,)


def common_vcpus(instance_types: Sequence[str]) -> int | None:
    """The vCPUs of one instance; None when not known at synth, or not the same for all types."""
    counts = {vcpus_of_type(each) for each in instance_types}
    return counts.pop() if len(counts) == 1 else None


def check_types(instance_type: str | None, pools: Sequence[InstancePool] | None) -> None:
    """Raise an error unless there is one instance type, or pools that name them."""
    if pools is None:
        if instance_type is None:
            raise TypeError("instance_type must be given, or instance_pools, got None")
        check_instance_type("instance_type", instance_type)
        return
    if instance_type is not None:
        raise ValueError(
            f"instance_type must not be given beside instance_pools, which name the types, got {instance_type!r}"
        )
    check_pools(pools)


def check_reservation(arn: str | None) -> None:
    """Raise `ValueError` unless this is the ARN of a capacity reservation; None and tokens pass."""
    check_pattern("capacity_reservation_arn", arn, _RESERVATION_ARN, "the ARN of an ML capacity reservation")
    if arn is not None and not is_token(arn) and len(arn) > MAX_RESERVATION_ARN:
        raise ValueError(f"capacity_reservation_arn must have at most {MAX_RESERVATION_ARN} characters, got {len(arn)}")


def check_volume(volume_size: Size | None, instance_types: Sequence[str]) -> None:
    """Raise `ValueError` unless instances of these types can have such a volume."""
    if volume_size is None:
        return
    size = gibibytes("volume_size", volume_size)
    local = ", ".join(each for each in instance_types if has_local_storage(each))
    if local:
        raise ValueError(
            f"volume_size must not be set for {local}: this instance type stores data on local disks, "
            f"got {'a token' if size is None else f'{size:g} GiB'}"
        )
    check_whole("volume_size", size, *VOLUME_GIB, "GiB")
