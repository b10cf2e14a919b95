"""A review as Markdown for a comment on a pull request: what a template says is shown, and never obeyed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from ml_constructs.policy.finding import Finding, Outcome
from ml_constructs.policy.formats.wording import (
    by_construct,
    clean,
    construct,
    count,
    is_link,
    left_out,
    reason,
    severities,
    verdict,
    where,
    word,
)
from ml_constructs.policy.rule import Severity

MARKER: Final = "<!-- ml-constructs review -->"
"""The first line, by which a workflow finds the comment to replace."""
MAX_LENGTH: Final = 65_536  # characters of a comment on GitHub
_RESERVED: Final = 600  # for the line that says what is left out, and the closing of what is open
_OPEN: Final = 20  # findings that are shown unfolded
_LONGEST: Final = 600  # characters of one text
_PART: Final = 12_000  # for what could not be reviewed, and for the table of stacks
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]<>&|~$!]")
# What GitHub makes a mention, a reference or a link of wherever it stands.
_MAGIC: Final = re.compile(r"(?<=[@#])(?=\w)|(?<=GH-)(?=\d)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_TICKS: Final = re.compile("`+")
_ICONS: Final = {Severity.ERROR: "\N{CROSS MARK}", Severity.WARNING: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"}


def render(outcome: Outcome) -> str:
    """The whole comment, within the length that GitHub takes."""
    ignored = left_out(outcome)
    head = f"{MARKER}\n## Policy review\n\n**{_prose(verdict(outcome))}.**\n" + (f"\n{ignored}.\n" if ignored else "")
    head += _fitting([f"\n> **Not reviewed**: {_prose(each)}\n" for each in outcome.errors], "error")
    text = head + _stacks(outcome) + "\n"
    room = MAX_LENGTH - _RESERVED - _size(text)
    shown = 0
    for number, block in _findings(outcome.findings):
        if _size(block) > room:
            break
        text += block
        room -= _size(block)
        shown += number
    if shown < len(outcome.findings):
        text += (
            f"\n**{shown:,} of {count(len(outcome.findings), 'finding')} are shown**: a comment has no room for more. "
            "The other formats have all.\n\n"
        )
    for block in (_accepted(outcome), _notes(outcome)):
        if _size(block) <= room:
            text += block
            room -= _size(block)
    return text


def _fitting(lines: Sequence[str], noun: str) -> str:
    """As many lines as fit into a part, and how many do not."""
    text = ""
    for number, line in enumerate(lines):
        if _size(text) + _size(line) > _PART:
            return f"{text}\nand {count(len(lines) - number, f'more {noun}')}.\n"
        text += line
    return text


def _size(text: str) -> int:
    """In bytes: never fewer than the characters, however GitHub counts those."""
    return len(text.encode())


def _stacks(outcome: Outcome) -> str:
    left = {name: Counter[Severity]() for name in (each.name for each in outcome.stacks)}
    for each in outcome.findings:
        left.setdefault(each.stack, Counter())[each.severity] += 1
    if not left:
        return ""
    known = Counter(each.stack for each in outcome.known)
    accepted = Counter(each.finding.stack for each in outcome.acknowledged if each.finding)
    worst = sorted(left, key=lambda name: (-left[name][Severity.ERROR], -left[name][Severity.WARNING], name))
    rows = []
    for name in worst:
        numbers = (left[name][Severity.ERROR], left[name][Severity.WARNING], known[name], accepted[name])
        rows.append(f"| {_cell(name or 'the whole review')} | {' | '.join(map(str, numbers))} |\n")
    head = "\n| Stack | Errors | Warnings | In the baseline | Accepted |\n|---|--:|--:|--:|--:|\n"
    return head + _fitting(rows, "stack")


def _findings(findings: Sequence[Finding]) -> Iterator[tuple[int, str]]:
    """A block for each construct, with the number of findings in it; a large one in several."""
    unfolded = " open" if len(findings) <= _OPEN else ""
    for name, group in by_construct(findings):
        for start in range(0, len(group), _OPEN):
            some = group[start : start + _OPEN]
            kind = f" <code>{_html(some[0].resource_type)}</code>" if some[0].resource_type else ""
            summary = f"<b><code>{_html(name)}</code></b>{kind}: {severities(some)}"
            lines = "".join(map(_item, some))
            yield len(some), f"<details{unfolded}><summary>{summary}</summary>\n\n{lines}\n</details>\n"


def _item(finding: Finding) -> str:
    lines = [
        f"- {_ICONS[finding.severity]} **{word(finding.severity)}** {_code(finding.rule)}: {_prose(finding.title)}"
    ]
    if finding.message:
        at = f"{_code(finding.property_path)}: " if finding.property_path else ""
        lines.append(f"{at}{_prose(finding.message)}")
    if finding.fix:
        lines.append(f"**Fix**: {_prose(finding.fix)}")
    more = [
        _code(where(finding)) if finding.file else "",
        f"[more](<{finding.source}>)" if is_link(finding.source) else "",
        f"also {', '.join(map(_code, finding.same[:_OPEN]))}" if finding.same else "",
    ]
    if any(more):
        lines.append(", ".join(filter(None, more)))
    # No text of a template begins a line: it could begin a list or a heading.
    return "\n  <br>".join(lines) + "\n"


def _accepted(outcome: Outcome) -> str:
    if not outcome.acknowledged:
        return ""
    lines = "".join(
        f"- {_code(each.rule)} at {_code(construct('', each.path))}: {_prose(reason(each))}\n"
        for each in outcome.acknowledged
    )
    return (
        f"<details><summary>{count(len(outcome.acknowledged), 'finding')} accepted</summary>\n\n{lines}\n</details>\n"
    )


def _notes(outcome: Outcome) -> str:
    if not outcome.notes:
        return ""
    lines = "".join(f"- {_prose(each)}\n" for each in outcome.notes)
    return f"<details><summary>{count(len(outcome.notes), 'note')}</summary>\n\n{lines}\n</details>\n"


def _short(text: str) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def _prose(text: str) -> str:
    """One line without markup: as character references, which make none, and broken where GitHub would link."""
    parts = _MAGIC.split(_short(text))
    return "<!-- -->".join(_MARKUP.sub(lambda found: f"&#{ord(found[0])};", part) for part in parts)


def _code(text: str) -> str:
    """One line as code; longer quotes than any in it."""
    line = _short(text)
    quotes = "`" * (max(map(len, _TICKS.findall(line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{quotes}{pad}{line}{pad}{quotes}" if line else ""


def _html(text: str) -> str:
    """One line inside an element that stands on a line of its own."""
    return escape(_short(text))


def _cell(text: str) -> str:
    return f"<code>{_prose(text)}</code>"
