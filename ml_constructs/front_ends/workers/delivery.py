"""A Firehose delivery stream that gathers results into large objects."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from aws_cdk import Duration, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_seconds, check_type, check_whole, is_token
from ml_constructs._environment import check_region, environment_of
from ml_constructs._sizes import mebibytes
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._alarms import FrontEndAlarms
from ml_constructs.front_ends._logs import log_group
from ml_constructs.front_ends._results import PREFIX, check_prefix
from ml_constructs.permissions import NAMED_LATER, Permission, allow, use_key

# https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
BUFFER_SECONDS: Final = (0, 900)
BUFFER_MIB: Final = (1, 128)

_SERVICE: Final = "firehose.amazonaws.com"
_ERRORS: Final = "undelivered"
_BUFFER_SECONDS: Final = 60
_BUFFER_MIB: Final = 16
_LATE_SECONDS: Final = 900
_STREAM_KEY: Final = "CUSTOMER_MANAGED_CMK"


class FirehoseDelivery(Construct):
    """A delivery stream to a bucket: JSON lines, gathered by time and size, compressed and encrypted.

    Firehose delivers at least once, and tries for 24 hours if the bucket refuses; an alarm fires long before. Give it
    to a `StreamFrontEnd` as its `results`.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        bucket: Receives `<prefix>/YYYY/MM/DD/HH/<name>.jsonl.gz`, and what could not be delivered below `undelivered/`.
        prefix: The beginning of the keys. Default: results.
        buffer_interval: How long results are gathered, 0 to 900 whole seconds. Default: 60 seconds.
        buffer_size: Up to which size, 1 to 128 whole MiB. Default: 16 MiB.
        alarm_topic: Where the alarm on delays goes. Its owner lets CloudWatch publish to it. Default: a new encrypted
            topic.
        encryption_key: Encrypts the delivery stream, its log and the new topic. Default: a new `EncryptionKey`.
        log_retention: How long the log of errors is kept. Default: one year.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/firehose/latest/dev/create-destination.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        prefix: str = PREFIX,
        buffer_interval: Duration | None = None,
        buffer_size: Size | None = None,
        alarm_topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        check_given(bucket=bucket)
        check_type((Size, NoneType), buffer_size=buffer_size)
        check_offers("bucket_arn", "a bucket", bucket=bucket)
        check_offers("topic_arn", "an SNS topic", alarm_topic=alarm_topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_prefix(prefix, "prefix")
        check_seconds("buffer_interval", buffer_interval, *BUFFER_SECONDS)
        buffer_size = Size.mebibytes(_BUFFER_MIB) if buffer_size is None else buffer_size
        check_whole("buffer_size", mebibytes("buffer_size", buffer_size), *BUFFER_MIB, "MiB")
        check_region(scope, encryption_key=encryption_key, alarm_topic=alarm_topic)
        check_region(scope, bucket=bucket if isinstance(bucket, s3.Bucket) else None)
        super().__init__(scope, construct_id)
        self.bucket: Final = bucket
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        interval = Duration.seconds(_BUFFER_SECONDS) if buffer_interval is None else buffer_interval
        self.log_group: Final = log_group(self, "Logs", self.encryption_key, log_retention)
        log_stream = logs.LogStream(self, "LogStream", log_group=self.log_group)
        self.role: Final = iam.Role(
            self,
            "Role",
            # https://docs.aws.amazon.com/firehose/latest/dev/cross-service-confused-deputy-prevention.html
            assumed_by=iam.ServicePrincipal(
                _SERVICE, conditions={"StringEquals": {"aws:SourceAccount": environment_of(self).account}}
            ),
            description="Delivers results to one bucket",
        )
        policy = allow(self, "Policy", self.role, self._permissions(prefix, log_stream))
        kinds = firehose.CfnDeliveryStream
        stream = kinds(
            self,
            "Resource",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=kinds.DeliveryStreamEncryptionConfigurationInputProperty(
                key_type=_STREAM_KEY, key_arn=self.encryption_key.key_arn
            ),
            extended_s3_destination_configuration=kinds.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket.bucket_arn,
                role_arn=self.role.role_arn,
                prefix=f"{prefix}/",
                error_output_prefix=f"{_ERRORS}/!{{firehose:error-output-type}}/",
                buffering_hints=kinds.BufferingHintsProperty(
                    interval_in_seconds=interval.to_seconds(), size_in_m_bs=buffer_size.to_mebibytes()
                ),
                compression_format="GZIP",
                file_extension=".jsonl.gz",
                encryption_configuration=None
                if bucket.encryption_key is None
                else kinds.EncryptionConfigurationProperty(
                    kms_encryption_config=kinds.KMSEncryptionConfigProperty(
                        awskms_key_arn=bucket.encryption_key.key_arn
                    )
                ),
                cloud_watch_logging_options=kinds.CloudWatchLoggingOptionsProperty(
                    enabled=True,
                    log_group_name=self.log_group.log_group_name,
                    log_stream_name=log_stream.log_stream_name,
                ),
            ),
        )
        stream.node.add_dependency(policy)  # without which nothing is delivered
        self.delivery_stream: Final = stream
        alarms = FrontEndAlarms(self, "Alarms", topic=alarm_topic, encryption_key=self.encryption_key)
        late = _LATE_SECONDS + (BUFFER_SECONDS[1] if is_token(interval) else interval.to_seconds())
        alarms.on_more_than(
            "Late",
            self.metric_data_freshness(period=Duration.minutes(1)),
            late,
            "results wait too long for their delivery",
        )
        self.alarm_topic: Final = alarms.topic

    @property
    def delivery_stream_name(self) -> str:
        """The name of the delivery stream."""
        return self.delivery_stream.ref

    @property
    def delivery_stream_arn(self) -> str:
        """The ARN of the delivery stream."""
        return self.delivery_stream.attr_arn

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the delivery stream, under its official name.

        See https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
        """
        return cloudwatch.Metric(
            namespace="AWS/Firehose",
            metric_name=metric_name,
            dimensions_map={"DeliveryStreamName": self.delivery_stream_name},
            **options,
        )

    def metric_data_freshness(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Age of the oldest result that is not delivered, in seconds. Statistic: Maximum."""
        return self.metric("DeliveryToS3.DataFreshness", **{"statistic": "Maximum", **options})

    def metric_delivered_records(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Results that were delivered. Statistic: Sum."""
        return self.metric("DeliveryToS3.Records", **{"statistic": "Sum", **options})

    def _permissions(self, prefix: str, log_stream: logs.LogStream) -> list[Permission]:
        """https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3."""
        bucket = self.bucket.bucket_arn
        return [
            Permission(
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[f"{bucket}/{each}/*" for each in (prefix, _ERRORS)],
                wildcard=NAMED_LATER,
            ),
            Permission(
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], resources=[bucket]
            ),
            *use_key(self, self.bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
            Permission(
                actions=["logs:PutLogEvents"],
                resources=[
                    environment_of(self).arn(
                        "logs", f"log-group:{self.log_group.log_group_name}:log-stream:{log_stream.log_stream_name}"
                    )
                ],
            ),
        ]
