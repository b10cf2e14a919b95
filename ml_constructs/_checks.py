"""Checks of users' values that let every unresolved token pass."""

from __future__ import annotations

import re
from collections.abc import Collection
from numbers import Real
from typing import Any, Final

from aws_cdk import Duration, Token

_PLAIN: Final = (bool, type(None), dict)
_TOKEN_NUMBERS: Final = -1e288  # a number below is a token


def is_token(value: Any) -> bool:  # noqa: ANN401 - anything a user can pass
    """Whether `value` is known only at deployment.

    aws-cdk encodes a token as a string with a marker, or as a number near -1.9e289. Both are recognised without a call
    into the jsii kernel, which matters in a loop over many variants.
    """
    if isinstance(value, _PLAIN):
        return False
    if isinstance(value, str):
        return "${Token[" in value
    if isinstance(value, Real):
        return bool(value < _TOKEN_NUMBERS)
    if isinstance(value, (list, tuple)):
        return any(isinstance(item, str) and item.startswith("#{Token[") for item in value)
    if isinstance(value, Duration):
        return bool(value.is_unresolved())
    return bool(Token.is_unresolved(value))


def check_range(argument: str, value: float | None, low: float, high: float, unit: str = "") -> None:
    """Raise `ValueError` unless `low <= value <= high`; None and tokens pass."""
    if value is None or is_token(value):
        return
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
        suffix = f" {unit}" if unit else ""
        raise ValueError(f"{argument} must be between {low:,} and {high:,}{suffix}, got {value!r}")


def check_whole(argument: str, value: float | None, low: int, high: int, unit: str = "") -> None:
    """Raise `ValueError` unless `value` is a whole number in range; None and tokens pass."""
    check_range(argument, value, low, high, unit)
    if value is not None and not is_token(value) and not isinstance(value, int):
        raise ValueError(f"{argument} must be a whole number between {low:,} and {high:,}, got {value!r}")


def check_seconds(argument: str, value: Duration | None, low: int, high: int) -> None:
    """Raise `ValueError` unless the duration lies in `low..high` seconds; None and tokens pass."""
    if value is None or is_token(value):
        return
    seconds = value.to_seconds(integral=False)
    if not low <= seconds <= high or seconds != int(seconds):
        raise ValueError(f"{argument} must be between {low:,} and {high:,} whole seconds, got {seconds:g} seconds")


def check_days(argument: str, value: Duration | None, low: int, high: int) -> None:
    """Raise `ValueError` unless the duration is a whole number of days in `low..high`; None and tokens pass."""
    if value is None or is_token(value):
        return
    days = value.to_days(integral=False)
    if not low <= days <= high or days != int(days):
        raise ValueError(f"{argument} must be between {low:,} and {high:,} whole days, got {days:g} days")


def check_length(argument: str, values: Collection[object], low: int, high: int) -> None:
    """Raise `ValueError` unless a collection has `low..high` members; token lists pass."""
    if not is_token(values) and not low <= len(values) <= high:
        raise ValueError(f"{argument} must have between {low:,} and {high:,} members, got {len(values)}")


def check_pattern(argument: str, value: str | None, pattern: str, rule: str) -> None:
    """Raise `ValueError` unless `value` matches `pattern` entirely; `rule` says the pattern in words."""
    if value is not None and not is_token(value) and not re.fullmatch(pattern, value):
        raise ValueError(f"{argument} must be {rule}, got {value!r}")


def check_choice(argument: str, value: object, choices: Collection[object]) -> None:
    """Raise `ValueError` unless `value` is one of `choices`; None and tokens pass."""
    if value is not None and not is_token(value) and value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(map(str, choices))}, got {value!r}")
