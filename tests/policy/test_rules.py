"""Every rule of the pack on the examples that document it, and on the corpus beside this file.

`rules/<topic>/<file of the rule>/fails-*.yaml` break that rule, `passes-*.yaml` nearly do.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from ml_constructs.policy.rule import RULES, Profile, Rule, Severity, chosen, read_rule, rules, sources

CORPUS = Path(__file__).parent / "rules"
CASES = sorted(CORPUS.glob("*/*/*.yaml"))


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    found = chosen(Profile.REGULATED, Severity.WARNING)
    return CompositeEngine(
        CompositeEngineConfig(
            rego_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(found, "rego")],
            guard_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(found, "guard")],
        )
    )


def broken(engine: CompositeEngine, template: str) -> dict[str, str]:
    """The severity of each rule of ours that a template breaks."""
    report = engine.validate_template(TemplateContent(template, "template.yaml"), ValidateConfig())
    ours = {rule.id for rule in rules()}
    malformed = [each.message for each in report.diagnostics if each.rule_id.startswith(("F", "E00"))]
    assert report.status.name == "OK", malformed
    return {each.rule_id: each.severity.name for each in report.diagnostics if each.rule_id in ours}


def named(path: Path) -> str:
    return "SAGEMAKER_" + path.parent.name.upper()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_the_documented_examples_are_right(engine: CompositeEngine, rule: Rule) -> None:
    assert broken(engine, rule.fails).get(rule.id) == rule.severity.rego
    assert rule.id not in broken(engine, rule.passes)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_corpus(engine: CompositeEngine, path: Path) -> None:
    kind = path.stem.partition("-")[0]
    assert kind in {"fails", "passes"}
    assert (named(path) in broken(engine, path.read_text())) == (kind == "fails")


def test_every_rule_has_a_near_miss() -> None:
    covered = {named(path) for path in CASES if path.stem.startswith("passes-")}
    assert {rule.id for rule in rules()} == covered
    assert {named(path) for path in CASES} <= covered


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_documentation_is_complete(rule: Rule) -> None:
    assert all((rule.title, rule.intent.strip(), rule.fix, rule.sources))
    assert not rule.title.endswith(".")
    assert all(
        re.fullmatch(r"https://[a-z.]*(docs\.aws\.amazon\.com|aws\.amazon\.com|github\.com)/\S+", each)
        for each in rule.sources
    )
    assert all(re.match(r"(NIST\.800-53\.r5 [A-Z]{2}-|SecurityHub )", each) for each in rule.controls)
    assert rule.id in rule.content
    if rule.language == "guard":
        assert rule.severity is Severity.ERROR, "Guard knows no warnings"


def test_rego_names_are_unique_in_their_package() -> None:
    defined: Counter[str] = Counter()
    for path in RULES.glob("**/*.rego"):
        found = set(re.findall(r"^([a-z_]+)(?:\(| :=| if| contains| =)", path.read_text(), re.MULTILINE))
        own = found - {"violation"}
        defined.update(own)
        if path.name != "_library.rego":
            assert all(name.startswith(path.stem) for name in own), (path.name, own)
    assert [name for name, times in defined.items() if times > 1] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule X { }", "line '# ---'"),
        ("# title = 1 2\n# ---\n", "malformed documentation"),
        ('# title = "t"\n# ---\n', "malformed documentation: KeyError"),
        ('# severity = "error"\n# profile = "all"\n# sources = []\n# ---\n', "malformed documentation: KeyError"),
        ('# severity = "error"\n# profile = "production"\n# sources = []\n# ---\n', "must document"),
    ],
)
def test_malformed_rules_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rule.rego"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_rule(path)
