"""A review as one HTML page: it loads nothing, works without its script, and prints.

The content security policy of the page lets only its own style and script run, by their hashes.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from itertools import islice
from pathlib import Path
from typing import Final

from ml_constructs.policy.finding import Finding, Outcome
from ml_constructs.policy.formats.wording import (
    base,
    by_construct,
    clean,
    count,
    documented,
    find,
    is_link,
    left_out,
    reason,
    severities,
    verdict,
    where,
    word,
)
from ml_constructs.policy.rule import Rule, Severity

MAX_FINDINGS: Final = 25_000  # a browser still filters so many while somebody types
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What the findings refer to, numbered in the order in which they come."""

    known: dict[str, Rule] = field(default_factory=documented)
    stacks: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    uses: Counter[tuple[str, int]] = field(default_factory=Counter)
    pages: dict[str, Rule] = field(default_factory=dict)

    def number(self, kind: str, names: dict[str, int], name: str) -> int:
        found = names.setdefault(name, len(names))
        self.uses[kind, found] += 1
        return found


def render(outcome: Outcome) -> str:
    """The whole page."""
    page = _Page()
    # First the findings, which number stacks and rules; the filters above them name those.
    main = "".join(_main(outcome, page))
    style, script = (_HERE / "page.css").read_text(), (_HERE / "page.js").read_text()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title>Policy review</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#findings">Skip to the findings</a>\n'
        f"<header>\n{''.join(_header(outcome))}</header>\n{_filters(page)}<main>\n{main}</main>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _header(outcome: Outcome) -> Iterator[str]:
    yield f"<h1>Policy review</h1>\n<p><strong>{_text(verdict(outcome))}.</strong> {_sentence(left_out(outcome))}</p>\n"
    packs = ", ".join(outcome.packs)
    yield f"<p>Packs: {_text(packs)}. Profile: {_text(outcome.profile)}.</p>\n" if packs else ""
    for each in outcome.errors:
        yield f'<p class="problem"><strong>Not reviewed:</strong> {_text(each)}</p>\n'
    if outcome.stacks:
        yield from _stacks(outcome)
    if outcome.notes:
        notes = "".join(f"<li>{_text(each)}</li>\n" for each in outcome.notes)
        yield f"<details><summary>{count(len(outcome.notes), 'note')}</summary>\n<ul>\n{notes}</ul>\n</details>\n"


def _stacks(outcome: Outcome) -> Iterator[str]:
    left: Counter[tuple[str, Severity]] = Counter((each.stack, each.severity) for each in outcome.findings)
    known = Counter(each.stack for each in outcome.known)
    accepted = Counter(each.finding.stack for each in outcome.acknowledged if each.finding)
    heads = ("Stack", "Resources", "Template", "Guards", "Errors", "Warnings", "In the baseline", "Accepted")
    yield f"<details><summary>{count(len(outcome.stacks), 'stack')}</summary>\n"
    yield '<div role="region" aria-label="Stacks" tabindex="0">\n<table>\n<thead><tr>'
    yield "".join(f'<th scope="col">{each}</th>' for each in heads)
    yield "</tr></thead>\n<tbody>\n"
    for each in outcome.stacks:
        services = ", ".join(f"{name} {number}" for name, number in sorted(each.services.items()))
        guards = "; ".join(f"{name}: {text}" for name, text in each.guards.items())
        template = f"{each.file}, {each.size / 1000:.0f} kB"
        numbers = [left[each.name, severity] for severity in sorted(Severity, reverse=True)]
        numbers += [known[each.name], accepted[each.name]]
        cells = "".join(f"<td>{_text(text)}</td>" for text in (services, template, guards))
        yield f'<tr><th scope="row">{_text(each.name)}</th>{cells}'
        yield "".join(f'<td class="number">{number:,}</td>' for number in numbers) + "</tr>\n"
    yield "</tbody>\n</table>\n</div>\n</details>\n"


def _filters(page: _Page) -> str:
    """Hidden until the script runs."""
    stacks, rules = _options(page, "stack", page.stacks), _options(page, "rule", page.rules)
    levels = "".join(f'<option value="{word(each)}">{word(each)}s</option>' for each in sorted(Severity, reverse=True))
    return (
        '<form id="filters" role="search" aria-label="Filter the findings" hidden>\n'
        '<label>Text <input id="text" type="search" autocomplete="off" aria-keyshortcuts="/"></label>\n'
        f'<label>Severity <select id="severity"><option value="">all</option>{levels}</select></label>\n'
        f'<label>Stack <select id="stack"><option value="">all</option>{stacks}</select></label>\n'
        f'<label>Rule <select id="rule"><option value="">all</option>{rules}</select></label>\n'
        '<button type="reset">Show all</button>\n<output id="shown" aria-live="polite"></output>\n</form>\n'
    )


def _options(page: _Page, kind: str, names: dict[str, int]) -> str:
    return "".join(
        f'<option value="{number}">{_text(name or "(none)")} ({page.uses[kind, number]:,})</option>'
        for name, number in sorted(names.items())
    )


def _main(outcome: Outcome, page: _Page) -> Iterator[str]:
    reasons = {id(each.finding): reason(each) for each in outcome.acknowledged if each.finding}
    accepted = [each.finding for each in outcome.acknowledged if each.finding]
    room = MAX_FINDINGS
    parts: list[tuple[str, str, Sequence[Finding]]] = [
        ("findings", "To fix or to acknowledge", outcome.findings),
        ("known", "In the baseline", outcome.known),
        ("accepted", "Accepted", accepted),
    ]
    for name, title, findings in parts:
        some = list(islice(findings, max(room, 0)))
        room -= len(findings)
        missing = len(findings) - len(some)
        body = "".join(_constructs(some, page, reasons if name == "accepted" else {}))
        if missing:
            body += f"<p><strong>{count(missing, 'more finding')} not shown.</strong></p>\n"
        if name == "findings":
            nothing = "" if findings else "<p>Nothing.</p>\n"
            yield f'<section id="{name}" class="state" data-title="{title.lower()}">\n<h2>{title}</h2>\n'
            yield f"{nothing}{body}</section>\n"
        elif findings:
            yield f'<details id="{name}" class="state" data-title="{title.lower()}">\n'
            yield f"<summary><h2>{title}: {count(len(findings), 'finding')}</h2></summary>\n{body}</details>\n"
    if page.pages:
        yield '<section id="rules">\n<h2>Rules</h2>\n'
        yield from map(_rule, page.pages.values())
        yield "</section>\n"


def _constructs(findings: Iterable[Finding], page: _Page, reasons: dict[int, str]) -> Iterator[str]:
    for name, group in by_construct(findings):
        first = group[0]
        facts = [first.resource_type, first.logical_id if first.logical_id != first.path else "", where(first)]
        below = ", ".join(f"<code>{_text(each)}</code>" for each in facts if each)
        yield f'<section class="construct">\n<h3>{_text(name)}</h3>\n<p>{below or "no file"}: {severities(group)}</p>\n'
        yield "<ul>\n"
        yield from (_finding(each, page, reasons.get(id(each), "")) for each in group)
        yield "</ul>\n</section>\n"


def _finding(finding: Finding, page: _Page, accepted: str) -> str:
    stack = page.number("stack", page.stacks, finding.stack)
    rule = page.number("rule", page.rules, base(finding.rule))
    ours = find(page.known, finding)
    if ours:
        page.pages[ours.id] = ours
    severity = word(finding.severity)
    at = f"<code>{_text(finding.property_path)}</code>: " if finding.property_path else ""
    more = [
        f'<a href="#{_text(ours.id)}">the rule</a>' if ours else "",
        f'<a href="{_text(finding.source)}" rel="noopener noreferrer">source</a>' if is_link(finding.source) else "",
        f"also {_text(', '.join(finding.same))}" if finding.same else "",
        f"by {_text(', '.join(finding.tools))}" if finding.tools else "",
    ]
    kind = f'<strong class="{severity}">{severity}</strong>'
    lines = [
        f"<p>{kind} <code>{_text(finding.rule)}</code> {_text(finding.title)}</p>",
        f"<p>{at}{_text(finding.message)}</p>" if finding.message or at else "",
        f"<p><strong>Fix:</strong> {_text(finding.fix)}</p>" if finding.fix else "",
        f"<p><strong>Accepted:</strong> {_text(accepted)}</p>" if accepted else "",
        f'<p class="more">{"; ".join(filter(None, more))}</p>' if any(more) else "",
    ]
    return (
        f'<li class="finding" data-severity="{severity}" data-stack="{stack}" data-rule="{rule}">'
        f"{''.join(lines)}</li>\n"
    )


def _rule(rule: Rule) -> str:
    """The page of a rule of ours, whole."""
    links = "".join(
        f'<li><a href="{escape(each)}" rel="noopener noreferrer">{escape(each)}</a></li>' for each in rule.sources
    )
    controls = f"<p>Controls: {escape(', '.join(rule.controls))}</p>\n" if rule.controls else ""
    return (
        f'<details class="rule"><summary><code>{rule.id}</code> {escape(rule.title)}</summary>\n'
        f'<div id="{rule.id}">\n<p>{escape(rule.intent.strip())}</p>\n'
        f"<p><strong>Fix:</strong> {escape(rule.fix.strip())}</p>\n"
        f"<h3>Fails</h3>\n<pre>{escape(rule.fails.strip())}</pre>\n"
        f"<h3>Passes</h3>\n<pre>{escape(rule.passes.strip())}</pre>\n<ul>{links}</ul>\n{controls}</div>\n</details>\n"
    )


def _sentence(text: str) -> str:
    return f"{_text(text)}." if text else ""


def _text(text: str) -> str:
    return escape(clean(text))
