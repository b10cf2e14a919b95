"""The rows of a dashboard, counted against what CloudWatch accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MAX_WIDGETS: Final = 500
MAX_METRICS: Final = 2500

# Widths of a widget, in columns.
FULL: Final = 24
HALF: Final = 12
THIRD: Final = 8
QUARTER: Final = 6
PERCENTILES: Final = ("p50", "p90", "p99")


class Rows:
    """Widgets in rows, and how many metrics they retrieve."""

    def __init__(self) -> None:
        self.rows: list[list[cloudwatch.IWidget]] = []
        self._metrics: list[int] = []

    def add(self, *widgets: cloudwatch.IWidget) -> None:
        if widgets:
            self.rows.append(list(widgets))

    def graph(
        self,
        region: str,
        title: str,
        metrics: Sequence[cloudwatch.IMetric],
        *,
        width: float = HALF,
        lines: Sequence[cloudwatch.HorizontalAnnotation] = (),
        stacked: bool = False,
    ) -> cloudwatch.GraphWidget:
        self._metrics.append(_retrieved(metrics))
        return cloudwatch.GraphWidget(
            title=title,
            left=list(metrics),
            left_annotations=list(lines),
            left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
            region=region,
            stacked=stacked,
            width=width,
        )

    def check(self) -> None:
        """The limit of metrics in one widget cannot be met before that of all widgets."""
        for what, count, most in (
            ("widgets", sum(map(len, self.rows)), MAX_WIDGETS),
            ("metrics", sum(self._metrics), MAX_METRICS),
        ):
            if count > most:
                raise ValueError(f"endpoints and front_ends must need at most {most:,} {what}, got {count:,}")


def _retrieved(metrics: Sequence[cloudwatch.IMetric]) -> int:
    """How many metrics a widget retrieves: those that expressions use count, once, and the expressions do not."""
    used: set[str] = set()
    plain = 0
    for metric in metrics:
        if isinstance(metric, cloudwatch.MathExpression):
            used.update(_variables(metric))
        else:
            plain += 1
    return plain + len(used)


def _variables(expression: cloudwatch.MathExpression) -> Iterator[str]:
    for variable, metric in (expression.using_metrics or {}).items():
        if isinstance(metric, cloudwatch.MathExpression):
            yield from _variables(metric)
        else:
            yield variable
