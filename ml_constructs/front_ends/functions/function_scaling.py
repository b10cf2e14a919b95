"""Scaling of the provisioned concurrency of a function's alias.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html#managing-provisioned-concurency
"""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import CfnResource, Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ml_constructs._checks import check_range, is_token
from ml_constructs.scaling._capacity_range import check_capacities, check_start
from ml_constructs.scaling._scalable_target import ScalableTarget, Scaled, Tracking, check_positive
from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.metrics import utilization_percent
from ml_constructs.scaling.steps import MOST

# As `lambda.Alias.add_auto_scaling` of aws-cdk has it.
_PERCENT: Final = (10, 90)


class FunctionScaling(Construct, IScaling):
    """The range in which the provisioned concurrency of a function's alias scales.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        alias: The alias.
        provisioned_concurrency: What the alias starts with, between the two capacities; None is nothing.
        reserved_concurrency: What the function can serve at once in all; None is no limit of its own.
        min_capacity: The least provisioned concurrency, 1 or more.
        max_capacity: The largest, at least `min_capacity` and at most `reserved_concurrency`.

    Raises:
        ValueError: a capacity is out of its range, or the alias starts outside it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        provisioned_concurrency: int | None,
        reserved_concurrency: int | None,
        min_capacity: int,
        max_capacity: int,
    ) -> None:
        check_capacities(min_capacity, max_capacity)
        most = MOST if reserved_concurrency is None or is_token(reserved_concurrency) else reserved_concurrency
        if not is_token(max_capacity) and max_capacity > most:
            raise ValueError(f"max_capacity must be at most reserved_concurrency, {most:,}, got {max_capacity:,}")
        if provisioned_concurrency is not None:
            check_start("provisioned_concurrency", provisioned_concurrency, min_capacity, max_capacity)
        super().__init__(scope, construct_id)
        name = alias.lambda_.function_name
        self._dimensions = {"FunctionName": name, "Resource": f"{name}:{alias.alias_name}"}
        self._target = ScalableTarget(
            self,
            Scaled(
                service="lambda",
                dimension="lambda:function:ProvisionedConcurrency",
                resource_id=f"function:{name}:{alias.alias_name}",
                names=f"{name}-{alias.alias_name}",
                title=f"alias {alias.alias_name}",
                where=f" of {scope.node.path}",
                unit="provisioned concurrency",
                most=most,
                warns_of_one=False,  # Lambda spreads execution environments over zones itself
            ),
            after=cast("CfnResource", alias.node.default_child),
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
            percent: Provisioned concurrency in use, 10 to 90 percent: 70 leaves room for a burst.
            scale_in_cooldown: Rest after removing concurrency. Default: 5 minutes.
            scale_out_cooldown: Rest after adding concurrency. Default: 5 minutes.
            disable_scale_in: Whether to only ever add concurrency. Default: False.

        Raises:
            ValueError: an argument is out of its range.
        """
        check_range("percent", check_positive("percent", percent), *_PERCENT, "percent")
        late = is_token(percent)
        utilization = utilization_percent(
            self._dimensions, namespace="AWS/Lambda", metric_name="ProvisionedConcurrencyUtilization"
        )
        self._target.follow(
            "Utilization",
            percent if late else percent / 100,
            Tracking(scale_in_cooldown, scale_out_cooldown, disable_scale_in),
            predefined=None if late else "LambdaProvisionedConcurrencyUtilization",
            customized=utilization if late else None,
        )
