"""What an ML instance type tells of itself by its name."""

from __future__ import annotations

import re
from typing import Final

from ml_constructs._checks import check_pattern, is_token

_INSTANCE_TYPE: Final = r"ml\.([a-z0-9-]+)\.(medium|large|(\d*)xlarge)"
# The families whose storage is a local disk: the SageMaker SDK's `volume_size_supported`, and for p6 the page
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html
_LOCAL_STORAGE: Final = ("g5", "g6", "g7e", "p5", "p6", "trn1", "trn2")
# The two hosting types whose vCPU count does not follow from their size,
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
_VCPU_EXCEPTIONS: Final = {"ml.c4.8xlarge": 36, "ml.t2.medium": 2}


def check_instance_type(argument: str, instance_type: str) -> None:
    """Raise `ValueError` unless this is an ML instance type that hosts models; tokens pass."""
    if instance_type.startswith("ml.eia"):
        raise ValueError(
            f"{argument} must not be an Elastic Inference accelerator, {NO_ACCELERATOR}, got {instance_type!r}"
        )
    check_pattern(argument, instance_type, _INSTANCE_TYPE, "an ML instance type such as ml.m5.large")


# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
NO_ACCELERATOR: Final = "which AWS no longer offers: use an instance type such as ml.inf2.xlarge or ml.g5.xlarge"


def has_local_storage(instance_type: str) -> bool:
    """Whether data lies on local disks, which AWS encrypts itself; False when not known at synth."""
    if is_token(instance_type):
        return False
    family = instance_type.split(".")[1]
    return "d" in family or family.startswith(_LOCAL_STORAGE)


def vcpus_of_type(instance_type: str) -> int | None:
    """The vCPUs of one instance; None when the instance type is not known at synth.

    The vCPU counts of the hosting instance types follow from their size, with two exceptions.
    """
    if is_token(instance_type):
        return None
    if instance_type in _VCPU_EXCEPTIONS:
        return _VCPU_EXCEPTIONS[instance_type]
    size = re.fullmatch(_INSTANCE_TYPE, instance_type)
    assert size is not None  # noqa: S101 - checked at birth
    return {"medium": 1, "large": 2}.get(size[2], 4 * int(size[3] or 1))
