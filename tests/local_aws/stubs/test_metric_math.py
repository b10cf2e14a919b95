from __future__ import annotations

import pytest

from tests.local_aws.stubs.metric_math import MathError, Series, evaluate

METRICS = {"a": (1.0, 2.0, None), "b": (4.0, None, 6.0), "z": (0.0, 1.0, 0.0)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", (1, 2, None)),
        ("7", (7, 7, 7)),
        ("-a", (-1, -2, None)),
        ("100 * a", (100, 200, None)),
        ("a + b", (5, None, None)),
        ("b / z", (None, None, None)),
        ("a ^ 2", (1, 4, None)),
        ("2 * (b - 1)", (6, None, 10)),
        ("MAX([a, b])", (4, 2, 6)),
        ("SUM([a, b])", (5, 2, 6)),
        ("MIN(b)", (4, 4, 4)),
        ("AVG(b) + a", (6, 7, None)),
        ("100 * MAX([a, b - a])", (300, 200, None)),
        ("FLOOR(a / 2 + 0.5)", (1, 1, None)),
        ("CEIL(a / 4)", (1, 1, None)),
        ("ABS(-2)", (2, 2, 2)),
        ("a > 1", (0, 1, None)),
        ("a > 0 && b > 0", (1, None, None)),
        ("a > 5 || b > 3", (1, None, None)),
        ("FILL(a, 9)", (1, 2, 9)),
        ("FILL(b, a)", (4, 2, 6)),
        ("FILL(a, REPEAT)", (1, 2, 2)),
        ("IF(z, a, b)", (4, 2, 6)),
        ("IF(a > 1, a)", (None, 2, None)),
    ],
)
def test_an_expression_has_the_series_of_cloudwatch(expression: str, expected: Series) -> None:
    assert evaluate(expression, METRICS, 3) == expected


@pytest.mark.parametrize(
    "expression", ["a +", "unknown", "SEARCH('x', 'y', 1)", "__import__('os')", "a.real", "a[0]", "'text'", "MAX(a, b)"]
)
def test_what_is_not_supported_is_refused_by_name(expression: str) -> None:
    with pytest.raises(MathError, match=r"metric math|does not know"):
        evaluate(expression, METRICS, 3)
