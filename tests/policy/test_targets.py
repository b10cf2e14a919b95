from __future__ import annotations

from pathlib import Path

import pytest

from ml_constructs.policy.targets import Targets, find, shown
from tests.policy.assemblies import violation, write_assembly, write_json

APP = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["CDK_OUTDIR"])
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
properties = {"templateFile": "t.json"}
stack = {"type": "aws:cloudformation:stack", "properties": properties, "displayName": context["name"]}
(out / "manifest.json").write_text(json.dumps({"artifacts": {"S": stack}, "missing": [{"key": "k"}]}))
resource = {"Type": "AWS::SQS::Queue", "Metadata": {"python": sys.executable, "here": os.getcwd()}}
(out / "t.json").write_text(json.dumps({"Resources": {"Q": resource}}))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def found(tmp_path: Path, *targets: str) -> Targets:
    return find(targets, tmp_path / "scratch", lambda _: None)


def names(targets: Targets) -> list[str]:
    return [each.name for each in targets.stacks]


def test_runs_an_app_with_this_interpreter(tmp_path: Path, here: Path) -> None:
    (here / "app.py").write_text(APP)
    write_json(here / "cdk.json", {"app": "python app.py", "context": {"name": "One", "aws:cdk:bundling-stacks": 1}})
    write_json(here / "cdk.context.json", {"name": "other", "stored": 1})

    targets = found(tmp_path, ".")

    (stack,) = targets.stacks
    assert (stack.name, stack.file, targets.errors) == ("One", "cdk.out/t.json", [])
    assert stack.all_resources["Q"]["Metadata"]["here"] == str(here)
    assert not (here / "cdk.out").exists()
    (note,) = targets.notes
    assert "1 values that the app looks up in AWS" in note


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{", "cdk.json must be JSON"),
        ("[]", "cdk.json must be a JSON object"),
        ("{}", "cdk.json must name the app's command, got None"),
        ('{"app": " "}', "cdk.json must name the app's command, got ' '"),
        ('{"app": "echo no >&2; exit 3"}', "ended with status 3:\n    no"),
        ('{"app": "true"}', "app must write a cloud assembly, it ended with status 0"),
    ],
)
def test_says_why_an_app_is_not_reviewed(tmp_path: Path, here: Path, settings: str, message: str) -> None:
    (here / "cdk.json").write_text(settings)
    (error,) = found(tmp_path, ".").errors
    assert error.startswith(".: ")
    assert message in error


def test_reviews_what_an_app_wrote_before_it_failed(tmp_path: Path, here: Path) -> None:
    (here / "app.py").write_text(APP + "sys.exit(1)")
    write_json(here / "cdk.json", {"app": "python app.py", "context": {"name": "One"}})
    targets = found(tmp_path, ".")
    assert names(targets) == ["One"]
    assert "the app ended with status 1 after it had written its stacks" in targets.notes


def test_reads_an_assembly_rather_than_running_an_app(tmp_path: Path, here: Path) -> None:
    write_json(here / "cdk.json", {"app": "false"})
    write_assembly(here, violations=[violation("R", "App/Q")], resources={"Q": {"Type": "AWS::SQS::Queue"}})
    targets = found(tmp_path, ".")
    assert ([each.file for each in targets.stacks], targets.errors) == (["t.json"], [])


def test_names_the_templates_of_an_assembly_from_here(tmp_path: Path, here: Path) -> None:
    write_assembly(here / "cdk.out", violations=[violation("R", "App/Q")])
    targets = found(tmp_path, "cdk.out")
    assert [each.file for each in targets.stacks] == ["cdk.out/t.json"]
    assert [(each.stack, each.file) for each in targets.findings] == [("App", "cdk.out/t.json")]


def test_reads_templates_with_those_nested_in_them_once(tmp_path: Path, here: Path) -> None:
    nested = "Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: %s}}}"
    (here / "parts").mkdir()
    (here / "a.yaml").write_text(nested % "./parts/b.yaml")
    (here / "parts" / "b.yaml").write_text(nested % "../c.yaml")
    (here / "c.yaml").write_text(nested % "a.yaml")
    targets = found(tmp_path, "a.yaml", "parts/b.yaml", "a.yaml")
    assert names(targets) == ["a.yaml", "parts/b.yaml", "c.yaml"]
    assert targets.errors == []


@pytest.mark.parametrize("url", ["https://s3.amazonaws.com/b/t.yaml", "s3://b/t.yaml", "!Ref Url", "5"])
def test_leaves_templates_elsewhere_alone(tmp_path: Path, here: Path, url: str) -> None:
    (here / "a.yaml").write_text(
        f"Resources: {{N: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: {url}}}}}}}"
    )
    targets = found(tmp_path, "a.yaml")
    assert (names(targets), targets.errors) == (["a.yaml"], [])


def test_says_what_cannot_be_read_and_reads_the_rest(tmp_path: Path, here: Path) -> None:
    (here / "good.yaml").write_text("Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: x}}}")
    (here / "bad.json").write_text("{")
    (here / "empty").mkdir()
    (here / "broken").mkdir()
    (here / "broken" / "manifest.json").write_text("{")
    targets = found(tmp_path, "bad.json", "nowhere.yaml", "empty", "broken", "good.yaml", "\0")
    assert names(targets) == ["good.yaml"]
    assert [each.split(":")[0] for each in targets.errors[:4]] == ["bad.json", "nowhere.yaml", "empty", "broken"]
    assert "directory must have a cdk.json or a manifest.json" in targets.errors[2]
    assert "x, nested in good.yaml: template cannot be read" in targets.errors[4]
    assert len(targets.errors) == 6


def test_names_what_lies_elsewhere_by_its_whole_path(tmp_path: Path, here: Path) -> None:
    assert shown(Path("a/../b.yaml")) == "b.yaml"
    assert shown(here / "b.yaml") == "b.yaml"
    assert shown(tmp_path / "b.yaml") == (tmp_path / "b.yaml").as_posix()
