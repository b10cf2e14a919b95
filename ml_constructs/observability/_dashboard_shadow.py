"""How a shadow variant compares with the variant whose requests it is sent copies of."""

from __future__ import annotations

from ml_constructs.observability._dashboard_rows import QUARTER
from ml_constructs.observability._dashboard_view import View
from ml_constructs.observability._endpoint_parts import vcpus_of
from ml_constructs.observability.metric_expressions import failed_percent, milliseconds, per_minute, variant_source


def comparison(view: View) -> None:
    """Production and shadow side by side; nothing without a shadow variant."""
    shadow = view.endpoint.shadow_name
    if shadow is None:
        return
    cores = {**view.vcpus, shadow: vcpus_of(view.endpoint, shadow)}
    pairs = [*view.sources, ("shadow", variant_source(view.endpoint, shadow))]
    view.rows.add(
        view.graph(
            "Shadow: requests per minute",
            [per_minute(each.metric("Invocations", statistic="Sum"), f"i{n}", each.name) for n, each in pairs],
            width=QUARTER,
        ),
        view.graph("Shadow: failed requests (%)", [failed_percent(each, n) for n, each in pairs], width=QUARTER),
        view.graph(
            "Shadow: model latency, p99 (ms)",
            [milliseconds(each.metric("ModelLatency", statistic="p99"), f"l{n}", each.name) for n, each in pairs],
            width=QUARTER,
        ),
        view.graph(
            "Shadow: CPU, average (%)", [view.cpu(each, n, cores[each.name]) for n, each in pairs], width=QUARTER
        ),
    )
