"""Brings an inference component from one specification to the next: copies are replaced batch by batch.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from tests.local_aws.sagemaker.baking import Baking, alarms_of
from tests.local_aws.sagemaker.fleet import Fleet, LaunchError, Variant
from tests.local_aws.sagemaker.store import Component


class ComponentDeployment:
    """One UpdateInferenceComponent, run on a thread of its own."""

    def __init__(
        self,
        component: Component,
        green: Fleet,
        count: int,
        policy: Mapping[str, Any],
        *,
        speed: float,
        closing: threading.Event,
    ) -> None:
        self._component = component
        self._blue = component.fleets
        self._green = green
        self._count = count
        self._rolling: Mapping[str, Any] = policy.get("RollingUpdatePolicy", {})
        self._baking = Baking(
            component.account,
            component.region,
            alarms_of(policy),
            speed=speed,
            closing=closing,
            what="inference component",
        )

    def run(self) -> None:
        """Replace the copies.

        Raises:
            LaunchError: a new copy did not start, or found no room; the old ones serve again.
            DeploymentError: an alarm went off, or time ran out; the same.
        """
        before = self._component.current
        try:
            self._roll(before)
        except Exception:
            self._roll_back(before)
            raise
        self._component.fleets = (self._green,)
        for fleet in self._blue:
            fleet.stop()

    def _roll(self, before: int) -> None:
        limit = self._rolling.get("MaximumExecutionTimeoutInSeconds")
        batch = self._batch()
        done = 0
        while done < self._count:
            done = min(self._count, done + batch)
            self._green.scale(only_variant(self._green), done)
            self._component.fleets = (*self._blue, self._green)
            for fleet in self._blue:
                fleet.scale(only_variant(fleet), max(0, before - done))
            self._baking.wait(self._rolling.get("WaitIntervalInSeconds", 0), limit)

    def _batch(self) -> int:
        size = self._rolling.get("MaximumBatchSize")
        if size is None:
            return max(1, self._count)
        value = int(size["Value"])
        return value if size["Type"] == "COPY_COUNT" else max(1, self._count * value // 100)

    def _roll_back(self, before: int) -> None:
        try:
            for fleet in self._blue:
                fleet.scale(only_variant(fleet), before)
        except LaunchError:  # the new copies take the room: it is made at once
            self._green.stop()
            for fleet in self._blue:
                fleet.scale(only_variant(fleet), before)
        finally:
            self._component.fleets = self._blue
            self._green.stop()


def only_variant(fleet: Fleet) -> Variant:
    """The copies of a component are the only variant of their fleet."""
    return next(iter(fleet.variants.values()))
