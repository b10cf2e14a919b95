"""`make bench`: what the library and the local cloud cost, each figure beside a baseline measured in the same run."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.bench import construction, front_ends, handler, imports, local_cloud, review


def main() -> None:
    console = Console(highlight=False)
    _library(console)
    console.print()
    if not local_cloud.report(console):
        raise SystemExit(1)


def _library(console: Console) -> None:
    table = Table(title="medians over alternating runs", title_justify="left", box=None, pad_edge=False)
    for column in ("", "ours", "baseline", "ratio", "target"):
        table.add_column(column, justify="left" if not column else "right")
    with console.status("importing"):
        ours, theirs = imports.measure()
    table.add_row("(a) import the library; its aws-cdk-lib modules", *_row(ours, theirs), "1.15")
    assert construction.same_resources(), "both ways must build the same resources"
    with console.status("building 50 endpoints"):
        ours, theirs = construction.measure()
    table.add_row("(b) build an endpoint; its resources as L1", *_row(ours, theirs), "1.5")
    with console.status("starting the function"):
        cold = handler.cold_import()
    table.add_row(
        "(c) cold import of the handler; boto3 and a client",
        *_row(cold.handler_ms / 1000, cold.baseline_ms / 1000),
        "1.15",
    )
    with console.status("calling the function"):
        warm = handler.request_time()
    table.add_row(
        "(d) a request through the handler; bare boto3, p50",
        *_row(warm.handler_p50_ms / 1000, warm.bare_p50_ms / 1000),
        "",
    )
    table.add_row("    the same, p99", *_row(warm.handler_p99_ms / 1000, warm.bare_p99_ms / 1000), "")
    with console.status("calling through each front end"):
        timings = front_ends.measure()
    for timing in timings:
        for percent in (50, 99):
            ours, bare, direct = timing.percentiles(percent)
            name = f"(g) {timing.name}; bare boto3, p50" if percent == 50 else "    the same, p99"
            target = f"{front_ends.TARGET}" if percent == 50 else ""
            table.add_row(f"{name} (endpoint alone {direct * 1000:.1f} ms)", *_row(ours, bare), target)
    with console.status("reviewing the realtime example"):
        ours, theirs = review.measure()
    table.add_row("(h) review the realtime stack by all packs; synthesise it", *_row(ours, theirs), f"{review.TARGET}")
    with console.status("reviewing a hundred stacks"):
        many, few = review.measure_growth()
    table.add_row("(i) review one of 100 stacks; one of 25", *_row(many, few), "1")
    console.print(table)


def _row(ours: float, theirs: float) -> tuple[str, str, str]:
    return f"{ours * 1000:.2f} ms", f"{theirs * 1000:.2f} ms", f"{ours / theirs:.2f}"


if __name__ == "__main__":
    main()
