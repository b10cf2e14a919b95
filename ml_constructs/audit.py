"""Who did what: a CloudTrail trail over all regions, and over the objects that hold models and captured traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration, Names, RemovalPolicy, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._checks import check_days, check_each, check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_region
from ml_constructs.encryption import EncryptionKey, admit_generated_log_groups
from ml_constructs.storage import EXPIRY_DAYS, LogBucket, TrailBucket

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
MAX_SELECTED: Final = 500  # values in the conditions of all selectors of a trail
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
_NAME: Final = r"(?=.{3,128}$)(?!(\d+\.){3}\d+$)[A-Za-z0-9]+([._-][A-Za-z0-9]+)*"
_NAME_LENGTH: Final = 128

_SERVICE: Final = "cloudtrail.amazonaws.com"


class AuditTrail(Construct):
    """A trail over all regions: encrypted, validated, delivered to S3 and to CloudWatch Logs.

    CloudTrail records the management of SageMaker (`CreateModel`, `UpdateEndpoint`, ...) by default. Which model was
    read or replaced, and who read captured traffic, are data events: name the buckets. Of an endpoint's calls, AWS
    documents `InvokeEndpointWithResponseStream` only; access logs and data capture record `InvokeEndpoint`.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        encryption_key: Encrypts log files and the log group. Default: a new `EncryptionKey`.
        data_buckets: Buckets whose objects are watched: every read and write of an object is an event.
        data_endpoints: ARNs of SageMaker endpoints whose streamed invocations are events.
        management_events: Whether to record the management of all services. Default: True. Pass False where another
            trail of the account does, because AWS charges for the second copy.
        insights: Which unusual activity CloudTrail reports. Default: none, because AWS charges per event analysed.
        bucket: An existing bucket to deliver to; one that was imported must admit CloudTrail already. Default: a new
            `TrailBucket`.
        access_logs: Receives the access logs of a new bucket. Default: a new `LogBucket`.
        expire_after: When the log files of a new bucket are deleted, in whole days. Default: 400 days.
        log_retention: How long CloudWatch Logs keeps events. Default: one year.
        trail_name: 3 to 128 letters, digits, and single periods, underscores or dashes between them. Default: derived
            from the construct's path. A literal, because policies of key and bucket name the trail before it exists.
        removal_policy: What happens to log group, new buckets and a new key on deletion. Default: RETAIN.

    Raises:
        ValueError: `trail_name` or `expire_after` is out of range; there is nothing to record, or more than 500 values;
            `bucket` is watched itself; an argument of a new bucket comes with `bucket`.

    See https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey | None = None,
        data_buckets: Sequence[s3.IBucket] = (),
        data_endpoints: Sequence[str] = (),
        management_events: bool = True,
        insights: Sequence[cloudtrail.InsightType] = (),
        bucket: s3.IBucket | None = None,
        access_logs: s3.IBucket | None = None,
        expire_after: Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        trail_name: str | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_offers("bucket_name", "a bucket", bucket=bucket, access_logs=access_logs)
        check_region(scope, encryption_key=None if bucket is not None else encryption_key)
        check_each("buckets", "bucket_arn", data_buckets=data_buckets)
        check_each("ARNs of endpoints", str, data_endpoints=data_endpoints)
        for arn in data_endpoints:
            check_pattern("data_endpoints", arn, r"arn:[^:]+:sagemaker:[^:]+:\d{12}:endpoint/.+", "ARNs of endpoints")
        check_each("insights", cloudtrail.InsightType, insights=insights)
        check_type(bool, management_events=management_events)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        if is_token(trail_name):
            raise ValueError("trail_name must be known at synth, because policies name the trail before it exists")
        check_pattern(
            "trail_name",
            trail_name,
            _NAME,
            f"3 to {_NAME_LENGTH} letters, digits, and single periods, underscores or dashes between them, and no IP "
            "address",
        )
        check_days("expire_after", expire_after, *EXPIRY_DAYS)
        _check_destination(bucket, data_buckets, access_logs=access_logs, expire_after=expire_after)
        selectors = _selectors(data_buckets, data_endpoints, management_events=management_events)

        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self._trail_name = (
            Names.unique_resource_name(self, max_length=_NAME_LENGTH, separator="-")
            if trail_name is None
            else trail_name
        )
        self._trail_arn = stack.format_arn(service="cloudtrail", resource="trail", resource_name=self._trail_name)
        key = EncryptionKey(self, "Key", removal_policy=removal_policy) if encryption_key is None else encryption_key
        self._admit_trail_to(key)
        if bucket is None:
            bucket = TrailBucket(
                self,
                "Bucket",
                encryption_key=key,
                access_logs=(
                    LogBucket(self, "AccessLogs", removal_policy=removal_policy) if access_logs is None else access_logs
                ),
                expire_after=expire_after,
                removal_policy=removal_policy,
            )
        self._bucket = bucket
        admit_generated_log_groups(self, key)
        self._log_group = logs.LogGroup(
            self, "LogGroup", encryption_key=key, retention=log_retention, removal_policy=removal_policy
        )
        # The role's trust has no condition, because CloudTrail sends neither aws:SourceArn nor aws:SourceAccount here:
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
        role = iam.Role(
            self,
            "LogRole",
            assumed_by=iam.ServicePrincipal(_SERVICE),
            description="Delivers the events of a trail to CloudWatch Logs",
        )
        policy = iam.ManagedPolicy(
            self,
            "LogPolicy",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self._log_group.log_group_arn]
                )
            ],
        )
        # The L1, because the L2 grants by inline policies and knows no advanced selectors.
        trail = cloudtrail.CfnTrail(
            self,
            "Resource",
            trail_name=self._trail_name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            s3_bucket_name=bucket.bucket_name,
            kms_key_id=key.key_arn,
            cloud_watch_logs_log_group_arn=self._log_group.log_group_arn,
            cloud_watch_logs_role_arn=role.role_arn,
            advanced_event_selectors=selectors,
            insight_selectors=[
                cloudtrail.CfnTrail.InsightSelectorProperty(insight_type=insight.value) for insight in insights
            ]
            or None,
        )
        trail.node.add_dependency(policy)
        for admitted in self._admit_trail_to_bucket():
            trail.node.add_dependency(admitted)

    @property
    def trail_name(self) -> str:
        """The literal name of the trail."""
        return self._trail_name

    @property
    def trail_arn(self) -> str:
        """The ARN of the trail, known before the trail exists."""
        return self._trail_arn

    @property
    def bucket(self) -> s3.IBucket:
        """Where the log files are."""
        return self._bucket

    @property
    def log_group(self) -> logs.ILogGroup:
        """Where the events are, for metric filters and queries."""
        return self._log_group

    def _admit_trail_to(self, key: kms.IKey) -> None:
        """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html .

        Exactly its conditions: AWS documents no `aws:SourceAccount` here, and the ARN of the trail holds the account.
        """
        this_trail = {"StringEquals": {"aws:SourceArn": self._trail_arn}}
        trails = Stack.of(self).format_arn(service="cloudtrail", region="*", resource="trail", resource_name="*")
        context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
        for action, conditions in (
            ("kms:GenerateDataKey*", {**this_trail, **context}),
            ("kms:DescribeKey", this_trail),
        ):
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(_SERVICE)],
                    actions=[action],
                    resources=["*"],  # in a key policy: this key
                    conditions=conditions,
                )
            )

    def _admit_trail_to_bucket(self) -> list[Construct]:
        """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html ."""
        account = Stack.of(self).account
        results = [
            self._bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(_SERVICE)],
                    actions=[action],
                    resources=[resource],
                    conditions={"StringEquals": {"aws:SourceArn": self._trail_arn, **conditions}},
                )
            )
            for action, resource, conditions in (
                ("s3:GetBucketAcl", self._bucket.bucket_arn, {}),
                (
                    "s3:PutObject",
                    self._bucket.arn_for_objects(f"AWSLogs/{account}/*"),
                    {"s3:x-amz-acl": "bucket-owner-full-control"},
                ),
            )
        ]
        policy = self._bucket.policy
        return [policy] if policy is not None and all(result.statement_added for result in results) else []


def _check_destination(bucket: s3.IBucket | None, data_buckets: Sequence[s3.IBucket], **new: object) -> None:
    if bucket is None:
        return
    for argument, value in new.items():
        if value is not None:
            raise ValueError(f"{argument} must not be given with bucket, whose owner decides it, got {value!r}")
    if any(watched is bucket for watched in data_buckets):
        raise ValueError(
            f"data_buckets must not contain bucket, because each delivery would be an event, got {bucket.node.path}"
        )


def _selectors(
    data_buckets: Sequence[s3.IBucket], data_endpoints: Sequence[str], *, management_events: bool
) -> list[cloudtrail.CfnTrail.AdvancedEventSelectorProperty]:
    field = cloudtrail.CfnTrail.AdvancedFieldSelectorProperty
    selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty
    data = field(field="eventCategory", equal_to=["Data"])
    selectors = []
    if management_events:
        management = field(field="eventCategory", equal_to=["Management"])
        selectors.append(selector(name="Management events", field_selectors=[management]))
    if data_buckets:
        objects = [
            data,
            field(field="resources.type", equal_to=["AWS::S3::Object"]),
            field(field="resources.ARN", starts_with=[f"{bucket.bucket_arn}/" for bucket in data_buckets]),
        ]
        selectors.append(selector(name="Objects of buckets", field_selectors=objects))
    if data_endpoints:
        endpoints = [
            data,
            field(field="resources.type", equal_to=["AWS::SageMaker::Endpoint"]),
            field(field="resources.ARN", equal_to=list(data_endpoints)),
        ]
        selectors.append(selector(name="Streamed invocations", field_selectors=endpoints))
    if not selectors:
        raise ValueError("management_events must be True without data_buckets and data_endpoints, got False")
    fixed = 2 * (bool(data_buckets) + bool(data_endpoints)) + management_events
    values = fixed + len(data_buckets) + len(data_endpoints)
    if values > MAX_SELECTED:
        raise ValueError(
            f"data_buckets and data_endpoints must have between 0 and {MAX_SELECTED - fixed} members together, "
            f"got {values - fixed}"
        )
    return selectors
