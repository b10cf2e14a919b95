from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml_constructs.policy.acknowledgement import acknowledge, parse
from ml_constructs.policy.finding import Acknowledged, Finding
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.rule import Severity

TODAY = date(2026, 11, 21)
FOUND = Finding(
    rule="AwsSolutions-S1",
    severity=Severity.ERROR,
    title="t",
    stack="App",
    path="App/Logs/Resource",
    logical_id="LogsA1",
    same=("HIPAA.Security-S3BucketLoggingEnabled",),
)


def stack(*acknowledged: Acknowledged, template: Mapping[str, Any] | None = None, name: str = "App") -> StackReview:
    return StackReview(name=name, template_path=Path("t.json"), template=template or {}, acknowledged=acknowledged)


def accept(path: str, rule: str = "AwsSolutions-S1", until: date | None = None) -> Acknowledged:
    return Acknowledged(path=path, rule=rule, reason="why", until=until)


def by_policy(acknowledgement: Acknowledged, finding: Finding = FOUND) -> tuple[bool, list[str]]:
    left, accepted, notes = acknowledge([finding], [stack()], [], [acknowledgement], TODAY)
    assert len(left) + len(accepted) == 1
    return bool(accepted), notes


@pytest.mark.parametrize("path", ["App/Logs/Resource", "App/Logs", "App", "App/LogsA1"])
def test_answers_on_its_path_and_below(path: str) -> None:
    assert by_policy(accept(path)) == (True, [])


@pytest.mark.parametrize("path", ["App/Log", "App/Logs/Resource/More", "Logs", "Other", "app"])
def test_answers_nowhere_else_and_says_that_it_is_idle(path: str) -> None:
    note = f"the policy file accepts AwsSolutions-S1 at {path}, and nothing is found there: remove that"
    assert by_policy(accept(path)) == (False, [note])


@pytest.mark.parametrize("rule", ["AwsSolutions-S1", "Annotation::AwsSolutions-S1", *FOUND.same])
def test_one_fault_is_accepted_by_any_rule_that_found_it(rule: str) -> None:
    assert by_policy(accept("App", rule))[0]


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("AwsSolutions-IAM5[Resource::*]", True),
        ("AwsSolutions-IAM5", False),
        ("AwsSolutions-IAM5[Resource::a]", False),
    ],
)
def test_a_detailed_finding_is_accepted_by_its_detail(rule: str, holds: bool) -> None:  # noqa: FBT001 - expected
    assert by_policy(accept("App", rule), replace(FOUND, rule="AwsSolutions-IAM5[Resource::*]", same=()))[0] is holds


@pytest.mark.parametrize(
    ("until", "holds"), [(date(2026, 11, 20), False), (TODAY, True), (date(2026, 11, 22), True), (None, True)]
)
def test_holds_up_to_its_last_day(until: date | None, holds: bool) -> None:  # noqa: FBT001 - expected
    answered, notes = by_policy(accept("App", until=until))
    assert answered is holds
    expired = "the policy file accepted AwsSolutions-S1 at App until 2026-11-20, which has passed: why"
    assert notes == ([] if holds else [expired])


def test_what_the_app_accepts_holds_in_its_nested_stacks() -> None:
    nested = replace(FOUND, stack="App/Nested", path="App/Nested/Logs/Resource")
    stacks = [stack(accept("App/Nested")), stack(name="App/Nested")]
    left, accepted, _ = acknowledge([nested], stacks, [], [], TODAY)
    assert (left, [each.finding for each in accepted]) == ([], [nested])


def test_what_the_report_of_the_synth_says_is_accepted_is_so() -> None:
    _, accepted, notes = acknowledge([FOUND], [stack()], [accept("")], [], TODAY)
    assert ([each.reason for each in accepted], notes) == (["why"], [])


def metadata(**entries: object) -> dict[str, Any]:
    return {"Resources": {"LogsA1": {"Type": "AWS::S3::Bucket", "Metadata": entries}}}


PLAIN = replace(FOUND, path="LogsA1")
IN_TEMPLATES = [
    metadata(cdk_nag={"rules_to_suppress": [{"id": "AwsSolutions-S1", "reason": "why"}]}),
    metadata(**{"ml-constructs": {"acknowledge": [{"id": "AwsSolutions-S1", "reason": "why"}]}}),
    metadata(**{"ml-constructs": {"acknowledge": [{"id": "AwsSolutions-S1", "reason": "why", "until": "2026-11-21"}]}}),
    {"Metadata": {"ml-constructs": {"acknowledge": [{"id": "AwsSolutions-S1", "reason": "why"}]}}},
]


@pytest.mark.parametrize("template", IN_TEMPLATES)
def test_a_template_accepts_in_its_metadata(template: dict[str, Any]) -> None:
    left, accepted, notes = acknowledge([PLAIN], [stack(template=template)], [], [], TODAY)
    assert (left, [each.reason for each in accepted], notes) == ([], ["why"], [])


@pytest.mark.parametrize("template", IN_TEMPLATES)
def test_a_template_accepts_for_itself_alone(template: dict[str, Any]) -> None:
    stacks = [stack(template=template), stack(name="Other")]
    left, _, _ = acknowledge([replace(PLAIN, stack="Other")], stacks, [], [], TODAY)
    assert len(left) == 1


def test_a_template_accepts_details() -> None:
    suppressed = {"id": "AwsSolutions-IAM5", "reason": "why", "applies_to": ["Action::s3:*", {"regex": "/x/"}]}
    finding = replace(PLAIN, rule="AwsSolutions-IAM5[Action::s3:*]", same=())
    template = metadata(cdk_nag={"rules_to_suppress": [suppressed]})
    assert not acknowledge([finding], [stack(template=template)], [], [], TODAY)[0]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"id": "AwsSolutions-S1"}, "it lacks reason"),
        ({"id": "AwsSolutions-S1", "reason": " "}, "reason of an acknowledgement must be text"),
        ({"id": "AwsSolutions-S1", "reason": "why", "until": "soon"}, "until of an acknowledgement must be a date"),
        ({"id": "AwsSolutions-S1", "reason": "why", "for": 1}, "it has no for"),
    ],
)
def test_what_a_template_says_wrongly_is_told_and_does_not_hold(entry: dict[str, object], complaint: str) -> None:
    template = metadata(**{"ml-constructs": {"acknowledge": [entry]}})
    left, _, (note,) = acknowledge([PLAIN], [stack(template=template)], [], [], TODAY)
    assert left == [PLAIN]
    assert note.startswith("App: metadata ml-constructs of LogsA1 is ignored: ")
    assert complaint in note


@pytest.mark.parametrize("value", [5, "x", [], {}, {"acknowledge": 5}, {"acknowledge": [5]}])
def test_any_other_metadata_is_none_of_ours(value: object) -> None:
    template = metadata(**{"ml-constructs": value, "cdk_nag": value})
    assert acknowledge([PLAIN], [stack(template=template)], [], [], TODAY) == ([PLAIN], [], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "id of an acknowledgement must be text, got None"),
        ({"path": ""}, "path of an acknowledgement must be text, got ''"),
        ({"until": 5}, "until of an acknowledgement must be a date such as 2027-01-31, got 5"),
        ({"note": "x"}, "needs id, path, reason and may have until; it has no note"),
    ],
)
def test_refuses_a_malformed_acknowledgement(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse({"id": "R", "path": "A", "reason": "why", **change})


def test_reads_an_acknowledgement() -> None:
    read = parse({"id": "R", "path": "/A/", "reason": "why", "until": date(2027, 1, 31)})
    assert read == Acknowledged(path="A", rule="R", reason="why", until=date(2027, 1, 31))
