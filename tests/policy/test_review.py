from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, Stack, Stage, Validations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from ml_constructs.policy.review import Acknowledged, Finding, read
from tests.policy.assemblies import violation, write_assembly, write_json


def test_reads_what_cdk_writes(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    stack = Stack(app, "One")
    bucket = s3.Bucket(stack, "Bucket")
    Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason="a log bucket"))
    sqs.Queue(Stack(Stage(app, "Prod"), "Two"), "Queue")
    app.synth()

    review = read(tmp_path)

    assert {each.name for each in review.stacks} == {"One", "Prod/Two"}
    one = next(each for each in review.stacks if each.name == "One")
    assert one.services == {"S3": 1}
    assert one.acknowledged == (Acknowledged(path="One/Bucket", rule="AwsSolutions-S1", reason="a log bucket"),)
    assert review.findings == ()


def test_reads_what_a_pack_found(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    s3.Bucket(Stack(app, "One"), "Bucket", enforce_ssl=True)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError):
        app.synth()

    review = read(tmp_path)

    assert [(each.path, each.rule, each.severity) for each in review.findings] == [
        ("One/Bucket/Resource", "AwsSolutions-S1", "error")
    ]


def test_lists_each_construct_of_a_violation_without_its_controls(tmp_path: Path) -> None:
    review = read(write_assembly(tmp_path, violations=[violation("R1", "App/B", "App/A")]))

    assert review.findings == (
        Finding(path="App/A", rule="R1", severity="error", description="It is not encrypted"),
        Finding(path="App/B", rule="R1", severity="error", description="It is not encrypted"),
    )


@pytest.mark.parametrize("constructs", [{}, {"violatingConstructs": []}, {"violatingConstructs": [{}]}])
def test_a_violation_of_no_known_construct_is_a_finding(tmp_path: Path, constructs: dict[str, object]) -> None:
    review = read(write_assembly(tmp_path, violations=[{"ruleName": "R1", "description": "It is open", **constructs}]))

    assert review.findings == (Finding(path="unknown", rule="R1", severity="error", description="It is open"),)


def test_leaves_out_what_the_cdk_acknowledges_of_itself(tmp_path: Path) -> None:
    rules = {"CloudFormation-Validate::W3010": "expected", "Annotation::AwsSolutions-IAM5[Resource::*]": "no resource"}

    (stack,) = read(write_assembly(tmp_path, acknowledged={"/App/Policy": rules})).stacks

    assert [each.rule for each in stack.acknowledged] == ["AwsSolutions-IAM5[Resource::*]"]


def test_reads_metadata_that_the_manifest_holds_itself(tmp_path: Path) -> None:
    entry = {"type": "aws:cdk:acknowledged-rules", "data": {"R1": "reason"}}
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}, "metadata": {"/S": [entry]}}
    write_json(tmp_path / "manifest.json", {"artifacts": {"S": stack}})
    write_json(tmp_path / "t.json", {})

    (review,) = read(tmp_path).stacks

    assert review.name == "S"
    assert review.services == {}
    assert review.acknowledged == (Acknowledged(path="S", rule="R1", reason="reason"),)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"artifacts": {"S": {}}}'])
def test_refuses_what_is_no_assembly(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match="directory must hold a cloud assembly"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("violations", "status", "text"),
    [(None, 0, "nothing left to fix"), ([violation("R1", "App/A")], 1, "1 findings to fix or to acknowledge")],
)
def test_command_tells_by_its_exit_status(
    tmp_path: Path, violations: list[dict[str, object]] | None, status: int, text: str
) -> None:
    result = _review(str(write_assembly(tmp_path, violations=violations)))
    assert (result.returncode, result.stderr) == (status, "")
    assert text in result.stdout


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["/nowhere"]])
def test_command_says_what_is_wrong_with_its_arguments(arguments: list[str]) -> None:
    result = _review(*arguments)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


def _review(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ml_constructs.policy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
