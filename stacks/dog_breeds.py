"""A dog breed classifier: PyTorch ResNet with 133 classes, called by a function that may invoke this endpoint alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

import ml_constructs as ml


@dataclass(frozen=True, kw_only=True)
class DogBreedsSettings:
    """Where the trained model is: `model.pth` and `code/inference.py` in a gzipped tar archive."""

    bucket: str
    key: str
    version: str


class DogBreedsStack(Stack):
    """Scales from two to three instances when their CPU is above 70 percent for 30 seconds."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: DogBreedsSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        models = s3.Bucket.from_bucket_name(self, "Models", settings.bucket)
        model = ml.Model(
            self,
            "Model",
            containers=[
                ml.Container(
                    image=ml.ContainerImage.from_framework("pytorch", version="2.6", processor="cpu"),
                    model_data=ml.ModelData.from_bucket(models, settings.key, version=settings.version),
                )
            ],
            network=network,
            network_isolation=False,  # the pages of AWS disagree on whether its PyTorch images work without a network
        )
        capture = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        endpoint = ml.Endpoint(
            self,
            "Endpoint",
            variants=[ml.InstanceVariant(name="resnet", model=model, instance_type="ml.m5.large")],
            data_capture=ml.DataCapture(bucket=capture, sampling_percentage=20),
            encryption_key=key,
            metric_frequency=Duration.seconds(30),
        )
        scaling = endpoint.auto_scale(max_capacity=3)
        busy = endpoint.metric_cpu_utilization(period=Duration.seconds(30))
        scaling.on_steps("CpuHigh", metric=busy, threshold=scaling.cpu_value(70), steps=[ml.ScalingStep(change=1)])
        idle = endpoint.metric_cpu_utilization(period=Duration.minutes(5))
        scaling.on_steps(
            "CpuLow", metric=idle, threshold=scaling.cpu_value(30), steps=[ml.ScalingStep(change=-1)], below=True
        )
        function = ml.FunctionFrontEnd(
            self, "Classify", endpoint=endpoint, network=network, encryption_key=key, reserved_concurrency=3
        )
        ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        CfnOutput(self, "FunctionName", value=function.alias.function_name)
