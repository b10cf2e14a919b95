"""Arguments as hypothesis draws them: valid ones, tokens among them, and on demand those beyond a limit.

What needs a stack, such as a bucket or a token, is drawn as a `Made`, which says what it is and makes it on use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from aws_cdk import CfnParameter, Duration, Size, Stack
from hypothesis import strategies as st

T = TypeVar("T")

Strategy = st.SearchStrategy[Any]

NAME: Final = r"\A[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\Z"


class Made:
    """Something that is made in a stack."""

    def __init__(self, what: str, make: Callable[[Stack], object]) -> None:
        self.make = make
        self._what = what

    def __repr__(self) -> str:
        return self._what


@dataclass(frozen=True)
class Argument:
    """What an argument may be, and what it must not be, at least with some other arguments."""

    valid: Strategy
    beyond: Sequence[object] = ()


class Drawn:
    """Draws arguments for the constructs of one stack, and tells what they were."""

    def __init__(self, data: st.DataObject, stack: Stack, *, told: list[str], files: Path, wild: int = 0) -> None:
        """Draw for a stack; where `wild` is a number, one in so many choices goes beyond a limit, and no other."""
        self._data = data
        self._told = told
        self._left = data.draw(st.integers(1, wild), label="what goes beyond") if wild else 0
        self.stack = stack
        self.files = files

    @property
    def strange(self) -> bool:
        """Whether something went beyond a limit."""
        return self._left < 0

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return bool(self._data.draw(st.integers(1, one_in)) == one_in)

    def odd(self) -> bool:
        """Whether this is the choice that goes beyond a limit."""
        if self._left <= 0:
            return False
        self._left = self._left - 1 or -1
        return self.strange

    def one(self, name: str, argument: Argument | Strategy) -> Any:  # noqa: ANN401 - whatever the strategy yields
        """An argument, beyond its limits now and then if that is wanted."""
        known = argument if isinstance(argument, Argument) else Argument(argument)
        bad = bool(known.beyond) and self.odd()
        value = self._data.draw(st.sampled_from(known.beyond) if bad else known.valid, label=name)
        self._told.append(f"{name}={value!r}")
        return self.made(value)

    def pick(self, name: str, values: Sequence[T]) -> T:
        """One of some values."""
        return self.one(name, st.sampled_from(values))  # type: ignore[no-any-return] # one of the values

    def some(self, arguments: Mapping[str, Argument | Strategy]) -> dict[str, Any]:
        """Some of the arguments; each is left out as often as not."""
        return {name: self.one(name, each) for name, each in arguments.items() if self._data.draw(st.booleans())}

    def say(self, text: str) -> None:
        """Tell what happens between arguments."""
        self._told.append(text)

    def made(self, value: object) -> Any:  # noqa: ANN401 - whatever it is
        """What is made in the stack, also inside of lists and mappings."""
        if isinstance(value, Made):
            return value.make(self.stack)
        if isinstance(value, list):
            return [self.made(each) for each in value]
        if isinstance(value, dict):
            return {key: self.made(each) for key, each in value.items()}
        return value


def _parameter(stack: Stack, kind: str) -> CfnParameter:
    number = sum(isinstance(child, CfnParameter) for child in stack.node.children)
    return CfnParameter(stack, f"Parameter{number}", type=kind)


TEXT = Made("a text token", lambda stack: _parameter(stack, "String").value_as_string)
NUMBER = Made("a number token", lambda stack: _parameter(stack, "Number").value_as_number)
SECONDS = Made("a token in seconds", lambda stack: Duration.seconds(_parameter(stack, "Number").value_as_number))

# Refused wherever a number is asked for.
NO_NUMBER: Final[tuple[object, ...]] = ("5", True, math.nan, math.inf, [])


def mostly(strategy: Strategy, rare: Strategy) -> Strategy:
    """Values of the one, and of the other now and then."""
    return st.integers(1, 6).flatmap(lambda dice: strategy if dice < 6 else rare)


def or_token(strategy: Strategy, token: Made) -> Strategy:
    """A token instead, now and then."""
    return mostly(strategy, st.just(token))


def whole(low: int, high: int) -> Argument:
    """A whole number in a range, its edges more often than others."""
    valid = st.integers(low, high) | st.sampled_from((low, high))
    return Argument(or_token(valid, NUMBER), (low - 1, high + 1, low + 0.5, *NO_NUMBER))


def known_whole(low: int, high: int) -> Argument:
    """The same, known at synth."""
    return Argument(st.integers(low, high) | st.sampled_from((low, high)), (low - 1, high + 1, low + 0.5, *NO_NUMBER))


def number(low: float, high: float) -> Argument:
    """A number in a range."""
    valid = st.floats(low, high, allow_nan=False) | st.sampled_from((low, high))
    return Argument(or_token(valid, NUMBER), (low - 1, *NO_NUMBER))


def seconds(low: int, high: int) -> Argument:
    """A duration in whole seconds."""
    valid = (st.integers(low, high) | st.sampled_from((low, high))).map(duration)
    beyond = (duration(low - 1), duration(high + 1), 5, "5", Made("1.5 s", lambda _: Duration.millis(1500)))
    return Argument(or_token(valid, SECONDS), beyond)


def duration(number_of_seconds: int) -> Made:
    """A duration."""
    return Made(f"{number_of_seconds} s", lambda _: Duration.seconds(max(number_of_seconds, 0)))


def gibibytes(low: int, high: int) -> Argument:
    """A size in whole GiB."""
    valid = st.integers(low, high).map(lambda size: mebibytes(size * 1024))
    return Argument(valid, (*map(mebibytes, (0, low * 1024 + 1, (high + 1) * 1024)), 5, "5 GiB"))


def mebibytes(size: int) -> Made:
    """A size."""
    return Made(f"{size} MiB", lambda _: Size.mebibytes(size))


def name() -> Argument:
    """A name as SageMaker takes it."""
    valid = mostly(st.from_regex(NAME).filter(lambda each: len(each) <= 63), st.just("A" * 63))
    return Argument(valid, ("", "a b", "-a", "a-", "a_b", "ü", "a" * 64, None, 5))


def one_of(*values: object, beyond: Sequence[object] = ("", "other", 5)) -> Argument:
    """One of some values."""
    return Argument(st.sampled_from(values), beyond)


def flag() -> Argument:
    """True or False."""
    return Argument(st.booleans(), ("yes", 1))
