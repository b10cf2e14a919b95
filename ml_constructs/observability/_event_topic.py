"""How events reach people: a rule of EventBridge, the topic that it publishes to, and a queue for what fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs.front_ends._queues import acknowledge_dead_letters

_EVENTS: Final = "events.amazonaws.com"


def event_topic(scope: Construct, key: kms.IKey, *, display_name: str | None) -> sns.Topic:
    """An encrypted topic that EventBridge publishes to, over TLS.

    The statements have no conditions, which AWS documents to break the delivery: in the topic's policy, see
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions, and in the
    key's, https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(_EVENTS)],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],  # in a key policy: this key
        )
    )
    topic = sns.Topic(scope, "Topic", display_name=display_name, master_key=key, enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="PublishEvents",
            principals=[iam.ServicePrincipal(_EVENTS)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
        )
    )
    return topic


def event_rule(scope: Construct, topic: sns.ITopic, *, description: str, pattern: Mapping[str, object]) -> sqs.Queue:
    """Publish the events that match the pattern; returns the queue that keeps for 14 days what could not be published.

    The queue is encrypted with keys of SQS, so that it still takes what a topic refuses for its key.
    """
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    acknowledge_dead_letters(queue)
    rule = events.CfnRule(
        scope,
        "Rule",
        description=description,
        event_pattern=dict(pattern),
        state="ENABLED",
        targets=[
            events.CfnRule.TargetProperty(
                id="Topic",
                arn=topic.topic_arn,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=queue.queue_arn),
            )
        ],
    )
    policy = topic.node.try_find_child("Policy")
    if policy is not None:
        rule.node.add_dependency(policy)  # without which nothing is delivered
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-perms
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="KeepUndelivered",
            principals=[iam.ServicePrincipal(_EVENTS)],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
        )
    )
    return queue
