"""What DescribeEndpoint says of the parts of an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.store import CREATING, DELETING, UPDATING


def summarize(variant: Variant, status: str) -> dict[str, Any]:
    """A ProductionVariantSummary."""
    image = variant.container["Image"]
    summary = {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": len(variant.instances),
        "DesiredInstanceCount": variant.count,
    }
    return summary | ({"VariantStatus": [{"Status": status}]} if status in {CREATING, UPDATING, DELETING} else {})


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
