"""Two models on the same instances: one always has copies, the other only while somebody asks it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Size, Stack
from constructs import Construct

import ml_constructs as ml
from stacks.tabular import tabular_container


@dataclass(frozen=True, kw_only=True)
class SharedSettings:
    """The model that is always asked, the one that seldom is, and the instances that they share."""

    busy: Path
    idle: Path
    instance_type: str = "ml.m5.xlarge"
    min_instances: int = 2
    max_instances: int = 6


class SharedStack(Stack):
    """Scales copies by what callers ask for, and instances by the room that copies need."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: SharedSettings, **options: Any) -> None:  # noqa: ANN401 - the arguments of Stack
        super().__init__(scope, construct_id, **options)
        key = ml.EncryptionKey(self, "Key")
        network = ml.InferenceNetwork(self, "Network", flow_log_key=key)
        instances = ml.SharedVariant(
            instance_type=settings.instance_type,
            min_instances=settings.min_instances,
            max_instances=settings.max_instances,
            routing=ml.Routing.least_outstanding_requests(),
        )
        endpoint = ml.SharedEndpoint(self, "Endpoint", variant=instances, network=network, encryption_key=key)
        functions = []
        for name, directory, fewest in (("Busy", settings.busy, 2), ("Idle", settings.idle, 0)):
            model = ml.Model(self, f"{name}Model", containers=[tabular_container(directory)], network=network)
            copy = ml.ComponentSpecification(model=model, memory=Size.gibibytes(1), cpu_cores=1)
            component = ml.InferenceComponent(self, name, endpoint=endpoint, specification=copy, copies=max(fewest, 1))
            component.auto_scale(min_capacity=fewest, max_capacity=8).on_concurrent_requests(5)
            functions.append(
                ml.FunctionFrontEnd(
                    self, f"{name}Score", endpoint=endpoint, component=component, network=network, encryption_key=key
                )
            )
        alarms = ml.EndpointAlarms(self, "Alarms", endpoint=endpoint, encryption_key=key)
        ml.EndpointDashboard(self, "Dashboard", endpoints=[endpoint], front_ends=functions, alarms=[alarms])
