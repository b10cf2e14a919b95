"""How bad input is refused: by this library itself, in a sentence that names the argument and the value."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from aws_cdk import App, Stack

Call = Callable[[Stack, dict[str, Any]], object]


def each_argument(cases: Mapping[str, tuple[Call, Mapping[str, Sequence[object]]]]) -> list[Any]:
    """A call, an argument and its bad values, for each argument of each case."""
    return [
        pytest.param(call, argument, values, id=f"{label}-{argument}")
        for label, (call, arguments) in cases.items()
        for argument, values in arguments.items()
    ]


def refusals(call: Call, argument: str, values: Sequence[object]) -> Iterable[tuple[object, str]]:
    """Each bad value with what is said of it, which names the argument and comes from the library itself."""
    for number, bad in enumerate(values):
        stack = Stack(App(builtin_cloud_formation_validation=False), f"Stack{number}")
        with pytest.raises((ValueError, TypeError)) as caught:
            call(stack, {argument: bad})
        where = traceback.extract_tb(caught.value.__traceback__)[-1].filename
        assert "ml_constructs" in where, (bad, caught.value)
        assert argument in str(caught.value), (bad, caught.value)
        yield bad, str(caught.value)
