"""New objects of a bucket, copied by S3 to buckets of other regions, where models are to be served too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._checks import check_each, check_length, check_pattern, check_type, is_token
from ml_constructs._environment import check_app, environment_of, from_elsewhere, region_of
from ml_constructs.permissions import NAMED_LATER, Permission, allow

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
MAX_DESTINATIONS: Final = 1000
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html: 15 is the only value
_MINUTES: Final = 15


class BucketReplication(Construct):
    """Copies each new version of a bucket's objects to buckets elsewhere, and re-encrypts it with their keys.

    What is deleted here stays there, and what was here before is not copied. SageMaker reads models in its own region
    alone.

    Args:
        scope: The parent construct, in the stack of `source`.
        construct_id: The id in `scope`.
        source: A versioned bucket of this stack that is not replicated yet.
        destinations: Versioned buckets that are encrypted with a KMS key, 1 to 1,000, of this account, as a rule in
            other regions. CloudFormation deploys their stacks first. An imported one needs its `encryption_key`.
        prefix: The beginning of the keys of the objects to copy. Default: all objects.
        time_control: Whether S3 promises to copy within 15 minutes, at a price for each GB. Default: True, since an
            endpoint whose model has not arrived cannot be deployed.

    Raises:
        ValueError: a bucket is not versioned, of another account or given twice, `source` is of another stack or
            replicated already, or a destination has no key.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: s3.Bucket,
        destinations: Sequence[s3.IBucket],
        prefix: str = "",
        time_control: bool = True,
    ) -> None:
        check_each("buckets", "bucket_name", destinations=destinations)
        check_length("destinations", destinations, 1, MAX_DESTINATIONS)
        check_type(str, prefix=prefix)
        check_pattern("prefix", prefix, r"(?s:.{0,1024})", "at most 1,024 characters")
        check_type(bool, time_control=time_control)
        resource = _replicable(scope, source)
        keys = [_key_of(scope, source, each) for each in destinations]
        if len({each.node.path for each in destinations}) < len(destinations):
            raise ValueError(f"destinations must differ, got {', '.join(each.node.path for each in destinations)}")
        super().__init__(scope, construct_id)
        self.source: Final = source
        self.destinations: Final = tuple(destinations)
        # S3 documents no condition for the trust in it. It acts on these buckets alone, which are this account's.
        self.role: Final = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("s3.amazonaws.com"),
            description=f"Copies the objects of {source.node.path}"[:1000],
        )
        allow(self, "Permissions", self.role, self._permissions(prefix, keys))
        resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
            role=self.role.role_arn,
            rules=[
                self._rule(index, prefix, key, time_control=time_control) for index, key in enumerate(keys, start=1)
            ],
        )

    def metric(self, metric_name: str, *, destination: s3.IBucket | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the copies to a destination, which must be named where there are several.

        See https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html
        """
        if destination is None and len(self.destinations) > 1:
            raise ValueError(f"destination must be one of {len(self.destinations)}, got None")
        chosen = self.destinations[0] if destination is None else destination
        if chosen not in self.destinations:
            raise ValueError("destination must be one of this replication, got another")
        index = self.destinations.index(chosen)
        return cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name=metric_name,
            dimensions_map={
                "SourceBucket": self.source.bucket_name,
                "DestinationBucket": _name(self, chosen),
                "RuleId": _rule_id(index + 1),
            },
            **options,
        )

    def metric_replication_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Seconds by which the destination is behind. Statistic: Maximum."""
        return self.metric("ReplicationLatency", **{"statistic": "Maximum", **options})

    def metric_operations_pending_replication(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Objects that wait to be copied. Statistic: Maximum."""
        return self.metric("OperationsPendingReplication", **{"statistic": "Maximum", **options})

    def metric_bytes_pending_replication(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Bytes that wait to be copied. Statistic: Maximum."""
        return self.metric("BytesPendingReplication", **{"statistic": "Maximum", **options})

    def metric_operations_failed_replication(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Objects that could not be copied, which S3 does not try again. Statistic: Sum over five minutes."""
        return self.metric(
            "OperationsFailedReplication", **{"statistic": "Sum", "period": Duration.minutes(5), **options}
        )

    def _permissions(self, prefix: str, keys: Sequence[kms.IKey]) -> list[Permission]:
        source = self.source.bucket_arn
        objects = f"{source}/{prefix}*"
        permissions = [
            Permission(actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=[source]),
            Permission(
                actions=[
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionTagging",
                ],
                resources=[objects],
                wildcard=NAMED_LATER,
            ),
        ]
        if self.source.encryption_key is not None:
            region = environment_of(self).region
            permissions.append(self._use(self.source.encryption_key.key_arn, region, source, objects, "kms:Decrypt"))
        for destination, key in zip(self.destinations, keys, strict=True):
            bucket = _arn(self, destination)
            copies = f"{bucket}/{prefix}*"
            permissions += [
                Permission(
                    actions=["s3:ReplicateObject", "s3:ReplicateTags"], resources=[copies], wildcard=NAMED_LATER
                ),
                # To decrypt proves a bucket key before its use; to generate serves objects that were not encrypted.
                self._use(
                    from_elsewhere(self, key, key.key_arn),
                    region_of(key),
                    bucket,
                    copies,
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:GenerateDataKey",
                ),
            ]
        return permissions

    def _use(self, key_arn: str, region: str, bucket: str, objects: str, *actions: str) -> Permission:
        return Permission(
            actions=actions,
            resources=[key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{region}.{environment_of(self).url_suffix}"},
                # The bucket's ARN where it uses an S3 bucket key, else the object's.
                "ArnLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, objects]},
            },
        )

    def _rule(
        self, index: int, prefix: str, key: kms.IKey, *, time_control: bool
    ) -> s3.CfnBucket.ReplicationRuleProperty:
        bucket, destination = s3.CfnBucket, self.destinations[index - 1]
        time = bucket.ReplicationTimeValueProperty(minutes=_MINUTES) if time_control else None
        return bucket.ReplicationRuleProperty(
            id=_rule_id(index),
            status="Enabled",
            priority=index,
            filter=bucket.ReplicationRuleFilterProperty(prefix=prefix),
            delete_marker_replication=bucket.DeleteMarkerReplicationProperty(status="Disabled"),
            source_selection_criteria=bucket.SourceSelectionCriteriaProperty(
                sse_kms_encrypted_objects=bucket.SseKmsEncryptedObjectsProperty(status="Enabled")
            ),
            destination=bucket.ReplicationDestinationProperty(
                bucket=_arn(self, destination),
                encryption_configuration=bucket.EncryptionConfigurationProperty(
                    replica_kms_key_id=from_elsewhere(self, key, key.key_arn)
                ),
                metrics=bucket.MetricsProperty(status="Enabled", event_threshold=time),
                replication_time=None if time is None else bucket.ReplicationTimeProperty(status="Enabled", time=time),
            ),
        )


def _arn(scope: Construct, bucket: s3.IBucket) -> str:
    """The ARN as the resource gives it: what aws-cdk itself says in another region needs a name from the user."""
    resource = bucket.node.default_child
    return from_elsewhere(scope, bucket, resource.attr_arn if isinstance(resource, s3.CfnBucket) else bucket.bucket_arn)


def _name(scope: Construct, bucket: s3.IBucket) -> str:
    resource = bucket.node.default_child
    return from_elsewhere(scope, bucket, resource.ref if isinstance(resource, s3.CfnBucket) else bucket.bucket_name)


def _rule_id(number: int) -> str:
    return f"replica-{number}"


def _replicable(scope: Construct, source: s3.Bucket) -> s3.CfnBucket:
    """The resource of a bucket that can be replicated."""
    check_type(s3.Bucket, source=source)
    check_app(scope, source=source)
    if Stack.of(source).node.path != Stack.of(scope).node.path:
        raise ValueError(f"source must be of the stack of its replication, got {source.node.path!r}")
    resource = source.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows the type of an L2's own child
    _check_versioned("source", source)
    if resource.replication_configuration is not None:
        raise ValueError(
            f"source must not be replicated already, name all destinations at once, got {source.node.path!r}"
        )
    return resource


def _key_of(scope: Construct, source: s3.Bucket, destination: s3.IBucket) -> kms.IKey:
    """The key of a bucket that objects can be copied to."""
    check_app(scope, destinations=destination)
    if destination.node.path == source.node.path:
        raise ValueError(f"destinations must not include the source, got {source.node.path!r}")
    here, there = environment_of(scope).account, str(destination.env.account)
    if here != there and not is_token(here) and not is_token(there):
        raise ValueError(f"destinations must be in the account of the source, {here}, got one in {there}")
    _check_versioned("destinations", destination)
    key = destination.encryption_key
    if key is None:
        raise ValueError(
            "destinations must be encrypted with a KMS key, which an import names as encryption_key, got "
            f"{destination.node.path!r} without"
        )
    return key


def _check_versioned(argument: str, bucket: s3.IBucket) -> None:
    """Raise `ValueError` if a bucket of this app keeps no versions; nothing is known of an imported one."""
    resource = bucket.node.default_child if isinstance(bucket, s3.Bucket) else None
    if isinstance(resource, s3.CfnBucket) and resource.versioning_configuration is None:
        raise ValueError(f"{argument} must be versioned, got {bucket.node.path!r}")
