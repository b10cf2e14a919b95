from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml_constructs.policy.policies import findings
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.rule import Severity


class Parliament(SimpleNamespace):
    """Stands in for the tool: keeps what it is asked, and finds the same in each statement."""

    def __init__(self, *found: SimpleNamespace) -> None:
        super().__init__(asked=[])
        self._found = found

    def analyze_policy_string(self, document: str) -> SimpleNamespace:
        self.asked.append(json.loads(document))
        return SimpleNamespace(findings=self._found)

    @staticmethod
    def enhance_finding(found: SimpleNamespace) -> SimpleNamespace:
        return found


def issue(name: str, severity: str = "MEDIUM", detail: object = "") -> SimpleNamespace:
    return SimpleNamespace(issue=name, severity=severity, title=f"{name}.", description="It is so", detail=detail)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Parliament:
    parliament = Parliament(issue("A"), issue("B", "LOW", ["x" * 400]), issue("C", "MUTE"), issue("RESOURCE_MISMATCH"))
    monkeypatch.setitem(sys.modules, "parliament", parliament)
    return parliament


def stack(kind: str, **properties: object) -> StackReview:
    template = {"Resources": {"P": {"Type": f"AWS::IAM::{kind}", "Properties": properties}}}
    return StackReview(name="S", template_path=Path("t"), template=template, acknowledged=(), file="t.json")


def statement(**values: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **values}


def document(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def asked(tool: Parliament) -> list[dict[str, Any]]:
    return [each["Statement"][0] for each in tool.asked]


def test_tells_what_it_finds(tool: Parliament) -> None:
    found = list(findings(stack("ManagedPolicy", PolicyDocument=document(statement()))))
    assert [(each.rule, each.severity) for each in found] == [
        ("parliament-A", Severity.ERROR),
        ("parliament-B", Severity.WARNING),
        ("parliament-RESOURCE_MISMATCH", Severity.ERROR),
    ]
    assert (found[0].title, found[0].message, found[0].property_path) == ("A", "It is so", "Properties.PolicyDocument")
    assert (found[0].logical_id, found[0].file, found[0].tools) == ("P", "t.json", ("parliament",))
    assert len(found[1].message) == 303
    assert asked(tool) == [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]


@pytest.mark.parametrize("kind", ["Role", "User", "Group"])
def test_reads_policies_inside_others(tool: Parliament, kind: str) -> None:
    policies = [{"PolicyName": "a", "PolicyDocument": document(statement())}, {"PolicyDocument": document(statement())}]
    found = findings(stack(kind, Policies=policies))
    assert {each.property_path for each in found} == {
        "Properties.Policies.0.PolicyDocument",
        "Properties.Policies.1.PolicyDocument",
    }
    assert len(tool.asked) == 2


def test_follows_what_is_known_before_a_deployment(tool: Parliament) -> None:
    resources = [
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::b/*"]]},
        {"Fn::Sub": "arn:${AWS::Partition}:s3:::c/*"},
    ]
    list(findings(stack("Policy", PolicyDocument=document(statement(Sid="One", Resource=resources)))))
    (one,) = asked(tool)
    assert one["Sid"] == "One"
    assert one["Resource"] == ["arn:aws:s3:::b/*", "arn:aws:s3:::c/*"]


@pytest.mark.parametrize("unknown", [{"Fn::GetAtt": ["B", "Arn"]}, {"Ref": "B"}, {"Fn::Sub": "${B}/*"}, 5])
def test_does_not_judge_by_what_only_the_deployment_knows(tool: Parliament, unknown: object) -> None:
    found = findings(stack("Policy", PolicyDocument=document(statement(Resource=["arn:aws:s3:::b", unknown]))))
    assert "parliament-RESOURCE_MISMATCH" not in [each.rule for each in found]
    assert asked(tool)[0]["Resource"] == ["arn:aws:s3:::b"]
    assert list(findings(stack("Policy", PolicyDocument=document(statement(Resource=unknown))))) == []


@pytest.mark.usefixtures("tool")
def test_resources_of_every_kind_are_no_mismatch() -> None:
    every = "arn:aws:ec2:us-east-1:123456789012:*/*"
    found = findings(stack("Policy", PolicyDocument=document(statement(Resource=every))))
    assert "parliament-RESOURCE_MISMATCH" not in [each.rule for each in found]
    found = findings(stack("Policy", PolicyDocument=document(statement(Resource=every.replace("*/*", "subnet/*")))))
    assert "parliament-RESOURCE_MISMATCH" in [each.rule for each in found]


@pytest.mark.parametrize("content", [None, 5, {}, {"Statement": 5}, {"Statement": [5, {"Fn::If": []}]}])
def test_passes_over_what_is_no_policy(tool: Parliament, content: object) -> None:
    assert list(findings(stack("Policy", PolicyDocument=content))) == []
    assert list(findings(stack("Role", Policies=content))) == []
    assert list(findings(stack("Role", Policies=[content]))) == []
    assert tool.asked == []


def test_says_where_it_failed(tool: Parliament, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "analyze_policy_string", None)
    with pytest.raises(ValueError, match="parliament must run, it failed at S/P"):
        list(findings(stack("Policy", PolicyDocument=document(statement()))))
