"""What DescribeEndpoint says of the parts of an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.store import CREATING, DELETING, UPDATING


def summarize(variant: Variant, status: str) -> dict[str, Any]:
    """A ProductionVariantSummary."""
    images = [spec.image for spec in variant.containers]
    summary: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image} for image in images],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
    }
    if variant.pool is None:
        summary |= {"CurrentInstanceCount": len(variant.instances), "DesiredInstanceCount": variant.count}
    else:
        config = variant.pool.config
        summary |= {"CurrentInstanceCount": 0, "CurrentServerlessConfig": config, "DesiredServerlessConfig": config}
    if variant.hosting is not None and variant.hosting.scaling:
        summary["ManagedInstanceScaling"] = dict(variant.hosting.scaling)
    return summary | ({"VariantStatus": [{"Status": status}]} if status in {CREATING, UPDATING, DELETING} else {})


def summarize_all(fleet: Fleet, status: str) -> dict[str, Any]:
    """Those of a fleet: the variants that answer, and the shadow variants if there are any."""
    shadows = [summarize(variant, status) for variant in fleet.variants.values() if variant.is_shadow]
    found = {"ProductionVariants": [summarize(variant, status) for variant in fleet.production.values()]}
    return found | ({"ShadowProductionVariants": shadows} if shadows else {})


def summarize_capture(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The state of data capture."""
    if config is None:
        return None
    is_on = config.get("EnableCapture", True)
    summary = {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
    }
    return summary | ({"KmsKeyId": config["KmsKeyId"]} if "KmsKeyId" in config else {})
