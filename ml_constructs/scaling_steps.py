"""The ladder of a step scaling policy: how far a metric is beyond its threshold, and what to do then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_applicationautoscaling as autoscaling

from ml_constructs._checks import check_each, check_finite, check_given, check_whole, is_token

_MOST_INSTANCES = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class ScalingStep:
    """How many instances to add, or to remove if negative, once a metric is beyond the threshold.

    Args:
        change: Instances to add (positive) or to remove (negative).
        lower: Distance from the threshold at which the step begins. Default: unbounded below.
        upper: Distance from the threshold at which the step ends. Default: unbounded above.

    Raises:
        ValueError: `change` is 0 or no whole number, or `lower` is not below `upper`.
    """

    change: int
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        check_given(change=self.change)
        check_whole("change", self.change, -_MOST_INSTANCES, _MOST_INSTANCES)
        if self.change == 0:
            raise ValueError("change must not be 0, got 0")
        for argument, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound is not None:
                check_finite(argument, bound)
        bounds = (self.lower, self.upper)
        if None not in bounds and not any(map(is_token, bounds)) and not self.lower < self.upper:  # type: ignore[operator] # neither is None
            raise ValueError(f"lower must be below upper, {self.upper}, got {self.lower}")


def step_adjustments(
    steps: Sequence[ScalingStep], *, below: bool
) -> list[autoscaling.CfnScalingPolicy.StepAdjustmentProperty]:
    """Steps as Application Auto Scaling takes them: adjoining, from the threshold without end.

    An open step begins at the threshold: it reaches down from there for scaling in, up for scaling out.
    https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
    """
    check_each("ScalingStep", ScalingStep, steps=steps)
    if not steps:
        raise ValueError("steps must contain at least one step, got none")
    bounds = [
        (step.lower if below or step.lower is not None else 0, step.upper if not below or step.upper is not None else 0)
        for step in steps
    ]
    if not any(is_token(bound) for pair in bounds for bound in pair):
        ladder = sorted(
            (-math.inf if lower is None else lower, math.inf if upper is None else upper) for lower, upper in bounds
        )
        edges = [edge for pair in ladder for edge in pair]
        adjoin = all(upper == lower for upper, lower in zip(edges[1:-1:2], edges[2::2], strict=True))
        ordered = all(lower < upper for lower, upper in ladder)
        low, high = edges[0], edges[-1]
        closed = (low < 0 and low != -math.inf) or (high > 0 and high != math.inf)
        if not ordered or not adjoin or closed:
            raise ValueError(f"steps must adjoin, and reach from the threshold without end, got {ladder}")
    return [
        autoscaling.CfnScalingPolicy.StepAdjustmentProperty(
            scaling_adjustment=step.change, metric_interval_lower_bound=lower, metric_interval_upper_bound=upper
        )
        for step, (lower, upper) in zip(steps, bounds, strict=True)
    ]
