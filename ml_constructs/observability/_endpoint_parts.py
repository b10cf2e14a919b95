"""What is known of the parts of an endpoint: their scaling, their cores, the components, the rollback alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.endpoint_config.instance_variant import construct_ids
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.scaling.component_scaling import ComponentScaling
from ml_constructs.scaling.variant_scaling import VariantScaling


def vcpus_of(endpoint: IEndpoint, variant: str) -> int | None:
    """The vCPUs of one instance of a variant, or of the shadow variant; None when not known at synth."""
    if isinstance(endpoint, ISharedEndpoint):
        return None if endpoint.variant is None else endpoint.variant.vcpus
    if not isinstance(endpoint, Endpoint):
        return None
    hosted = (*endpoint.variants, *(() if endpoint.shadow is None else (endpoint.shadow,)))
    vcpus: int | None = next(each.vcpus for each in hosted if each.name == variant)
    return vcpus


def scaling_of(endpoint: IEndpoint, variant: str) -> VariantScaling | None:
    """How the instances of a variant scale; None when they do not, as far as known."""
    if not isinstance(endpoint, Endpoint):
        return None
    names = endpoint.variant_names
    child = endpoint.node.try_find_child(f"{construct_ids(names)[names.index(variant)]}Scaling")
    return child if isinstance(child, VariantScaling) else None


def scaling_of_component(component: IInferenceComponent) -> ComponentScaling | None:
    """How the copies of a component scale; None when they do not, as far as known."""
    child = component.node.try_find_child("Scaling") if isinstance(component, InferenceComponent) else None
    return child if isinstance(child, ComponentScaling) else None


def components_of(endpoint: IEndpoint) -> list[IInferenceComponent]:
    """The components on a shared endpoint, as far as known."""
    return endpoint.components if isinstance(endpoint, ISharedEndpoint) else []


def rollback_alarms_of(endpoint: IEndpoint) -> Iterator[tuple[Construct, list[cloudwatch.IAlarm]]]:
    """What makes deployments turn back, with what it belongs to: the endpoint, or a component on it."""
    for part in (endpoint, *components_of(endpoint)):
        if isinstance(part, Endpoint | SharedEndpoint | InferenceComponent):
            yield cast("Construct", part), part.rollback_alarms
