"""How a moment looks: rich renderables for a terminal, one line of text for everything else.

Colours are those that read well on dark and on light ground; nothing is wider than 80 columns unless there is room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tests.local_aws.demo.snapshot import OK, PERCENTILES, Alarm, Progress, Snapshot, Traffic, Variant

_BAR: Final = 24  # columns of a bar that is full
_CURVE: Final = "▁▂▃▄▅▆▇█"
_HEALTHY: Final = frozenset({"InService"})


def endpoint_panel(seen: Snapshot, title: str) -> RenderableType:
    """The endpoint and its traffic."""
    parts: list[RenderableType] = [_traffic(seen), _variants(seen), _curves(seen)]
    if seen.scaling:
        parts.append(Text.assemble(("scaling    ", "bold"), seen.scaling, overflow="ellipsis", no_wrap=True))
    return _panel(Group(*_spaced(parts)), title, seen.second)


def deployment_panel(seen: Snapshot, title: str) -> RenderableType:
    """The same while a deployment carries the traffic over, with the alarms that can stop it."""
    parts = [_traffic(seen), _variants(seen), _deployment(seen)]
    return _panel(Group(*_spaced(parts)), title, seen.second)


def progress_panel(seen: Progress, title: str) -> RenderableType:
    """A stack whose resources come up."""
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column()
    head.add_column(ratio=1)
    head.add_row(
        Text.assemble((f"{seen.finished:3}", "bold"), f" of {seen.total} resources"),
        ProgressBar(total=max(1, seen.total), completed=seen.finished, complete_style="blue", finished_style="green"),
    )
    rows = [_resource("✓", "green", each) for each in seen.latest]
    rows += [_resource("…", "blue", each) for each in seen.pending]
    failed = [Text(each, style="red") for each in seen.failed]
    return _panel(Group(head, *rows, *failed), f"{title}  {seen.status}".rstrip(), seen.second)


def endpoint_line(seen: Snapshot) -> str:
    """The endpoint and its traffic in one line."""
    parts = [_traffic_line(seen.now)]
    parts += [
        f"{each.name} {seen.now.share(each.name):.0%} of traffic (weight {each.weight:.0%}) on {_count(each)} instances"
        for each in seen.variants
    ]
    return _line(seen.second, parts)


def deployment_line(seen: Snapshot) -> str:
    """The same while a deployment carries the traffic over."""
    alarming = [alarm.name for alarm in seen.alarms if alarm.state == "ALARM"]
    new = f", new fleet {_fleet(seen.pending)}" if seen.pending else ""
    parts = [f"{seen.status}{new}", f"ALARM {', '.join(alarming)}" if alarming else "no alarm"]
    parts += [f"{each.name} {seen.now.share(each.name):.0%} of traffic" for each in seen.variants]
    parts += [f"failed {seen.now.failed / seen.now.requests:.0%}"] if seen.now.failed else []
    return _line(seen.second, [*parts, _traffic_line(seen.now)])


def progress_line(seen: Progress) -> str:
    """A stack whose resources come up, in one line."""
    parts = [f"{seen.status or 'no stack yet'}, {seen.finished} of {seen.total} resources"]
    return _line(seen.second, parts + [f"making {each}" for each in seen.pending[:1]])


def statuses(traffic: Traffic) -> str:
    """How often each status was answered; no answer is said in words."""
    return ", ".join(f"{code or 'no answer'}: {number}" for code, number in traffic.statuses) or "none yet"


def table(rows: Iterable[Sequence[str]], headings: Sequence[str] = (), *, style: str = "") -> Table:
    """A small table of two or three columns; the last one stands out."""
    rows = list(rows)
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=bool(headings))
    columns = len(rows[0])
    for number in range(columns):
        heading = headings[number] if headings else ""
        found.add_column(heading, style=style if number == columns - 1 else "", overflow="fold")
    for row in rows:
        found.add_row(*(Text(cell) for cell in row))
    return found


def _panel(body: RenderableType, title: str, second: float) -> Panel:
    clock = f"{second:.0f} s"
    return Panel(body, title=f"[bold]{title}[/]", title_align="left", subtitle=clock, subtitle_align="right")


def _spaced(parts: Iterable[RenderableType]) -> list[RenderableType]:
    spaced: list[RenderableType] = []
    for part in parts:
        spaced += [part, Text()]
    return spaced[:-1]


def _traffic(seen: Snapshot) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    answers = Text("  ").join(
        Text.assemble((str(code or "no answer"), "bold green" if code == OK else "bold red"), f": {number}")
        for code, number in seen.total.statuses
    )
    grid.add_row("requests", f"{seen.total.requests}, now {seen.now.per_second:.0f} a second")
    grid.add_row("answers", answers)
    grid.add_row("latency", _latency(seen.now))
    return grid


def _variants(seen: Snapshot) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("variant", no_wrap=True)
    grid.add_column("traffic now, ┃ weight", width=_BAR, no_wrap=True)
    grid.add_column("share", justify="right", no_wrap=True)
    grid.add_column("weight", justify="right", no_wrap=True)
    grid.add_column("instances", no_wrap=True)
    for each in seen.variants:
        share = seen.now.share(each.name)
        instances = Text.assemble(("■ " * each.current, "green"), _count(each))
        grid.add_row(each.name, _bar(share, each.weight), f"{share:.0%}", f"{each.weight:.0%}", instances)
    if seen.now.failed:
        share = seen.now.failed / seen.now.requests
        grid.add_row(Text("failed", style="bold red"), Text("━" * max(1, round(share * _BAR)), "red"), f"{share:.0%}")
    return grid


def _bar(share: float, weight: float) -> Text:
    filled, mark = round(share * _BAR), min(_BAR - 1, round(weight * _BAR))
    text = Text("━" * filled + " " * (_BAR - filled), style="blue")
    return Text.assemble(text[:mark], ("┃", "bold"), text[mark + 1 :])


def _curves(seen: Snapshot) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_row("a second", Text(_curve(seen.rates), style="blue"))
    grid.add_row("instances", Text(_curve([float(number) for number in seen.instances]), style="green"))
    return grid


def _deployment(seen: Snapshot) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    status = Text(seen.status, style="green" if seen.status in _HEALTHY else "bold magenta")
    grid.add_row("endpoint", status)
    grid.add_row("new fleet", _fleet(seen.pending) or "none")
    for number, alarm in enumerate(seen.alarms):
        grid.add_row("" if number else "alarms", _alarm(alarm))
    if seen.failure:
        grid.add_row("failure", Text(seen.failure, style="red"))
    return grid


def _alarm(alarm: Alarm) -> Text:
    style = {"OK": "green", "ALARM": "bold red"}.get(alarm.state, "")
    return Text.assemble((f"{alarm.state:5} ", style), alarm.name)


def _resource(mark: str, style: str, name: str) -> Text:
    return Text.assemble((mark, style), f" {name}", no_wrap=True, overflow="ellipsis")


def _fleet(variants: Sequence[Variant]) -> str:
    return ", ".join(f"{each.name} {_count(each)} for {each.weight:.0%}" for each in variants)


def _count(variant: Variant) -> str:
    return str(variant.current) if variant.current == variant.desired else f"{variant.current} → {variant.desired}"


def _latency(traffic: Traffic) -> str:
    if not traffic.percentiles:
        return "no request in the last seconds"
    values = zip(PERCENTILES, traffic.percentiles, strict=True)
    return ", ".join(f"p{percent} {1000 * seconds:.0f} ms" for percent, seconds in values)


def _traffic_line(traffic: Traffic) -> str:
    latency = f", {_latency(traffic)}" if traffic.percentiles else ""
    return f"{traffic.per_second:.0f} requests a second: {statuses(traffic)}{latency}"


def _line(second: float, parts: Sequence[str]) -> str:
    return f"{second:6.1f} s  " + "; ".join(parts)


def _curve(values: Sequence[float]) -> str:
    top = max(values, default=0.0) or 1.0
    return "".join(_CURVE[round(value / top * (len(_CURVE) - 1))] for value in values)
