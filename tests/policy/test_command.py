"""The command as a whole: real engine and real tools, on small templates."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_constructs.policy import judge
from ml_constructs.policy.command import main
from ml_constructs.policy.rule import Profile, Rule, Severity, chosen, rules
from tests.policy.assemblies import violation, write_assembly

RULE = "SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS"
BAD = "Resources: {Endpoint: {Type: AWS::SageMaker::Endpoint, Properties: {EndpointConfigName: config}}}\n"
GOOD = "Resources: {Queue: {Type: AWS::SQS::Queue}}\n"
OURS = ("--packs", "sagemaker")
TODAY = datetime.now(tz=UTC).date()


@pytest.fixture(autouse=True)
def _one_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack of one rule, so that what others find does not matter here."""

    def one(profile: Profile, severity: Severity) -> tuple[Rule, ...]:
        return tuple(rule for rule in chosen(profile, severity) if rule.id == RULE)

    monkeypatch.setattr(judge, "chosen", one)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def test_ends_with_0_where_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "good.yaml", *OURS]) == 0
    output = capsys.readouterr()
    assert "nothing left to fix" in output.out
    assert output.err == ""


def test_ends_with_1_where_findings_are_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "good.yaml", "bad.yaml", *OURS]) == 1
    output = capsys.readouterr().out
    assert "bad.yaml: Endpoint  AWS::SageMaker::Endpoint  bad.yaml:1" in output
    assert output.index(f"error {RULE}") < output.index("fix Name at least one alarm")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--packs", "nope", "bad.yaml"], "packs must be of"),
        (["--profile", "x", "bad.yaml"], "profile must be one of"),
        (["--severity", "x", "bad.yaml"], "severity must be one of"),
        (["--format", "pdf", "bad.yaml"], "--format must be one of"),
        (["--format", "terminal", "--format", "terminal", "bad.yaml"], "only one --format may go to the standard"),
        (["--baseline", "none.json", "bad.yaml"], "none.json cannot be read"),
        (["--write-baseline", "bad.yaml"], "--write-baseline needs --baseline FILE"),
        (["--config", "none.toml", "bad.yaml"], "none.toml cannot be read"),
        (["--explain", "SAGEMAKER_ENDPOINT_ROLLBACK_ALARM"], f"did you mean {RULE}"),
        (["--explain", "AwsSolutions-S1"], "must name a rule of this library"),
        (["bad.yaml", *OURS, "--format", "terminal=/none/x"], "cannot write /none/x"),
    ],
)
def test_ends_with_2_where_it_is_asked_wrongly(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["review", "--nonsense"], ["nonsense"]])
def test_ends_with_2_where_it_is_not_understood(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert "usage: ml-constructs" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[", "[tool.ml-constructs.review]\npack = 1"])
def test_ends_with_2_where_the_policy_file_is_wrong(
    here: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "pyproject.toml").write_text(content)
    assert main(["review", "bad.yaml", *OURS]) == 2
    assert "pyproject.toml" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "a: [", "&a [*a]"])
def test_ends_with_3_where_something_cannot_be_read_and_reviews_the_rest(
    here: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "broken.yaml").write_text(content)
    assert main(["review", "broken.yaml", "bad.yaml", *OURS]) == 3
    output = capsys.readouterr().out
    assert "not reviewed: broken.yaml: template" in output
    assert RULE in output


def test_says_what_it_could_not_read_where_the_report_goes_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "none.yaml", *OURS, "--format", "terminal=report.txt"]) == 3
    output = capsys.readouterr()
    assert output.out == ""
    assert "none.yaml: template cannot be read" in output.err


def test_reviews_this_directory_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review"]) == 3
    assert "directory must have a cdk.json or a manifest.json" in capsys.readouterr().out


def test_what_the_baseline_knows_does_not_count(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "bad.yaml", *OURS, "--baseline", "known.json", "--write-baseline"]) == 0
    assert RULE in (here / "known.json").read_text()
    assert main(["review", "bad.yaml", *OURS, "--baseline", "known.json"]) == 0
    assert "1 finding in the baseline" in capsys.readouterr().out
    (here / "bad.yaml").write_text(f"Description: moved\n{BAD.replace('}}}}', '}}, Queue: {Type: AWS::SQS::Queue}}')}")
    assert main(["review", "bad.yaml", *OURS, "--baseline", "known.json"]) == 0
    (here / "bad.yaml").write_text(BAD.replace("Endpoint:", "Another:"))
    assert main(["review", "bad.yaml", *OURS, "--baseline", "known.json"]) == 1


def policy(here: Path, *lines: str) -> None:
    text = "\n".join(lines)
    accepted = f'[[tool.ml-constructs.review.acknowledgements]]\nid = "{RULE}"\nreason = "why"\n{text}\n'
    (here / "pyproject.toml").write_text(f'[tool.ml-constructs.review]\npacks = ["sagemaker"]\n{accepted}')


@pytest.mark.parametrize(("days", "status"), [(-1, 1), (0, 0), (1, 0)])
def test_the_policy_file_accepts_for_a_while(
    here: Path, days: int, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    policy(here, 'path = "bad.yaml/Endpoint"', f"until = {TODAY + timedelta(days=days)}")
    assert main(["review", "bad.yaml"]) == status
    assert ("which has passed: why" in " ".join(capsys.readouterr().out.split())) is bool(status)


def test_the_policy_file_accepts_where_it_says(here: Path) -> None:
    policy(here, 'path = "other.yaml"')
    assert main(["review", "bad.yaml"]) == 1


def test_narrows_by_profile_and_severity(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "bad.yaml", *OURS, "--profile", "development"]) == 0
    assert RULE not in capsys.readouterr().out
    assert main(["review", "bad.yaml", *OURS, "--severity", "error"]) == 1
    assert RULE in capsys.readouterr().out


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_explains_every_rule(rule: Rule, capsys: pytest.CaptureFixture[str]) -> None:
    name = rule.id
    assert main(["review", "--explain", name]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"{name}\n")
    assert all(heading in page for heading in ("\nFix\n", "\nFails\n", "\nPasses\n", "\nSources\n  https://"))
    assert main(["review", "--explain", f"CloudFormation-Validate::{name}"]) == 0
    assert main(["review", "--explain", name.removeprefix("SAGEMAKER_").lower()]) == 0
    assert capsys.readouterr().out == page * 2


def test_all_packs_make_one_finding_of_one_fault(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = {"aws:cdk:path": "App/B/Resource"}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "A"}, "Metadata": metadata}
    found = [violation("AwsSolutions-S1", "App/B/Resource", "App/C/Resource")]
    write_assembly(here / "out", resources={"B": bucket}, violations=found)
    assert main(["review", "out", "--packs", "all", "--severity", "error"]) == 1
    output = capsys.readouterr().out
    assert output.count("error AwsSolutions-S1\n") == 2
    assert output.count("NIST.800.53.R5-S3BucketLoggingEnabled") == 1
    assert output.count("error E3031") == 1  # of both cfn-lint and the engine


def test_is_the_same_in_every_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "nag.yaml").write_text("Resources: {B: {Type: AWS::S3::Bucket}, C: {Type: AWS::S3::Bucket}}")
    arguments = ["review", "nag.yaml", "bad.yaml", "--packs", "sagemaker,aws-solutions,nist-r5,cloudformation"]
    assert main(arguments) == 1
    first = capsys.readouterr().out
    assert main(arguments) == 1
    assert capsys.readouterr().out == first


def test_a_template_that_a_pack_cannot_load_is_a_finding(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "odd.yaml").write_text("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Nowhere}}}")
    assert main(["review", "odd.yaml", "good.yaml", "--packs", "serverless"]) == 1
    output = capsys.readouterr().out
    assert "error ml-constructs:NotReviewed" in output
    assert "cdk-nag cannot load it: " in output
    assert "good.yaml: Queue" in output


def test_cdk_nag_judges_a_template_with_values_of_another_region(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = {"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "Name", "Region": "us-east-1"}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": output}}
    (here / "region.json").write_text(json.dumps({"Resources": {"Queue": queue}}))
    assert main(["review", "region.json", "--packs", "serverless"]) == 1
    output_text = capsys.readouterr().out
    assert "NotReviewed" not in output_text
    assert "error Serverless-SQSRedrivePolicy" in output_text


def test_the_module_is_the_same_command(here: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ml_constructs.policy", "bad.yaml", *OURS],
        capture_output=True,
        text=True,
        check=False,
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert RULE in ended.stdout
    assert "\x1b" not in ended.stdout


def test_many_findings_of_a_large_template(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoints = {f"E{n}": {"Type": "AWS::SageMaker::Endpoint", "Properties": {}} for n in range(10_000)}
    (here / "large.json").write_text(json.dumps({"Resources": endpoints}))
    assert main(["review", "large.json", *OURS]) == 1
    assert "500 of " in capsys.readouterr().out


def test_the_wheel_has_the_command() -> None:
    entries = importlib.metadata.entry_points(group="console_scripts", name="ml-constructs")
    assert all(each.load() is main for each in entries)
