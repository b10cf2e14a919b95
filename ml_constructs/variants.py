"""Production variants: what an endpoint serves, on which capacity, and the limits AWS sets.

A variant is a value, valid from birth; `Endpoint` turns variants into an endpoint configuration.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final

from aws_cdk import Duration, Size, SizeRoundingBehavior
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import (
    check_choice,
    check_each,
    check_finite,
    check_given,
    check_length,
    check_offers,
    check_pattern,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs.model import IModel

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
NAME_PATTERN: Final = r"(?!.{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
NAME_RULE: Final = "at most 63 letters, digits and inner hyphens"
VARIANTS: Final = (1, 10)  # API_CreateEndpointConfig.html
TIMEOUT_SECONDS: Final = (60, 3600)
VOLUME_GIB: Final = (1, 512)
INFERENCE_AMI_VERSIONS: Final = (
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2-ami-sagemaker-inference-neuron-2",
    "al2023-ami-sagemaker-inference-gpu-4-1",
)

_DEFAULT_TIMEOUT: Final = 600
_INSTANCE_TYPE: Final = r"ml\.([a-z0-9-]+)\.(medium|large|(\d*)xlarge)"
# The families whose storage is a local disk: the SageMaker SDK's `volume_size_supported`, and for p6 the page
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html
_LOCAL_STORAGE: Final = ("g5", "g6", "g7e", "p5", "p6", "trn1", "trn2")
# The two hosting types whose vCPU count does not follow from their size,
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
_VCPU_EXCEPTIONS: Final = {"ml.c4.8xlarge": 36, "ml.t2.medium": 2}


@dataclass(frozen=True, kw_only=True)
class InstanceVariant:
    """One model on instances of its own.

    Args:
        name: Unique on its endpoint; at most 63 letters, digits and inner hyphens. Do not change it on a live endpoint:
            SageMaker refuses an update that renames a variant.
        model: The model to serve.
        instance_type: An ML instance type, e.g. `ml.m5.large`.
        instance_count: How many instances to start with, 1 or more. Default: 2, which SageMaker spreads over two zones.
        weight: Share of the traffic relative to the other variants, 0 or more; 0 keeps a variant dark. Default: 1.
        container_startup_timeout: Time for the container to pass its health check, 60 to 3600 s. Default: 10 minutes.
        model_download_timeout: Time to download and unpack the model, 60 to 3600 s. Default: 10 minutes.
        volume_size: Size of the storage volume, 1 to 512 GiB; not for instance types with local storage.
            Default: the size SageMaker chooses.
        inference_ami_version: The machine image of the instances, one of `INFERENCE_AMI_VERSIONS`.
            Default: the newest that SageMaker supports for the instance type.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
    """

    name: str
    model: IModel
    instance_type: str
    instance_count: int = 2
    weight: float = 1.0
    container_startup_timeout: Duration | None = None
    model_download_timeout: Duration | None = None
    volume_size: Size | None = None
    inference_ami_version: str | None = None

    def __post_init__(self) -> None:
        check_type(str, name=self.name, instance_type=self.instance_type)
        check_type((Size, NoneType), volume_size=self.volume_size)
        check_given(model=self.model, instance_count=self.instance_count)
        check_offers("model_name", "a model", model=self.model)
        check_pattern("name", self.name, NAME_PATTERN, NAME_RULE)
        check_pattern("instance_type", self.instance_type, _INSTANCE_TYPE, "an ML instance type such as ml.m5.large")
        check_whole("instance_count", self.instance_count, 1, 2**31 - 1)
        check_finite("weight", self.weight, "0 or more", low=0)
        check_seconds("container_startup_timeout", self.container_startup_timeout, *TIMEOUT_SECONDS)
        check_seconds("model_download_timeout", self.model_download_timeout, *TIMEOUT_SECONDS)
        check_choice("inference_ami_version", self.inference_ami_version, INFERENCE_AMI_VERSIONS)
        if self.volume_size is not None:
            size = _gibibytes(self.volume_size)
            if self.local_storage:
                raise ValueError(
                    f"volume_size must not be set for {self.instance_type}: this instance type stores data on local "
                    f"disks, got {'a token' if size is None else f'{size:g} GiB'}"
                )
            check_whole("volume_size", size, *VOLUME_GIB, "GiB")

    @property
    def local_storage(self) -> bool:
        """Whether the instances store data on local disks, which AWS encrypts itself; False when not known at synth."""
        if is_token(self.instance_type):
            return False
        family = self.instance_type.split(".")[1]
        return "d" in family or family.startswith(_LOCAL_STORAGE)

    @property
    def vcpus(self) -> int | None:
        """The vCPUs of one instance; None when the instance type is not known at synth.

        The vCPU counts of the hosting instance types follow from their size, with two exceptions.
        """
        if is_token(self.instance_type):
            return None
        if self.instance_type in _VCPU_EXCEPTIONS:
            return _VCPU_EXCEPTIONS[self.instance_type]
        size = re.fullmatch(_INSTANCE_TYPE, self.instance_type)
        assert size is not None  # noqa: S101 - checked at birth
        return {"medium": 1, "large": 2}.get(size[2], 4 * int(size[3] or 1))

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
        )


def check_variants(variants: Sequence[InstanceVariant], *, rolling: bool) -> None:
    """Raise `ValueError` unless the variants can serve one endpoint together."""
    check_each("InstanceVariant", InstanceVariant, variants=variants)
    check_length("variants", variants, *VARIANTS)
    names = [variant.name for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"variants must have unique names, got {', '.join(twice)} more than once")
    weights = [variant.weight for variant in variants]
    if not any(map(is_token, weights)) and not sum(weights) > 0:
        raise ValueError("variants must have weights with a sum above 0, got 0")
    if rolling and not is_token(variants) and len(variants) > 1:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
        raise ValueError(f"deployment must not be rolling for several variants, got {len(variants)} variants")


def construct_ids(names: Sequence[str]) -> list[str]:
    """Variants' names as ids of constructs; the position stands for a name that is known only at deployment."""
    return [f"Variant_{index}" if is_token(name) else name for index, name in enumerate(names)]


def key_on_volumes(variants: Sequence[InstanceVariant], wanted: bool | None) -> bool:  # noqa: FBT001
    """Whether the configuration names the key; AWS refuses it if one variant alone has local storage."""
    local = [variant for variant in variants if variant.local_storage]
    if not local:
        return wanted is not False
    types = ", ".join(sorted({variant.instance_type for variant in local}))
    if wanted:
        raise ValueError(f"encrypt_volumes must not be True for instance types with local storage ({types}), got True")
    if wanted is None and len(local) < len(variants):
        raise ValueError(
            f"encrypt_volumes must be given where some variants have local storage ({types}) and others do not: AWS "
            f"accepts no key for any of them. False leaves the volumes of the others to SageMaker's own key. Got None"
        )
    return False


def _seconds(duration: Duration | None) -> float:
    return _DEFAULT_TIMEOUT if duration is None else duration.to_seconds()


def _gibibytes(size: Size) -> float | None:
    """The size in GiB, an int if it is whole; None if it is known only at deployment."""
    if size.is_unresolved():
        try:
            size.to_gibibytes()
        except RuntimeError:
            raise ValueError("volume_size must be given in GiB where known only at deployment, got a token") from None
        return None
    number = size.to_gibibytes(rounding=SizeRoundingBehavior.NONE)
    return int(number) if number == int(number) else number
