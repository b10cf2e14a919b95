"""A tabular model without instances: containers come with the requests, and the first few are kept warm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Size, Stack
from constructs import Construct

import ml_constructs as ml
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class ServerlessSettings:
    """The model, and how many requests it answers at a time: warm ones and all."""

    model: Path
    warm: int = 2
    max_warm: int = 10
    max_concurrency: int = 20


class ServerlessStack(Stack):
    """Scales what is warm when more than 70 percent of it is in use, behind a function that may call nothing else."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: ServerlessSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        # AWS puts no serverless container into a network, nor isolates it.
        model = ml.Model(self, "Model", containers=[tabular_container(settings.model)], network_isolation=False)
        variant = ml.ServerlessVariant(
            name="tabular",
            model=model,
            memory=Size.gibibytes(2),
            max_concurrency=settings.max_concurrency,
            provisioned_concurrency=settings.warm,
        )
        endpoint = ml.Endpoint(self, "Endpoint", variants=[variant], encryption_key=key)
        scaling = endpoint.auto_scale_concurrency(min_capacity=settings.warm, max_capacity=settings.max_warm)
        scaling.on_utilization(70)
        function = ml.FunctionFrontEnd(
            self,
            "Score",
            endpoint=endpoint,
            network=ml.InferenceNetwork(self, "Network", flow_log_key=key),
            encryption_key=key,
            reserved_concurrency=settings.max_concurrency,
        )
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=[function], alarms=[alarms])
        CfnOutput(self, "FunctionName", value=function.alias.function_name)
