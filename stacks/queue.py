"""Customers are scored when somebody gets round to it: requests wait in a queue, and none is lost or answered twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

import ml_constructs as ml
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """The model, how many requests it gets at a time (batches, and requests of each), and how far it scales."""

    model: Path
    batches: int = 10
    parallelism: int = 10
    max_instances: int = 6


class QueueStack(Stack):
    """A queue takes what comes; the endpoint gets as much of it as it can take, and the results go to a bucket."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: QueueSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        model = ml.Model(self, "Model", containers=[tabular_container(settings.model)], network=network)
        variant = ml.InstanceVariant(name="tabular", model=model, instance_type="ml.m5.large")
        scores = ml.CaptureBucket(self, "Scores", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        capture = ml.DataCapture(bucket=scores, sampling_percentage=20)
        endpoint = ml.Endpoint(self, "Endpoint", variants=[variant], data_capture=capture, encryption_key=key)
        endpoint.auto_scale(max_capacity=settings.max_instances).on_cpu(60)
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        front_end = ml.QueueFrontEnd(
            self,
            "Requests",
            endpoint=endpoint,
            results=scores,
            max_concurrency=settings.batches,
            worker=ml.Worker(parallelism=settings.parallelism),
            max_age=Duration.minutes(30),
            alarm_topic=alarms.topic,
            network=network,
            encryption_key=key,
        )
        front_end.grant_send_messages(iam.ManagedPolicy(self, "Senders", description="Send requests"))
        front_end.grant_redrive(iam.ManagedPolicy(self, "Operators", description="Move dead letters back"))
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[front_end.consumer], alarms=[alarms])
        CfnOutput(self, "QueueUrl", value=front_end.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=front_end.dead_letter_queue.queue_url)
        CfnOutput(self, "ScoresBucketName", value=scores.bucket_name)
