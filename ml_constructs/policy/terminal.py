"""A review as a person reads it in a terminal; needs `rich`, the extra `ml-constructs[review]`."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console, Group
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ml_constructs.policy.guards import guards
from ml_constructs.policy.review import Finding, Review, StackReview


def show(review: Review, console: Console | None = None, *, with_reasons: bool = True) -> None:
    """Print a review: a panel for each stack, why findings were accepted, then those left, the worst first."""
    console = Console(highlight=False) if console is None else console
    for stack in review.stacks:
        console.print(_stack(stack, review.findings))
    if with_reasons and any(stack.acknowledged for stack in review.stacks):
        console.print(_accepted(review))
    if review.findings:
        console.print(_findings(review.findings))
    console.print(_verdict(review))


def _stack(stack: StackReview, findings: tuple[Finding, ...]) -> Panel:
    open_findings = sum(finding.path.split("/")[0] == stack.name.split("/")[0] for finding in findings)
    resources = sum(stack.services.values())
    kilobytes = stack.template_path.stat().st_size / 1000
    services = Text(", ").join(
        Text.assemble(service, " ", (str(number), "bold cyan")) for service, number in sorted(stack.services.items())
    )
    protection = Table.grid(padding=(0, 2))
    for subject, text in guards(stack).items():
        protection.add_row(Text(subject, style="bold green"), Text(text))
    policy = Text.assemble(
        (f"{open_findings} unacknowledged", "bold red" if open_findings else "bold green"),
        f", {len(stack.acknowledged)} acknowledged",
    )
    body = Table.grid(padding=(0, 2))
    body.add_row(Text("resources", style="bold"), services)
    body.add_row(Text("guards", style="bold"), protection)
    body.add_row(Text("findings", style="bold"), policy)
    body.add_row(Text("template", style="bold"), Text(str(stack.template_path), overflow="fold"))
    title = f"[bold]{stack.name}[/]  {resources} resources, {kilobytes:.0f} kB"
    return Panel(body, title=title, title_align="left", border_style="red" if open_findings else "green")


def _accepted(review: Review) -> Table:
    """Each reason once, with the rules and the number of findings it answers."""
    by_reason: dict[str, list[str]] = {}
    for stack in review.stacks:
        for each in stack.acknowledged:
            by_reason.setdefault(each.reason, []).append(each.rule.split("[")[0])
    table = Table(title="Accepted, and why", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("findings", justify="right", style="cyan")
    table.add_column("rules", overflow="fold")
    table.add_column("reason", style="dim", ratio=1, overflow="fold")
    for reason, rules in sorted(by_reason.items(), key=lambda item: item[1]):
        table.add_row(str(len(rules)), "\n".join(sorted(set(rules))), reason)
    return table


def _findings(findings: tuple[Finding, ...]) -> Group:
    ordered = sorted(findings, key=lambda each: (each.severity != "error", each.rule, each.path))
    lines: list[Rule | Text] = [Rule("[bold red]Unacknowledged findings[/]", style="red")]
    for (severity, rule), group in groupby(ordered, key=lambda each: (each.severity, each.rule)):
        same = list(group)
        lines.append(Text.assemble((severity.upper(), "bold red"), " ", (rule, "bold"), " ", same[0].description))
        lines += [Text(f"    {each.path}") for each in same]
    return Group(*lines)


def _verdict(review: Review) -> Text:
    stacks, findings = len(review.stacks), len(review.findings)
    noun = "stack" if stacks == 1 else "stacks"
    if findings:
        return Text(f"{stacks} {noun} reviewed, {findings} findings to fix or to acknowledge.", style="bold red")
    return Text(f"{stacks} {noun} reviewed, nothing left to fix.", style="bold green")
