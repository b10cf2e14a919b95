"""Makes the variants of an endpoint configuration, with what they keep of the ones before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tests.local_aws.sagemaker.fleet import LEAST_OUTSTANDING, Fleet, Variant
from tests.local_aws.sagemaker.placement import Hosting
from tests.local_aws.sagemaker.serverless import STARTUP_SECONDS, Pool
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import Place

_STARTUP_SECONDS = 600  # unless the configuration says otherwise


def make(
    place: Place, request: Mapping[str, Any], settings: Settings, old: Fleet | None, excluded: Collection[str]
) -> list[Variant]:
    """The variants; weights and numbers of instances are those of `old`, unless they are excluded from that."""
    answering = [_make(place, item, settings, old, excluded) for item in request["ProductionVariants"]]
    for variant, item in zip(answering, request["ProductionVariants"], strict=True):
        if "ModelName" not in item:
            scaling = item.get("ManagedInstanceScaling", {})
            variant.hosting = Hosting(request["ExecutionRoleArn"], item["InstanceType"], scaling)
    shadows = [_make(place, item, settings, old, excluded) for item in request.get("ShadowProductionVariants", [])]
    for shadow in shadows:
        shadow.is_shadow = True
        answering[0].shadow = shadow
    return answering + shadows


def _make(
    place: Place, item: Mapping[str, Any], settings: Settings, old: Fleet | None, excluded: Collection[str]
) -> Variant:
    retained = None if old is None else old.variants.get(item["VariantName"])
    serverless = item.get("ServerlessConfig")
    weight = item.get("InitialVariantWeight", 1.0)
    # Without instances: SageMaker starts a model once, to see that it can.
    count = (
        item.get("InitialInstanceCount", 1)
        if serverless is None
        else max(1, serverless.get("ProvisionedConcurrency", 0))
    )
    if retained is not None and "DesiredWeight" not in excluded:
        weight = retained.weight
    if retained is not None and serverless is None and "DesiredInstanceCount" not in excluded:
        count = retained.count
    timeout = item.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_SECONDS)
    if serverless is not None:
        timeout, count = STARTUP_SECONDS, min(count, settings.max_serverless_processes)
    is_least_outstanding = item.get("RoutingConfig", {}).get("RoutingStrategy") == LEAST_OUTSTANDING
    return Variant(
        item["VariantName"],
        place.model(item["ModelName"]).request if "ModelName" in item else None,
        weight,
        count,
        max(timeout / settings.speed, settings.startup_seconds),
        is_least_outstanding or serverless is not None,
    )


def add_pools(fleet: Fleet, request: Mapping[str, Any], settings: Settings) -> None:
    """Give serverless variants what starts and stops their processes."""
    for item in request["ProductionVariants"]:
        if "ServerlessConfig" in item:
            variant = fleet.variants[item["VariantName"]]
            variant.pool = Pool(fleet, variant, item["ServerlessConfig"], settings)
