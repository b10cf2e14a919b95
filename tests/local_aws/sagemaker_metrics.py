"""What CloudWatch has of an endpoint."""

from __future__ import annotations

import time
from typing import Any

from tests.local_aws.sagemaker_harness import Emulator

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"


def _dimensions(endpoint: str, variant: str | None) -> list[dict[str, str]]:
    named = {"EndpointName": endpoint} | ({} if variant is None else {"VariantName": variant})
    return [{"Name": name, "Value": value} for name, value in named.items()]


def statistic(
    cloud: Emulator, metric: str, endpoint: str, variant: str | None = None, *, kind: str = "Sum"
) -> float | None:
    """One statistic of a metric since the endpoint came to be; nothing where there is no data."""
    now = time.time()
    found: list[dict[str, Any]] = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=INVOCATIONS,
        MetricName=metric,
        Dimensions=_dimensions(endpoint, variant),
        Period=86_400,
        StartTime=now - 86_400,
        EndTime=now + 86_400,
        Statistics=[kind],
    )["Datapoints"]
    values = [float(point[kind]) for point in found]
    if not values:
        return None
    return {"Maximum": max, "Minimum": min}.get(kind, sum)(values)


def names(cloud: Emulator, endpoint: str, variant: str | None, namespace: str = INVOCATIONS) -> set[str]:
    """The metrics with exactly these dimensions."""
    wanted = _dimensions(endpoint, variant)
    pages = cloud.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=namespace, Dimensions=wanted)
    found = [metric for page in pages for metric in page["Metrics"]]
    return {metric["MetricName"] for metric in found if len(metric["Dimensions"]) == len(wanted)}
