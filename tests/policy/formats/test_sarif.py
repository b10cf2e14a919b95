from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.formats.sarif import MAX_RESULTS, render
from ml_constructs.policy.rule import Severity
from ml_constructs.policy.rule import rules as rules_of_ours
from tests.policy.formats.samples import HOSTILE_OUTCOME, OURS, OUTCOME, WARNING, finding, many

SCHEMA = Path(__file__).parent / "sarif-schema-2.1.0.json"


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Validator:
    data = SCHEMA.read_bytes()
    assert hashlib.sha256(data).hexdigest() == "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
    return jsonschema_rs.Draft4Validator(json.loads(data), validate_formats=True)


def run(outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(render(outcome))["runs"][0]
    return result


def texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


@pytest.mark.parametrize(
    "outcome",
    [OUTCOME, HOSTILE_OUTCOME, Outcome(findings=()), Outcome(findings=(), errors=("a.json: no",)), many(300)],
    ids=["some", "hostile", "none", "errors", "many"],
)
def test_keeps_to_the_schema(schema: jsonschema_rs.Validator, outcome: Outcome) -> None:
    text = render(outcome)
    text.encode()
    assert [f"{each.instance_path}: {each.message}" for each in schema.iter_errors(json.loads(text))] == []


def test_the_schema_is_checked(schema: jsonschema_rs.Validator) -> None:
    document = json.loads(render(OUTCOME))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not schema.is_valid(document)


def test_a_result_says_what_where_and_what_to_do() -> None:
    result = run(OUTCOME)["results"][0]
    assert result["ruleId"] == OURS.id
    assert result["level"] == "error"
    for said in (OURS.title, "no alarm rolls it back", "App/Live/Endpoint/Resource", OURS.fix):
        assert said in result["message"]["text"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "cdk.out/AppLive.template.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "App/Live/Endpoint/Resource"
    assert result["properties"]["propertyPath"] == "Properties.DeploymentConfig"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("", {"uri": "cdk.json", "uriBaseId": "%SRCROOT%"}),
        ("my stacks/é#1.yaml", {"uri": "my%20stacks/%C3%A9%231.yaml", "uriBaseId": "%SRCROOT%"}),
        ("/srv/t.json", {"uri": "file:///srv/t.json"}),
    ],
)
def test_every_result_has_a_file_and_a_line(file: str, expected: dict[str, str]) -> None:
    result = run(Outcome(findings=(finding(file=file, line=0),)))["results"][0]
    physical = result["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": expected, "region": {"startLine": 1}}


def test_rules_of_ours_bring_their_page() -> None:
    driver = run(OUTCOME)["tool"]["driver"]
    rule = driver["rules"][0]
    assert rule["id"] == OURS.id
    assert rule["shortDescription"]["text"] == OURS.title
    for said in (OURS.intent.strip(), OURS.fix, OURS.fails.strip(), OURS.passes.strip(), *OURS.sources):
        assert said in rule["help"]["markdown"]
    assert rule["helpUri"] == OURS.sources[0]
    assert rule["defaultConfiguration"]["level"] == "error"


def test_results_refer_to_their_rules() -> None:
    found = run(OUTCOME)
    rules = [each["id"] for each in found["tool"]["driver"]["rules"]]
    assert rules == [OURS.id, "AwsSolutions-S1", "AwsSolutions-IAM5"]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in found["results"])
    assert found["results"][-1]["properties"]["acknowledgeAs"] == "AwsSolutions-IAM5[Resource::*]"


def test_only_rules_of_security_have_a_severity_of_security() -> None:
    rules = run(OUTCOME)["tool"]["driver"]["rules"]
    assert OURS.controls
    assert "security-severity" not in rules[0]["properties"]
    assert "security" not in rules[0]["properties"]["tags"]
    assert rules[1]["properties"]["security-severity"] == "5.0"
    assert "security" in rules[1]["properties"]["tags"]
    ours = next(each for each in rules_of_ours() if "NIST.800-53.r5 SC-28" in each.controls)
    (rule,) = run(Outcome(findings=(finding(rule=ours.id),)))["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == {"error": "7.5", "warning": "5.0"}[ours.severity.name.lower()]
    assert {"security", ours.topic, *ours.controls} >= set(rule["properties"]["tags"])


def test_what_is_accepted_is_suppressed() -> None:
    found = run(OUTCOME)["results"]
    (accepted,) = [each for each in found if "suppressions" in each]
    (suppression,) = accepted["suppressions"]
    assert suppression["status"] == "accepted"
    assert suppression["justification"] == "AWS demands it (until 2027-01-31)"


def test_says_what_is_new_where_there_is_a_baseline() -> None:
    states = [each["baselineState"] for each in run(OUTCOME)["results"]]
    assert states == ["new", "new", "new", "unchanged", "unchanged"]
    assert all("baselineState" not in each for each in run(replace(OUTCOME, known=()))["results"])


def test_a_fingerprint_stays_and_tells_findings_apart() -> None:
    def fingerprints(*lines: int) -> list[str]:
        results = run(Outcome(findings=tuple(finding(line=line) for line in lines)))["results"]
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in results]

    first, second = fingerprints(1, 2)
    assert [first, second] == fingerprints(8, 9)
    assert first != second


def test_says_what_could_not_be_reviewed() -> None:
    (invocation,) = run(replace(OUTCOME, errors=("a.json: no",)))["invocations"]
    assert not invocation["executionSuccessful"]
    levels = [(each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]]
    assert levels == [("note", "parliament is not installed"), ("error", "a.json: no")]
    assert run(OUTCOME)["invocations"][0]["executionSuccessful"]


def test_text_of_a_template_makes_no_link() -> None:
    found = run(HOSTILE_OUTCOME)
    for each in found["results"]:
        assert "](" not in each["message"]["text"]
    assert not any(each.startswith("javascript:") for each in texts(found))
    assert all("helpUri" not in each for each in found["tool"]["driver"]["rules"])


def test_stays_within_the_limits_of_code_scanning() -> None:
    long = tuple(replace(each, severity=Severity.ERROR) for each in many(MAX_RESULTS - 1).findings)
    outcome = Outcome(findings=(*long, WARNING), known=(finding(),))
    text = render(outcome)
    assert len(gzip.compress(text.encode(), 6)) < 10 * 10**6
    found = json.loads(text)["runs"][0]
    assert len(found["results"]) == MAX_RESULTS
    assert found["results"][-1]["ruleId"] == "AwsSolutions-S1"
    (note,) = found["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("1 result of 25,001 left out")
    assert all(len(each["properties"]["tags"]) <= 10 for each in found["tool"]["driver"]["rules"])


def test_is_the_same_in_every_run() -> None:
    assert render(OUTCOME) == render(OUTCOME)
