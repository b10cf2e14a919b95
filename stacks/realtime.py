"""A tabular model and its challenger behind an API: the whole production pattern."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Duration, Stack
from constructs import Construct

import ml_constructs as ml
from stacks.schemas import TABULAR_REQUEST
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class RealtimeSettings:
    """What differs between environments."""

    champion: Path
    challenger: Path
    instance_type: str = "ml.m5.large"
    max_instances: int = 6
    challenger_percent: int = 10


class RealtimeStack(Stack):
    """Serves a champion and a challenger on two instances each, in up to three zones."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: RealtimeSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        champion = self._model("Champion", settings.champion, network)
        challenger = self._model("Challenger", settings.challenger, network)
        access_logs = ml.LogBucket(self, "AccessLogs")
        capture = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=access_logs)
        share, instance_type = settings.challenger_percent, settings.instance_type
        endpoint = ml.Endpoint(
            self,
            "Endpoint",
            variants=[
                ml.InstanceVariant(name="champion", model=champion, instance_type=instance_type, weight=100 - share),
                ml.InstanceVariant(name="challenger", model=challenger, instance_type=instance_type, weight=share),
            ],
            deployment=ml.Deployment.canary(rollback=ml.RollbackThresholds(model_latency=Duration.millis(500))),
            data_capture=ml.DataCapture(bucket=capture, sampling_percentage=20),
            encryption_key=key,
        )
        for variant in endpoint.variant_names:
            scaling = endpoint.auto_scale(variant, max_capacity=settings.max_instances)
            scaling.on_invocations(1200)
            scaling.on_cpu(70)
        api = ml.RestApiFrontEnd(
            self,
            "Api",
            endpoint=endpoint,
            network=network,
            encryption_key=key,
            request_schema=TABULAR_REQUEST,
            web_acl=ml.WebAcl(self, "WebAcl", encryption_key=key),
        )
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[api], alarms=[alarms])
        watched = [capture, *champion.data_buckets]  # CDK keeps the artefacts of both models in one bucket
        ml.AuditTrail(self, "Audit", encryption_key=key, access_logs=access_logs, data_buckets=watched)

    def _model(self, name: str, directory: Path, network: ml.InferenceNetwork) -> ml.Model:
        return ml.Model(self, name, containers=[tabular_container(directory)], network=network)
