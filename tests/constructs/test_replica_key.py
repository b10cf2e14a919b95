"""A replica is a key of its region, with the material of a key of another."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey, ReplicaKey, admit_service
from tests.constructs.refusals import refusals

PRIMARY = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"


@pytest.fixture
def near(app: App) -> Stack:
    return Stack(app, "Near", env=Environment(account="111122223333", region="us-east-1"))


@pytest.fixture
def far(app: App) -> Stack:
    return Stack(app, "Far", env=Environment(account="111122223333", region="eu-west-1"))


def the_replica(stack: Stack) -> dict[str, Any]:
    (replica,) = Template.from_stack(stack).find_resources("AWS::KMS::ReplicaKey").values()
    return dict(replica)


def test_is_a_retained_replica_whose_primary_is_deployed_first(near: Stack, far: Stack) -> None:
    primary = EncryptionKey(near, "Key", multi_region=True)
    ReplicaKey(far, "Key", primary=primary)
    replica = the_replica(far)
    assert set(replica["Properties"]) == {"Description", "KeyPolicy", "PrimaryKeyArn"}
    asked = replica["Properties"]["PrimaryKeyArn"]["Fn::GetStackOutput"]
    assert (asked["StackName"], asked["Region"]) == ("Near", "us-east-1")
    output = Template.from_stack(near).to_json()["Outputs"][asked["OutputName"]]
    assert output == {"Value": {"Fn::GetAtt": [near.get_logical_id(primary.node.default_child), "Arn"]}}  # type: ignore[arg-type]
    assert far.dependencies == [near]
    assert replica["DeletionPolicy"] == replica["UpdateReplacePolicy"] == "Retain"
    assert Template.from_stack(near).find_resources("AWS::Lambda::Function") == {}


def test_primary_is_a_multi_region_key_by_argument(stack: Stack) -> None:
    EncryptionKey(stack, "Usual")
    EncryptionKey(stack, "Replicable", multi_region=True)
    keys = Template.from_stack(stack).find_resources("AWS::KMS::Key").values()
    assert sorted(key["Properties"].get("MultiRegion", False) for key in keys) == [False, True]


def test_multi_region_is_yes_or_no() -> None:
    values = (None, "yes", 1)
    refused = refusals(lambda stack, bad: EncryptionKey(stack, "Key", **bad), "multi_region", values)
    assert len(list(refused)) == len(values)


def test_admits_services_to_itself_and_not_to_its_primary(near: Stack, far: Stack) -> None:
    replica = ReplicaKey(far, "Key", primary=EncryptionKey(near, "Key", multi_region=True), alias="models")
    admit_service(far, replica, "sns.amazonaws.com", "kms:Decrypt")
    statements = the_replica(far)["Properties"]["KeyPolicy"]["Statement"]
    assert [each["Principal"] for each in statements[1:]] == [{"Service": "sns.amazonaws.com"}]
    (alias,) = Template.from_stack(far).find_resources("AWS::KMS::Alias").values()
    assert alias["Properties"]["AliasName"] == "alias/models"
    (key,) = Template.from_stack(near).find_resources("AWS::KMS::Key").values()
    assert len(key["Properties"]["KeyPolicy"]["Statement"]) == 1


def test_primary_may_be_imported(far: Stack) -> None:
    primary = kms.Key.from_key_arn(far, "Primary", PRIMARY)
    ReplicaKey(far, "Key", primary=primary, removal_policy=RemovalPolicy.DESTROY)
    assert the_replica(far)["Properties"]["PrimaryKeyArn"] == PRIMARY
    assert the_replica(far)["DeletionPolicy"] == "Delete"


def test_primary_may_be_a_token(stack: Stack) -> None:
    arn = CfnParameter(stack, "PrimaryArn").value_as_string
    ReplicaKey(stack, "Key", primary=kms.Key.from_key_arn(stack, "Primary", arn))
    assert the_replica(stack)["Properties"]["PrimaryKeyArn"] == {"Ref": "PrimaryArn"}


def test_fails_for_a_primary_of_its_own_region(near: Stack) -> None:
    primary = EncryptionKey(near, "Primary", multi_region=True)
    with pytest.raises(ValueError, match="primary must be in another region than its replica, got one in us-east-1"):
        ReplicaKey(near, "Key", primary=primary)


def test_fails_for_a_primary_that_cannot_be_replicated(near: Stack, far: Stack) -> None:
    usual = EncryptionKey(near, "Usual")
    with pytest.raises(ValueError, match="primary must be a key made with multi_region=True, got 'Near/Usual'"):
        ReplicaKey(far, "Key", primary=usual)
    imported = kms.Key.from_key_arn(far, "Imported", PRIMARY.replace("mrk-", ""))
    with pytest.raises(ValueError, match="primary must be the ARN of a multi-Region key"):
        ReplicaKey(far, "Replica", primary=imported)


def test_fails_for_a_replica_of_a_replica(app: App, near: Stack, far: Stack) -> None:
    replica = ReplicaKey(far, "Key", primary=EncryptionKey(near, "Key", multi_region=True))
    third = Stack(app, "Third", env=Environment(account="111122223333", region="eu-central-1"))
    with pytest.raises(ValueError, match="primary must be a key made with multi_region=True"):
        ReplicaKey(third, "Key", primary=replica)


def test_fails_for_a_primary_of_another_app(far: Stack) -> None:
    other = Stack(App(), "Other", env=Environment(account="111122223333", region="us-east-1"))
    with pytest.raises(ValueError, match="primary must be of the app of what uses it"):
        ReplicaKey(far, "Key", primary=EncryptionKey(other, "Key", multi_region=True))


def test_fails_for_a_primary_in_a_nested_stack(near: Stack, far: Stack) -> None:
    primary = EncryptionKey(NestedStack(near, "Nested"), "Key", multi_region=True)
    with pytest.raises(ValueError, match="Near/Nested/Key must not be in a nested stack, whose name no other region"):
        ReplicaKey(far, "Key", primary=primary)


def test_refuses_what_is_no_key() -> None:
    said = [text for _, text in refusals(lambda stack, bad: ReplicaKey(stack, "K", **bad), "primary", (None, "x", 5))]
    assert len(said) == 3


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, near: Stack, far: Stack, checks: type[Any]) -> None:
    ReplicaKey(far, "Key", primary=EncryptionKey(near, "Key", multi_region=True), alias="key")
    assert checks(app).validate_scope(far).violations == []
