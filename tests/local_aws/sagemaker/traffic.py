"""Chooses who answers a request: the fleet by its share, the variant by its weight, the instance by the strategy."""

from __future__ import annotations

import random

from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Fleet, Variant
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.store import Component, Endpoint, Route


class Router:
    """Repeatable with a seed."""

    def __init__(self, seed: int | None) -> None:
        self._random = random.Random(seed)

    def choose(self, endpoint: Endpoint, target: str | None) -> Variant:
        """The variant that answers.

        Raises:
            ApiError: ValidationError where the endpoint has no such variant, or none with a weight.
        """
        routes = endpoint.routes
        if target is not None:
            routes = tuple(route for route in routes if target in route.fleet.production)
            if not routes:
                raise ApiError("ValidationError", f"Variant {target} not found for Request.")
            fleet = self._fleet(routes)
            return fleet.production[target]
        fleet = self._fleet(routes)
        variants = list(fleet.production.values())
        weights = [variant.weight for variant in variants]
        if sum(weights) <= 0:
            raise ApiError("ValidationError", f"Endpoint {endpoint.name} has no variant with a weight above zero.")
        return variants[0] if len(variants) == 1 else self._random.choices(variants, weights)[0]

    def copies(self, component: Component) -> Variant | None:
        """The old or the new copies of a component, as there are more of them; nothing where there are none."""
        variants = [variant for fleet in component.fleets for variant in fleet.variants.values() if variant.instances]
        if len(variants) <= 1:
            return variants[0] if variants else None
        return self._random.choices(variants, [len(variant.instances) for variant in variants])[0]

    def _fleet(self, routes: tuple[Route, ...]) -> Fleet:
        if len(routes) == 1:
            return routes[0].fleet
        shares = [route.share for route in routes]
        return self._random.choices(routes, shares if sum(shares) > 0 else None)[0].fleet

    def instance(self, variant: Variant, tried: set[Instance], model: str | None = None) -> Instance | None:
        """An instance that was not tried yet; of many models, one that has loaded the wanted one, if any has."""
        instances = [one for one in variant.instances if one not in tried] if tried else variant.instances
        if model is not None:
            instances = [one for one in instances if one.multi_model and one.multi_model.holds(model)] or instances
        if not instances:
            return None
        if len(instances) == 1:
            return instances[0]
        if variant.is_least_outstanding:
            least = min(one.in_flight for one in instances)
            instances = [one for one in instances if one.in_flight == least]
        return self._random.choice(instances)

    def is_sampled(self, percentage: float) -> bool:
        """Whether one of `percentage` in a hundred."""
        return self._random.random() * 100 < percentage
