"""Alarms on what waits too long and on what could not be processed."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs._alarm_topic import alarm_topic


class FrontEndAlarms(Construct):
    """Alarms of one front end, which notify a topic when they fire and when they recover.

    Args:
        scope: The front end.
        construct_id: The id in `scope`.
        topic: Where notifications go. None makes a topic, encrypted with the key.
        encryption_key: Encrypts the new topic.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, topic: sns.ITopic | None, encryption_key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        self._front_end = scope.node.path
        self.topic: Final = (
            alarm_topic(self, encryption_key, display_name=f"Alarms of {scope.node.path}"[:100])
            if topic is None
            else topic
        )

    def on_dead_letters(self, queue: sqs.IQueue) -> None:
        """Alarm as long as a dead letter waits for somebody."""
        metric = queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=Duration.minutes(1))
        self.on_more_than("DeadLetters", metric, 0, "messages wait in the dead-letter queue")

    def on_more_than(self, construct_id: str, metric: cloudwatch.IMetric, threshold: float, what: str) -> None:
        """Alarm when a metric is above a threshold in three minutes of five, or at once when it must be zero."""
        needed = 1 if threshold == 0 else 3
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=f"{self._front_end}: {what}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1 if needed == 1 else 5,
            datapoints_to_alarm=needed,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
