"""Documents that take minutes each: a queue in front of instances that come with the work and go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.aws_applicationautoscaling import Schedule
from constructs import Construct

import ml_constructs as ml


@dataclass(frozen=True, kw_only=True)
class AsynchronousSettings:
    """Where the trained model is, and how many instances may work at a time."""

    bucket: str
    key: str
    version: str
    max_instances: int = 4


class AsynchronousStack(Stack):
    """Runs no instance while nothing waits, but has two ready on weekday mornings; topics hear of what is done."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: AsynchronousSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        models = s3.Bucket.from_bucket_name(self, "Models", settings.bucket)
        container = ml.Container(
            image=ml.ContainerImage.from_framework("pytorch", version="2.6", processor="cpu"),
            model_data=ml.ModelData.from_bucket(models, settings.key, version=settings.version),
        )
        # The pages of AWS disagree on whether its PyTorch images work without a network.
        model = ml.Model(self, "Model", containers=[container], network=network, network_isolation=False)
        documents = ml.CaptureBucket(
            self, "Documents", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs")
        )
        queue = ml.AsyncInference(
            bucket=documents,
            success_topic=sns.Topic(self, "Answers", master_key=key, enforce_ssl=True),
            error_topic=sns.Topic(self, "Failures", master_key=key, enforce_ssl=True),
            max_concurrent_invocations=4,
        )
        reader = ml.InstanceVariant(name="reader", model=model, instance_type="ml.m5.xlarge")
        endpoint = ml.Endpoint(self, "Endpoint", variants=[reader], asynchronous=queue, encryption_key=key)
        scaling = endpoint.auto_scale(min_capacity=0, max_capacity=settings.max_instances)
        scaling.on_backlog(5)
        for name, hour, ready in (("Morning", "8", 2), ("Noon", "12", 0)):
            weekdays = Schedule.cron(week_day="MON-FRI", hour=hour, minute="0")
            zone = TimeZone.EUROPE_BERLIN
            scaling.on_schedule(name, schedule=weekdays, min_capacity=ready, time_zone=zone)
        endpoint.grant_invoke_async(iam.ManagedPolicy(self, "Callers", description="Send documents, read answers"))
        thresholds = ml.AlarmThresholds(backlog_age=Duration.minutes(30))
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key, thresholds=thresholds)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], alarms=[alarms])
