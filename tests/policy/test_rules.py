"""Every rule of the pack on the examples that document it, and on the corpus beside this file.

`rules/<topic>/<file of the rule>/fails-*.yaml` break that rule, `passes-*.yaml` nearly do.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from ml_constructs.policy.rule import LIBRARY, RULES, Profile, Rule, Severity, chosen, read_rule, rules, sources

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


def defined(path: Path) -> set[str]:
    """The functions, sets and constants of a Rego file."""
    found = re.findall(r"^([a-z_]+)(?:\(| :=| if| contains| =)", path.read_text(), re.MULTILINE)
    return set(found) - {"violation"}


def test_rego_names_are_unique_in_their_package() -> None:
    times: Counter[str] = Counter()
    for path in RULES.glob("**/*.rego"):
        own = defined(path)
        times.update(own)
        if path.parent != LIBRARY:
            assert all(name.startswith(path.stem) for name in own), (path.name, own)
    assert [name for name, count in times.items() if count > 1] == []


def test_no_variable_has_the_name_of_a_function() -> None:
    """The engine would take one for the other."""
    files = list(RULES.glob("**/*.rego"))
    names = {name for path in files for name in defined(path)}
    for path in files:
        source = path.read_text()
        variables = set(re.findall(r"(?<![.\w])([a-z_]+) :=", re.sub(r"^\S.*", "", source, flags=re.MULTILINE)))
        for declared in re.findall(
            r"\bsome ([^\n{}|]*?) in\b|\bevery (\w+) in\b|^[a-z_]+\(([^)]*)\)", source, re.MULTILINE
        ):
            variables |= set(re.findall(r"(?<![\w\"])[a-z_]+(?![\w\"(])", ",".join(declared)))
        assert variables & names == set(), path.name


def test_the_library_is_used() -> None:
    source = re.sub(r"(?m)^#.*", "", "".join(path.read_text() for path in RULES.glob("**/*.rego")))
    used = set(re.findall(r"(?m)(?<!^)\b[a-z_]+\b", source))
    assert {name for path in LIBRARY.glob("*.rego") for name in defined(path)} <= used


DAMAGE: Final[tuple[object, ...]] = (
    {"Ref": "Unknown"},
    {"Fn::If": ["Either", {"Ref": "Unknown"}, {"Ref": "AWS::NoValue"}]},
    {"Fn::If": ["Either", ["text"], {"key": 1}]},
    {"Fn::Sub": "${Unknown}-text"},
    {"Fn::ImportValue": "text"},
    {"Fn::GetAtt": ["Nothing", "Arn"]},
    {"key": {"key": 1}},
    [{"Ref": "Unknown"}],
    [[1]],
    [None],
    [],
    {},
    "text",
    "",
    5,
    -0.5,
    True,
    None,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_no_template_ends_the_review(engine: CompositeEngine, seed: int) -> None:
    """One odd template would keep the findings of all others from being seen."""
    chance = random.Random(seed)
    texts = [text for rule in rules() for text in (rule.fails, rule.passes) if "!" not in text]  # tags of YAML
    for text in chance.sample(texts, 100):
        template = yaml.safe_load(text)
        template.setdefault("Parameters", {})["Unknown"] = {"Type": "String"}
        template.setdefault("Conditions", {})["Either"] = {"Fn::Equals": [{"Ref": "Unknown"}, "text"]}
        found = [each for each in places(template["Resources"]) if each[1:2] == ("Properties",)]
        for name, *path in chance.choices(found, k=3):
            parent = template["Resources"][name]
            try:
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = copy.deepcopy(chance.choice(DAMAGE))
            except (KeyError, IndexError, TypeError):
                continue  # the damage before this one was above it
        content = TemplateContent(json.dumps(template), "template.json")
        report = engine.validate_template(content, ValidateConfig(disable_builtin_rules=True))
        assert report.status.name == "OK", template


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
