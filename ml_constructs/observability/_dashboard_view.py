"""What the rows of one endpoint are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability._dashboard_rows import Rows
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.metric_expressions import Source, cpu_percent, variant_source


@dataclass(frozen=True, kw_only=True)
class View:
    """An endpoint, the rows that show it, and the thresholds to draw."""

    rows: Rows
    endpoint: IEndpoint
    region: str
    thresholds: AlarmThresholds
    vcpus: Mapping[str, int | None]
    """The cores of one instance, by variant, as far as known."""

    @property
    def sources(self) -> list[tuple[str, Source]]:
        """The metrics of each variant that answers, with what tells their variables apart."""
        return [(str(n), variant_source(self.endpoint, name)) for n, name in enumerate(self.endpoint.variant_names)]

    def graph(self, title: str, metrics: Sequence[cloudwatch.IMetric], **options: Any) -> cloudwatch.GraphWidget:  # noqa: ANN401 - of Rows.graph
        """A graph of metrics of the endpoint's region."""
        return self.rows.graph(self.region, title, metrics, **options)

    def cpu(self, source: Source, suffix: str, vcpus: int | None) -> cloudwatch.IMetric:
        """CPU in use: a share of all cores where their number is known, else their sum."""
        if vcpus is None:
            return source.metric("CPUUtilization", label=f"{source.name} (sum over cores)")
        return cpu_percent(source, vcpus, suffix)


def line(value: float | None, label: str = "alarm", color: str | None = None) -> list[cloudwatch.HorizontalAnnotation]:
    """A threshold, if there is one."""
    color = cloudwatch.Color.RED if color is None else color
    return [] if value is None else [cloudwatch.HorizontalAnnotation(value=value, label=label, color=color)]
