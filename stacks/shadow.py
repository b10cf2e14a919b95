"""A challenger in the champion's shadow: it is sent copies of half of the requests, and nobody sees its answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Stack
from constructs import Construct

import ml_constructs as ml
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class ShadowSettings:
    """The model that answers, and the one that is tried out."""

    champion: Path
    challenger: Path
    instance_type: str = "ml.m5.large"
    copied_percent: int = 50


class ShadowStack(Stack):
    """Captures what both answer, and shows them side by side; alarms and rollback watch the champion alone."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: ShadowSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        capture = ml.CaptureBucket(self, "Capture", encryption_key=key, access_logs=ml.LogBucket(self, "AccessLogs"))
        champion, challenger = (
            ml.InstanceVariant(
                name=name,
                model=ml.Model(self, name.title(), containers=[tabular_container(directory)], network=network),
                instance_type=settings.instance_type,
                weight=weight,
            )
            for name, directory, weight in (
                ("champion", settings.champion, 100),
                ("challenger", settings.challenger, settings.copied_percent),
            )
        )
        endpoint = ml.Endpoint(
            self,
            "Endpoint",
            variants=[champion],
            shadow=challenger,
            data_capture=ml.DataCapture(bucket=capture),
            encryption_key=key,
        )
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], alarms=[alarms])
