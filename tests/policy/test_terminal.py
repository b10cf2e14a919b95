from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from ml_constructs.policy.review import read
from ml_constructs.policy.terminal import show
from tests.policy.assemblies import violation, write_assembly


def shown(directory: Path, width: int = 200, *, with_reasons: bool = True) -> str:
    output = io.StringIO()
    show(read(directory), Console(file=output, width=width, highlight=False), with_reasons=with_reasons)
    return output.getvalue()


def test_shows_resources_reasons_and_where_the_template_is(tmp_path: Path) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    rules = {"Annotation::R1[Resource::*]": "no resource exists", "Annotation::R1[Resource::x]": "no resource exists"}
    text = shown(write_assembly(tmp_path, resources={"Q": queue}, acknowledged={"/App/Policy": rules}))
    assert "App  1 resources" in text
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
    assert text.index("ERROR Z-error") < text.index("App/X") < text.index("App/Y") < text.index("WARNING A-warning")
    assert "3 unacknowledged" in text


def test_shows_findings_of_one_severity_by_rule(tmp_path: Path) -> None:
    text = shown(write_assembly(tmp_path, violations=[violation("B-rule", "App/A"), violation("A-rule", "App/B")]))
    assert text.index("ERROR A-rule") < text.index("App/B") < text.index("ERROR B-rule") < text.index("App/A")


def test_is_plain_where_nobody_watches(tmp_path: Path) -> None:
    assert "\x1b" not in shown(write_assembly(tmp_path, violations=[violation("R", "App/A")]), width=60)
