from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.formats.markdown import MARKER, MAX_LENGTH, render
from tests.policy.formats.samples import HOSTILE, HOSTILE_OUTCOME, OURS, OUTCOME, finding, many

ALLOWED = set(
    "h2 p strong table thead tbody tr th td details summary b code ul li br a blockquote".split()  # noqa: SIM905
)


class Shown(HTMLParser):
    """What a reader sees: text outside code, and the elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.texts: list[str] = []
        self.in_code = 0
        self.open: list[str] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.in_code += tag == "code"
        self.links += [value for name, value in attrs if name == "href"]
        if tag in {"details", "summary"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.in_code -= tag == "code"
        if tag in {"details", "summary"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.in_code:
            self.texts.append(data)


def test_tells_the_worst_first_with_what_to_do() -> None:
    text = render(OUTCOME)
    assert text.startswith(f"{MARKER}\n## Policy review\n\n**2 stacks reviewed, 2 errors, 1 warning to fix or to")
    assert "1 finding in the baseline, 2 findings accepted." in text
    assert "| <code>App/Live</code> | 2 | 1 | 1 | 1 |" in text
    assert text.index("App/Live/Endpoint/Resource") < text.index("App/Live/Bucket/Resource")
    assert f"**error** `{OURS.id}`: {OURS.title}" in text
    assert "`Properties.DeploymentConfig`: no alarm rolls it back" in text
    assert f"**Fix**: {OURS.fix}" in text
    assert "`cdk.out/AppLive.template.json:12`" in text
    assert f"[more](<{OURS.sources[0]}>)" in text
    assert "AWS demands it (until 2027-01-31)" in text
    assert "parliament is not installed" in text


def test_a_few_findings_are_unfolded() -> None:
    assert render(OUTCOME).count("<details open>") == 3
    assert "<details open>" not in render(many(100))


def test_says_that_nothing_is_left_and_what_was_not_reviewed() -> None:
    assert "**0 stacks reviewed, nothing left to fix.**" in render(Outcome(findings=()))
    text = render(Outcome(findings=(), errors=("a.json: no",)))
    assert "1 error: not all was reviewed" in text
    assert "> **Not reviewed**: a.json: no" in text


def test_counts_what_has_no_room() -> None:
    outcome = replace(many(10_000), acknowledged=OUTCOME.acknowledged)
    text = render(outcome)
    assert len(text.encode()) <= MAX_LENGTH
    found = re.search(r"\*\*(\d+) of 10,000 findings are shown\*\*", text)
    assert found
    assert int(found[1]) == text.count("**error**") + text.count("**warning**")
    assert int(found[1]) > 50
    Shown(text)


@pytest.mark.parametrize("number", [100, 5000])
def test_is_never_too_long(number: int) -> None:
    findings = tuple(finding(stack=f"{each:05}{HOSTILE}" * 9, path="\N{HOT BEVERAGE}" * 999) for each in range(number))
    text = render(Outcome(findings=findings, errors=tuple(HOSTILE * 9 for _ in range(number))))
    assert len(text.encode()) <= MAX_LENGTH
    Shown(text)


def test_text_of_a_template_is_shown_and_not_obeyed() -> None:
    text = render(HOSTILE_OUTCOME)
    shown = Shown(text)
    assert set(shown.tags) <= ALLOWED, set(shown.tags) - ALLOWED
    assert shown.links == []
    assert not shown.open
    assert shown.tags.count("details") == 3
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in "".join(shown.texts)


@given(st.text(st.sampled_from("@#|`<>!-_*[]()\\&$~\n\r \taGH1:/.w="), max_size=60))
def test_no_text_makes_markup_or_mentions(text: str) -> None:
    shown = Shown(render(Outcome(findings=(finding(title=text, message=text, fix=text, property_path=""),))))
    assert set(shown.tags) <= ALLOWED
    assert shown.tags.count("li") == 1
    assert shown.links == [OURS.sources[0]]
    assert not re.search(r"[@#]\w|GH-\d|://|www\.", "\n".join(shown.texts))
