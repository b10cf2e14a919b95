"""What is known at one moment: frozen values that the view draws and the story judges."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

OK: Final = 200
PERCENTILES: Final = (50, 90, 99)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request and its answer.

    Args:
        at: When the answer came, in seconds of the demo.
        seconds: How long the caller waited.
        status: The HTTP status, 0 where no answer came.
        variant: Who served it, if anybody did.
    """

    at: float
    seconds: float
    status: int
    variant: str | None = None


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Calls, summed up; percentiles are in seconds."""

    requests: int = 0
    per_second: float = 0.0
    statuses: tuple[tuple[int, int], ...] = ()
    percentiles: tuple[float, ...] = ()
    served: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, calls: Iterable[Call], seconds: float) -> Traffic:
        """Sum up the calls of a time span."""
        calls = list(calls)
        waits = sorted(call.seconds for call in calls)
        return cls(
            requests=len(calls),
            per_second=len(calls) / seconds if seconds > 0 else 0.0,
            statuses=tuple(sorted(Counter(call.status for call in calls).items())),
            percentiles=tuple(_percentile(waits, percent) for percent in PERCENTILES) if waits else (),
            served=tuple(sorted(Counter(call.variant for call in calls if call.variant is not None).items())),
        )

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return self.requests - dict(self.statuses).get(OK, 0)

    def share(self, variant: str) -> float:
        """The part of all requests that a variant served; a failed one names no variant."""
        return dict(self.served).get(variant, 0) / max(1, self.requests)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A variant as DescribeEndpoint tells; the weight is a part of one."""

    name: str
    weight: float
    current: int
    desired: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm that can roll a deployment back."""

    name: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The endpoint and its traffic at one moment.

    Args:
        second: When, in seconds of the demo.
        status: Of the endpoint, e.g. `InService`.
        config: The name of the configuration that serves.
        variants: What serves.
        pending: What a deployment brings up, empty without one.
        alarms: Those that can roll a deployment back.
        scaling: What Application Auto Scaling did last, in its own words.
        failure: Why the last deployment failed, if it did.
        now: The traffic of the last seconds.
        total: The traffic since the story last began to count.
        rates: Requests per second, oldest first.
        instances: Instances of all variants, oldest first, as often as `rates`.
    """

    second: float
    status: str
    config: str
    variants: tuple[Variant, ...]
    pending: tuple[Variant, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    scaling: str = ""
    failure: str = ""
    now: Traffic = Traffic()
    total: Traffic = Traffic()
    rates: tuple[float, ...] = ()
    instances: tuple[int, ...] = ()

    def variant(self, name: str) -> Variant:
        """The variant of this name.

        Raises:
            KeyError: there is none.
        """
        return {variant.name: variant for variant in self.variants}[name]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A stack that is being deployed.

    Args:
        second: When, in seconds of the demo.
        status: Of the stack, empty before there is one.
        total: How many resources the template has.
        finished: How many are there.
        failed: What failed, and why.
        latest: The newest, as `type name`, newest last.
        pending: What is being made, as `type name`.
    """

    second: float
    status: str
    total: int
    finished: int
    failed: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way."""
        return bool(self.status) and not self.status.endswith("_IN_PROGRESS")


def deviation(share: float, weight: float, requests: int) -> float:
    """How many standard deviations of a fair choice a share of the requests lies from its weight."""
    spread = math.sqrt(weight * (1 - weight) / requests) if requests else 0.0
    return abs(share - weight) / spread if spread else 0.0


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that is not below `percent` in a hundred of the values."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
