"""Scaling of a serverless variant's provisioned concurrency.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html
"""

from __future__ import annotations

from typing import Final

from aws_cdk import CfnResource, Duration
from constructs import Construct

from ml_constructs._checks import check_given, check_pattern, check_range, check_type, check_whole, is_token
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.scaling._capacity_range import check_capacities, check_start
from ml_constructs.scaling._scalable_target import (
    ScalableTarget,
    Scaled,
    Tracking,
    check_positive,
)
from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.metrics import utilization_percent

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
MAX_CONCURRENCY: Final = 200


class ConcurrencyScaling(Construct, IScaling):
    """The range in which the provisioned concurrency of a serverless variant scales.

    Only what is provisioned scales here; SageMaker scales on-demand capacity up to `max_concurrency` by itself.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: What must exist before the variant can be scaled.
        endpoint_name: The name of the endpoint.
        variant_name: The name of the variant.
        provisioned_concurrency: What the variant starts with, between the two capacities.
        max_concurrency: What the variant can serve at once in all. Default: 200, the most that AWS allows.
        min_capacity: The least provisioned concurrency, 1 or more. Default: 1.
        max_capacity: The largest, at least `min_capacity` and at most `max_concurrency`.

    Raises:
        ValueError: a capacity is out of its range, the variant starts outside it, or has no provisioned concurrency.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: CfnResource,
        endpoint_name: str,
        variant_name: str,
        provisioned_concurrency: int | None,
        max_concurrency: int = MAX_CONCURRENCY,
        min_capacity: int = 1,
        max_capacity: int,
    ) -> None:
        check_type(CfnResource, endpoint=endpoint)
        check_type(str, endpoint_name=endpoint_name, variant_name=variant_name)
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        check_pattern("variant_name", variant_name, NAME_PATTERN, NAME_RULE)
        if provisioned_concurrency is None:
            raise ValueError(
                f"provisioned_concurrency of variant {variant_name} must be given, since nothing else of a serverless "
                "variant scales by policies, got None"
            )
        check_given(max_concurrency=max_concurrency)
        check_whole("provisioned_concurrency", provisioned_concurrency, 1, MAX_CONCURRENCY)
        check_whole("max_concurrency", max_concurrency, 1, MAX_CONCURRENCY)
        check_capacities(min_capacity, max_capacity, most=MAX_CONCURRENCY)
        if not is_token(max_capacity) and not is_token(max_concurrency) and max_capacity > max_concurrency:
            raise ValueError(
                f"max_capacity must be at most max_concurrency of variant {variant_name}, {max_concurrency}, "
                f"got {max_capacity}"
            )
        check_start(
            f"provisioned_concurrency of variant {variant_name}", provisioned_concurrency, min_capacity, max_capacity
        )
        super().__init__(scope, construct_id)
        self._dimensions = {"EndpointName": endpoint_name, "VariantName": variant_name}
        most = MAX_CONCURRENCY if is_token(max_concurrency) else max_concurrency
        self._target = ScalableTarget(
            self,
            Scaled(
                dimension="sagemaker:variant:DesiredProvisionedConcurrency",
                resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
                names=f"{endpoint_name}-{variant_name}",
                title=f"variant {variant_name}",
                where=f" of endpoint {endpoint_name}",
                unit="provisioned concurrency",
                most=most,
                warns_of_one=False,  # SageMaker spreads serverless capacity itself
            ),
            after=endpoint,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )

    def on_utilization(
        self,
        percent: float,
        *,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
        disable_scale_in: bool = False,
    ) -> None:
        """Keep the share of provisioned concurrency that is in use near a value.

        Args:
            percent: Provisioned concurrency in use, above 0 and at most 100 percent: 70 leaves room for a burst while
                more is made ready, 100 never asks for more.
            scale_in_cooldown: Rest after removing concurrency. Default: 5 minutes.
            scale_out_cooldown: Rest after adding concurrency. Default: 5 minutes.
            disable_scale_in: Whether to only ever add concurrency. Default: False.

        Raises:
            ValueError: an argument is out of its range.
        """
        check_range("percent", check_positive("percent", percent), 0, 100, "percent")
        late = is_token(percent)
        self._target.follow(
            "Utilization",
            percent if late else percent / 100,
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined=None if late else "SageMakerVariantProvisionedConcurrencyUtilization",
            customized=utilization_percent(self._dimensions) if late else None,
        )
