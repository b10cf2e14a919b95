"""Encrypted queues over TLS, and who may send to them and take messages back."""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs.permissions import Permission, use_key

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
RECEIVES: Final = (1, 1000)
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
CONCURRENCY: Final = (2, 1000)
_LONGEST_DAYS: Final = 14  # that SQS keeps a message

# One reason for whatever could hold failures a second time.
FAILURES_KEPT: Final = (
    "What fails is kept already: by a synchronous caller, who is told of it, or in a queue or stream, until it is "
    "processed or set aside in a queue of dead letters, which needs none itself. Lambda sets aside what functions fail "
    "at only for asynchronous invocations, and has no destination for batches of a queue."
)


def dead_letter_queue(
    scope: Construct, key: kms.IKey, removal_policy: RemovalPolicy, *, fifo: bool = False
) -> sqs.Queue:
    """Create the queue of what could not be processed.

    Any queue of this account may name it for its own dead letters: a list of those that may would have to name a queue
    that refers to this one.
    """
    queue = encrypted_queue(scope, "DeadLetters", key, removal_policy, fifo=fifo)
    acknowledge_dead_letters(queue)
    return queue


def acknowledge_dead_letters(queue: sqs.Queue) -> None:
    """Acknowledge that a queue of dead letters has no further one."""
    for finding in ("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"):
        Validations.of(queue).acknowledge(Acknowledgment(id=finding, reason=FAILURES_KEPT))


def acknowledge_no_destination(mapping: lambda_.CfnEventSourceMapping) -> None:
    """Acknowledge that what reads a queue has no destination for failed batches."""
    Validations.of(mapping).acknowledge(
        Acknowledgment(id="Serverless-LambdaEventSourceMappingDestination", reason=FAILURES_KEPT)
    )


def encrypted_queue(
    scope: Construct,
    construct_id: str,
    key: kms.IKey,
    removal_policy: RemovalPolicy,
    *,
    fifo: bool = False,
    content_based_deduplication: bool = False,
    visibility: Duration | None = None,
    retention: Duration | None = None,
    dead_letters: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    """Create a queue; of a FIFO queue, each group of messages has its own throughput and duplicates."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        # CloudFormation takes no false, which a queue that is not FIFO must not have.
        fifo=True if fifo else None,
        content_based_deduplication=True if content_based_deduplication else None,
        deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if fifo else None,
        fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID if fifo else None,
        visibility_timeout=visibility,
        retention_period=Duration.days(_LONGEST_DAYS) if retention is None else retention,
        dead_letter_queue=dead_letters,
        removal_policy=removal_policy,
    )
    for policy in queue.node.find_all():
        if isinstance(policy, sqs.CfnQueuePolicy):
            policy.apply_removal_policy(removal_policy)  # a queue that stays is reached over TLS for as long
    return queue


def sending(scope: Construct, queue: sqs.IQueue, key: kms.IKey | None) -> list[Permission]:
    """Send messages, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html."""
    return [
        Permission(actions=["sqs:SendMessage"], resources=[queue.queue_arn]),
        *use_key(scope, key, "sqs", "kms:Decrypt", "kms:GenerateDataKey"),
    ]


def moving_back(scope: Construct, dead_letters: sqs.IQueue, queue: sqs.IQueue, key: kms.IKey) -> list[Permission]:
    """Move messages from the dead letters to a queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    """
    return [
        Permission(
            actions=[
                "sqs:CancelMessageMoveTask",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ListMessageMoveTasks",
                "sqs:ReceiveMessage",
                "sqs:StartMessageMoveTask",
            ],
            resources=[dead_letters.queue_arn],
        ),
        *sending(scope, queue, key),
    ]
