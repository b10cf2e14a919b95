from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.merge import TABLE, merge, subject_of
from ml_constructs.policy.rule import Severity, rules


def finding(rule: str, *tools: str, path: str = "", severity: Severity = Severity.ERROR, name: str = "B") -> Finding:
    return Finding(
        rule=rule, severity=severity, title=rule, stack="S", logical_id=name, property_path=path, tools=tools
    )


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        ("AwsSolutions-S1", "S3BucketLoggingEnabled"),
        ("NIST.800.53.R5-S3BucketLoggingEnabled", "S3BucketLoggingEnabled"),
        ("HIPAA.Security-S3BucketLoggingEnabled", "S3BucketLoggingEnabled"),
        ("PCI.DSS.321-S3BucketLoggingEnabled", "S3BucketLoggingEnabled"),
        ("Serverless-LambdaDLQ", "LambdaDLQ"),
        ("AwsSolutions-IAM5[Resource::*]", ""),
        ("E3012", ""),
    ],
)
def test_knows_what_rules_have_in_common(rule: str, subject: str) -> None:
    assert subject_of(rule) == subject


def test_makes_one_of_what_several_packs_say() -> None:
    packs = [
        finding("NIST.800.53.R5-S3BucketLoggingEnabled", "nist-r5"),
        replace(finding("AwsSolutions-S1", "aws-solutions", severity=Severity.WARNING), fix="Log."),
        finding("HIPAA.Security-S3BucketLoggingEnabled", "hipaa"),
        finding("AwsSolutions-S1", "synth"),
    ]
    (merged,) = merge(packs)
    assert merged.rule == "AwsSolutions-S1"
    assert merged.severity is Severity.ERROR
    assert merged.fix == "Log."
    assert merged.tools == ("aws-solutions", "hipaa", "nist-r5", "synth")
    assert merged.same == ("HIPAA.Security-S3BucketLoggingEnabled", "NIST.800.53.R5-S3BucketLoggingEnabled")
    assert merge(reversed(packs)) == [merged]


def test_makes_one_of_what_two_tools_say_about_one_property() -> None:
    found = [
        finding("E3012", "cloudformation", path="Properties.Tags.0.Key"),
        finding("E3012", "cloudformation", path="Properties.Tags.1.Key"),
        finding("E3012", "cfn-lint", path="Properties.Tags.0"),
        finding("E3012", "cfn-lint", path="Properties.Name"),
    ]
    merged = merge(found)
    assert sorted((each.property_path, each.tools) for each in merged) == [
        ("Properties.Name", ("cfn-lint",)),
        ("Properties.Tags.0.Key", ("cfn-lint", "cloudformation")),
        ("Properties.Tags.1.Key", ("cloudformation",)),
    ]


def test_what_one_tool_says_twice_is_one_finding() -> None:
    assert len(merge([finding("E1", "cfn-lint", path="P"), finding("E1", "cfn-lint", path="P")])) == 1


@pytest.mark.parametrize(
    "other",
    [
        finding("E2", "cfn-lint"),
        finding("E1", "cfn-lint", name="C"),
        replace(finding("E1", "cfn-lint"), stack="T"),
    ],
)
def test_keeps_apart_what_is_another_fault(other: Finding) -> None:
    assert len(merge([finding("E1", "cloudformation"), other])) == 2


def test_takes_the_line_and_the_file_from_whoever_has_them() -> None:
    found = [finding("E1", "cloudformation"), replace(finding("E1", "synth"), line=7, file="t.json", property_path="P")]
    (merged,) = merge(found)
    assert (merged.line, merged.file, merged.property_path) == (7, "t.json", "P")


def test_the_table_of_equivalents_knows_rules_that_there_are() -> None:
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())
    named = [rule for equivalents in table.values() for rule in equivalents]
    assert len(named) == len(set(named))
    assert {rule for rule in named if not rule.startswith("AwsSolutions-")} <= {rule.id for rule in rules()}


def test_one_of_ours_is_told_as_ours() -> None:
    found = [
        finding("AwsSolutions-SM1", "aws-solutions"),
        finding("SAGEMAKER_NOTEBOOK_VPC", "sagemaker", path="Properties.SubnetId"),
    ]
    (merged,) = merge(found)
    assert (merged.rule, merged.same) == ("SAGEMAKER_NOTEBOOK_VPC", ("AwsSolutions-SM1",))
