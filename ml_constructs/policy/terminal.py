"""A review as a person reads it in a terminal; needs `rich`, the extra `ml-constructs[review]`."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ml_constructs.policy.finding import Finding, Outcome, ReviewedStack
from ml_constructs.policy.guards import summary
from ml_constructs.policy.review import Review
from ml_constructs.policy.rule import Severity

_SHOWN: Final = 500  # findings; nobody reads more in a terminal, the other formats have all
_WIDTH: Final = 120  # of a report that goes to a file or a pipe
_NARROWEST: Final = 20  # columns of text, however narrow the terminal
# What a template may hold and a terminal would obey.
_CONTROLS: Final = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")
_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def show(review: Outcome | Review, console: Console | None = None, *, with_reasons: bool = True) -> None:
    """Print a review: a panel for each stack, why findings were accepted, then those left, the worst first."""
    outcome = _outcome(review) if isinstance(review, Review) else review
    if console is None:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    left = Counter(each.stack for each in outcome.findings)
    accepted = Counter(each.finding.stack for each in outcome.acknowledged if each.finding)
    for stack in outcome.stacks:
        console.print(_stack(stack, left[stack.name], accepted[stack.name]))
    if with_reasons and outcome.acknowledged:
        console.print(_accepted(outcome))
    if outcome.findings:
        _print_findings(console, outcome.findings)
    for each in outcome.notes:
        console.print(Text(_safe(f"note: {each}"), style="dim"))
    for each in outcome.errors:
        console.print(Text(_safe(f"not reviewed: {each}"), style="bold red"))
    console.print(_verdict(outcome))


def plain(outcome: Outcome) -> str:
    """The same as text without colours, for a file."""
    output = io.StringIO()
    show(outcome, Console(file=output, width=_WIDTH, highlight=False, color_system=None))
    return output.getvalue()


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line that says what runs at this moment, and goes away."""
    console = Console(stderr=True, highlight=False)
    with console.status("reviewing") as status:
        yield lambda text: status.update(Text(f"reviewing: {text}"))


def _outcome(review: Review) -> Outcome:
    """What an assembly says of itself, as if it were the outcome of a review."""
    accepted = (
        replace(each, finding=Finding(rule=each.rule, severity=Severity.WARNING, title="", stack=stack.name))
        for stack in review.stacks
        for each in stack.acknowledged
    )
    stacks = (summary(replace(each, file=str(each.template_path))) for each in review.stacks)
    return Outcome(findings=review.findings, acknowledged=tuple(accepted), stacks=tuple(stacks))


def _stack(stack: ReviewedStack, left: int, accepted: int) -> Panel:
    resources = sum(stack.services.values())
    services = Text(", ").join(
        Text.assemble(_safe(service), " ", (str(number), "bold cyan"))
        for service, number in sorted(stack.services.items())
    )
    protection = Table.grid(padding=(0, 2))
    for subject, text in stack.guards.items():
        protection.add_row(Text(subject, style="bold green"), Text(_safe(text)))
    policy = Text.assemble(
        (f"{left} unacknowledged", "bold red" if left else "bold green"), f", {accepted} acknowledged"
    )
    body = Table.grid(padding=(0, 2))
    body.add_row(Text("resources", style="bold"), services)
    if stack.guards:
        body.add_row(Text("guards", style="bold"), protection)
    body.add_row(Text("findings", style="bold"), policy)
    body.add_row(Text("template", style="bold"), Text(_safe(stack.file), overflow="fold"))
    title = Text.assemble((_safe(stack.name), "bold"), f"  {_count(resources, 'resource')}, {stack.size / 1000:.0f} kB")
    return Panel(body, title=title, title_align="left", border_style="red" if left else "green")


def _accepted(outcome: Outcome) -> Table:
    """Each reason once, with the rules and the number of findings it answers."""
    by_reason: dict[str, list[str]] = {}
    for each in outcome.acknowledged:
        until = f" (until {each.until})" if each.until else ""
        by_reason.setdefault(f"{each.reason}{until}", []).append(each.rule.split("[")[0])
    table = Table(title="Accepted, and why", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("findings", justify="right", style="cyan")
    table.add_column("rules", overflow="fold")
    table.add_column("reason", style="dim", ratio=1, overflow="fold")
    for reason, rules in sorted(by_reason.items(), key=lambda item: (sorted(item[1]), item[0])):
        table.add_row(str(len(rules)), Text(_safe("\n".join(sorted(set(rules))))), Text(_safe(reason)))
    return table


def _print_findings(console: Console, findings: tuple[Finding, ...]) -> None:
    """By construct: the one with the worst finding first, then the one with the most."""
    console.print(Rule("[bold red]Findings[/]", style="red"))
    by_construct: dict[tuple[str, str], list[Finding]] = {}
    for each in sorted(findings, key=lambda each: each.order):
        by_construct.setdefault((each.stack, each.path), []).append(each)
    shown = 0
    for (stack, path), group in sorted(by_construct.items(), key=lambda item: (_weight(item[1]), item[0])):
        if shown >= _SHOWN:
            break
        console.print(_heading(stack, path, group[0]))
        for each in group[: _SHOWN - shown]:
            shown += 1
            for indent, text in _lines(each):
                _print_indented(console, indent, text)
    if shown < len(findings):
        console.print(
            Text(f"{shown:,} of {len(findings):,} findings are shown; --format html=FILE has all. By rule:", "bold")
        )
        for rule, number in sorted(Counter(each.rule for each in findings).items(), key=lambda item: (-item[1], item))[
            :20
        ]:
            console.print(Text(_safe(f"  {number:>7,}  {rule}")))


def _weight(group: Iterable[Finding]) -> tuple[int, ...]:
    """Sorts the worst first."""
    return tuple(-sum(each.severity is severity for each in group) for severity in sorted(Severity, reverse=True))


def _heading(stack: str, path: str, first: Finding) -> Text:
    name = path or stack or "the whole review"
    where = f"{first.file}:{first.line}" if first.file and first.line else first.file
    kind = f"  {first.resource_type}" if first.resource_type else ""
    inside = f"{stack}: " if path and stack and not f"{path}/".startswith(f"{stack}/") else ""
    at = f"  {where}" if where else ""
    return Text.assemble("\n", (_safe(f"{inside}{name}"), "bold"), (_safe(kind), "cyan"), (_safe(at), "dim"))


def _lines(finding: Finding) -> Iterator[tuple[int, Text]]:
    word = finding.severity.name.lower()
    yield 2, Text.assemble((word, _STYLES[finding.severity]), " ", (_safe(finding.rule), "bold"))
    yield 6, Text(_safe(finding.title))
    if finding.message:
        at = f"{finding.property_path}: " if finding.property_path else ""
        yield 6, Text(_safe(f"{at}{finding.message}"), style="dim")
    if finding.fix:
        yield 6, Text.assemble(("fix ", "bold green"), _safe(finding.fix))
    if finding.same:
        yield 6, Text(_safe(f"also {', '.join(finding.same)}"), style="dim")


def _print_indented(console: Console, indent: int, text: Text) -> None:
    """Wrapped, without spaces at the ends of lines."""
    for line in text.wrap(console, max(console.width - indent, _NARROWEST)):
        line.rstrip()
        console.print(Text(" " * indent).append_text(line))


def _verdict(outcome: Outcome) -> Text:
    reviewed = f"{_count(len(outcome.stacks), 'stack')} reviewed"
    packs = f" by {', '.join(outcome.packs)}" if outcome.packs else ""
    known = f" {_count(len(outcome.known), 'finding')} in the baseline." if outcome.known else ""
    if outcome.findings:
        kinds = Counter(each.severity for each in outcome.findings)
        counts = ", ".join(_count(number, kind.name.lower()) for kind, number in sorted(kinds.items(), reverse=True))
        found = _count(len(outcome.findings), "finding")
        return Text(f"{reviewed}{packs}, {found} to fix or to acknowledge: {counts}.{known}", style="bold red")
    if outcome.errors:
        return Text(
            f"{reviewed}{packs}, {_count(len(outcome.errors), 'error')}: not all was reviewed.{known}", "bold red"
        )
    return Text(f"{reviewed}{packs}, nothing left to fix.{known}", style="bold green")


def _safe(text: str) -> str:
    return text.translate(_CONTROLS)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
