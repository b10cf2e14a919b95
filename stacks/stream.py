"""Every event of a stream is scored, in order; Firehose gathers the scores into objects for the data lake."""

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
class StreamSettings:
    """The model, how many of the shards' batches are processed at a time, and how far the model scales."""

    model: Path
    max_concurrency: int = 50
    max_instances: int = 6


class StreamStack(Stack):
    """An on-demand stream in, JSON lines in a bucket out, and what could not be scored in a queue, with its cause."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StreamSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        model = ml.Model(self, "Model", containers=[tabular_container(settings.model)], network=network)
        variant = ml.InstanceVariant(name="tabular", model=model, instance_type="ml.m5.large")
        lake = ml.CaptureBucket(self, "Lake", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        capture = ml.DataCapture(bucket=lake, sampling_percentage=20)
        endpoint = ml.Endpoint(self, "Endpoint", variants=[variant], data_capture=capture, encryption_key=key)
        endpoint.auto_scale(max_capacity=settings.max_instances).on_cpu(60)
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        scores = ml.FirehoseDelivery(
            self,
            "Scores",
            bucket=lake,
            prefix="scores",
            buffer_interval=Duration.minutes(5),
            alarm_topic=alarms.topic,
            encryption_key=key,
        )
        front_end = ml.StreamFrontEnd(
            self,
            "Events",
            endpoint=endpoint,
            results=scores,
            max_concurrency=settings.max_concurrency,
            alarm_topic=alarms.topic,
            network=network,
            encryption_key=key,
        )
        front_end.grant_put_records(iam.ManagedPolicy(self, "Producers", description="Put events"))
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[front_end.consumer], alarms=[alarms])
        CfnOutput(self, "StreamName", value=front_end.stream.stream_name)
        CfnOutput(self, "DeadLetterQueueUrl", value=front_end.dead_letter_queue.queue_url)
        CfnOutput(self, "LakeBucketName", value=lake.bucket_name)
