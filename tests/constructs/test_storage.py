"""Every bucket is hardened alike, and differs only in what it keeps and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey
from ml_constructs.storage import ArtifactBucket, CaptureBucket, LogBucket, TrailBucket

ENCRYPTED: list[type[Any]] = [ArtifactBucket, CaptureBucket, TrailBucket]


def make(stack: Stack, kind: type[Any], **arguments: object) -> s3.Bucket:
    if kind is not LogBucket:
        arguments["encryption_key"] = EncryptionKey(stack, "Key")
    bucket = kind(stack, "Bucket", **arguments)
    assert isinstance(bucket, s3.Bucket)
    return bucket


def the_bucket(stack: Stack) -> dict[str, Any]:
    (bucket,) = Template.from_stack(stack).find_resources("AWS::S3::Bucket").values()
    return dict(bucket)


def lifecycle(stack: Stack) -> dict[str, Any]:
    (rule,) = the_bucket(stack)["Properties"]["LifecycleConfiguration"]["Rules"]
    return dict(rule)


def the_policy(stack: Stack) -> dict[str, Any]:
    (policy,) = Template.from_stack(stack).find_resources("AWS::S3::BucketPolicy").values()
    return dict(policy)


def statements(stack: Stack) -> list[dict[str, Any]]:
    return list(the_policy(stack)["Properties"]["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("kind", [LogBucket, *ENCRYPTED])
def test_is_hardened(stack: Stack, kind: type[Any]) -> None:
    make(stack, kind)
    bucket = the_bucket(stack)
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert lifecycle(stack)["Status"] == "Enabled"
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert lifecycle(stack)["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    denied = [statement["Condition"] for statement in statements(stack) if statement["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied
    assert "AccessControl" not in properties


@pytest.mark.parametrize("kind", [LogBucket, *ENCRYPTED])
def test_may_be_destroyed_by_argument(stack: Stack, kind: type[Any]) -> None:
    make(stack, kind, removal_policy=RemovalPolicy.DESTROY)
    assert the_bucket(stack)["DeletionPolicy"] == "Delete"
    assert the_policy(stack)["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize("kind", [LogBucket, *ENCRYPTED])
def test_stays_hardened_when_it_outlives_its_stack(stack: Stack, kind: type[Any]) -> None:
    make(stack, kind)
    assert the_policy(stack)["DeletionPolicy"] == the_policy(stack)["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(("kind", "bucket_key"), [(ArtifactBucket, True), (CaptureBucket, True), (TrailBucket, False)])
def test_is_encrypted_with_the_key(stack: Stack, kind: type[Any], bucket_key: bool) -> None:  # noqa: FBT001 - a parameter
    make(stack, kind)
    (rule,) = the_bucket(stack)["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (key,) = Template.from_stack(stack).find_resources("AWS::KMS::Key")
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": [key, "Arn"]}
    assert rule["BucketKeyEnabled"] is bucket_key


def test_log_bucket_uses_the_encryption_that_log_delivery_can_write(stack: Stack) -> None:
    make(stack, LogBucket)
    (rule,) = the_bucket(stack)["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_log_bucket_admits_log_delivery_of_this_account_only(stack: Stack) -> None:
    bucket = make(stack, LogBucket)
    (allowed,) = [statement for statement in statements(stack) if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allowed["Action"] == "s3:PutObject"
    assert allowed["Resource"] == stack.resolve(bucket.arn_for_objects("*"))
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_admits_nobody_by_itself(stack: Stack, kind: type[Any]) -> None:
    make(stack, kind)
    assert {statement["Effect"] for statement in statements(stack)} == {"Deny"}


@pytest.mark.parametrize(
    ("kind", "current", "replaced"),
    [(LogBucket, 400, 30), (ArtifactBucket, None, 365), (CaptureBucket, 90, 7), (TrailBucket, 400, 400)],
)
def test_keeps_for_a_default_time(stack: Stack, kind: type[Any], current: int | None, replaced: int) -> None:
    make(stack, kind)
    assert lifecycle(stack).get("ExpirationInDays") == current
    assert lifecycle(stack)["NoncurrentVersionExpiration"] == {"NoncurrentDays": replaced}


@pytest.mark.parametrize("kind", [LogBucket, CaptureBucket, TrailBucket])
@pytest.mark.parametrize("days", [1, 2_147_483_647])
def test_expiry_reaches_its_edges(stack: Stack, kind: type[Any], days: int) -> None:
    make(stack, kind, expire_after=Duration.days(days))
    assert lifecycle(stack)["ExpirationInDays"] == days


@pytest.mark.parametrize("kind", [LogBucket, CaptureBucket, TrailBucket])
@pytest.mark.parametrize("time", [Duration.days(0), Duration.hours(36), Duration.days(2_147_483_648)])
def test_rejects_an_expiry_beyond_its_edges(stack: Stack, kind: type[Any], time: Duration) -> None:
    with pytest.raises(ValueError, match=r"expire_after must be between 1 and 2,147,483,647 whole days, got"):
        make(stack, kind, expire_after=time)


def test_artifacts_keep_replaced_versions_for_a_given_time(stack: Stack) -> None:
    make(stack, ArtifactBucket, expire_replaced_after=Duration.days(1))
    assert lifecycle(stack)["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


@pytest.mark.parametrize("time", [Duration.days(0), Duration.hours(1)])
def test_artifacts_reject_a_time_beyond_its_edges(stack: Stack, time: Duration) -> None:
    with pytest.raises(ValueError, match="expire_replaced_after must be between 1 and"):
        make(stack, ArtifactBucket, expire_replaced_after=time)


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        (LogBucket, "expire_after"),
        (CaptureBucket, "expire_after"),
        (TrailBucket, "expire_after"),
        (ArtifactBucket, "expire_replaced_after"),
    ],
)
def test_times_may_be_tokens(stack: Stack, kind: type[Any], argument: str) -> None:
    days = CfnParameter(stack, "Days", type="Number").value_as_number
    make(stack, kind, **{argument: Duration.days(days)})
    rule = lifecycle(stack)
    assert {"Ref": "Days"} in (rule.get("ExpirationInDays"), rule["NoncurrentVersionExpiration"]["NoncurrentDays"])


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_delivers_access_logs_without_an_acl(stack: Stack, kind: type[Any]) -> None:
    logs = s3.Bucket.from_bucket_name(stack, "Logs", "logs")
    make(stack, kind, access_logs=logs)
    properties = the_bucket(stack)["Properties"]
    assert properties["LoggingConfiguration"] == {"DestinationBucketName": "logs", "LogFilePrefix": "Bucket/"}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_delivers_no_access_logs_by_default(stack: Stack, kind: type[Any]) -> None:
    make(stack, kind)
    assert "LoggingConfiguration" not in the_bucket(stack)["Properties"]


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, stack: Stack, checks: type[Any]) -> None:
    key = EncryptionKey(stack, "Key")
    logs = LogBucket(stack, "Logs")
    for kind in ENCRYPTED:
        kind(stack, kind.__name__, encryption_key=key, access_logs=logs)
    assert checks(app).validate_scope(stack).violations == []


def test_missing_access_logs_remain_a_finding(app: App, stack: Stack) -> None:
    make(stack, ArtifactBucket)
    names = {violation.rule_name for violation in AwsSolutionsChecks(app).validate_scope(stack).violations}
    assert any("S1" in name for name in names)
