from __future__ import annotations

from typing import Any

import pytest

from tests.local_aws.auto_scaling.adjustments import (
    Values,
    aggregated,
    check_steps,
    chosen_step,
    stepped,
    tracked,
    tracked_value,
)


def step(change: int, lower: float | None = None, upper: float | None = None) -> dict[str, Any]:
    bounds = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
    return {"ScalingAdjustment": change} | {name: bound for name, bound in bounds.items() if bound is not None}


@pytest.mark.parametrize(
    ("capacity", "value", "expected"),
    [(2, 70, 2), (2, 71, 3), (1, 210, 3), (3, 70.0, 3), (4, 62.9, 4), (4, 52.5, 3), (4, 1, 1), (4, 0, 0)],
)
def test_tracking_is_proportional_and_rounds_up_both_ways(capacity: int, value: float, expected: int) -> None:
    assert tracked(capacity, value, 70) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (70, 0), (71, 2), (210, 3)])
def test_what_waits_for_no_instance_counts_as_if_it_waited_for_one(value: float, expected: int) -> None:
    assert tracked(0, value, 70) == expected


def test_a_ratio_that_is_whole_but_for_its_last_digit_adds_nothing() -> None:
    assert 1 * 2.1 / 0.3 > 7
    assert tracked(1, 2.1, 0.3) == 7


@pytest.mark.parametrize(
    ("values", "is_high", "expected"),
    [
        ((90, 80, 75), True, 75),
        ((90, 80, None), True, 80),
        ((10, 60, 20), False, 60),
        ((None, 5, None), False, 5),
        ((None, None), True, None),
        ((), False, None),
    ],
)
def test_the_newest_value_adds_and_the_highest_removes(values: Values, is_high: bool, expected: float | None) -> None:  # noqa: FBT001 - a parameter
    assert tracked_value(values, is_high=is_high) == expected


@pytest.mark.parametrize(("kind", "expected"), [(None, 4), ("Average", 4), ("Minimum", 1), ("Maximum", 9)])
def test_the_periods_are_aggregated(kind: str | None, expected: float) -> None:
    assert aggregated((1, None, 9, 2), kind) == expected
    assert aggregated((None,), kind) is None


@pytest.mark.parametrize(
    ("distance", "is_above", "expected"),
    [
        (0, True, 1),
        (9.9, True, 1),
        (10, True, 2),
        (1e9, True, 2),
        (0, False, -1),
        (-10, False, -2),
        (-9.9, False, -1),
        (-1e9, False, -2),
    ],
)
def test_above_the_threshold_lower_bounds_count_and_below_it_upper_ones(
    distance: float,
    is_above: bool,  # noqa: FBT001 - a parameter
    expected: int,
) -> None:
    steps = [step(1, 0, 10), step(2, 10)] if is_above else [step(-2, None, -10), step(-1, -10, 0)]
    assert chosen_step(steps, distance, is_above=is_above) == expected


def test_no_step_covers_the_other_side_of_the_threshold() -> None:
    assert chosen_step([step(1, 0)], -1, is_above=False) is None


@pytest.mark.parametrize(
    ("kind", "capacity", "adjustment", "least", "expected"),
    [
        ("ChangeInCapacity", 4, 3, None, 7),
        ("ChangeInCapacity", 2, -3, None, 0),
        ("ExactCapacity", 9, 4, None, 4),
        ("PercentChangeInCapacity", 10, 50, None, 15),
        ("PercentChangeInCapacity", 10, 127, None, 22),  # 12.7 is rounded down
        ("PercentChangeInCapacity", 1, 67, None, 2),  # 0.67 is rounded up
        ("PercentChangeInCapacity", 1, -58, None, 0),
        ("PercentChangeInCapacity", 10, -67, None, 4),  # -6.7 is rounded towards 0
        ("PercentChangeInCapacity", 4, 25, 2, 6),
        ("PercentChangeInCapacity", 4, -25, 2, 2),
        ("PercentChangeInCapacity", 16, 25, 2, 20),
        ("PercentChangeInCapacity", 4, 0, 2, 4),
    ],
)
def test_a_step_adjusts(kind: str, capacity: int, adjustment: int, least: int | None, expected: int) -> None:
    configuration: dict[str, Any] = {"AdjustmentType": kind}
    if least is not None:
        configuration["MinAdjustmentMagnitude"] = least
    assert stepped(capacity, adjustment, configuration) == expected


@pytest.mark.parametrize(
    "steps",
    [
        [step(1, 0)],
        [step(-1, None, 0)],
        [step(1)],
        [step(2, 10), step(1, 0, 10)],
        [step(-2, None, -10), step(-1, -10, 0)],
        [step(-1, None, -5), step(0, -5, 5), step(1, 5)],
    ],
)
def test_adjoining_steps_are_good(steps: list[dict[str, Any]]) -> None:
    check_steps(steps)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([step(1, 10, 10)], "must be greater"),
        ([step(1, 0, 10), step(2, 9)], "overlap"),
        ([step(1, 0, 10), step(2, 11)], "gap"),
        ([step(1, -1)], "null lower bound"),
        ([step(-1, None, 1)], "null upper bound"),
        ([step(1, 0, 10)], "null upper bound"),
        ([step(1), step(2, 5)], "both be null"),
    ],
)
def test_a_broken_ladder_is_refused(steps: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_steps(steps)
