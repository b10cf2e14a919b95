"""A stream in front of an endpoint: each record gets its result in the order of its shard, or a dead letter."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Acknowledgment, Annotations, Duration, Names, RemovalPolicy, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import check_offers, check_seconds, check_type, check_whole, is_token
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._alarms import FrontEndAlarms
from ml_constructs.front_ends._called import check_called
from ml_constructs.front_ends._queues import dead_letter_queue, sending
from ml_constructs.front_ends._results import (
    PREFIX,
    Results,
    check_prefix,
    in_bucket,
    is_bucket,
    of_known_region,
    reach,
    to_delivery_stream,
)
from ml_constructs.front_ends.functions._function import CONCURRENCY
from ml_constructs.front_ends.workers._consumer import Consumer
from ml_constructs.front_ends.workers.delivery import FirehoseDelivery
from ml_constructs.front_ends.workers.reading import StreamReading
from ml_constructs.front_ends.workers.worker import Worker
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import NAMED_LATER, Permission, grant, use_key

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html: an account's quota is the real limit
SHARDS: Final = (1, 2_147_483_647)
# https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
RETENTION_SECONDS: Final = (86_400, 31_536_000)
_HOUR: Final = 3600
# An alarm compares with a number of milliseconds that CloudWatch takes, up to the longest retention.
LAG_SECONDS: Final = (1, RETENTION_SECONDS[1])

_OWN_KEY: Final = (
    "The key that encrypts all else of this front end can be audited and revoked, which that of AWS cannot; its price "
    "grows with the number of producers."
)


class StreamFrontEnd(Construct):
    """A Kinesis data stream whose records a Lambda function sends to an endpoint, in the order of their shards.

    Results are stored up to the first record that has to be tried again, so that no attempt stores one twice. A record
    that no attempt can process becomes a dead letter with its cause, and the records behind it go on.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call; not an asynchronous one, which has a queue of its own.
        results: Where results go: a bucket, one object of JSON lines for each batch; or a `FirehoseDelivery` or another
            delivery stream, which gathers them. None stores none.
        results_prefix: The beginning of the results' keys in a bucket; the endpoint's name follows.
            Default: results.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        stream: The stream to read. Default: a new encrypted one.
        shards: The shards of the new stream, 1 or more. Default: on demand, as many as its traffic needs.
        retention: How long the new stream keeps records, 24 to 8,760 whole hours. Default: 7 days, so that the records
            of a failed batch can be fetched after a weekend.
        reading: How the stream is read. Default: `StreamReading()`.
        failed_batches: Where Lambda puts batches whose records became too old, with their payload. Default: their place
            in the stream goes to the dead-letter queue.
        max_concurrency: How much of the account's concurrency is set aside for the function, and how many batches are
            processed at once: a shard needs one, or as many as its batches at once. None sets nothing aside.
            Default: 50.
        max_lag: How far the function may be behind the stream until an alarm fires, in whole seconds up to 365 days.
            Default: 15 minutes.
        alarm_topic: Where alarms go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic.
        worker: How the function processes a batch. Default: `Worker()`.
        network: Runs the function in these subnets. A network with interface endpoints of its own gets those missing:
            of SQS, and of Firehose if results go there. Default: no VPC.
        encryption_key: Encrypts the new stream, dead letters, environment, logs and the new topic. Default: a new
            `EncryptionKey`.
        removal_policy: What happens to the new stream and the dead letters on deletion. Default: they stay, unless the
            deployment that creates them fails.

    Raises:
        ValueError: an argument is out of its range, `shards` or `retention` goes with `stream`, or the endpoint is
            asynchronous.

    See https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        results: s3.IBucket | FirehoseDelivery | firehose.IDeliveryStream | None,
        results_prefix: str = PREFIX,
        component: IInferenceComponent | None = None,
        stream: kinesis.IStream | None = None,
        shards: int | None = None,
        retention: Duration | None = None,
        reading: StreamReading | None = None,
        failed_batches: s3.IBucket | None = None,
        max_concurrency: int | None = 50,
        max_lag: Duration | None = None,
        alarm_topic: sns.ITopic | None = None,
        worker: Worker | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type((Worker, NoneType), worker=worker)
        check_type((StreamReading, NoneType), reading=reading)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_offers("stream_arn", "a Kinesis data stream", stream=stream)
        check_offers("bucket_name", "a bucket", failed_batches=failed_batches)
        check_offers("topic_arn", "an SNS topic", alarm_topic=alarm_topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        if not is_bucket(results):
            check_offers("delivery_stream_arn", "a bucket, a delivery stream or None", results=results)
        check_prefix(results_prefix)
        check_whole("shards", shards, *SHARDS)
        _check_retention(retention)
        check_whole("max_concurrency", max_concurrency, *CONCURRENCY)
        check_seconds("max_lag", max_lag, *LAG_SECONDS, rendered="milliseconds")
        for argument, value in (("shards", shards), ("retention", retention)):
            if stream is not None and value is not None:
                raise ValueError(f"{argument} must not be given with stream, whose owner decides it, got {value!r}")
        check_called(endpoint, component)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, stream=stream, encryption_key=encryption_key, alarm_topic=alarm_topic)
        check_region(scope, results=of_known_region(results), failed_batches=of_known_region(failed_batches))
        super().__init__(scope, construct_id)
        self._reading = StreamReading() if reading is None else reading
        self.endpoint: Final = endpoint
        self.component: Final = component
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.stream: Final = self._new_stream(shards, retention, removal_policy) if stream is None else stream
        self.stream_consumer: Final = self._own_consumer() if self._reading.enhanced_fan_out else None
        self.dead_letter_queue: Final = dead_letter_queue(self, self.encryption_key, removal_policy)
        destination = self._destination(results, results_prefix)
        self.consumer: Final = Consumer(
            self,
            "Consumer",
            handler="stream",
            endpoint=endpoint,
            component=component,
            worker=Worker() if worker is None else worker,
            network=network,
            encryption_key=self.encryption_key,
            concurrency=max_concurrency,
            environment={**destination.environment, "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue.queue_url},
            permissions=[
                *self._reading_permissions(),
                *sending(self, self.dead_letter_queue, self.encryption_key),
                *destination.permissions,
                *self._failed_permissions(failed_batches),
            ],
            gateways=destination.objects is not None,
        )
        failed = self.dead_letter_queue.queue_arn if failed_batches is None else failed_batches.bucket_arn
        kinds = lambda_.CfnEventSourceMapping
        self.mapping: Final = self.consumer.read(
            "Records",
            event_source_arn=self.stream.stream_arn
            if self.stream_consumer is None
            else self.stream_consumer.attr_consumer_arn,
            destination_config=kinds.DestinationConfigProperty(on_failure=kinds.OnFailureProperty(destination=failed)),
            metrics_config=None if failed_batches is None else kinds.MetricsConfigProperty(metrics=["EventCount"]),
            **self._reading.properties(),
        )
        if network is not None:
            reach(network, ec2.InterfaceVpcEndpointAwsService.SQS)
            destination.reach(network)
        alarms = FrontEndAlarms(self, "Alarms", topic=alarm_topic, encryption_key=self.encryption_key)
        alarms.on_dead_letters(self.dead_letter_queue)
        alarms.on_more_than(
            "Lag",
            self.metric_iterator_age(period=Duration.minutes(1)),
            (Duration.minutes(15) if max_lag is None else max_lag).to_milliseconds(),
            "the function is behind the stream",
        )
        if failed_batches is not None:
            alarms.on_more_than(
                "FailedBatches", self._failed(), 0, "records were too old and went to the failed batches"
            )
        self.alarm_topic: Final = alarms.topic
        self._warn(shards, max_concurrency, retention)

    def grant_put_records(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, put records into the stream, and nothing else.

        See https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
        """
        return grant(
            self,
            grantee,
            Permission(actions=["kinesis:PutRecord", "kinesis:PutRecords"], resources=[self.stream.stream_arn]),
            *use_key(self, self.stream.encryption_key, "kinesis", "kms:GenerateDataKey"),
        )

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the stream, under its official name.

        See https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
        """
        return self.stream.metric(metric_name, **options)

    def metric_incoming_records(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Records that were put into the stream. Statistic: Sum."""
        return self.metric("IncomingRecords", **{"statistic": "Sum", **options})

    def metric_write_provisioned_throughput_exceeded(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Records that the stream refused, for its shards take no more. Statistic: Sum."""
        return self.metric("WriteProvisionedThroughputExceeded", **{"statistic": "Sum", **options})

    def metric_iterator_age(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Age of the last record of a batch when the function takes it, in milliseconds. Statistic: Maximum."""
        return self.consumer.metric("IteratorAge", **{"statistic": "Maximum", **options})

    def metric_dead_letters(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Messages that wait in the dead-letter queue. Statistic: Maximum."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            **{"statistic": "Maximum", **options}
        )

    def _new_stream(self, shards: int | None, retention: Duration | None, policy: RemovalPolicy) -> kinesis.Stream:
        stream = kinesis.Stream(
            self,
            "Stream",
            stream_mode=kinesis.StreamMode.ON_DEMAND if shards is None else kinesis.StreamMode.PROVISIONED,
            shard_count=shards,
            retention_period=Duration.days(7) if retention is None else retention,
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=self.encryption_key,
            removal_policy=policy,
        )
        Validations.of(stream).acknowledge(Acknowledgment(id="AwsSolutions-KDS3", reason=_OWN_KEY))
        return stream

    def _own_consumer(self) -> kinesis.CfnStreamConsumer:
        name = Names.unique_resource_name(self, max_length=128, separator="-", allowed_special_characters="-")
        return kinesis.CfnStreamConsumer(self, "Reader", consumer_name=name, stream_arn=self.stream.stream_arn)

    def _destination(
        self, results: s3.IBucket | FirehoseDelivery | firehose.IDeliveryStream | None, prefix: str
    ) -> Results:
        if results is None:
            return Results()
        if is_bucket(results):
            return in_bucket(self, cast("s3.IBucket", results), prefix, self.endpoint.endpoint_name)
        return to_delivery_stream(cast("FirehoseDelivery", results))

    def _reading_permissions(self) -> list[Permission]:
        """What Lambda, which reads with the function's role, needs.

        https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
        """
        own = self.stream_consumer
        return [
            Permission(
                actions=[
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ],
                resources=[self.stream.stream_arn],
            ),
            *(
                []
                if own is None
                else [
                    Permission(
                        actions=["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"],
                        resources=[own.attr_consumer_arn],
                    )
                ]
            ),
            *use_key(self, self.stream.encryption_key, "kinesis", "kms:Decrypt"),
        ]

    def _failed_permissions(self, bucket: s3.IBucket | None) -> list[Permission]:
        """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
        if bucket is None:
            return []
        return [
            Permission(actions=["s3:PutObject"], resources=[f"{bucket.bucket_arn}/aws/lambda/*"], wildcard=NAMED_LATER),
            Permission(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]),
            *use_key(self, bucket.encryption_key, "s3", "kms:GenerateDataKey"),
        ]

    def _failed(self) -> cloudwatch.Metric:
        """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics."""
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="OnFailureDestinationDeliveredEventCount",
            dimensions_map={"EventSourceMappingUUID": self.mapping.attr_id},
            statistic="Sum",
            period=Duration.minutes(1),
        )

    def _warn(self, shards: int | None, concurrency: int | None, retention: Duration | None) -> None:
        at_once, age = self._reading.batches_per_shard, self._reading.oldest()
        known = not any(map(is_token, (shards, concurrency, at_once)))
        if known and shards is not None and concurrency is not None and shards * at_once > concurrency:
            Annotations.of(self).add_warning_v2(
                "ml-constructs:ShardsWait",
                f"max_concurrency is {concurrency}, but the shards have {shards * at_once} batches at once: some wait",
            )
        if retention is None or is_token(retention) or is_token(age):
            return
        if age.to_seconds() >= retention.to_seconds():
            Annotations.of(self).add_warning_v2(
                "ml-constructs:RecordsExpire",
                "max_record_age is not below retention: records that fail for so long expire before they are reported",
            )


def _check_retention(retention: Duration | None) -> None:
    check_seconds("retention", retention, *RETENTION_SECONDS, rendered="hours")
    if retention is not None and not is_token(retention) and int(retention.to_seconds()) % _HOUR:
        raise ValueError(f"retention must be whole hours, got {retention.to_seconds()} seconds")
