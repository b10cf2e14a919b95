"""Brings an endpoint from one configuration to the next: at once, canary, linear or rolling, with rollback on alarms.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.local_aws.sagemaker.baking import Baking, DeploymentError, alarms_of
from tests.local_aws.sagemaker.fleet import Fleet, LaunchError
from tests.local_aws.sagemaker.store import ROLLING_BACK, Endpoint, Route

ALL_AT_ONCE: Final[Mapping[str, Any]] = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
}


class RollbackError(DeploymentError):
    """The old fleet could not be brought back in full."""


class Deployment:
    """One UpdateEndpoint, run on a thread of its own."""

    def __init__(
        self, endpoint: Endpoint, green: Fleet, policy: Mapping[str, Any], *, speed: float, closing: threading.Event
    ) -> None:
        self._endpoint = endpoint
        self._blue = endpoint.routes[0].fleet
        self._green = green
        self._policy = policy
        alarms = alarms_of(policy)
        self._baking = Baking(endpoint.account, endpoint.region, alarms, speed=speed, closing=closing, what="endpoint")

    def run(self) -> None:
        """Carry the traffic over.

        Raises:
            RollbackError: and not all of the old instances came back.
            DeploymentError: a new instance did not start, an alarm went off or time ran out; the old fleet has all
                traffic again.
        """
        before = {name: variant.running for name, variant in self._blue.variants.items()}
        rolling = self._policy.get("RollingUpdatePolicy")
        try:
            if rolling is not None:
                self._roll(rolling)
            else:
                self._shift(self._policy.get("BlueGreenUpdatePolicy") or ALL_AT_ONCE["BlueGreenUpdatePolicy"])
        except Exception as error:
            self._roll_back(before)
            if isinstance(error, LaunchError | DeploymentError):
                raise DeploymentError(str(error)) from error
            raise
        self._endpoint.routes = (Route(self._green, 1.0),)
        self._blue.stop()

    def _shift(self, policy: Mapping[str, Any]) -> None:
        routing = policy["TrafficRoutingConfiguration"]
        limit = policy.get("MaximumExecutionTimeoutInSeconds")
        self._green.launch()
        for share in self._shares(routing):
            self._route(share)
            self._baking.wait(routing["WaitIntervalInSeconds"], limit)
        self._baking.wait(policy.get("TerminationWaitInSeconds", 0), limit)

    def _shares(self, routing: Mapping[str, Any]) -> Iterator[float]:
        """The parts of the traffic that the new fleet gets, one after the other."""
        total = sum(variant.count for variant in self._green.variants.values())
        if routing["Type"] == "CANARY":
            yield _part(routing["CanarySize"], total)
        elif routing["Type"] == "LINEAR":
            step = _part(routing["LinearStepSize"], total)
            yield from (step * number for number in range(1, math.ceil(round(1 / step, 6))))
        yield 1.0

    def _roll(self, policy: Mapping[str, Any]) -> None:
        limit = policy.get("MaximumExecutionTimeoutInSeconds")
        counts = {name: variant.count for name, variant in self._green.variants.items()}
        done = dict.fromkeys(counts, 0)
        while any(done[name] < count for name, count in counts.items()):
            for name, count in counts.items():
                done[name] = min(count, done[name] + _batch(policy["MaximumBatchSize"], count))
            self._green.launch(done)
            share = sum(done.values()) / sum(counts.values())
            self._route(share)
            for name, variant in self._blue.variants.items():
                left = 1 - done[name] / counts[name] if name in counts else 1 - share
                self._blue.scale(variant, math.ceil(variant.count * left))
            self._baking.wait(policy["WaitIntervalInSeconds"], limit)

    def _route(self, share: float) -> None:
        routes = (Route(self._blue, 1 - share), Route(self._green, share))
        self._endpoint.routes = routes if share < 1 else (routes[1], routes[0])

    def _roll_back(self, before: Mapping[str, int]) -> None:
        self._endpoint.status = ROLLING_BACK
        try:
            for name, count in before.items():
                self._blue.scale(self._blue.variants[name], count)
        except LaunchError as error:
            raise RollbackError(f"The old instances could not be started again: {error}") from error
        finally:
            self._endpoint.routes = (Route(self._blue, 1.0),)
            self._green.stop()


def _part(size: Mapping[str, Any], total: int) -> float:
    value: float = size["Value"]
    return min(1.0, value / 100 if size["Type"] == "CAPACITY_PERCENT" else value / max(1, total))


def _batch(size: Mapping[str, Any], count: int) -> int:
    value: int = size["Value"]
    return value if size["Type"] == "INSTANCE_COUNT" else max(1, count * value // 100)


def in_background(name: str, work: Callable[[], None]) -> None:
    """Run `work` without a caller who waits for it."""
    threading.Thread(target=work, name=f"sagemaker-{name}", daemon=True).start()
