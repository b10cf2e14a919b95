from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from ml_constructs.policy.finding import Acknowledged, Finding, Outcome
from ml_constructs.policy.review import read
from ml_constructs.policy.rule import Severity
from ml_constructs.policy.terminal import plain, show
from tests.policy.assemblies import violation, write_assembly


def shown(directory: Path, width: int = 200, *, with_reasons: bool = True) -> str:
    output = io.StringIO()
    show(read(directory), Console(file=output, width=width, highlight=False), with_reasons=with_reasons)
    return output.getvalue()


def test_shows_resources_reasons_and_where_the_template_is(tmp_path: Path) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    rules = {"Annotation::R1[Resource::*]": "no resource exists", "Annotation::R1[Resource::x]": "no resource exists"}
    text = shown(write_assembly(tmp_path, resources={"Q": queue}, acknowledged={"/App/Policy": rules}))
    assert "App  1 resource, " in text
    assert "SQS 1" in text
    assert re.search(r"2 +R1 +no resource exists", text)
    assert "0 unacknowledged, 2 acknowledged" in text
    assert "t.json" in text
    assert "1 stack reviewed, nothing left to fix." in text


def test_counts_what_was_accepted_where_the_reasons_are_not_wanted(tmp_path: Path) -> None:
    text = shown(write_assembly(tmp_path, acknowledged={"/App/P": {"Annotation::R1": "why"}}), with_reasons=False)
    assert "0 unacknowledged, 1 acknowledged" in text
    assert "why" not in text


def test_shows_what_guards_a_stack_and_how_large_its_template_is(tmp_path: Path) -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": ["x"]}}
    directory = write_assembly(tmp_path, resources={f"A{number:03}": alarm for number in range(100)})
    size = (directory / "t.json").stat().st_size
    assert 5000 < size < 20_000
    text = shown(directory)
    assert re.search(r"guards +alarms +100 alarms, 100 with an action; 0 dashboards", text)
    assert f"App  100 resources, {size / 1000:.0f} kB" in text


def test_shows_errors_before_warnings_and_every_path(tmp_path: Path) -> None:
    found = [violation("A-warning", "App/W", severity="warning"), violation("Z-error", "App/X", "App/Y")]
    text = shown(write_assembly(tmp_path, violations=found))
    assert text.index("App/X") < text.index("error Z-error") < text.index("App/Y") < text.index("App/W")
    assert text.index("App/W") < text.index("warning A-warning")
    assert "3 unacknowledged" in text
    assert "3 findings to fix or to acknowledge: 2 errors, 1 warning." in text


def test_shows_the_construct_with_most_errors_first(tmp_path: Path) -> None:
    found = [violation("B-rule", "App/A", "App/B"), violation("A-rule", "App/B")]
    text = shown(write_assembly(tmp_path, violations=found))
    assert text.index("App/B") < text.index("error A-rule") < text.index("error B-rule") < text.index("\nApp/A")


def finding(**values: Any) -> Finding:  # noqa: ANN401 - the fields of a finding
    return Finding(**{"rule": "R", "severity": Severity.ERROR, "title": "It is so", **values})


def test_shows_what_to_do_beside_the_finding_and_who_else_saw_it() -> None:
    found = finding(
        stack="t.yaml",
        path="Bucket",
        resource_type="AWS::S3::Bucket",
        file="t.yaml",
        line=7,
        property_path="Properties.Tags",
        message="Tags are missing",
        fix="Add tags.",
        same=("S", "T"),
    )
    text = plain(Outcome(findings=(found,)))
    assert "t.yaml: Bucket  AWS::S3::Bucket  t.yaml:7" in text
    assert text.index("error R") < text.index("It is so") < text.index("Properties.Tags: Tags are missing")
    assert text.index("fix Add tags.") < text.index("also S, T")


def test_shows_no_more_than_a_person_reads_and_counts_the_rest() -> None:
    findings = tuple(finding(rule=f"R{number % 3}", path=f"C{number:05}") for number in range(10_000))
    text = plain(Outcome(findings=findings))
    assert text.count("error R") == 500
    assert "500 of 10,000 findings are shown" in text
    assert re.search(r"3,334 +R0\n +3,333 +R1\n", text)


def test_shows_what_a_reader_should_know_and_what_was_not_reviewed() -> None:
    text = plain(Outcome(findings=(), known=(finding(),), notes=("a note",), errors=("a.json: no",)))
    assert "note: a note\n" in text
    assert "not reviewed: a.json: no\n" in text
    assert "1 error: not all was reviewed. 1 finding in the baseline." in text


def test_says_until_when_something_is_accepted() -> None:
    accepted = Acknowledged(path="A", rule="R", reason="why", until=date(2027, 1, 31), finding=finding())
    assert "why (until 2027-01-31)" in plain(Outcome(findings=(), acknowledged=(accepted,)))


def test_text_of_a_template_is_no_markup() -> None:
    text = plain(Outcome(findings=(finding(path="[bold]x[/]", title="[red]y", message="\x1b[31mz"),), notes=("[z]",)))
    assert "[bold]x[/]" in text
    assert "[red]y" in text
    assert "note: [z]" in text
    assert "\x1b" not in text


def test_wraps_without_spaces_at_the_ends_of_lines() -> None:
    text = plain(Outcome(findings=(finding(message="word " * 100),)))
    assert all(len(line) <= 120 for line in text.splitlines())
    assert not re.search(r" +\n", text)


def test_is_plain_where_nobody_watches(tmp_path: Path) -> None:
    assert "\x1b" not in shown(write_assembly(tmp_path, violations=[violation("R", "App/A")]), width=60)
