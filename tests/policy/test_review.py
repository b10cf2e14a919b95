from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, NestedStack, Stack, Stage, Validations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from ml_constructs.policy.finding import Acknowledged
from ml_constructs.policy.review import plain_rule, read
from ml_constructs.policy.rule import Severity
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

    (finding,) = review.findings
    assert (finding.path, finding.rule, finding.severity) == ("One/Bucket/Resource", "AwsSolutions-S1", Severity.ERROR)
    assert (finding.stack, finding.resource_type, finding.file) == ("One", "AWS::S3::Bucket", "One.template.json")


def test_lists_each_construct_of_a_violation_without_its_controls(tmp_path: Path) -> None:
    review = read(write_assembly(tmp_path, violations=[violation("R1", "App/B", "App/A")]))

    assert [(each.path, each.rule, each.title) for each in review.findings] == [
        ("App/A", "R1", "It is not encrypted"),
        ("App/B", "R1", "It is not encrypted"),
    ]


@pytest.mark.parametrize("constructs", [{}, {"violatingConstructs": []}, {"violatingConstructs": [{}]}])
def test_a_violation_of_no_known_construct_is_a_finding(tmp_path: Path, constructs: dict[str, object]) -> None:
    review = read(write_assembly(tmp_path, violations=[{"ruleName": "R1", "description": "It is open", **constructs}]))

    assert [(each.path, each.severity, each.title) for each in review.findings] == [
        ("unknown", Severity.ERROR, "It is open")
    ]


def test_leaves_out_what_the_cdk_acknowledges_of_itself(tmp_path: Path) -> None:
    ours = "CloudFormation-Validate::SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS"
    nag = "Annotation::AwsSolutions-IAM5[Resource::*]"
    rules = {"CloudFormation-Validate::W3010": "expected", nag: "no resource", ours: "a test"}

    (stack,) = read(write_assembly(tmp_path, acknowledged={"/App/Policy": rules})).stacks

    assert [each.rule for each in stack.acknowledged] == [
        "AwsSolutions-IAM5[Resource::*]",
        "SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS",
    ]
    assert [each.rule for each in stack.expected] == ["W3010"]


def test_reads_metadata_that_the_manifest_holds_itself(tmp_path: Path) -> None:
    entry = {"type": "aws:cdk:acknowledged-rules", "data": {"R1": "reason"}}
    stack = {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": "t.json"},
        "metadata": {"/S": [entry]},
        "environment": "aws://111122223333/unknown-region",
    }
    write_json(tmp_path / "manifest.json", {"artifacts": {"S": stack}})
    write_json(tmp_path / "t.json", {})

    (review,) = read(tmp_path).stacks

    assert review.name == "S"
    assert review.services == {}
    assert (review.account, review.region) == ("111122223333", "")
    assert review.acknowledged == (Acknowledged(path="S", rule="R1", reason="reason"),)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "[]",
        "5",
        '{"artifacts": []}',
        '{"artifacts": {"S": {}}}',
        '{"artifacts": {"S": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}}',
        "[" * 100_000,
    ],
)
def test_refuses_what_is_no_assembly(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match="directory must hold a cloud assembly"):
        read(tmp_path)


def test_reads_stacks_nested_in_a_stack(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    nested = NestedStack(NestedStack(Stack(app, "One"), "Outer"), "Inner")
    sqs.Queue(nested, "Queue")
    app.synth()

    review = read(tmp_path)

    assert [each.name for each in review.stacks] == ["One", "One/Outer", "One/Outer/Inner"]
    (queue,) = review.stacks[2].all_resources
    assert review.stacks[2].path(queue) == "One/Outer/Inner/Queue/Resource"


def test_reads_paths_where_the_template_tells_none(tmp_path: Path) -> None:
    app = App(
        outdir=str(tmp_path),
        builtin_cloud_formation_validation=False,
        context={"aws:cdk:disable-path-metadata": True},
    )
    s3.CfnBucket(Stack(app, "One"), "Bucket")
    app.synth()
    (stack,) = read(tmp_path).stacks
    assert stack.path("Bucket") == "One/Bucket"
    assert stack.path("Other") == "Other"


def test_reads_what_the_synth_found_and_the_app_accepted(tmp_path: Path) -> None:
    write_assembly(tmp_path, violations=[])
    accepted = {**violation("R1", "App/B"), "reason": "why", "acknowledgedAt": "App"}
    report = json.loads((tmp_path / "validation-report.json").read_text())
    report["pluginReports"][0]["suppressedViolations"] = [accepted]
    write_json(tmp_path / "validation-report.json", report)

    (found,) = read(tmp_path).accepted

    assert (found.path, found.rule, found.reason) == ("App", "R1", "why")
    assert found.finding is not None
    assert (found.finding.path, found.finding.stack) == ("App/B", "App")


def test_lists_what_the_app_has_not_looked_up(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", {"artifacts": {}, "missing": [{"key": "vpc"}, {"key": "ami"}]})
    assert read(tmp_path).missing == ("ami", "vpc")


@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        ("R1", "R1"),
        ("Annotation::R1", "R1"),
        ("CloudFormation-Validate::E1", "E1"),
        ("AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5[Resource::*]"),
        ("Annotation::AwsSolutions-IAM5[Resource::a b]", "AwsSolutions-IAM5[Resource::a-b]"),
    ],
)
def test_a_rule_is_the_same_whichever_plugin_is_named(rule: str, plain: str) -> None:
    assert plain_rule(rule) == plain
