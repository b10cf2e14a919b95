"""Checks of users' values that let every unresolved token pass."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from numbers import Real
from typing import Any, Final

from aws_cdk import Duration, Token

_PLAIN: Final = (bool, type(None), dict, bytes)
_SHOWN: Final = 120
_TOKEN_NUMBERS: Final = -1e288  # a number below is a token


def is_token(value: Any) -> bool:  # noqa: ANN401, PLR0911 - anything a user can pass; kinds in order of their cost
    """Whether `value` is known only at deployment.

    aws-cdk encodes a token as a string with a marker, or as a number near -1.9e289. Both are recognised without a call
    into the jsii kernel, which matters in a loop over many variants.
    """
    if isinstance(value, _PLAIN):
        return False
    if isinstance(value, str):
        return "${Token[" in value or value.startswith("#{Token[")  # the latter is a member of a list that is one
    if isinstance(value, Real):
        return bool(value < _TOKEN_NUMBERS)
    if isinstance(value, (list, tuple)):
        return any(isinstance(item, str) and item.startswith("#{Token[") for item in value)
    if isinstance(value, Duration):
        return bool(value.is_unresolved())
    try:
        return bool(Token.is_unresolved(value))
    except AttributeError:  # an object that the jsii kernel cannot take is none of its tokens
        return False


def check_type(kinds: type | tuple[type, ...], **arguments: object) -> None:
    """Raise `TypeError` unless each argument is of one of the kinds; name `NoneType` where None is allowed."""
    for argument, value in arguments.items():
        if not isinstance(value, kinds):
            every = kinds if isinstance(kinds, tuple) else (kinds,)
            names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in every)
            raise TypeError(f"{argument} must be {names}, got {_shown(value)}")
        check_text(argument, value)


def check_text(argument: str, value: object) -> None:
    """Raise `ValueError` if a text holds half a character, as names of files may; no template can. All else passes."""
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise ValueError(f"{argument} must be text that UTF-8 can encode, got {value!r}")


def check_keys(argument: str, names: Collection[object]) -> None:
    """Raise `ValueError` for the one name that the jsii kernel takes in no mapping."""
    if "__proto__" in names:
        raise ValueError(f"{argument} must not name '__proto__', which aws-cdk puts into no template, got it")


def check_offers(member: str, what: str, **arguments: object) -> None:
    """Raise `TypeError` unless each argument has a member; None passes.

    For the interfaces of aws-cdk, which are protocols that `isinstance` does not know. Looks at the class first, since
    a property of aws-cdk costs a call into the jsii kernel.
    """
    for argument, value in arguments.items():
        if value is not None and not _offers(value, member):
            raise TypeError(f"{argument} must be {what}, got {_shown(value)}")


def check_each(what: str, kind: type | tuple[type, ...] | str, **arguments: object) -> None:
    """Raise `TypeError` unless each argument lists members of a type, or that have a member; token lists pass."""
    for argument, values in arguments.items():
        if is_token(values):
            continue
        if not isinstance(values, (list, tuple)):
            raise TypeError(f"{argument} must be a list of {what}, got {_shown(values)}")
        for value in values:
            if not (_offers(value, kind) if isinstance(kind, str) else isinstance(value, kind)):
                raise TypeError(f"{argument} must be a list of {what}, got one with {_shown(value)}")
            check_text(argument, value)


def check_given(**arguments: object) -> None:
    """Raise `TypeError` if an argument without which nothing works is None."""
    for argument, value in arguments.items():
        if value is None:
            raise TypeError(f"{argument} must be given, got None")


def check_grantee(grantee: object) -> None:
    """Raise `TypeError` unless permissions can be given to what is passed as `grantee`."""
    check_given(grantee=grantee)
    check_offers("grant_principal", "a principal", grantee=grantee)


def _shown(value: object) -> str:
    """What a user passed, as much of it as fits into a sentence: a value with all its fields can take pages."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _offers(value: object, member: str) -> bool:
    return hasattr(type(value), member) or hasattr(value, member)


def check_finite(
    argument: str, value: object, rule: str = "a finite number", *, above: float = -math.inf, low: float = -math.inf
) -> None:
    """Raise `ValueError` unless `value` is a finite number beyond the limits that `rule` says in words; tokens pass.

    The jsii kernel dies of a number that is not finite.
    """
    if is_token(value):
        return
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or not number > above or not number >= low:
        raise ValueError(f"{argument} must be {rule}, got {value!r}")


def check_id(**arguments: str) -> None:
    """Raise unless each argument can be the id of a construct: text that is known at synthesis and not empty."""
    check_type(str, **arguments)
    for argument, value in arguments.items():
        if is_token(value):
            raise ValueError(f"{argument} must be known at synthesis, got a token")
        check_pattern(argument, value, r"(?s:.+)", "one character or more")


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


def check_seconds(argument: str, value: Duration | None, low: int, high: int, *, rendered: str = "seconds") -> None:
    """Raise `ValueError` unless the duration lies in `low..high` seconds; None and tokens in the unit rendered pass."""
    if value is None or _token_in(rendered, argument, value):
        return
    seconds = value.to_seconds(integral=False)
    if not low <= seconds <= high or seconds != int(seconds):
        raise ValueError(f"{argument} must be between {low:,} and {high:,} whole seconds, got {seconds:g} seconds")


def check_days(argument: str, value: Duration | None, low: int, high: int) -> None:
    """Raise `ValueError` unless the duration is a whole number of days in `low..high`; None and tokens in days pass."""
    if value is None or _token_in("days", argument, value):
        return
    days = value.to_days(integral=False)
    if not low <= days <= high or days != int(days):
        raise ValueError(f"{argument} must be between {low:,} and {high:,} whole days, got {days:g} days")


def check_length(argument: str, values: Collection[object], low: int, high: int) -> None:
    """Raise `ValueError` unless a collection has `low..high` members; token lists pass."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Collection):
        raise TypeError(f"{argument} must be a collection of {low:,} to {high:,} members, got {values!r}")
    if not is_token(values) and not low <= len(values) <= high:
        raise ValueError(f"{argument} must have between {low:,} and {high:,} members, got {len(values)}")


def check_pattern(argument: str, value: str | None, pattern: str, rule: str) -> None:
    """Raise `ValueError` unless `value` matches `pattern` entirely; `rule` says the pattern in words."""
    if value is None or is_token(value):
        return
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be text, {rule}, got {value!r}")
    check_text(argument, value)
    if not re.fullmatch(pattern, value):
        raise ValueError(f"{argument} must be {rule}, got {value!r}")


def check_choice(argument: str, value: object, choices: Collection[object]) -> None:
    """Raise `ValueError` unless `value` is one of `choices`; None and tokens pass."""
    if value is not None and not is_token(value) and value not in tuple(choices):
        raise ValueError(f"{argument} must be one of {', '.join(map(str, choices))}, got {value!r}")


def _token_in(unit: str, argument: str, value: Duration) -> bool:
    """Whether a duration is a token, which must have the unit, because CloudFormation cannot convert it."""
    if not isinstance(value, Duration):
        raise TypeError(f"{argument} must be a Duration, got {value!r}")
    if not is_token(value):
        return False
    try:
        {
            "milliseconds": value.to_milliseconds,
            "seconds": value.to_seconds,
            "hours": value.to_hours,
            "days": value.to_days,
        }[unit]()
    except RuntimeError:
        raise ValueError(f"{argument} must be given in {unit} where known only at deployment, got a token") from None
    return True
