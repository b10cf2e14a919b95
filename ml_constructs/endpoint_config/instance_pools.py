"""Several instance types for one variant, in order of preference.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-heterogeneous.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_each, check_length, check_offers, check_type, check_whole, is_token
from ml_constructs._instance_types import check_instance_type
from ml_constructs.models.model import IModel

POOLS: Final = (1, 5)  # API_ProductionVariant.html
PRIORITY: Final = (1, 5)  # API_InstancePool.html
PROVISION_SECONDS: Final = (300, 3600)


@dataclass(frozen=True, kw_only=True)
class InstancePool:
    """An instance type that a variant may run on.

    Args:
        instance_type: An ML instance type, e.g. `ml.g6.2xlarge`.
        priority: 1, tried first and removed last, to 5. Default: its place in the list.
        model: What this type serves, where it needs a model of its own, e.g. one compiled for it. Default: the
            variant's model.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InstancePool.html
    """

    instance_type: str
    priority: int | None = None
    model: IModel | None = None

    def __post_init__(self) -> None:
        check_type(str, instance_type=self.instance_type)
        check_instance_type("instance_type", self.instance_type)
        check_whole("priority", self.priority, *PRIORITY)
        check_offers("model_name", "a model", model=self.model)

    def render(self, place: int) -> sagemaker.CfnEndpointConfig.InstancePoolProperty:
        """The pool as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.InstancePoolProperty(
            instance_type=self.instance_type,
            priority=place if self.priority is None else self.priority,
            model_name_override=None if self.model is None else self.model.model_name,
        )


def check_pools(pools: Sequence[InstancePool]) -> None:
    """Raise `ValueError` unless the pools can serve one variant together."""
    check_each("InstancePool", InstancePool, instance_pools=pools)
    check_length("instance_pools", pools, *POOLS)
    types = [pool.instance_type for pool in pools if not is_token(pool.instance_type)]
    twice = sorted({each for each in types if types.count(each) > 1})
    if twice:
        raise ValueError(f"instance_pools must have different instance types, got {', '.join(twice)} more than once")
