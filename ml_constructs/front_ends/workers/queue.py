"""A queue in front of an endpoint: requests wait until the endpoint takes them, and none is lost or answered twice."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs._checks import (
    check_given,
    check_offers,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._alarms import FrontEndAlarms
from ml_constructs.front_ends._called import check_called
from ml_constructs.front_ends._queues import (
    CONCURRENCY,
    RECEIVES,
    acknowledge_no_destination,
    dead_letter_queue,
    encrypted_queue,
    moving_back,
    sending,
)
from ml_constructs.front_ends._results import (
    PREFIX,
    Results,
    check_prefix,
    in_bucket,
    is_bucket,
    of_known_region,
    reach,
    to_topic,
)
from ml_constructs.front_ends._tables import reach_tables, short_lived_table, using_table
from ml_constructs.front_ends.workers._consumer import Consumer
from ml_constructs.front_ends.workers.worker import Worker, as_text
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, grant

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
BATCH_SIZE: Final = (1, 10_000)
FIFO_BATCH_SIZE: Final = (1, 10)
WINDOW_SECONDS: Final = (0, 300)
# Above, a standard queue needs a window.
_LARGE_BATCH: Final = 10
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
RETENTION_SECONDS: Final = (60, 1_209_600)
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: times the function's timeout
_VISIBILITY: Final = 6
_OLD_SECONDS: Final = 3600
_REMEMBER: Final = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


class QueueFrontEnd(Construct):
    """An SQS queue whose messages a Lambda function sends to an endpoint, and a queue for those that it could not.

    Each message ends once: its result is stored, or it is among the dead letters with its cause in the attributes.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call; not an asynchronous one, which has a queue of its own.
        results: Where results go: a bucket, or a topic. None stores none, for a model whose call is enough.
        results_prefix: The beginning of the results' keys in a bucket; the endpoint's name follows.
            Default: results.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        fifo: Whether messages of one group are processed in their order. Each needs a `MessageGroupId`.
            Default: False.
        content_based_deduplication: Whether a FIFO queue takes messages of one group and the same content, within five
            minutes, for one. Default: False, senders give each message a `MessageDeduplicationId`.
        batch_size: How many messages the function takes at once, 1 to 10,000, or 10 of a FIFO queue. Default: 10.
        batch_window: How long to gather a batch, 0 to 300 whole seconds; at least 1 for more than 10 messages, and none
            for a FIFO queue. Default: none.
        max_concurrency: How many batches are processed at once, 2 to 1,000, and how much of the account's concurrency
            is set aside for them. Default: 10, which with the worker's default makes 100 calls at once.
        max_receives: How often a message is tried until it becomes a dead letter, 1 to 1,000. The function spaces out
            the attempts more and more. Default: 10, which span at least 45 minutes.
        retention: How long a message may wait, 1 minute to 14 days in whole seconds. Dead letters wait 14 days.
            Default: 4 days.
        max_age: How old the oldest message may be until an alarm fires, in whole seconds up to `retention`.
            Default: 1 hour, or half of a shorter retention.
        alarm_topic: Where alarms go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic.
        worker: How the function processes a batch. Default: `Worker()`.
        network: Runs the function in these subnets. A network with interface endpoints of its own gets those missing:
            of SQS, and of SNS or DynamoDB if there is a topic. Default: no VPC.
        encryption_key: Encrypts queues, environment, logs, the new topic and what the function remembers.
            Default: a new `EncryptionKey`.
        removal_policy: What happens to the queues, and the messages in them, on deletion. Default: they stay, unless
            the deployment that creates them fails.

    Raises:
        ValueError: an argument is out of its range, or the endpoint is asynchronous.

    See https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        results: s3.IBucket | sns.ITopic | None,
        results_prefix: str = PREFIX,
        component: IInferenceComponent | None = None,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        batch_size: int = 10,
        batch_window: Duration | None = None,
        max_concurrency: int = 10,
        max_receives: int = 10,
        retention: Duration | None = None,
        max_age: Duration | None = None,
        alarm_topic: sns.ITopic | None = None,
        worker: Worker | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type((Worker, NoneType), worker=worker)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type(bool, fifo=fifo, content_based_deduplication=content_based_deduplication)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_offers("topic_arn", "an SNS topic", alarm_topic=alarm_topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_given(batch_size=batch_size, max_concurrency=max_concurrency, max_receives=max_receives)
        check_results(results, results_prefix)
        check_batch(batch_size, batch_window, fifo=fifo)
        if content_based_deduplication and not fifo:
            raise ValueError("content_based_deduplication must be False unless the queue is FIFO, got True")
        check_whole("max_concurrency", max_concurrency, *CONCURRENCY)
        check_whole("max_receives", max_receives, *RECEIVES)
        check_seconds("retention", retention, *RETENTION_SECONDS)
        retention = Duration.days(4) if retention is None else retention
        kept = RETENTION_SECONDS[1] if is_token(retention) else int(retention.to_seconds())
        check_seconds("max_age", max_age, 1, kept)
        check_called(endpoint, component)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, encryption_key=encryption_key, alarm_topic=alarm_topic)
        check_region(scope, results=of_known_region(results))
        super().__init__(scope, construct_id)
        worker = Worker() if worker is None else worker
        self.endpoint: Final = endpoint
        self.component: Final = component
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self.dead_letter_queue: Final = dead_letter_queue(self, self.encryption_key, removal_policy, fifo=fifo)
        self.queue: Final = encrypted_queue(
            self,
            "Queue",
            self.encryption_key,
            removal_policy,
            fifo=fifo,
            content_based_deduplication=content_based_deduplication,
            visibility=Duration.seconds(_VISIBILITY * worker.longest_seconds() + _window_seconds(batch_window)),
            retention=retention,
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=max_receives),
        )
        self.idempotency_table: Final = (
            None if results is None or is_bucket(results) else _processed(self, self.encryption_key)
        )
        destination = self._destination(results, results_prefix)
        self.consumer: Final = Consumer(
            self,
            "Consumer",
            handler="queue",
            endpoint=endpoint,
            component=component,
            worker=worker,
            network=network,
            encryption_key=self.encryption_key,
            concurrency=max_concurrency,
            environment=self._environment(destination, max_receives, fifo=fifo),
            permissions=self._permissions(destination),
            gateways=destination.objects is not None,
        )
        self.mapping: Final = self.consumer.read(
            "Messages",
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            maximum_batching_window_in_seconds=None if batch_window is None else batch_window.to_seconds(),
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=max_concurrency),
        )
        acknowledge_no_destination(self.mapping)
        if network is not None:
            reach(network, ec2.InterfaceVpcEndpointAwsService.SQS)
            destination.reach(network)
            if self.idempotency_table is not None and self.consumer.security_group is not None:
                reach_tables(network, self.consumer.security_group)
        alarms = FrontEndAlarms(self, "Alarms", topic=alarm_topic, encryption_key=self.encryption_key)
        alarms.on_dead_letters(self.dead_letter_queue)
        alarms.on_more_than(
            "Age",
            self.metric_approximate_age_of_oldest_message(period=Duration.minutes(1)),
            min(_OLD_SECONDS, kept // 2) if max_age is None else max_age.to_seconds(),
            "the oldest message has waited too long",
        )
        self.alarm_topic: Final = alarms.topic

    def grant_send_messages(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, send messages, and nothing else."""
        return grant(self, grantee, *sending(self, self.queue, self.encryption_key))

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, read dead letters and move them back to the queue."""
        return grant(self, grantee, *moving_back(self, self.dead_letter_queue, self.queue, self.encryption_key))

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the queue, under its official name.

        See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        """
        return self.queue.metric(metric_name, **options)

    def metric_approximate_age_of_oldest_message(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """How long the oldest message has waited, in seconds. Statistic: Maximum."""
        return self.metric("ApproximateAgeOfOldestMessage", **{"statistic": "Maximum", **options})

    def metric_approximate_number_of_messages_visible(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Messages that wait. Statistic: Maximum."""
        return self.metric("ApproximateNumberOfMessagesVisible", **{"statistic": "Maximum", **options})

    def metric_dead_letters(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Messages that wait in the dead-letter queue. Statistic: Maximum."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            **{"statistic": "Maximum", **options}
        )

    def _destination(self, results: s3.IBucket | sns.ITopic | None, prefix: str) -> Results:
        if results is None:
            return Results()
        if is_bucket(results):
            return in_bucket(self, cast("s3.IBucket", results), prefix, self.endpoint.endpoint_name)
        return to_topic(self, cast("sns.ITopic", results))

    def _environment(self, destination: Results, max_receives: int, *, fifo: bool) -> dict[str, str]:
        table = self.idempotency_table
        return {
            **destination.environment,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue.queue_url,
            "MAX_RECEIVES": as_text(max_receives),
            "FIFO": str(fifo).lower(),
            **({} if table is None else {"IDEMPOTENCY_TABLE": table.table_name}),
        }

    def _permissions(self, destination: Results) -> list[Permission]:
        """What Lambda, which reads the queue with the function's role, needs, and what the function itself.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        table = self.idempotency_table
        return [
            Permission(
                actions=[
                    "sqs:ChangeMessageVisibility",  # the function's own, to space out attempts
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                resources=[self.queue.queue_arn],
            ),
            *sending(self, self.dead_letter_queue, self.encryption_key),
            *destination.permissions,
            *([] if table is None else using_table(self, table, self.encryption_key, *_REMEMBER)),
        ]


def _processed(scope: Construct, key: kms.IKey) -> dynamodb.Table:
    """The table of Powertools, https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/."""
    return short_lived_table(scope, "Processed", key, partition_key="id", time_to_live="expiration")


def check_results(results: object, prefix: str) -> None:
    """Raise unless results go to a bucket, a topic or nowhere."""
    if not is_bucket(results):
        check_offers("topic_arn", "a bucket, an SNS topic or None", results=results)
    check_prefix(prefix)


def check_batch(size: int, window: Duration | None, *, fifo: bool) -> None:
    """Raise `ValueError` unless Lambda takes a batch of this size, and waits for it this long."""
    check_whole("batch_size", size, *(FIFO_BATCH_SIZE if fifo else BATCH_SIZE), "messages")
    check_seconds("batch_window", window, *WINDOW_SECONDS)
    if window is not None and fifo:
        raise ValueError("batch_window must not be given for a FIFO queue, which has none, got one")
    if is_token(size) or (window is not None and is_token(window)) or size <= _LARGE_BATCH:
        return
    if window is None or window.to_seconds() < 1:
        raise ValueError(f"batch_window must be at least 1 second for more than {_LARGE_BATCH} messages, got none")


def _window_seconds(window: Duration | None) -> int:
    if window is None:
        return 0
    return WINDOW_SECONDS[1] if is_token(window) else int(window.to_seconds())
