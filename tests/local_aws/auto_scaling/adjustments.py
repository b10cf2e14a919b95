"""How much capacity a scaling policy asks for, as arithmetic.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

Values = Sequence[float | None]

_DIGITS: Final = 9  # of a ratio: 3 * (70 / 70) must not become 4
_AGGREGATES: Final[dict[str, Callable[[Sequence[float]], float]]] = {"Average": fmean, "Minimum": min, "Maximum": max}


def tracked(capacity: int, value: float, target: float) -> int:
    """The capacity that brings the metric to its target, if the metric falls as capacity grows.

    It is rounded up in both directions: enough is added, and not too much removed. Without any capacity the metric is
    that of one: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    """
    if capacity == 0 and value <= target:
        return 0
    capacity = max(1, capacity)
    return math.ceil(round(capacity * value / target, _DIGITS))


def tracked_value(values: Values, *, is_high: bool) -> float | None:
    """The value that a policy reacts to: the newest when it rises, the highest of the whole look back when it falls."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    return present[-1] if is_high else max(present)


def aggregated(values: Values, kind: str | None) -> float | None:
    """The value that a step policy compares with the threshold: MetricAggregationType over the evaluated periods."""
    present = [value for value in values if value is not None]
    return float(_AGGREGATES[kind or "Average"](present)) if present else None


def chosen_step(steps: Sequence[Mapping[str, Any]], distance: float, *, is_above: bool) -> int | None:
    """The adjustment for a distance from the threshold; above it the lower bound counts, below it the upper one."""
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        if (lower <= distance < upper) if is_above else (lower < distance <= upper):
            return int(step["ScalingAdjustment"])
    return None


def stepped(capacity: int, adjustment: int, configuration: Mapping[str, Any]) -> int:
    """The capacity after a step, never below 0.

    A percentage is rounded towards 0, but to 1 or -1 at least, and MinAdjustmentMagnitude applies to it alone.
    """
    kind = configuration["AdjustmentType"]
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return max(0, capacity + adjustment)
    exact = round(capacity * adjustment / 100, _DIGITS)
    least = max(1, configuration.get("MinAdjustmentMagnitude", 1))
    change = max(least, math.floor(abs(exact))) if adjustment else 0
    return max(0, capacity + (change if adjustment > 0 else -change))


def check_steps(steps: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a ladder of steps that AWS refuses.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepAdjustment.html

    Raises:
        ValueError: steps overlap or leave a gap, or end where they must go on.
    """
    bounds = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in steps
    )
    if any(lower >= upper for lower, upper in bounds):
        raise ValueError("The upper bound of a step adjustment must be greater than its lower bound")
    if len(bounds) > 1 and (-math.inf, math.inf) in bounds:
        raise ValueError("The upper and lower bound can't both be null in a step adjustment among others")
    for (_, end), (start, _) in itertools.pairwise(bounds):
        if start != end:
            fault = "overlap" if start < end else "have a gap"
            raise ValueError(f"Step adjustment intervals can't {fault}: {end:g} and {start:g}")
    if bounds[0][0] != -math.inf and bounds[0][0] < 0:
        raise ValueError("With a negative lower bound there must be a step adjustment with a null lower bound")
    if bounds[-1][1] != math.inf and bounds[-1][1] > 0:
        raise ValueError("With a positive upper bound there must be a step adjustment with a null upper bound")
