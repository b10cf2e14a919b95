"""Makes one finding of what several tools say about one fault."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.packs import NAG, PACKS

TABLE = Path(__file__).with_name("equivalent.toml")
_RANK = {pack: number for number, pack in enumerate((*PACKS, "cdk-nag"))}


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Each fault once, with all tools that saw it, told as the first of their packs tells it."""
    groups: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for each in findings:
        subject = subject_of(each.rule)
        where = each.logical_id or each.path
        key = (each.stack, where, subject or each.rule)
        groups[key].append(replace(each, subject=subject))
    return [merged for group in groups.values() for merged in _merged(group)]


def subject_of(rule: str) -> str:
    """What a rule has in common with rules of other tools; empty if there are none."""
    name, bracket, detail = rule.partition("[")
    known = _subjects().get(name, "")
    if not known:
        prefix = next((prefix for _, prefix in NAG.values() if name.startswith(prefix)), None)
        known = name.removeprefix(prefix) if prefix and prefix != NAG["aws-solutions"][1] else ""
    return f"{known}{bracket}{detail}" if known else ""


@cache
def _subjects() -> dict[str, str]:
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())
    return {rule: subject for subject, rules in table.items() for rule in rules}


def _merged(group: Sequence[Finding]) -> Iterator[Finding]:
    """Of findings of one subject, or of one rule, on one resource."""
    left = sorted(group, key=lambda each: (min(_RANK[tool] for tool in each.tools), each.order))
    while left:
        first = left[0]
        same = [each for each in left if each is first or _is_same(first, each)]
        yield _one(same)
        left = [each for each in left if not any(each is taken for taken in same)]


def _is_same(first: Finding, other: Finding) -> bool:
    if first == other:
        return True
    if first.tools == other.tools:
        return False
    if first.subject:
        return True
    paths = (f"{first.property_path}.", f"{other.property_path}.")
    return paths[0].startswith(paths[1]) or paths[1].startswith(paths[0]) or "." in paths


def _one(same: Sequence[Finding]) -> Finding:
    first = same[0]
    return replace(
        first,
        severity=max(each.severity for each in same),
        property_path=first.property_path or next((each.property_path for each in same if each.property_path), ""),
        line=first.line or next((each.line for each in same if each.line), 0),
        file=first.file or next((each.file for each in same if each.file), ""),
        fix=first.fix or next((each.fix for each in same if each.fix), ""),
        tools=tuple(sorted({tool for each in same for tool in each.tools})),
        same=tuple(sorted({each.rule for each in same} - {first.rule})),
    )
