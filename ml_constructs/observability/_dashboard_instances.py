"""How full instances are: what runs on them, and what inference components have reserved."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ml_constructs.observability._dashboard_rows import FULL, THIRD
from ml_constructs.observability._dashboard_view import View, line

_RESERVATIONS: Final = {"CPUReservation": "CPU", "MemoryReservation": "memory", "GPUReservation": "GPU"}


def saturation(view: View) -> None:
    """CPU, memory and disk in use."""
    cpus = [view.cpu(source, n, view.vcpus[source.name]) for n, source in view.sources]
    memory, disk = (
        [source.metric(name, statistic="Maximum", label=source.name) for _, source in view.sources]
        for name in ("MemoryUtilization", "DiskUtilization")
    )
    limits = view.thresholds
    view.rows.add(
        view.graph("CPU, average (%)", cpus, width=THIRD, lines=line(limits.cpu_percent)),
        view.graph("Memory, fullest (%)", memory, width=THIRD, lines=line(limits.memory_percent)),
        view.graph("Disk, fullest (%)", disk, width=THIRD, lines=line(limits.disk_percent)),
    )


def worker_saturation(view: View) -> None:
    """The same where busy CPUs are no alarm, since a queue keeps them busy."""
    saturation(replace(view, thresholds=replace(view.thresholds, cpu_percent=None)))


def reserved(view: View) -> None:
    """What the copies of inference components have reserved: whether another one finds room."""
    ((_, source),) = view.sources
    metrics = [source.metric(name, label=label) for name, label in _RESERVATIONS.items()]
    view.rows.add(view.graph("Reserved by copies, average of the instances (%)", metrics, width=FULL))
