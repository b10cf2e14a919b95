from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from ml_constructs import PolicyHook
from ml_constructs.checks.policy_hook import guard_rules
from ml_constructs.policy.rule import Profile, Severity, chosen

HOOK = "AWS::CloudFormation::GuardHook"


def only(stack: Stack, kind: str) -> dict[str, Any]:
    (found,) = Template.from_stack(stack).find_resources(kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def statements(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = only(stack, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    return found


def test_warns_of_stacks_and_change_sets_that_are_created_or_updated(stack: Stack) -> None:
    PolicyHook(stack, "Hook")
    properties = only(stack, HOOK)
    assert {name: properties.get(name) for name in ("Alias", "FailureMode", "HookStatus", "TargetOperations")} == {
        "Alias": "MlConstructs::SageMaker::PolicyHook",
        "FailureMode": "WARN",
        "HookStatus": "ENABLED",
        "TargetOperations": ["STACK", "CHANGE_SET"],
    }
    assert properties["TargetFilters"] == {"Actions": ["CREATE", "UPDATE"]}
    assert {"LogBucket", "StackFilters", "Options"}.isdisjoint(properties)


def test_the_template_is_what_cloudformation_takes(stack: Stack) -> None:
    PolicyHook(stack, "Hook", only_stacks=["live-*"], except_stacks=["live-demo"], reports=s3.Bucket(stack, "Reports"))
    report = CompositeEngine(CompositeEngineConfig()).validate_template(
        TemplateContent(json.dumps(Template.from_stack(stack).to_json()), "template.json"), ValidateConfig()
    )
    assert [each.message for each in report.diagnostics if each.severity.name in {"FATAL", "ERROR"}] == []


def test_publishes_the_rules_of_the_profile_as_one_guard_file(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    PolicyHook(Stack(app, "Stack"), "Hook", profile="regulated")
    assembly = app.synth()
    (published,) = Path(assembly.directory).glob("asset.*.guard")
    assert published.read_text() == guard_rules("regulated")
    resources = assembly.get_stack_by_name("Stack").template["Resources"].values()
    (uri,) = (each["Properties"]["RuleLocation"]["Uri"] for each in resources if each["Type"] == HOOK)
    name = published.name.removeprefix("asset.")
    assert uri == {"Fn::Sub": f"s3://cdk-hnb659fds-assets-${{AWS::AccountId}}-${{AWS::Region}}/{name}"}


@pytest.mark.parametrize("profile", ["development", "production", "regulated"])
def test_one_file_holds_every_guard_rule_of_a_profile(
    profile: Literal["development", "production", "regulated"],
) -> None:
    text = guard_rules(profile)
    expected = [rule.id for rule in chosen(Profile[profile.upper()], Severity.WARNING) if rule.language == "guard"]
    assert re.findall(r"^rule (\w+)", text, re.MULTILINE) == expected
    names = re.findall(r"^let (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


def test_the_one_file_judges_as_the_rules_do() -> None:
    rules = CompositeEngineConfig(guard_rules=[ExternalRuleSource(name="r.guard", content=guard_rules("regulated"))])
    trail = {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": False, "S3BucketName": "b"}}
    report = CompositeEngine(rules).validate_template(
        TemplateContent(json.dumps({"Resources": {"Trail": trail}}), "template.json"),
        ValidateConfig(disable_builtin_rules=True),
    )
    assert "SAGEMAKER_TRAIL_LOGGING" in {each.rule_id for each in report.diagnostics}


def test_the_role_reads_one_object_for_hooks_of_this_account(stack: Stack) -> None:
    hook = PolicyHook(stack, "Hook")
    (trust,) = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "hooks.cloudformation.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert json.dumps(trust["Condition"]["ArnLike"]).endswith(':type/hook/*"]]}}')
    read, listed = statements(stack)
    assert read["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert json.dumps(read["Resource"]).endswith('.guard"]]}')
    assert listed["Action"] == "s3:ListBucket"
    assert "Condition" not in listed
    assert only(stack, HOOK)["ExecutionRole"] == stack.resolve(hook.role.role_arn)


def test_tells_its_arn(stack: Stack) -> None:
    hook = PolicyHook(stack, "Hook")
    ((name, _),) = Template.from_stack(stack).find_resources(HOOK).items()
    assert stack.resolve(hook.hook_arn) == {"Fn::GetAtt": [name, "HookArn"]}


def test_the_hook_waits_for_its_permissions(stack: Stack) -> None:
    PolicyHook(stack, "Hook")
    (found,) = Template.from_stack(stack).find_resources(HOOK).values()
    policies = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")
    assert set(policies) <= set(found["DependsOn"])


def test_reports_go_to_a_bucket_under_its_key(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    reports = s3.Bucket(stack, "Reports", encryption_key=key)
    PolicyHook(stack, "Hook", reports=reports, reports_key=key, failure_mode="FAIL")
    assert only(stack, HOOK)["LogBucket"] == stack.resolve(reports.bucket_name)
    assert only(stack, HOOK)["FailureMode"] == "FAIL"
    _, _, put, use = statements(stack)
    assert put["Action"] == "s3:PutObject"
    assert use["Action"] == "kms:GenerateDataKey"
    assert use["Resource"] == stack.resolve(key.key_arn)


def test_a_report_bucket_without_key_needs_no_permission_on_one(stack: Stack) -> None:
    PolicyHook(stack, "Hook", reports=s3.Bucket.from_bucket_name(stack, "Reports", "amzn-s3-demo-bucket"))
    assert [each["Action"] for each in statements(stack)][2:] == ["s3:PutObject"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"only_stacks": ["live-*"]}, {"Include": ["live-*"]}),
        ({"except_stacks": ["dev-*"]}, {"Exclude": ["dev-*"]}),
        ({"only_stacks": ["l*"], "except_stacks": ["live"]}, {"Include": ["l*"], "Exclude": ["live"]}),
    ],
)
def test_stacks_are_chosen_by_name(stack: Stack, arguments: dict[str, Any], names: dict[str, Any]) -> None:
    PolicyHook(stack, "Hook", **arguments)
    assert only(stack, HOOK)["StackFilters"] == {"FilteringCriteria": "ALL", "StackNames": names}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"profile": "all"}, ValueError, "profile must be one of"),
        ({"failure_mode": "STOP"}, ValueError, "failure_mode must be one of WARN, FAIL"),
        ({"alias": "Aws1::Guard::Hook"}, ValueError, "alias must be"),
        ({"alias": "Own::Guard"}, ValueError, "alias must be"),
        ({"alias": "Own::G::Hook"}, ValueError, "alias must be"),
        ({"alias": f"Own::Guard::{'H' * 65}"}, ValueError, "alias must be"),
        ({"only_stacks": "live"}, TypeError, "only_stacks must be a list"),
        ({"only_stacks": ["live stack"]}, ValueError, "only_stacks must be names of stacks"),
        ({"except_stacks": ["s"] * 51}, ValueError, "except_stacks"),
        ({"reports": "bucket"}, TypeError, "reports must be a bucket"),
        ({"reports_key": 1}, TypeError, "reports_key must be a KMS key"),
    ],
)
def test_refuses(stack: Stack, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        PolicyHook(stack, "Hook", **arguments)
    assert stack.node.try_find_child("Hook") is None


def test_a_key_without_a_bucket_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match="reports_key must come with reports"):
        PolicyHook(stack, "Hook", reports_key=kms.Key(stack, "Key"))


def test_takes_limits_and_tokens(stack: Stack) -> None:
    alias = CfnParameter(stack, "Alias").value_as_string
    name = CfnParameter(stack, "Name").value_as_string
    PolicyHook(stack, "Hook", alias=alias, only_stacks=[name] * 50)
    PolicyHook(stack, "Longest", alias="::".join(["A" * 64] * 3), except_stacks=["s" * 128])
    assert len(Template.from_stack(stack).find_resources(HOOK)) == 2


def test_is_the_same_in_every_partition(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region="cn-north-1"))
    PolicyHook(stack, "Hook")
    assert '"arn:aws:' not in json.dumps(Template.from_stack(stack).to_json()["Resources"])


@pytest.mark.parametrize("reported", [False, True])
def test_no_finding_is_left(stack: Stack, *, reported: bool) -> None:
    reports = s3.Bucket.from_bucket_name(stack, "Reports", "amzn-s3-demo-bucket") if reported else None
    PolicyHook(stack, "Hook", reports=reports)
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        assert [each.rule_name for each in pack(stack.node.root).validate_scope(stack).violations] == []
