"""What processes use of this machine, as the metrics of instances, containers and copies.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.store import Component, Endpoint

INSTANCES: Final = "/aws/sagemaker/Endpoints"
COPIES: Final = "/aws/sagemaker/InferenceComponents"
_PROCESSES: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MEMORY: Final = os.sysconf("SC_PHYS_PAGES") * _PAGE
_MEBIBYTE: Final = 1024 * 1024

_Rows = dict[tuple[str, str, str, tuple[tuple[str, str], ...]], dict[str, dict[str, list[float]]]]


@dataclass(frozen=True)
class _Reading:
    """CPU in percent, 100 per core, as SageMaker counts, and bytes of memory."""

    cpu: float
    memory: float


class Utilization:
    """Looks at the processes once a period."""

    def __init__(self) -> None:
        self._spent: dict[int, tuple[float, float]] = {}

    def publish(self, fleets: Sequence[tuple[Endpoint | Component, Fleet]], moment: float) -> None:
        """Publish what the processes have used since the last time."""
        readings = self._readings(fleets)
        # By place and dimensions, then by metric; what is on the same instance adds up to one value.
        rows: _Rows = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for hosted, fleet in fleets:
            disk = shutil.disk_usage(fleet.directory if fleet.directory.exists() else "/")
            for variant in fleet.variants.values():
                for instance in variant.instances:
                    _add(rows, hosted, variant, instance=instance, readings=readings, disk=100 * disk.used / disk.total)
        for (account, region, namespace, dimensions), columns in rows.items():
            data = [
                datum(metric, dict(dimensions), _counted(metric, column.values()), "Percent", moment=moment)
                for metric, column in columns.items()
            ]
            seams.put_metrics(account, region, namespace, data)

    def _readings(self, fleets: Iterable[tuple[Endpoint | Component, Fleet]]) -> dict[int, _Reading]:
        variants = [variant for _, fleet in fleets for variant in fleet.variants.values()]
        pids = [server.pid for variant in variants for one in variant.instances for server in one.servers]
        found = {pid: reading for pid in pids if (reading := self._read(pid)) is not None}
        self._spent = {pid: spent for pid, spent in self._spent.items() if pid in pids}
        return found

    def _read(self, pid: int) -> _Reading | None:
        """What a process used; nothing the first time."""
        try:
            fields = (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
            resident = int((_PROCESSES / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):  # no such process, or no such file system
            return None
        spent, now = (int(fields[11]) + int(fields[12])) / _TICKS, time.monotonic()
        before = self._spent.get(pid)
        self._spent[pid] = (spent, now)
        if before is None or now <= before[1]:
            return None
        return _Reading(100 * (spent - before[0]) / (now - before[1]), resident * _PAGE)


def _add(
    rows: _Rows,
    hosted: Endpoint | Component,
    variant: Variant,
    *,
    instance: Instance,
    readings: Mapping[int, _Reading],
    disk: float,
) -> None:
    found = {server.name: readings[server.pid] for server in instance.servers if server.pid in readings}
    if not found:
        return
    endpoint = hosted.endpoint if isinstance(hosted, Component) else hosted.name
    of_variant = {"EndpointName": endpoint, "VariantName": variant.name}
    cpu = sum(reading.cpu for reading in found.values())
    memory = sum(reading.memory for reading in found.values())
    host = instance.id if instance.slot is None else instance.slot.host.id
    total = _MEMORY if variant.pool is None else variant.pool.memory_mib * _MEBIBYTE
    used = {"CPUUtilization": cpu, "MemoryUtilization": 100 * memory / total, "DiskUtilization": disk}
    if variant.pool is not None:  # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
        del used["CPUUtilization"], used["DiskUtilization"]

    def put(namespace: str, dimensions: Mapping[str, str], where: str, values: Mapping[str, float]) -> None:
        columns = rows[hosted.account, hosted.region, namespace, tuple(dimensions.items())]
        for metric, value in values.items():
            columns[metric][where].append(value)

    put(INSTANCES, of_variant, host, used)
    if variant.is_direct:
        for name, reading in found.items():
            own = {"CPUUtilization": reading.cpu, "MemoryUtilization": 100 * reading.memory / _MEMORY}
            put(INSTANCES, {**of_variant, "ContainerName": name}, host, own)
    if variant.component is not None and instance.slot is not None:
        needs = instance.slot.needs
        copy = {
            "CPUUtilization": cpu,
            "MemoryUtilization": used["MemoryUtilization"],
            "CPUUtilizationNormalized": cpu / (needs.cpu or 1.0),
            "MemoryUtilizationNormalized": 100 * memory / (needs.memory * _MEBIBYTE),
        }
        put(COPIES, {"InferenceComponentName": variant.component}, instance.id, copy)


def _counted(metric: str, values: Iterable[list[float]]) -> Counter[float]:
    """One value per instance: the sum of what is on it; its disk is one for all."""
    combine = max if metric == "DiskUtilization" else sum
    return Counter(round(combine(column), 2) for column in values)


def datum(
    metric: str, dimensions: Mapping[str, str], counts: Counter[float], unit: str, *, moment: float
) -> dict[str, Any]:
    """A MetricDatum."""
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": moment,
        "Unit": unit,
        "Values": list(counts),
        "Counts": list(counts.values()),
    }
