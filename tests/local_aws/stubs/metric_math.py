"""Metric math of CloudWatch, as far as alarms and scaling policies use it.

A value is a number or a series, whose items are the periods of an evaluation, oldest first, and None where a metric
has no datapoint. Arithmetic of two series has a datapoint where both have one.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

Series = tuple[float | None, ...]
Value = float | Series

_BINARY: Final[dict[type[ast.AST], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.BitXor: operator.pow,  # CloudWatch spells the power ^
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda left, right: float(bool(left) and bool(right)),
    ast.Or: lambda left, right: float(bool(left) or bool(right)),
}
_EACH: Final[dict[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}
_ACROSS: Final[dict[str, Callable[[Sequence[float]], float]]] = {"AVG": fmean, "MAX": max, "MIN": min, "SUM": sum}


class MathError(ValueError):
    """An expression that this module does not understand."""


def evaluate(expression: str, metrics: Mapping[str, Value], periods: int) -> Series:
    """The series of an expression, over metrics by their ids.

    Raises:
        MathError: the expression is malformed, or uses what is not supported here.
    """
    text = expression.replace("&&", " and ").replace("||", " or ")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise MathError(f"the metric math {expression!r} is malformed: {error.msg}") from None
    return series(_evaluate(tree.body, metrics), periods)


def series(value: Value, periods: int) -> Series:
    """A number as a series of that number."""
    return value if isinstance(value, tuple) else (float(value),) * periods


def _evaluate(node: ast.expr, metrics: Mapping[str, Value]) -> Value:  # noqa: PLR0911
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in metrics:
            return metrics[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _each(operator.neg, _evaluate(operand, metrics))
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            return _both(_BINARY[type(operation)], _evaluate(left, metrics), _evaluate(right, metrics))
        case ast.Compare(left=left, ops=[operation], comparators=[right]) if type(operation) in _BINARY:
            return _both(_BINARY[type(operation)], _evaluate(left, metrics), _evaluate(right, metrics))
        case ast.BoolOp(op=operation, values=[first, *rest]):
            result = _evaluate(first, metrics)
            for value in rest:
                result = _both(_BINARY[type(operation)], result, _evaluate(value, metrics))
            return result
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, arguments, metrics)
        case _:
            raise MathError(f"the local CloudWatch does not know {ast.unparse(node)!r} in metric math")


def _call(name: str, arguments: list[ast.expr], metrics: Mapping[str, Value]) -> Value:
    match name, arguments:
        case _, [argument] if name in _EACH:
            return _each(_EACH[name], _evaluate(argument, metrics))
        case _, [ast.List(elts=items)] if name in _ACROSS:
            return _across(_ACROSS[name], [_evaluate(item, metrics) for item in items])
        case _, [argument] if name in _ACROSS:
            value = _evaluate(argument, metrics)
            present = [item for item in value if item is not None] if isinstance(value, tuple) else [value]
            return _ACROSS[name](present) if present else ()
        case "IF", [condition, then, *otherwise] if len(otherwise) <= 1:
            chosen: list[Any] = [_evaluate(item, metrics) for item in (condition, then, *otherwise)]
            return _choose(*chosen)
        case "FILL", [argument, filler]:
            value = _evaluate(argument, metrics)
            return _fill(value, "REPEAT" if ast.unparse(filler) == "REPEAT" else _evaluate(filler, metrics))
        case _:
            raise MathError(f"the local CloudWatch does not know the function {name} with {len(arguments)} arguments")


def _each(function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(None if item is None else float(function(item)) for item in value)
    return float(function(value))


def _both(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    def combine(first: float | None, second: float | None) -> float | None:
        if first is None or second is None:
            return None
        try:
            return float(function(first, second))
        except ZeroDivisionError:
            return None

    if not isinstance(left, tuple) and not isinstance(right, tuple):
        result = combine(left, right)
        return () if result is None else result
    periods = len(left) if isinstance(left, tuple) else len(right) if isinstance(right, tuple) else 0
    return tuple(itertools.starmap(combine, zip(series(left, periods), series(right, periods), strict=True)))


def _across(function: Callable[[Sequence[float]], float], values: list[Value]) -> Value:
    periods = max((len(value) for value in values if isinstance(value, tuple)), default=1)
    rows = zip(*(series(value, periods) for value in values), strict=True)
    present = [[item for item in row if item is not None] for row in rows]
    return tuple(float(function(row)) if row else None for row in present)


def _choose(condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    periods = max((len(value) for value in (condition, then, otherwise) if isinstance(value, tuple)), default=1)
    others = (None,) * periods if otherwise is None else series(otherwise, periods)
    rows = zip(series(condition, periods), series(then, periods), others, strict=True)
    return tuple(None if test is None else first if test else second for test, first, second in rows)


def _fill(value: Value, filler: Value | str) -> Value:
    if not isinstance(value, tuple):
        return value
    filled: list[float | None] = []
    for index, item in enumerate(value):
        if item is not None:
            filled.append(item)
        elif filler == "REPEAT":
            filled.append(filled[-1] if filled else None)
        else:
            assert not isinstance(filler, str)
            filled.append(series(filler, len(value))[index])
    return tuple(filled)
