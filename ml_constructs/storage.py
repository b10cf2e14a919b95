"""Hardened S3 buckets: model artefacts, captured traffic, and the logs about both.

All of them: public access blocked, object ownership enforced, TLS 1.2 or later required, encrypted, versioned, retained
when their stack is deleted, unfinished uploads removed after a week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._checks import check_days, check_given, check_offers, check_type
from ml_constructs._environment import check_region

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html takes positive 32-bit integers.
EXPIRY_DAYS: Final = (1, 2_147_483_647)

_ABORT_UPLOADS: Final = 7  # days
_MINIMUM_TLS: Final = 1.2

# Reviewed once, here; every bucket of the library gives the same reasons.
_NOT_KEPT_TWICE: Final = (
    "Copies in another region or account, and locks that nobody can lift, are for the owner of the data to decide; "
    "versions protect against deletion."
)
_RECEIVES_LOGS: Final = (
    "This bucket receives access logs: S3 delivers them to no bucket that a customer-managed key encrypts, and logging "
    "the access to it would feed it without end."
)
# By the name of a rule, the packs of cdk-nag that have it.
_KEPT_TWICE: Final = {
    "S3BucketReplicationEnabled": ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321"),
    "S3BucketDefaultLockEnabled": ("NIST.800.53.R4",),
}
_LOGGED: Final = {
    "S1": ("AwsSolutions",),
    "S3BucketLoggingEnabled": ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321"),
    "S3DefaultEncryptionKMS": ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"),
}


class LogBucket(s3.Bucket):
    """Receives S3 server access logs, and other services' log files.

    Encrypted with keys that S3 manages, because S3 log delivery cannot write to a bucket encrypted with a
    customer-managed key: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-server-access-logging.html

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        expire_after: When logs are deleted, in whole days. Default: 400 days.
        removal_policy: What happens on deletion. Default: RETAIN.

    Raises:
        ValueError: `expire_after` is not a positive whole number of days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expire_after: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        current = _days("expire_after", expire_after, default=400)
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            **_hardened(removal_policy, current=current, replaced=Duration.days(30)),
        )
        _keep_policy(self, removal_policy)
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        _acknowledge(self, _NOT_KEPT_TWICE, _KEPT_TWICE)
        _acknowledge(self, _RECEIVES_LOGS, _LOGGED)


class ArtifactBucket(s3.Bucket):
    """Holds model artefacts; every version stays readable, so that an endpoint can always be rolled back.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        encryption_key: Encrypts the objects, with an S3 bucket key.
        access_logs: Receives the server access logs. Default: no access logs.
        expire_replaced_after: When a replaced version is deleted, in whole days. Default: 365 days.
        removal_policy: What happens on deletion. Default: RETAIN.

    Raises:
        ValueError: `expire_replaced_after` is not a positive whole number of days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey,
        access_logs: s3.IBucket | None = None,
        expire_replaced_after: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        _check_companions(scope, encryption_key, access_logs)
        replaced = _days("expire_replaced_after", expire_replaced_after, default=365)
        super().__init__(scope, construct_id, **_encrypted(encryption_key, removal_policy, replaced=replaced))
        _complete(self, access_logs, removal_policy)


class CaptureBucket(s3.Bucket):
    """Holds requests and responses that an endpoint captured: production data, so kept for a limited time.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        encryption_key: Encrypts the objects, with an S3 bucket key.
        access_logs: Receives the server access logs. Default: no access logs.
        expire_after: When captured data is deleted, in whole days. Default: 90 days.
        removal_policy: What happens on deletion. Default: RETAIN.

    Raises:
        ValueError: `expire_after` is not a positive whole number of days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey,
        access_logs: s3.IBucket | None = None,
        expire_after: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        _check_companions(scope, encryption_key, access_logs)
        current = _days("expire_after", expire_after, default=90)
        super().__init__(
            scope,
            construct_id,
            **_encrypted(encryption_key, removal_policy, current=current, replaced=Duration.days(7)),
        )
        _complete(self, access_logs, removal_policy)


class TrailBucket(s3.Bucket):
    """Holds the log files of a CloudTrail trail; a deleted file stays readable for as long again.

    Encrypted with the key of the trail, without an S3 bucket key, for which CloudTrail would need to decrypt, see
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        encryption_key: Encrypts the objects.
        access_logs: Receives the server access logs. Default: no access logs.
        expire_after: When log files are deleted, in whole days. Default: 400 days.
        removal_policy: What happens on deletion. Default: RETAIN.

    Raises:
        ValueError: `expire_after` is not a positive whole number of days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey,
        access_logs: s3.IBucket | None = None,
        expire_after: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        _check_companions(scope, encryption_key, access_logs)
        kept = _days("expire_after", expire_after, default=400)
        super().__init__(
            scope,
            construct_id,
            **_encrypted(encryption_key, removal_policy, current=kept, replaced=kept, bucket_key=False),
        )
        _complete(self, access_logs, removal_policy)


def _check_companions(scope: Construct, encryption_key: kms.IKey, access_logs: s3.IBucket | None) -> None:
    check_offers("bucket_name", "a bucket", access_logs=access_logs)
    check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
    check_given(encryption_key=encryption_key)
    # A bucket that was imported by its name may be anywhere.
    owned = access_logs if isinstance(access_logs, s3.Bucket) else None
    check_region(scope, encryption_key=encryption_key, access_logs=owned)


def _days(argument: str, value: Duration | None, *, default: int) -> Duration:
    check_days(argument, value, *EXPIRY_DAYS)
    return Duration.days(default) if value is None else value


def _hardened(removal_policy: RemovalPolicy, *, replaced: Duration, current: Duration | None = None) -> dict[str, Any]:
    check_type(RemovalPolicy, removal_policy=removal_policy)
    return {
        "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
        "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        "enforce_ssl": True,
        "minimum_tls_version": _MINIMUM_TLS,
        "versioned": True,
        "removal_policy": removal_policy,
        "lifecycle_rules": [
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(_ABORT_UPLOADS),
                expiration=current,
                noncurrent_version_expiration=replaced,
            )
        ],
    }


def _encrypted(
    key: kms.IKey,
    removal_policy: RemovalPolicy,
    *,
    replaced: Duration,
    current: Duration | None = None,
    bucket_key: bool = True,
) -> dict[str, Any]:
    return {
        **_hardened(removal_policy, replaced=replaced, current=current),
        "encryption": s3.BucketEncryption.KMS,
        "encryption_key": key,
        "bucket_key_enabled": bucket_key,
    }


def _complete(bucket: s3.Bucket, access_logs: s3.IBucket | None, removal_policy: RemovalPolicy) -> None:
    """What follows the creation of every encrypted bucket."""
    _keep_policy(bucket, removal_policy)
    _acknowledge(bucket, _NOT_KEPT_TWICE, _KEPT_TWICE)
    _deliver_access_logs(bucket, access_logs)


def _keep_policy(bucket: s3.Bucket, removal_policy: RemovalPolicy) -> None:
    """Let the policy stay as long as its bucket: without it, a retained bucket would be read without TLS."""
    if bucket.policy is not None:
        bucket.policy.apply_removal_policy(removal_policy)


def _acknowledge(bucket: s3.Bucket, reason: str, rules: Mapping[str, Sequence[str]]) -> None:
    accepted = (f"{pack}-{rule}" for rule, packs in rules.items() for pack in packs)
    Validations.of(bucket).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in accepted))


def _deliver_access_logs(bucket: s3.Bucket, access_logs: s3.IBucket | None) -> None:
    """Set on the L1: without a feature flag, the L2 grants delivery by an ACL, which enforced ownership forbids."""
    if access_logs is None:
        return
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows the type of an L2's own child
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=access_logs.bucket_name, log_file_prefix=f"{bucket.node.id}/"
    )
