"""Uploads as requests: whatever is put into a bucket goes to an asynchronous endpoint."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IValidation

from ml_constructs._checks import (
    check_given,
    check_offers,
    check_seconds,
    check_type,
    check_whole,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._alarms import FrontEndAlarms
from ml_constructs.front_ends._asynchronous import (
    ACTION,
    INVOCATION_TIMEOUT,
    INVOCATION_TIMEOUT_SECONDS,
    TIME_TO_LIVE,
    TIME_TO_LIVE_SECONDS,
    in_seconds,
    known_storage,
)
from ml_constructs.front_ends._counted import Counted
from ml_constructs.front_ends._events import take_events
from ml_constructs.front_ends._media_type import check_media_types
from ml_constructs.front_ends._queues import (
    CONCURRENCY,
    RECEIVES,
    acknowledge_no_destination,
    dead_letter_queue,
    encrypted_queue,
    moving_back,
    sending,
)
from ml_constructs.front_ends._results import check_prefix, reach
from ml_constructs.front_ends.functions._function import acknowledge_synchronous, endpoint_environment, runtime_function
from ml_constructs.front_ends.workers._powertools import powertools_layer
from ml_constructs.front_ends.workers.worker import as_text
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import NAMED_LATER, Permission, acknowledge_wildcards, grant, use_key

# InputLocation has 1,024 characters, as has a key; most of them are left to the names of objects.
_LONGEST_FOLDER: Final = 128
_COUNTED: Final = ("Submitted", "DeadLetters", "TransientFailures")
_BATCH: Final = 10
_TIMEOUT: Final = 60  # seconds
_READ_SECONDS: Final = 10  # of a call that waits for no model
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: times the function's timeout
_VISIBILITY: Final = 6
_MEMORY: Final = 256  # MiB; the function sees no payload
_NOTIFICATIONS: Final = "Notifications"  # what aws-cdk calls its custom resource in a bucket


class BulkInvokeFrontEnd(Construct):
    """Sends each object that is put into the bucket of an asynchronous endpoint to that endpoint.

    S3 tells EventBridge of an upload, a queue keeps the event, and a function submits the object, which it cannot read.
    The endpoint's own topics and prefixes tell of the result. An upload that cannot be submitted is in the dead-letter
    queue, with its cause in the attributes.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The asynchronous endpoint. Uploads go into its `async_storage.input_bucket`, which sends events to
            EventBridge; that of an imported one its owner turns on.
        folder: Where in the endpoint's `input_prefix` uploads go, without slashes at its ends: not where callers put
            what they submit themselves. Default: uploads.
        content_type: The media type of all objects. Default: that of each object's suffix, e.g. `text/csv` of `.csv`.
        accept: The media type of the answers. Default: the model decides.
        time_to_live: How long a request may wait at the endpoint, 60 seconds to 6 hours. Default: 6 hours.
        invocation_timeout: How long the model may take, 1 second to 1 hour. Default: 15 minutes.
        max_concurrency: How many batches of 10 uploads are submitted at once, 2 to 1,000, and how much of the account's
            concurrency is set aside for them. Default: 10.
        max_receives: How often an upload is tried until it becomes a dead letter, 1 to 1,000, six minutes apart.
            Default: 10.
        max_age: How long an upload may wait until an alarm fires, 1 second to 14 days. Default: 15 minutes.
        alarm_topic: Where alarms go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic.
        network: Runs the function in these subnets. A network with interface endpoints gets one for SQS if it has none.
            Default: no VPC.
        encryption_key: Encrypts queues, environment, logs and the new topic. Default: a new `EncryptionKey`.
        log_retention: How long logs are kept. Default: one year.
        removal_policy: What happens to the queues on deletion. Default: they stay, unless the deployment that creates
            them fails.

    Raises:
        ValueError: an argument is out of its range, or the endpoint is not asynchronous or does not know its storage.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-invoke-endpoint.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        folder: str = "uploads",
        content_type: str | None = None,
        accept: str | None = None,
        time_to_live: Duration | None = None,
        invocation_timeout: Duration | None = None,
        max_concurrency: int = 10,
        max_receives: int = 10,
        max_age: Duration | None = None,
        alarm_topic: sns.ITopic | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_offers("topic_arn", "an SNS topic", alarm_topic=alarm_topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_given(max_concurrency=max_concurrency, max_receives=max_receives)
        check_prefix(folder, "folder", longest=_LONGEST_FOLDER)
        check_media_types(content_type=content_type, accept=accept)
        check_seconds("time_to_live", time_to_live, *TIME_TO_LIVE_SECONDS)
        check_seconds("invocation_timeout", invocation_timeout, *INVOCATION_TIMEOUT_SECONDS)
        check_whole("max_concurrency", max_concurrency, *CONCURRENCY)
        check_whole("max_receives", max_receives, *RECEIVES)
        check_seconds("max_age", max_age, 1, 1_209_600)
        storage = known_storage(endpoint)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, encryption_key=encryption_key, alarm_topic=alarm_topic)
        super().__init__(scope, construct_id)
        self.endpoint: Final = endpoint
        self.bucket: Final = storage.input_bucket
        self.prefix: Final = f"{storage.input_prefix}/{folder}"
        self._counted = Counted(front_end=self, endpoint=endpoint, names=_COUNTED)
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.dead_letter_queue: Final = dead_letter_queue(self, self.encryption_key, removal_policy)
        self.queue: Final = encrypted_queue(
            self,
            "Queue",
            self.encryption_key,
            removal_policy,
            visibility=Duration.seconds(_VISIBILITY * _TIMEOUT),
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=max_receives),
        )
        made = runtime_function(
            self,
            packages=["invoke_endpoint", "submit_requests"],
            handler="submit_requests.handler.handle",
            purpose="Submits requests to one asynchronous SageMaker endpoint",
            description=f"Submits the uploads of {self.node.path}",
            environment={
                **endpoint_environment(endpoint, None, read_seconds=_READ_SECONDS),
                **({} if content_type is None else {"CONTENT_TYPE": content_type}),
                **({} if accept is None else {"ACCEPT": accept}),
                "TIME_TO_LIVE_SECONDS": as_text(in_seconds(time_to_live, TIME_TO_LIVE)),
                "INVOCATION_TIMEOUT_SECONDS": as_text(in_seconds(invocation_timeout, INVOCATION_TIMEOUT)),
                "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue.queue_url,
                "MAX_RECEIVES": as_text(max_receives),
                **self._counted.variables,
            },
            encryption_key=self.encryption_key,
            network=network,
            timeout=Duration.seconds(_TIMEOUT),
            memory_size=_MEMORY,
            reserved_concurrency=max_concurrency,
            log_retention=log_retention,
            permissions=self._permissions(),
            layers=[powertools_layer(self)],
        )
        self.function: Final = made.function
        self.role: Final = made.role
        self.log_group: Final = made.log_group
        self.security_group: Final = made.security_group
        acknowledge_synchronous(self.function)
        self.mapping: Final = lambda_.CfnEventSourceMapping(
            self,
            "Uploads",
            function_name=self.function.function_arn,
            event_source_arn=self.queue.queue_arn,
            batch_size=_BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=max_concurrency),
        )
        acknowledge_no_destination(self.mapping)
        # Lambda tries the role's permissions when it creates the mapping, and needs them until it has deleted it.
        self.mapping.node.add_dependency(made.policy)
        self.rule: Final = self._rule()
        if network is not None:
            network.allow_invoke(endpoint.endpoint_arn, ACTION)
            reach(network, ec2.InterfaceVpcEndpointAwsService.SQS)
        alarms = FrontEndAlarms(self, "Alarms", topic=alarm_topic, encryption_key=self.encryption_key)
        alarms.on_dead_letters(self.dead_letter_queue)
        alarms.on_more_than(
            "Age",
            self.metric_approximate_age_of_oldest_message(period=Duration.minutes(1)),
            900 if max_age is None else max_age.to_seconds(),
            "the oldest upload has waited too long",
        )
        self.alarm_topic: Final = alarms.topic

    def grant_upload(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, put objects below the prefix, and nothing else."""
        upload = Permission(
            actions=["s3:PutObject"], resources=[f"{self.bucket.bucket_arn}/{self.prefix}/*"], wildcard=NAMED_LATER
        )
        key = use_key(self, self.bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey")
        made = grant(self, grantee, upload, *key)
        if isinstance(grantee, iam.ManagedPolicy):
            acknowledge_wildcards(grantee, [upload])
        return made

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, read dead letters and move them back to the queue."""
        return grant(self, grantee, *moving_back(self, self.dead_letter_queue, self.queue, self.encryption_key))

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the queue, under its official name.

        See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        """
        return self.queue.metric(metric_name, **options)

    def metric_approximate_age_of_oldest_message(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """How long the oldest upload has waited, in seconds. Statistic: Maximum."""
        return self.metric("ApproximateAgeOfOldestMessage", **{"statistic": "Maximum", **options})

    def metric_dead_letters(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Uploads that wait in the dead-letter queue. Statistic: Maximum."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            **{"statistic": "Maximum", **options}
        )

    def metric_uploads(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """A metric of the uploads, as the function counts them.

        Args:
            metric_name: `Submitted`, `DeadLetters` or `TransientFailures`.
            options: Further arguments of `cloudwatch.Metric`. Statistic: Sum.
        """
        return self._counted.metric(metric_name, **options)

    def _permissions(self) -> list[Permission]:
        """What Lambda, which reads the queue with the function's role, needs, and what the function itself.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        return [
            Permission(
                actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                resources=[self.queue.queue_arn],
            ),
            *sending(self, self.dead_letter_queue, self.encryption_key),
            Permission(actions=[ACTION], resources=[self.endpoint.endpoint_arn]),
        ]

    def _rule(self) -> events.CfnRule:
        """Let the queue hear of uploads, https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html."""
        if isinstance(self.bucket, s3.Bucket):
            announce(self.bucket)
        rule = events.CfnRule(
            self,
            "Rule",
            description=f"Uploads for {self.node.path}"[:512],
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [self.bucket.bucket_name]},
                    "object": {"key": [{"prefix": f"{self.prefix}/"}]},
                },
            },
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Queue",
                    arn=self.queue.queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letter_queue.queue_arn),
                )
            ],
        )
        for queue in (self.queue, self.dead_letter_queue):
            take_events(queue, self.encryption_key, rule)
        return rule


def announce(bucket: s3.Bucket) -> None:
    """Let a bucket send its events to EventBridge.

    On the L1, since the L2 would have a custom resource do so; but by that where the app has it already.
    """
    if bucket.node.try_find_child(_NOTIFICATIONS) is not None:
        bucket.enable_event_bridge_notification()
        return
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows the type of an L2's own child
    resource.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)  # noqa: FBT003
    bucket.node.add_validation(_Announced(bucket))


@jsii.implements(IValidation)
class _Announced:
    """Fails synthesis when the app gave the bucket notifications after: their custom resource would end the events."""

    def __init__(self, bucket: s3.Bucket) -> None:
        self._bucket = bucket

    def validate(self) -> list[str]:
        if self._bucket.node.try_find_child(_NOTIFICATIONS) is None:
            return []
        return ["notifications must be added to a bucket before its BulkInvokeFrontEnd, got them added after"]
