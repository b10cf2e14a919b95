"""What the formats have in common: clean text, counts, groups, and what is known of a rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ml_constructs.policy.finding import Acknowledged, Finding, Outcome
from ml_constructs.policy.review import plain_rule
from ml_constructs.policy.rule import Rule, Severity, rules

_LINE_ENDS: Final = re.compile("\r\n?")
# What XML and UTF-8 cannot hold, what a terminal obeys, and what shows text in another order than it has.
_UNCLEAN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_LONGEST: Final = 2000  # characters of one text: a report is bounded by the number of its findings


def clean(text: str) -> str:
    """Text that every format can hold and that shows what it is, shortened where it is very long."""
    shown = _UNCLEAN.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub("\n", text))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def count(number: int, noun: str) -> str:
    """`1 error`, `1,200 errors`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def word(severity: Severity) -> str:
    """`error` or `warning`."""
    return severity.name.lower()


def severities(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`; empty for none."""
    found = Counter(each.severity for each in findings)
    return ", ".join(count(found[kind], word(kind)) for kind in sorted(found, reverse=True))


def verdict(outcome: Outcome) -> str:
    """The whole review in one line."""
    reviewed = f"{count(len(outcome.stacks), 'stack')} reviewed"
    if outcome.findings:
        return f"{reviewed}, {severities(outcome.findings)} to fix or to acknowledge"
    if outcome.errors:
        return f"{reviewed}, and {count(len(outcome.errors), 'error')}: not all was reviewed"
    return f"{reviewed}, nothing left to fix"


def left_out(outcome: Outcome) -> str:
    """What does not count and why; empty if everything counts."""
    parts = [
        f"{count(len(outcome.known), 'finding')} in the baseline" if outcome.known else "",
        f"{count(len(outcome.acknowledged), 'finding')} accepted" if outcome.acknowledged else "",
    ]
    return ", ".join(filter(None, parts))


def where(finding: Finding) -> str:
    """`template.json:12`; empty if unknown."""
    return f"{finding.file}:{finding.line}" if finding.file and finding.line else finding.file


def construct(stack: str, path: str) -> str:
    """The construct as a person names it, with its stack if the path has it not."""
    if not path or path == stack:
        return stack or "the whole review"
    return path if not stack or path.startswith(f"{stack}/") else f"{stack}: {path}"


def reason(accepted: Acknowledged) -> str:
    """Why, and until when."""
    return f"{accepted.reason} (until {accepted.until})" if accepted.until else accepted.reason


def by_construct(findings: Iterable[Finding]) -> list[tuple[str, Sequence[Finding]]]:
    """Findings by construct: the one with most errors first, then the one with most warnings."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in sorted(findings, key=lambda each: each.order):
        groups.setdefault((each.stack, each.path), []).append(each)
    sized = sorted(groups.items(), key=lambda item: (_weight(item[1]), item[0]))
    return [(construct(stack, path), group) for (stack, path), group in sized]


def _weight(group: Iterable[Finding]) -> tuple[int, ...]:
    found = Counter(each.severity for each in group)
    return tuple(-found[severity] for severity in sorted(Severity, reverse=True))


def base(rule: str) -> str:
    """The rule itself, without the one fault that an id such as `AwsSolutions-IAM5[Resource::*]` names."""
    return rule.partition("[")[0] or rule


def documented() -> dict[str, Rule]:
    """Our rules by id."""
    return {rule.id: rule for rule in rules()}


def find(known: dict[str, Rule], finding: Finding) -> Rule | None:
    """Our rule that saw it, by itself or among other tools."""
    names = (plain_rule(each) for each in (finding.rule, *finding.same))
    return next((known[name] for name in names if name in known), None)


def is_link(address: str) -> bool:
    """Whether an address can be followed without harm."""
    return re.fullmatch(r"https://[^\s\"'<>`\\()\[\]]+", address) is not None
