"""The ladder of a step scaling policy: how far a metric is beyond its threshold, and what to do then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from aws_cdk import aws_applicationautoscaling as autoscaling

from ml_constructs._checks import check_each, check_finite, check_length, check_whole, is_token

MOST: Final = 2**31 - 1
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html
MAX_STEPS: Final = 20

Adjustment = Literal["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]

_KINDS: Final[dict[str, Adjustment]] = {
    "change": "ChangeInCapacity",
    "percent": "PercentChangeInCapacity",
    "capacity": "ExactCapacity",
}


@dataclass(frozen=True, kw_only=True)
class ScalingStep:
    """What to do once a metric is beyond the threshold: exactly one of `change`, `percent` and `capacity`.

    Args:
        change: Units to add (positive) or to remove (negative): instances, copies, or provisioned concurrency.
        percent: Share of the present capacity to add (positive) or to remove (negative).
        capacity: The capacity to set, 0 or more; the range of the target still holds.
        lower: Distance from the threshold at which the step begins. Default: unbounded below.
        upper: Distance from the threshold at which the step ends. Default: unbounded above.

    Raises:
        ValueError: not exactly one of the three is given, it is no whole number, `change` or `percent` is 0, or `lower`
            is not below `upper`.

    See https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepAdjustment.html
    """

    change: int | None = None
    percent: int | None = None
    capacity: int | None = None
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _KINDS if getattr(self, name) is not None}
        if len(given) != 1:
            got = ", ".join(f"{name}={value!r}" for name, value in given.items()) or "none"
            raise ValueError(f"exactly one of change, percent and capacity must be given, got {got}")
        for name, value in given.items():
            check_whole(name, value, 0 if name == "capacity" else -MOST, MOST)
            if name != "capacity" and not is_token(value) and value == 0:
                raise ValueError(f"{name} must not be 0, got 0")
        for argument, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound is not None:
                check_finite(argument, bound)
        bounds = (self.lower, self.upper)
        if None not in bounds and not any(map(is_token, bounds)) and not self.lower < self.upper:  # type: ignore[operator] # neither is None
            raise ValueError(f"lower must be below upper, {self.upper}, got {self.lower}")

    @property
    def kind(self) -> str:
        """Which of the three is given."""
        return next(name for name in _KINDS if getattr(self, name) is not None)


def check_min_change(min_change: int | None, steps: Sequence[ScalingStep]) -> None:
    """Raise `ValueError` unless a least change is a whole number, given with steps in percent."""
    check_whole("min_change", min_change, 1, MOST)
    kinds = sorted({step.kind for step in steps})
    if min_change is not None and kinds != ["percent"]:
        raise ValueError(f"min_change must only be given with steps in percent, got steps with {', '.join(kinds)}")


def adjustment_type(steps: Sequence[ScalingStep]) -> Adjustment:
    """How all the steps of one policy count.

    Raises:
        ValueError: they count in different ways.
    """
    kinds = sorted({step.kind for step in steps})
    if len(kinds) != 1:
        raise ValueError(f"steps must all have change, all percent or all capacity, got {', '.join(kinds)}")
    return _KINDS[kinds[0]]


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
    check_length("steps", steps, 1, MAX_STEPS)
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
            scaling_adjustment=getattr(step, step.kind),
            metric_interval_lower_bound=lower,
            metric_interval_upper_bound=upper,
        )
        for step, (lower, upper) in zip(steps, bounds, strict=True)
    ]
