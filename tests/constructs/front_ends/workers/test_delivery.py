from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Size, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends.workers.delivery import FirehoseDelivery
from tests.constructs.builders import number, text
from tests.constructs.front_ends.helpers import (
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
)
from tests.constructs.front_ends.workers.consumers import a_bucket, alarms_of, allowed, services_of_key

KIND = "AWS::KinesisFirehose::DeliveryStream"


def build(stack: Stack, **arguments: Any) -> FirehoseDelivery:  # noqa: ANN401 - arguments of the construct
    if "bucket" not in arguments:
        arguments["bucket"] = a_bucket(stack)
    return FirehoseDelivery(stack, "Delivery", **arguments)


def properties_of(stack: Stack) -> dict[str, Any]:
    properties: dict[str, Any] = one(stack, KIND)["Properties"]
    return properties


def test_gathers_compressed_lines_below_a_prefix(stack: Stack) -> None:
    delivery = build(stack)
    properties = properties_of(stack)
    assert properties["DeliveryStreamType"] == "DirectPut"
    destination = properties["ExtendedS3DestinationConfiguration"]
    assert destination["BucketARN"] == stack.resolve(delivery.bucket.bucket_arn)
    assert (destination["Prefix"], destination["ErrorOutputPrefix"]) == (
        "results/",
        "undelivered/!{firehose:error-output-type}/",
    )
    assert destination["BufferingHints"] == {"IntervalInSeconds": 60, "SizeInMBs": 16}
    assert (destination["CompressionFormat"], destination["FileExtension"]) == ("GZIP", ".jsonl.gz")


def test_everything_is_encrypted(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    bucket = a_bucket(stack)
    build(stack, encryption_key=key, bucket=bucket)
    properties = properties_of(stack)
    assert properties["DeliveryStreamEncryptionConfigurationInput"] == {
        "KeyARN": stack.resolve(key.key_arn),
        "KeyType": "CUSTOMER_MANAGED_CMK",
    }
    assert bucket.encryption_key is not None
    encryption = properties["ExtendedS3DestinationConfiguration"]["EncryptionConfiguration"]
    assert encryption == {"KMSEncryptionConfig": {"AWSKMSKeyARN": stack.resolve(bucket.encryption_key.key_arn)}}
    assert one(stack, "AWS::Logs::LogGroup")["Properties"]["KmsKeyId"] == stack.resolve(key.key_arn)


def test_an_imported_bucket_encrypts_by_its_own_default(stack: Stack) -> None:
    build(stack, bucket=s3.Bucket.from_bucket_name(stack, "Imported", text(stack)))
    assert "EncryptionConfiguration" not in properties_of(stack)["ExtendedS3DestinationConfiguration"]
    assert services_of_key(stack, "kms:GenerateDataKey", "DeliveryPolicy") == set()


def test_errors_are_logged(stack: Stack) -> None:
    delivery = build(stack)
    options = properties_of(stack)["ExtendedS3DestinationConfiguration"]["CloudWatchLoggingOptions"]
    assert (options["Enabled"], options["LogGroupName"]) == (True, stack.resolve(delivery.log_group.log_group_name))
    (log_stream,) = resources(stack, "AWS::Logs::LogStream")
    assert options["LogStreamName"] == {"Ref": log_stream}


def test_role_may_deliver_to_this_bucket_and_nothing_else(stack: Stack) -> None:
    delivery = build(stack, prefix="scores")
    may = allowed(stack, "DeliveryPolicy")
    assert set(may) == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutObject",
    }
    assert [each["Fn::Join"][1][-1] for each in may["s3:PutObject"]["Resource"]] == ["/scores/*", "/undelivered/*"]
    assert may["s3:ListBucket"]["Resource"] == stack.resolve(delivery.bucket.bucket_arn)
    (trust,) = one(stack, "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_role_has_its_permissions_before_anything_is_delivered(stack: Stack) -> None:
    build(stack)
    assert_acyclic(stack)
    (name,) = resources(stack, KIND)
    assert any(each.startswith("DeliveryPolicy") for each in depends_on(stack, name))


def test_alarm_on_what_is_not_delivered(stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    delivery = build(stack, alarm_topic=topic, buffer_interval=Duration.minutes(5))
    alarm = alarms_of(stack)["DeliveryToS3.DataFreshness"]
    assert (alarm["Threshold"], alarm["AlarmActions"]) == (300 + 900, [stack.resolve(topic.topic_arn)])
    assert delivery.alarm_topic is topic


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_data_freshness", "DeliveryToS3.DataFreshness", "Maximum"),
        ("metric_delivered_records", "DeliveryToS3.Records", "Sum"),
    ],
)
def test_metrics_have_their_official_names(stack: Stack, method: str, name: str, statistic: str) -> None:
    delivery = build(stack)
    metric = getattr(delivery, method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/Firehose", name, statistic)
    assert stack.resolve(metric.dimensions) == {
        "DeliveryStreamName": stack.resolve(delivery.delivery_stream_name),
    }


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("buffer_interval", Duration.seconds(901), r"buffer_interval must be between 0 and 900 whole seconds, got 901"),
        ("buffer_size", Size.kibibytes(512), r"buffer_size must be between 1 and 128 MiB, got 0.5"),
        ("buffer_size", Size.mebibytes(129), r"buffer_size must be between 1 and 128 MiB, got 129"),
        ("prefix", "!{timestamp:yyyy}", r"prefix must be a key prefix"),
    ],
)
def test_refuses(stack: Stack, argument: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(stack, **{argument: value})
    assert stack.node.try_find_child("Delivery") is None


@pytest.mark.parametrize(("interval", "size"), [(0, 1), (900, 128)])
def test_accepts_at_its_limits(stack: Stack, interval: int, size: int) -> None:
    build(stack, buffer_interval=Duration.seconds(interval), buffer_size=Size.mebibytes(size))
    hints = properties_of(stack)["ExtendedS3DestinationConfiguration"]["BufferingHints"]
    assert hints == {"IntervalInSeconds": interval, "SizeInMBs": size}


def test_arguments_may_be_tokens(stack: Stack) -> None:
    build(
        stack,
        buffer_interval=Duration.seconds(number(stack, "Interval")),
        buffer_size=Size.mebibytes(number(stack, "Size")),
        prefix=text(stack, "Prefix"),
    )
    hints = properties_of(stack)["ExtendedS3DestinationConfiguration"]["BufferingHints"]
    assert hints == {"IntervalInSeconds": {"Ref": "Interval"}, "SizeInMBs": {"Ref": "Size"}}
    assert alarms_of(stack)["DeliveryToS3.DataFreshness"]["Threshold"] == 1800


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    build(stack)
    assert literal_partitions(stack).count("arn:aws:") == 0


def test_policy_review_finds_nothing(stack: Stack) -> None:
    build(stack)
    assert literal_partitions(stack) == []
    assert findings(stack) == set()
