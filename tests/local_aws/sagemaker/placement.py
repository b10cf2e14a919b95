"""Which copies of inference components run on which instances.

What an instance type offers follows from its name by rule of thumb: processes here share one machine anyway, and what
matters is that copies which do not fit are told apart from those that do. SageMaker keeps a part for itself.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

BINPACK: Final = "BINPACK"
CONSOLIDATION: Final = "CONSOLIDATION"
_TYPE: Final = re.compile(r"ml\.([a-z]+)(\d*)([a-z0-9-]*)\.(medium|large|(\d*)xlarge)")
_MEMORY_PER_CPU: Final = {"c": 2048, "r": 8192, "x": 16384, "p": 8192}  # MiB; 4096 for all others
_CPUS: Final = {"ml.c4.8xlarge": 36, "ml.t2.medium": 2}  # those that do not follow from the size
_ACCELERATED: Final = {"g", "gr", "p", "inf", "trn"}
_SIZES: Final = {"12xlarge": 4, "16xlarge": 1, "24xlarge": 4, "48xlarge": 8}
_ACCELERATORS: Final = {
    **{f"{family}.{size}": number for family in ("g4dn", "g5", "g6", "g6e") for size, number in _SIZES.items()},
    **dict.fromkeys(("p2.8xlarge", "p3.16xlarge", "p3dn.24xlarge", "p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge",
                     "p5e.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge"), 8),
    "p2.16xlarge": 16, "p3.8xlarge": 4, "inf1.6xlarge": 4, "inf1.24xlarge": 16, "inf2.24xlarge": 6,
    "inf2.48xlarge": 12, "trn1.32xlarge": 16, "trn1n.32xlarge": 16, "trn2.48xlarge": 16,
}  # fmt: skip


class Host(Protocol):
    """An instance that copies are placed on."""

    id: str


@dataclass(frozen=True)
class Resources:
    """What a copy needs, or an instance offers."""

    cpu: float = 0.0
    memory: float = 0.0
    """MiB."""

    accelerators: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpu + other.cpu, self.memory + other.memory, self.accelerators + other.accelerators)

    def fits(self, offer: Resources) -> bool:
        """Whether it is no more than another."""
        return self.cpu <= offer.cpu and self.memory <= offer.memory and self.accelerators <= offer.accelerators


def needs_of(requirements: Mapping[str, Any]) -> Resources:
    """What ComputeResourceRequirements reserve."""
    return Resources(
        requirements.get("NumberOfCpuCoresRequired", 0.0),
        requirements["MinMemoryRequiredInMb"],
        requirements.get("NumberOfAcceleratorDevicesRequired", 0.0),
    )


def offer_of(instance_type: str) -> Resources:
    """What an instance has for copies: nine tenths of its memory."""
    match = _TYPE.fullmatch(instance_type)
    if match is None:  # a type that is not named as the others are
        return Resources(2, 4096 * 0.9)
    family, size = match[1], match[4]
    cpu = _CPUS.get(instance_type) or {"medium": 1, "large": 2}.get(size, 4 * int(match[5] or 1))
    memory = cpu * _MEMORY_PER_CPU.get(family, 4096) * 0.9
    accelerators = _ACCELERATORS.get(instance_type.removeprefix("ml."), 1) if family in _ACCELERATED else 0
    return Resources(cpu, memory, accelerators)


@dataclass(frozen=True)
class Hosting:
    """What a configuration says of instances that wait for inference components."""

    role: str
    instance_type: str
    scaling: Mapping[str, Any]
    """ManagedInstanceScaling."""

    @property
    def resources(self) -> Resources:
        """What each offers."""
        return offer_of(self.instance_type)

    @property
    def is_scaling(self) -> bool:
        """Whether SageMaker changes their number."""
        return bool(self.scaling.get("Status") == "ENABLED")

    @property
    def least(self) -> int:
        """The fewest of them that stay."""
        return int(self.scaling.get("MinInstanceCount", 1))

    def most(self, count: int) -> int:
        """How many there may be, where there are `count` now."""
        return int(self.scaling.get("MaxInstanceCount", count)) if self.is_scaling else count

    @property
    def _scale_in(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.scaling.get("ScaleInPolicy", {})
        return found

    @property
    def strategy(self) -> str:
        """Which instances may go."""
        return str(self._scale_in.get("Strategy", "IDLE_RELEASE"))

    @property
    def step(self) -> int:
        """How many go at a time by consolidation."""
        return int(self._scale_in.get("MaximumStepSize", 1))

    @property
    def cooldown_minutes(self) -> int:
        """How long consolidation rests."""
        return int(self._scale_in.get("CooldownInMinutes", 5))


@dataclass
class Slot:
    """The place of one copy, taken until it is given back."""

    host: Host
    needs: Resources
    give_back: Callable[[Slot], None]

    def free(self) -> None:
        """Give it back; more than once is as good as once."""
        self.give_back(self)


class Placement:
    """The copies on the instances of one variant."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self._lock = threading.Lock()

    def reserve(self, hosts: Sequence[Host], offer: Resources, needs: Resources, strategy: str) -> Slot | None:
        """A place on one of these instances; nothing where none has room.

        Copies are spread: the instance with the fewest gets the next one. BINPACK fills the fullest that has room.
        """
        with self._lock:
            loads = {host.id: self._load(host) for host in hosts}
            fitting = [host for host in hosts if (loads[host.id][1] + needs).fits(offer)]
            if not fitting:
                return None
            sign = -1 if strategy == BINPACK else 1
            chosen = min(fitting, key=lambda host: (sign * loads[host.id][0], sign * loads[host.id][1].memory))
            slot = Slot(chosen, needs, self._give_back)
            self._slots.append(slot)
            return slot

    def _load(self, host: Host) -> tuple[int, Resources]:
        mine = [slot.needs for slot in self._slots if slot.host.id == host.id]
        return len(mine), sum(mine, Resources())

    def _give_back(self, slot: Slot) -> None:
        with self._lock:
            self._slots = [one for one in self._slots if one is not slot]

    def is_idle(self, host: Host) -> bool:
        """Whether no copy is on an instance."""
        with self._lock:
            return self._load(host)[0] == 0

    def move(self, hosts: Sequence[Host], offer: Resources) -> bool:
        """Bring all copies to these instances, the largest first; gives whether they fit, and moves none if not."""
        with self._lock:
            plan = _packed(self._slots, hosts, offer)
            for slot, host in plan or []:
                slot.host = host
            return plan is not None

    def fits(self, count: int, offer: Resources) -> bool:
        """Whether all copies would find room on so many instances."""
        with self._lock:
            return _packed(self._slots, [_Nobody(str(number)) for number in range(count)], offer) is not None


@dataclass
class _Nobody:
    id: str


def _packed(slots: Sequence[Slot], hosts: Sequence[Host], offer: Resources) -> list[tuple[Slot, Host]] | None:
    loads = [Resources() for _ in hosts]
    plan: list[tuple[Slot, Host]] = []
    for slot in sorted(slots, key=lambda one: (one.needs.accelerators, one.needs.memory, one.needs.cpu), reverse=True):
        for number, host in enumerate(hosts):
            if (loads[number] + slot.needs).fits(offer):
                loads[number] += slot.needs
                plan.append((slot, host))
                break
        else:
            return None
    return plan
