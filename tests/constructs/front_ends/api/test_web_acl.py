from __future__ import annotations

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from constructs import Construct

from ml_constructs.front_ends.api.web_acl import WebAcl
from tests.constructs.front_ends.helpers import (
    admitted_log_groups,
    assert_acyclic,
    findings,
    literal_partitions,
    one,
    resources,
)


def test_limits_the_rate_and_applies_managed_rules(stack: Stack) -> None:
    WebAcl(stack, "Acl")
    properties = one(stack, "AWS::WAFv2::WebACL")["Properties"]
    assert properties["Scope"] == "REGIONAL"
    assert properties["DefaultAction"] == {"Allow": {}}
    rate, common, inputs = properties["Rules"]
    assert rate["Action"] == {"Block": {}}
    assert rate["Statement"]["RateBasedStatement"] == {
        "Limit": 10_000,
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
    }
    assert [rule["OverrideAction"] for rule in (common, inputs)] == [{"None": {}}, {"None": {}}]
    group = common["Statement"]["ManagedRuleGroupStatement"]
    assert group["VendorName"] == "AWS"
    assert group["Name"] == "AWSManagedRulesCommonRuleSet"
    assert group["RuleActionOverrides"] == [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}]
    assert inputs["Statement"]["ManagedRuleGroupStatement"] == {
        "VendorName": "AWS",
        "Name": "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert [rule["Priority"] for rule in properties["Rules"]] == [0, 1, 2]
    visible = [properties["VisibilityConfig"], *[rule["VisibilityConfig"] for rule in properties["Rules"]]]
    assert all(each["CloudWatchMetricsEnabled"] is each["SampledRequestsEnabled"] is True for each in visible)
    assert len({each["MetricName"] for each in visible}) == 4


def test_names_of_metrics_fit_below_any_path(stack: Stack) -> None:
    WebAcl(Construct(stack, "A" * 90), "Acl" * 30)
    properties = one(stack, "AWS::WAFv2::WebACL")["Properties"]
    names = [each["VisibilityConfig"]["MetricName"] for each in (properties, *properties["Rules"])]
    assert len(set(names)) == 4
    assert 100 < max(map(len, names)) <= 128


@pytest.mark.parametrize("limit", [10, 2_000_000_000])
def test_accepts_the_rate_at_its_limits(stack: Stack, limit: int) -> None:
    WebAcl(stack, "Acl", rate_limit=limit)
    rule = one(stack, "AWS::WAFv2::WebACL")["Properties"]["Rules"][0]
    assert rule["Statement"]["RateBasedStatement"]["Limit"] == limit


@pytest.mark.parametrize("limit", [9, 2_000_000_001])
def test_refuses_the_rate_beyond_its_limits(stack: Stack, limit: int) -> None:
    with pytest.raises(ValueError, match=f"rate_limit must be between 10 and 2,000,000,000 requests, got {limit}"):
        WebAcl(stack, "Acl", rate_limit=limit)


def test_rate_may_be_a_token(stack: Stack) -> None:
    WebAcl(stack, "Acl", rate_limit=CfnParameter(stack, "Limit", type="Number").value_as_number)  # type: ignore[arg-type]
    rule = one(stack, "AWS::WAFv2::WebACL")["Properties"]["Rules"][0]
    assert rule["Statement"]["RateBasedStatement"]["Limit"] == {"Ref": "Limit"}


def test_log_is_encrypted_redacted_and_never_in_the_way(stack: Stack) -> None:
    WebAcl(stack, "Acl")
    group = one(stack, "AWS::Logs::LogGroup")
    prefix, stack_id = group["Properties"]["LogGroupName"]["Fn::Join"][1]
    assert prefix.startswith("aws-waf-logs-Stack-Acl")
    assert "AWS::StackId" in str(stack_id)
    assert group["DeletionPolicy"] == "RetainExceptOnCreate"
    assert admitted_log_groups(stack) == ["aws-waf-logs-*"]
    logging = one(stack, "AWS::WAFv2::LoggingConfiguration")["Properties"]
    assert [field["SingleHeader"]["Name"] for field in logging["RedactedFields"]] == [
        "authorization",
        "x-amz-security-token",
    ]
    (acl,) = resources(stack, "AWS::WAFv2::WebACL")
    assert logging["ResourceArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    (name,) = resources(stack, "AWS::Logs::LogGroup")
    (destination,) = logging["LogDestinationConfigs"]
    assert destination["Fn::Join"][1][-2:] == [":log-group:", {"Ref": name}]
    (key,) = resources(stack, "AWS::KMS::Key")
    assert group["Properties"]["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert group["Properties"]["RetentionInDays"] == 365
    assert_acyclic(stack)


def test_policy_review_finds_nothing(stack: Stack) -> None:
    WebAcl(stack, "Acl")
    assert findings(stack) == set()
    assert literal_partitions(stack) == []


def test_works_in_china(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region="cn-north-1"))
    WebAcl(stack, "Acl")
    assert "arn:aws:" not in literal_partitions(stack)
