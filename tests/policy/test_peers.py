"""Endpoints as other libraries make them: the pack reports of each what `docs/guides/policy_peers.md` says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from ml_constructs.policy.rule import Profile, Severity, chosen, rules, sources

PEERS: Final = ("raw_cdk", "alpha_l2", "solutions_constructs", "generative_ai")
TEMPLATES: Final = Path(__file__).parent / "peers"
PAGE: Final = (Path(__file__).parents[2] / "docs/guides/policy_peers.md").read_text()
# Per template, what no review may miss.
OBVIOUS: Final = {
    "raw_cdk": {"API_AUTHORISATION", "INVOKE_SCOPE", "MODEL_IMAGE_TAG", "ROLE_MANAGED_POLICIES"},
    "alpha_l2": {"ALARM_ACTIONS", "ENDPOINT_CONFIG_SINGLE_INSTANCE", "SCALABLE_TARGET_BURSTABLE"},
    "solutions_constructs": {"EXECUTION_ROLE_STORAGE", "ENDPOINT_CONFIG_SINGLE_INSTANCE", "VPC_ENDPOINT_POLICY"},
    "generative_ai": {"ENDPOINT_CONFIG_FIXED_NAME", "MODEL_FIXED_NAME", "ROLE_MANAGED_POLICIES"},
}


@pytest.fixture(scope="module")
def findings() -> dict[str, set[str]]:
    """The rules that each template breaks, CloudFormation's own among them."""
    selected = chosen(Profile.REGULATED, Severity.WARNING)
    engine = CompositeEngine(
        CompositeEngineConfig(
            rego_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(selected, "rego")],
            guard_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(selected, "guard")],
        )
    )
    found = {}
    for peer in PEERS:
        text = (TEMPLATES / f"{peer}.yaml").read_text()
        report = engine.validate_template(TemplateContent(text, f"{peer}.yaml"), ValidateConfig())
        assert report.status.name == "OK", [each.message for each in report.diagnostics]
        found[peer] = {each.rule_id for each in report.diagnostics if each.severity.name in {"WARN", "ERROR", "FATAL"}}
    return found


def documented(peer: str) -> set[str]:
    """The rules with a dot in the column of a template."""
    rows = re.findall(r"^\| `(SAGEMAKER_\w+)` \| \w+ \| \w+ \|(.*)\|$", PAGE, re.MULTILINE)
    return {rule for rule, cells in rows if cells.split("|")[PEERS.index(peer)].strip()}


def test_every_template_is_compared() -> None:
    assert {path.stem for path in TEMPLATES.iterdir()} == set(PEERS) == set(OBVIOUS)


@pytest.mark.parametrize("peer", PEERS)
def test_the_page_says_what_the_pack_finds(findings: dict[str, set[str]], peer: str) -> None:
    ours = findings[peer] & {rule.id for rule in rules()}
    assert documented(peer) == ours
    assert {f"SAGEMAKER_{rule}" for rule in OBVIOUS[peer]} <= ours


@pytest.mark.parametrize("severity", Severity)
def test_the_page_counts_right(findings: dict[str, set[str]], severity: Severity) -> None:
    (row,) = re.findall(rf"^\| {severity.name.lower()}s \|(.*)\|$", PAGE, re.MULTILINE)
    graded = {rule.id for rule in rules() if rule.severity is severity}
    assert [int(cell) for cell in row.split("|")] == [len(findings[peer] & graded) for peer in PEERS]


def test_the_page_has_the_grade_of_each_rule() -> None:
    rows = re.findall(r"^\| `(SAGEMAKER_\w+)` \| (\w+) \| (\w+) \|", PAGE, re.MULTILINE)
    graded = {(rule.id, rule.severity.name.lower(), rule.profile.name.lower()) for rule in rules()}
    assert rows
    assert set(rows) <= graded


@pytest.mark.parametrize("peer", PEERS)
def test_the_templates_are_valid(findings: dict[str, set[str]], peer: str) -> None:
    assert [rule for rule in findings[peer] if rule.startswith(("E", "F"))] == []
