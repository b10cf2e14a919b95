"""Endpoint metrics under their official names, aggregated per period.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.conversation import Heard
from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.store import Component, Endpoint
from tests.local_aws.sagemaker.utilization import INSTANCES, Utilization, datum

INVOCATIONS: Final = "AWS/SageMaker"

_LATE: Final = 0.01  # seconds: a sleep may end a little early, and must not end in the old period
_REAL_TIME_ONLY: Final = ("InvocationsPerInstance", "InvocationModelErrors")

Hosted = Endpoint | Component
Dimensions = Mapping[str, str]
_Key = tuple[str, str, str, tuple[tuple[str, str], ...]]  # account, region, namespace, dimensions


@dataclass
class _Period:
    """What happened since the last flush; values to how often they occurred."""

    values: dict[str, Counter[float]] = field(default_factory=dict)

    def add(self, metric: str, value: float) -> None:
        self.values.setdefault(metric, Counter())[value] += 1


class Metrics:
    """Counts invocations and looks at the processes.

    Args:
        seconds: The period, of this machine's clock. Periods begin where those of alarms do.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._periods: dict[_Key, _Period] = {}
        self._utilization = Utilization()

    def record(
        self,
        endpoint: Endpoint,
        variant: Variant,
        *,
        status: int,
        model_seconds: float,
        overhead_seconds: float,
        heard: Sequence[Heard] = (),
    ) -> None:
        """Count one invocation; status 0 stands for no answer."""
        is_component = variant.component is not None
        values = _counted(status, overhead_seconds) | {
            "InvocationsPerCopy" if is_component else "InvocationsPerInstance": 1 / max(1, len(variant.instances)),
            "ModelLatency": microseconds(model_seconds),
            "InvocationModelErrors": int(not 200 <= status < 300),
        }
        if variant.pool is not None:
            values = {name: value for name, value in values.items() if name not in _REAL_TIME_ONLY}
        dimensions = dimensions_of(endpoint, variant)
        self.put(endpoint, dimensions, values)
        if len(variant.containers) > 1:
            for one in heard:
                # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-metrics.html
                own = _counted(one.status, overhead_seconds) if variant.is_direct else {}
                latency = {"ContainerLatency": microseconds(one.seconds)}
                self.put(endpoint, {**dimensions, "ContainerName": one.container}, own | latency)

    def add(self, endpoint: Endpoint, variant: str | None, values: Mapping[str, float]) -> None:
        """Take in one value of each of these metrics, of a variant or of the endpoint as a whole."""
        dimensions = {"EndpointName": endpoint.name} | ({} if variant is None else {"VariantName": variant})
        self.put(endpoint, dimensions, values)

    def put(
        self, hosted: Hosted, dimensions: Dimensions, values: Mapping[str, float], namespace: str = INVOCATIONS
    ) -> None:
        """The same with any dimensions."""
        key = (hosted.account, hosted.region, namespace, tuple(dimensions.items()))
        period = self._periods.get(key)
        if period is None:
            period = self._periods[key] = _Period()
        for metric, value in values.items():
            period.add(metric, value)

    def left(self) -> float:
        """How many seconds the present period still has."""
        return self._seconds - time.time() % self._seconds + _LATE

    def flush(self, fleets: Sequence[tuple[Hosted, Fleet]]) -> None:
        """Publish the period that has just ended, as of its middle."""
        for hosted, fleet in fleets:
            self._collect_models(hosted, fleet)
        middle = (time.time() // self._seconds - 0.5) * self._seconds
        periods, self._periods = self._periods, {}
        for (account, region, namespace, dimensions), period in periods.items():
            data = [
                datum(metric, dict(dimensions), counts, UNITS.get(metric, "None"), moment=middle)
                for metric, counts in period.values.items()
            ]
            seams.put_metrics(account, region, namespace, data)
        self._utilization.publish(fleets, middle)

    def _collect_models(self, hosted: Hosted, fleet: Fleet) -> None:
        """What the containers of many models have to tell."""
        for variant in fleet.variants.values():
            for server in [one.multi_model for one in variant.instances]:
                if server is None or not isinstance(hosted, Endpoint):
                    continue
                dimensions = dimensions_of(hosted, variant)
                for metric, value in server.drain():
                    self.put(hosted, dimensions, {metric: microseconds(value) if metric in UNITS else value})
                self.put(hosted, dimensions, {"LoadedModelCount": server.loaded}, INSTANCES)


def dimensions_of(endpoint: Endpoint, variant: Variant) -> dict[str, str]:
    """What tells the metrics of a variant, or of the component whose copies it has, from those of others."""
    if variant.component is not None:
        return {"InferenceComponentName": variant.component}
    return {"EndpointName": endpoint.name, "VariantName": variant.name}


def _counted(status: int, overhead_seconds: float) -> dict[str, float]:
    """What is counted of a variant as of a container."""
    is_client_error = 400 <= status < 500
    is_success = 200 <= status < 300
    return {
        "Invocations": 1.0,
        "OverheadLatency": microseconds(overhead_seconds),
        "Invocation4XXErrors": int(is_client_error),
        "Invocation5XXErrors": int(not is_success and not is_client_error),
    }


UNITS: Final = {
    **dict.fromkeys(
        (
            "ModelLatency",
            "OverheadLatency",
            "ContainerLatency",
            "ModelLoadingWaitTime",
            "ModelDownloadingTime",
            "ModelLoadingTime",
            "ModelUnloadingTime",
            "ModelSetupTime",
            "RequestDownloadLatency",
            "ResponseUploadLatency",
            "TimeInBacklog",
        ),
        "Microseconds",
    ),
    "TotalProcessingTime": "Milliseconds",
    "ApproximateAgeOfOldestRequest": "Seconds",
    **dict.fromkeys(
        (
            "ApproximateBacklogSize",
            "ApproximateBacklogSizePerInstance",
            "HasBacklogWithoutCapacity",
            "RequestDownloadFailures",
            "ResponseUploadFailures",
            "NotificationFailures",
            "ExpiredRequests",
            "InvocationFailures",
            "InvocationsProcessed",
            "ServerlessProvisionedConcurrencyExecutions",
            "ServerlessProvisionedConcurrencyInvocations",
            "ServerlessProvisionedConcurrencySpilloverInvocations",
        ),
        "Count",
    ),
}


def microseconds(seconds: float) -> float:
    """With two digits, so that a period has few distinct values."""
    return float(f"{seconds * 1e6:.1e}")
