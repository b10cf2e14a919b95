"""Raw customer records in, a decision out: a preprocessor, a model and a post-processor behind one name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

import ml_constructs as ml


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """Where the three archives are: `<prefix>/<version>/{preprocess,model,decide}/model.tar.gz`."""

    bucket: str
    prefix: str
    version: str
    instance_type: str = "ml.m5.large"
    max_instances: int = 4


class PipelineStack(Stack):
    """The containers of a pipeline run beside each other on every instance, and hand CSV from one to the next."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: PipelineSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        models = s3.Bucket.from_bucket_name(self, "Models", settings.bucket)
        sklearn = ml.ContainerImage.from_framework("sklearn", version="1.2-1")
        xgboost = ml.ContainerImage.from_framework("xgboost", version="3.0-5")
        containers = [
            ml.Container(
                hostname=step,
                image=image,
                model_data=ml.ModelData.from_bucket(
                    models, f"{settings.prefix}/{settings.version}/{step}/model.tar.gz", version=settings.version
                ),
                environment={
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
                    "PIP_NO_BUILD_ISOLATION": "0",  # the container installs that code, and reaches no package index
                },
            )
            for step, image in (("preprocess", sklearn), ("model", xgboost), ("decide", sklearn))
        ]
        model = ml.Model(self, "Model", containers=containers, network=network)
        variant = ml.InstanceVariant(name="pipeline", model=model, instance_type=settings.instance_type)
        bucket = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        capture = ml.DataCapture(bucket=bucket, sampling_percentage=20)
        endpoint = ml.Endpoint(self, "Endpoint", variants=[variant], data_capture=capture, encryption_key=key)
        endpoint.auto_scale(max_capacity=settings.max_instances).on_requests_per_second(40)
        function = ml.FunctionFrontEnd(self, "Decide", endpoint=endpoint, network=network, encryption_key=key)
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[function], alarms=[alarms])
