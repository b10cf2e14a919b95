"""The range of capacities in which something scales, as it is made and as schedules move it."""

from __future__ import annotations

from ml_constructs._checks import check_given, check_whole, is_token
from ml_constructs.scaling.steps import MOST


def check_capacities(min_capacity: int, max_capacity: int, *, least: int = 1, most: int = MOST, zero: str = "") -> None:
    """Raise `ValueError` unless the two are a range; `zero` says why the least is not 0."""
    check_given(min_capacity=min_capacity, max_capacity=max_capacity)
    if zero and least == 1 and isinstance(min_capacity, int) and min_capacity == 0:
        raise ValueError(f"min_capacity must be between 1 and {most:,}, got {min_capacity!r}: {zero}")
    check_whole("min_capacity", min_capacity, least, most)
    check_whole("max_capacity", max_capacity, 1, most)
    if not is_token(min_capacity) and not is_token(max_capacity) and min_capacity > max_capacity:
        raise ValueError(f"max_capacity must be at least min_capacity, {min_capacity}, got {max_capacity}")


def check_start(argument: str, start: int, min_capacity: int, max_capacity: int) -> None:
    """Raise `ValueError` unless what scales starts inside its range; tokens pass."""
    if is_token(start) or is_token(min_capacity) or is_token(max_capacity):
        return
    if not min_capacity <= start <= max_capacity:
        raise ValueError(
            f"{argument} must be between min_capacity and max_capacity, {min_capacity} and {max_capacity}, got {start}"
        )


def check_scheduled_range(
    min_capacity: int | None, max_capacity: int | None, *, least: int, most: int, now: tuple[float, float]
) -> None:
    """Raise `ValueError` unless a schedule sets a range that AWS takes when the target's own, `now`, still holds."""
    if min_capacity is None and max_capacity is None:
        raise ValueError("min_capacity or max_capacity must be given, got None for both")
    check_whole("min_capacity", min_capacity, least, most)
    check_whole("max_capacity", max_capacity, least, most)
    low = now[0] if min_capacity is None else min_capacity
    high = now[1] if max_capacity is None else max_capacity
    if is_token(low) or is_token(high) or low <= high:
        return
    if min_capacity is None:
        raise ValueError(
            f"max_capacity must be at least the target's min_capacity, {low}, or be given with one, got {high}"
        )
    if max_capacity is None:
        raise ValueError(
            f"min_capacity must be at most the target's max_capacity, {high}, or be given with one, got {low}"
        )
    raise ValueError(f"max_capacity must be at least min_capacity, {low}, got {high}")
