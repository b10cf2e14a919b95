"""Endpoint metrics under their official names, aggregated per period.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.store import Endpoint

INVOCATIONS: Final = "AWS/SageMaker"
INSTANCES: Final = "/aws/sagemaker/Endpoints"
_PROCESSES: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MEMORY: Final = os.sysconf("SC_PHYS_PAGES") * _PAGE

_LATE: Final = 0.01  # seconds: a sleep may end a little early, and must not end in the old period

_Key = tuple[str, str, str, str]  # account, region, endpoint, variant


@dataclass
class _Period:
    """What happened to one variant since the last flush; values to how often they occurred."""

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
        self._spent: dict[int, tuple[float, float]] = {}

    def record(
        self, endpoint: Endpoint, variant: Variant, *, status: int, model_seconds: float, overhead_seconds: float
    ) -> None:
        """Count one invocation; status 0 stands for no answer."""
        key = (endpoint.account, endpoint.region, endpoint.name, variant.name)
        period = self._periods.get(key)
        if period is None:
            period = self._periods[key] = _Period()
        is_client_error = 400 <= status < 500
        is_success = 200 <= status < 300
        period.add("Invocations", 1)
        period.add("InvocationsPerInstance", 1 / max(1, len(variant.instances)))
        period.add("ModelLatency", _rounded(model_seconds))
        period.add("OverheadLatency", _rounded(overhead_seconds))
        period.add("Invocation4XXErrors", int(is_client_error))
        period.add("Invocation5XXErrors", int(not is_success and not is_client_error))
        period.add("InvocationModelErrors", int(not is_success))

    def left(self) -> float:
        """How many seconds the present period still has."""
        return self._seconds - time.time() % self._seconds + _LATE

    def flush(self, endpoints: list[Endpoint]) -> None:
        """Publish the period that has just ended, as of its middle."""
        middle = (time.time() // self._seconds - 0.5) * self._seconds
        periods, self._periods = self._periods, {}
        for (account, region, endpoint, variant), period in periods.items():
            data = [
                _datum(metric, endpoint, variant, counts, _UNITS.get(metric, "None"), moment=middle)
                for metric, counts in period.values.items()
            ]
            seams.put_metrics(account, region, INVOCATIONS, data)
        seen: set[int] = set()
        for item in endpoints:
            for route in item.routes:
                self._publish_instances(item, route.fleet, seen, middle)
        self._spent = {pid: spent for pid, spent in self._spent.items() if pid in seen}

    def _publish_instances(self, endpoint: Endpoint, fleet: Fleet, seen: set[int], moment: float) -> None:
        disk = shutil.disk_usage(fleet.directory if fleet.directory.exists() else "/")
        for variant in fleet.variants.values():
            data = []
            readings = [reading for one in variant.instances if (reading := self._reading(one, seen)) is not None]
            if not readings:
                continue
            columns = {
                "CPUUtilization": [cpu for cpu, _ in readings],
                "MemoryUtilization": [memory for _, memory in readings],
                "DiskUtilization": [100 * disk.used / disk.total] * len(readings),
            }
            for metric, values in columns.items():
                counts = Counter(round(value, 2) for value in values)
                data.append(_datum(metric, endpoint.name, variant.name, counts, "Percent", moment=moment))
            seams.put_metrics(endpoint.account, endpoint.region, INSTANCES, data)

    def _reading(self, instance: Instance, seen: set[int]) -> tuple[float, float] | None:
        """CPU (100 per core, as SageMaker counts) and memory of a process, in percent; nothing the first time."""
        pid = instance.pid
        try:
            fields = (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
            resident = int((_PROCESSES / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):  # no such process, or no such file system
            return None
        seen.add(pid)
        spent, now = (int(fields[11]) + int(fields[12])) / _TICKS, time.monotonic()
        before = self._spent.get(pid)
        self._spent[pid] = (spent, now)
        if before is None or now <= before[1]:
            return None
        return 100 * (spent - before[0]) / (now - before[1]), 100 * resident * _PAGE / _MEMORY


_UNITS: Final = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}


def _datum(
    metric: str, endpoint: str, variant: str, counts: Counter[float], unit: str, *, moment: float
) -> dict[str, Any]:
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        "Timestamp": moment,
        "Unit": unit,
        "Values": list(counts),
        "Counts": list(counts.values()),
    }


def _rounded(seconds: float) -> float:
    """Microseconds to two digits, so that a period has few distinct values."""
    return float(f"{seconds * 1e6:.1e}")
