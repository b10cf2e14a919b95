"""Instances that inference components share: what is placed where, and how many there are.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScaling.html
"""

from __future__ import annotations

import threading
import time
from typing import Final

from tests.local_aws.sagemaker.errors import invalid
from tests.local_aws.sagemaker.fleet import Fleet, LaunchError, Variant
from tests.local_aws.sagemaker.placement import CONSOLIDATION, Placement, Resources, Slot
from tests.local_aws.sagemaker.store import IN_SERVICE, Component, Endpoint, Place

_MINUTE: Final = 60.0


class Hosts:
    """The instances of one variant, and the copies on them."""

    def __init__(self, endpoint: Endpoint, name: str, speed: float) -> None:
        self.endpoint = endpoint
        self._name = name
        self._speed = speed
        self._placement = Placement()
        self._lock = threading.RLock()  # instances are added and removed by one at a time
        self._idle: set[str] = set()
        self._consolidated = float("-inf")

    def _found(self) -> tuple[Fleet, Variant]:
        fleet = self.endpoint.fleet
        variant = None if fleet is None else fleet.variants.get(self._name)
        if fleet is None or variant is None or variant.hosting is None:
            raise LaunchError("The endpoint was deleted.")
        return fleet, variant

    def place(self, component: str, needs: Resources, strategy: str) -> Slot:
        """Room for a copy; managed scaling makes some where there is none.

        Raises:
            LaunchError: there is no room.
        """
        with self._lock:
            fleet, variant = self._found()
            slot = self._reserve(variant, needs, strategy)
            if slot is None and _can_grow(variant, needs):
                self._resize(fleet, variant, len(variant.instances) + 1)
                slot = self._reserve(variant, needs, strategy)
        if slot is None:
            raise LaunchError(
                "There are not enough hardware resources on the instances to satisfy the compute resource requirements "
                f"for inference component {component}."
            )
        return slot

    def _reserve(self, variant: Variant, needs: Resources, strategy: str) -> Slot | None:
        assert variant.hosting is not None
        return self._placement.reserve(variant.instances, variant.hosting.resources, needs, strategy)

    @staticmethod
    def _resize(fleet: Fleet, variant: Variant, count: int) -> None:
        fleet.scale(variant, count)
        variant.count = count

    def least_for(self, variant: Variant) -> int | None:
        """How many instances of a variant the copies need; nothing where no number that it may have is enough."""
        assert variant.hosting is not None
        most = variant.hosting.most(variant.count)
        return next(
            (count for count in range(most + 1) if self._placement.fits(count, variant.hosting.resources)), None
        )

    def fits(self, count: int) -> bool:
        """Whether the copies find room on so many instances."""
        _, variant = self._found()
        assert variant.hosting is not None
        return self._placement.fits(count, variant.hosting.resources)

    def move(self, variant: Variant, count: int) -> bool:
        """Bring the copies to the first instances of a variant; gives whether there is room."""
        assert variant.hosting is not None
        return self._placement.move(variant.instances[:count], variant.hosting.resources)

    def release(self) -> None:
        """End instances that no copy has been on since the last time; consolidation makes such."""
        with self._lock:
            if self.endpoint.status != IN_SERVICE:
                return
            fleet, variant = self._found()
            hosting = variant.hosting
            if hosting is None or not hosting.is_scaling:
                return
            if hosting.strategy == CONSOLIDATION:
                self._consolidate(variant)
            idle = {one.id for one in variant.instances if self._placement.is_idle(one)}
            ending, self._idle = idle & self._idle, idle
            count = max(hosting.least, len(variant.instances) - len(ending))
            if count < len(variant.instances):
                fleet.put_last(variant, ending)
                self._resize(fleet, variant, count)

    def _consolidate(self, variant: Variant) -> None:
        """Move copies together, a few instances at a time."""
        hosting = variant.hosting
        assert hosting is not None
        if time.monotonic() < self._consolidated + hosting.cooldown_minutes * _MINUTE / self._speed:
            return
        here = len(variant.instances)
        for count in range(max(hosting.least, here - hosting.step), here):
            if self._placement.fits(count, hosting.resources):
                self.move(variant, count)
                self._consolidated = time.monotonic()
                return


def _can_grow(variant: Variant, needs: Resources) -> bool:
    hosting = variant.hosting
    assert hosting is not None
    return needs.fits(hosting.resources) and len(variant.instances) < hosting.most(variant.count)


class Register:
    """The shared instances of all endpoints."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._hosts: dict[tuple[str, str], Hosts] = {}
        self._lock = threading.Lock()

    def of(self, endpoint: Endpoint, variant: str) -> Hosts:
        """Those of one variant."""
        with self._lock:
            found = self._hosts.get((endpoint.arn, variant))
            if found is None or found.endpoint is not endpoint:  # one of that name was deleted
                found = self._hosts[endpoint.arn, variant] = Hosts(endpoint, variant, self._speed)
            return found

    def check(self, endpoint: Endpoint, name: str, count: int) -> None:
        """Refuse so few instances that the copies on them find no room.

        Raises:
            ApiError: ValidationException.
        """
        if not self.of(endpoint, name).fits(count):
            raise invalid(
                f'The inference components on variant "{name}" of endpoint "{endpoint.arn}" do not fit on {count} '
                "instances."
            )

    def make_room(self, endpoint: Endpoint, fleet: Fleet) -> None:
        """Let a new fleet have as many instances as the copies need.

        Raises:
            LaunchError: it may not have so many.
        """
        for variant in _hosting(fleet):
            least = self.of(endpoint, variant.name).least_for(variant)
            if least is None:
                raise LaunchError(
                    "There are not enough hardware resources on the instances to satisfy the compute resource "
                    f"requirements for the inference components on variant {variant.name}."
                )
            variant.count = max(variant.count, least)

    def settle(self, endpoint: Endpoint, fleet: Fleet) -> None:
        """Bring the copies to the instances that will stay; they go on serving."""
        for variant in _hosting(fleet):
            self.of(endpoint, variant.name).move(variant, variant.count)

    def release(self, endpoints: list[Endpoint]) -> None:
        """End idle instances, and forget those of deleted endpoints."""
        with self._lock:
            self._hosts = {key: one for key, one in self._hosts.items() if one.endpoint in endpoints}
            hosts = list(self._hosts.values())
        for one in hosts:
            try:
                one.release()
            except LaunchError:
                continue  # it is being deleted


def _hosting(fleet: Fleet) -> list[Variant]:
    return [variant for variant in fleet.variants.values() if variant.hosting is not None]


def check_update(place: Place, endpoint: Endpoint, fleet: Fleet) -> None:
    """Refuse a new fleet that inference components cannot move to.

    Raises:
        ApiError: ValidationException.
    """
    if endpoint.fleet is not None and endpoint.fleet.is_shared != fleet.is_shared:
        raise invalid(
            f'Endpoint "{endpoint.arn}" cannot change between production variants with a ModelName and production '
            "variants for inference components."
        )
    for component in _on(place, endpoint):
        if component.variant not in fleet.variants:
            raise invalid(
                f'Inference component "{component.arn}" is on variant "{component.variant}", which the endpoint '
                "configuration does not have."
            )


def check_deletion(place: Place, endpoint: Endpoint) -> None:
    """Refuse to delete an endpoint with inference components.

    Raises:
        ApiError: ValidationException.
    """
    names = sorted(component.name for component in _on(place, endpoint))
    if names:
        raise invalid(
            f'Cannot delete endpoint "{endpoint.arn}" while it has inference components: {", ".join(names)}. Delete '
            "them first."
        )


def _on(place: Place, endpoint: Endpoint) -> list[Component]:
    return [component for component in list(place.components.values()) if component.endpoint == endpoint.name]
