from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.formats.junit import render
from tests.policy.formats.samples import HOSTILE_OUTCOME, OURS, OUTCOME, finding, many


def parsed(outcome: Outcome) -> ET.Element:
    return ET.fromstring(render(outcome).encode())


@pytest.mark.parametrize(
    "outcome",
    [OUTCOME, HOSTILE_OUTCOME, Outcome(findings=()), replace(OUTCOME, errors=("no",)), many(300)],
    ids=["some", "hostile", "none", "errors", "many"],
)
def test_counts_what_it_has(outcome: Outcome) -> None:
    root = parsed(outcome)
    tags = {"testcase": "tests", "failure": "failures", "error": "errors", "skipped": "skipped"}
    for element in (root, *root):
        found = Counter(each.tag for each in element.iter())
        assert {name: element.get(name) for name in tags.values()} == {
            name: str(found[tag]) for tag, name in tags.items()
        }


def test_findings_fail_and_what_is_accepted_or_known_is_skipped() -> None:
    root = parsed(OUTCOME)
    assert [each.get("name") for each in root] == ["App/Live", "App/Quiet", "ml-constructs review"]
    cases = list(root[0])
    assert [each[0].tag for each in cases] == ["failure", "failure", "failure", "skipped", "skipped"]
    assert cases[0].attrib == {
        "name": f"{OURS.id} at Properties.DeploymentConfig",
        "classname": "App/Live/Endpoint/Resource",
        "time": "0",
        "file": "cdk.out/AppLive.template.json",
        "line": "12",
    }
    assert cases[0][0].attrib == {"message": "no alarm rolls it back", "type": "error"}
    text = cases[0][0].text or ""
    for said in (OURS.title, f"fix: {OURS.fix}", "where: cdk.out/AppLive.template.json:12"):
        assert said in text
    assert cases[2][0].attrib == {"message": "The bucket has no access log", "type": "warning"}
    assert [each[0].get("message") for each in cases[3:]] == [
        "in the baseline: no alarm rolls it back",
        "accepted: AWS demands it (until 2027-01-31)",
    ]


def test_a_stack_without_findings_passes() -> None:
    (case,) = parsed(OUTCOME)[1]
    assert len(case) == 0


def test_what_could_not_be_reviewed_is_an_error() -> None:
    suite = parsed(replace(OUTCOME, errors=("a.json: no",)))[-1]
    assert [each[0].tag for each in suite] == ["error", "system-out"]
    assert suite[0][0].text == "a.json: no"


def test_no_two_cases_share_a_name() -> None:
    cases = parsed(Outcome(findings=(finding(line=1), finding(line=2)))).iter("testcase")
    first, second = (each.get("name") for each in cases)
    assert second == f"{first} (2)"


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_is_xml_whatever_the_text(text: str) -> None:
    found = parsed(Outcome(findings=(finding(message=text, stack=text, path=text),), notes=(text,), errors=(text,)))
    assert len(found.findall(".//failure")) == 1


def test_is_bounded() -> None:
    text = render(many(10_000))
    assert len(text) < 10_000 * 1500
    assert len(ET.fromstring(text).findall(".//failure")) == 10_000
