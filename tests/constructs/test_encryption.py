"""The key is rotated and retained, and its policy admits exactly whom it is told to."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey, admit_generated_log_groups, admit_log_groups, admit_service


def the_key(stack: Stack) -> dict[str, Any]:
    (key,) = Template.from_stack(stack).find_resources("AWS::KMS::Key").values()
    return dict(key)


def admissions(stack: Stack) -> list[dict[str, Any]]:
    """All statements but the account's own."""
    statements = the_key(stack)["Properties"]["KeyPolicy"]["Statement"]
    assert statements[0]["Action"] == "kms:*"
    return list(statements[1:])


def test_is_rotated_retained_and_admits_the_account_alone(stack: Stack) -> None:
    EncryptionKey(stack, "Key")
    key = the_key(stack)
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert admissions(stack) == []


def test_may_be_destroyed_by_argument(stack: Stack) -> None:
    EncryptionKey(stack, "Key", removal_policy=RemovalPolicy.DESTROY, pending_window=Duration.days(7))
    assert the_key(stack)["DeletionPolicy"] == "Delete"
    assert the_key(stack)["Properties"]["PendingWindowInDays"] == 7


def test_takes_an_alias_with_or_without_prefix(stack: Stack) -> None:
    EncryptionKey(stack, "Plain", alias="one")
    EncryptionKey(stack, "Prefixed", alias="alias/two")
    aliases = Template.from_stack(stack).find_resources("AWS::KMS::Alias").values()
    assert {alias["Properties"]["AliasName"] for alias in aliases} == {"alias/one", "alias/two"}


def test_administrators_manage_but_do_not_use(stack: Stack) -> None:
    EncryptionKey(stack, "Key", administrators=[iam.ArnPrincipal("arn:aws:iam::111122223333:role/admin")])
    (statement,) = admissions(stack)
    actions = set(statement["Action"])
    assert "kms:ScheduleKeyDeletion" in actions
    assert not actions & {"kms:*", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"}


@pytest.mark.parametrize("days", [7, 30])
def test_accepts_the_edges_of_the_pending_window(stack: Stack, days: int) -> None:
    EncryptionKey(stack, "Key", pending_window=Duration.days(days))
    assert the_key(stack)["Properties"]["PendingWindowInDays"] == days


@pytest.mark.parametrize("window", [Duration.days(6), Duration.days(31), Duration.hours(180)])
def test_rejects_a_pending_window_beyond_its_edges(stack: Stack, window: Duration) -> None:
    with pytest.raises(ValueError, match="pending_window must be between 7 and 30 whole days, got"):
        EncryptionKey(stack, "Key", pending_window=window)


def test_pending_window_may_be_a_token(stack: Stack) -> None:
    days = CfnParameter(stack, "Days", type="Number").value_as_number
    EncryptionKey(stack, "Key", pending_window=Duration.days(days))
    assert the_key(stack)["Properties"]["PendingWindowInDays"] == {"Ref": "Days"}


def test_logs_may_encrypt_the_named_groups_only(stack: Stack) -> None:
    admit_log_groups(stack, EncryptionKey(stack, "Key"), "/aws/sagemaker/Endpoints/*", "other")
    (statement,) = admissions(stack)
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    ]
    assert set(statement["Condition"]) == {"ArnLike"}
    assert set(statement["Condition"]["ArnLike"]) == {"kms:EncryptionContext:aws:logs:arn"}
    (arns,) = statement["Condition"]["ArnLike"].values()
    assert [arn["Fn::Join"][1][-1] for arn in arns] == [":log-group:/aws/sagemaker/Endpoints/*", ":log-group:other"]


@pytest.mark.parametrize(
    ("region", "principal"),
    [
        ("eu-west-1", "logs.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "logs.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "logs.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_logs_principal_follows_the_partition(app: App, region: str, principal: str) -> None:
    stack = Stack(app, "Regional", env=Environment(account="111122223333", region=region))
    admit_log_groups(stack, EncryptionKey(stack, "Key"), "group")
    (statement,) = admissions(stack)
    rendered = statement["Principal"]["Service"]
    suffix = principal.removeprefix(f"logs.{region}.")
    assert rendered in (principal, {"Fn::Join": ["", [f"logs.{region}.", {"Ref": "AWS::URLSuffix"}]]})
    assert stack.resolve(stack.url_suffix) in (suffix, {"Ref": "AWS::URLSuffix"})


def test_generated_names_are_admitted_once_however_often_asked(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    admit_generated_log_groups(stack, key)
    admit_generated_log_groups(stack, key)
    (statement,) = admissions(stack)
    (arn,) = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert arn["Fn::Join"][1][-1] == ":log-group:Stack-*"


def test_each_further_name_is_admitted_too(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    for name in ("one", "two", "one"):
        admit_log_groups(stack, key, name)
    every = [each["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"] for each in admissions(stack)]
    assert [arn["Fn::Join"][1][-1] for (arn,) in every] == [":log-group:one", ":log-group:two"]


def test_generated_names_of_a_nested_stack_begin_with_the_parents_name(stack: Stack) -> None:
    admit_generated_log_groups(NestedStack(stack, "Nested"), EncryptionKey(stack, "Key"))
    (statement,) = admissions(stack)
    (arn,) = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert arn["Fn::Join"][1][-1].endswith(":log-group:Stack-*")


def test_a_service_is_always_bound_to_the_account(stack: Stack) -> None:
    admit_service(
        stack,
        EncryptionKey(stack, "Key"),
        "cloudwatch.amazonaws.com",
        "kms:Decrypt",
        "kms:GenerateDataKey*",
        conditions={"StringEquals": {"kms:ViaService": "sns"}, "ArnLike": {"aws:SourceArn": "arn"}},
    )
    (statement,) = admissions(stack)
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}, "kms:ViaService": "sns"},
        "ArnLike": {"aws:SourceArn": "arn"},
    }


def test_the_callers_conditions_stay_as_they_were(stack: Stack) -> None:
    conditions: dict[str, dict[str, object]] = {"StringEquals": {"aws:SourceArn": "arn"}}
    admit_service(stack, EncryptionKey(stack, "Key"), "sns.amazonaws.com", "kms:Decrypt", conditions=conditions)
    assert conditions == {"StringEquals": {"aws:SourceArn": "arn"}}


def test_an_imported_key_is_left_to_its_owner(stack: Stack) -> None:
    key = kms.Key.from_key_arn(
        stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    )
    admit_log_groups(stack, key, "group")
    admit_generated_log_groups(stack, key)
    admit_service(stack, key, "sns.amazonaws.com", "kms:Decrypt")
    assert "Resources" not in Template.from_stack(stack).to_json()


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, stack: Stack, checks: type[Any]) -> None:
    EncryptionKey(stack, "Key", alias="key")
    assert checks(app).validate_scope(stack).violations == []
