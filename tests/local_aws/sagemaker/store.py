"""What the service remembers, by account and region."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tests.local_aws import seams
from tests.local_aws.sagemaker.errors import ApiError, invalid
from tests.local_aws.sagemaker.fleet import Fleet
from tests.local_aws.sagemaker.names import arn

CREATING: Final = "Creating"
UPDATING: Final = "Updating"
ROLLING_BACK: Final = "RollingBack"
IN_SERVICE: Final = "InService"
DELETING: Final = "Deleting"
FAILED: Final = "Failed"
ROLLBACK_FAILED: Final = "UpdateRollbackFailed"

_LABELS: Final = {
    "model": "model",
    "endpoint-config": "endpoint configuration",
    "endpoint": "endpoint",
    "inference-component": "inference component",
}


@dataclass
class Record:
    """A model or an endpoint configuration: the request that made it."""

    name: str
    arn: str
    request: dict[str, Any]
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)


_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class Route:
    """A part of the traffic and the fleet that gets it."""

    fleet: Fleet
    share: float


@dataclass
class Endpoint(Record):
    """An endpoint; `routes` is replaced as a whole, so that a request sees one state or the next."""

    account: str = ""
    region: str = ""
    status: str = CREATING
    config: str = ""
    capture: dict[str, Any] | None = None
    asynchronous: dict[str, Any] | None = None
    """The AsyncInferenceConfig in force: with one, requests go to a queue."""

    failure: str | None = None
    routes: tuple[Route, ...] = ()
    pending: dict[str, Any] | None = None
    pending_fleet: Fleet | None = None
    deployment: dict[str, Any] | None = None

    @property
    def fleet(self) -> Fleet | None:
        """The fleet of the configuration in force."""
        return self.routes[0].fleet if self.routes else None


@dataclass
class Component(Record):
    """An inference component: a model in copies on the instances of a variant.

    `fleets` is replaced as a whole; there are two while an update goes on.
    """

    account: str = ""
    region: str = ""
    status: str = CREATING
    endpoint: str = ""
    variant: str = ""
    desired: int = 1
    failure: str | None = None
    fleets: tuple[Fleet, ...] = ()
    deployment: dict[str, Any] | None = None

    @property
    def current(self) -> int:
        """How many copies serve."""
        return sum(len(variant.instances) for fleet in self.fleets for variant in fleet.variants.values())


@dataclass
class Place:
    """One account in one region."""

    account: str
    region: str
    models: dict[str, Record] = field(default_factory=dict)
    configs: dict[str, Record] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    _adding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def model(self, name: str) -> Record:
        """The model of this name."""
        return self._get(self.models, "model", name)

    def config(self, name: str) -> Record:
        """The endpoint configuration of this name."""
        return self._get(self.configs, "endpoint-config", name)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of this name."""
        return self._get(self.endpoints, "endpoint", name)

    def component(self, name: str) -> Component:
        """The inference component of this name."""
        return self._get(self.components, "inference-component", name)

    def _get(self, records: dict[str, _R], kind: str, name: str) -> _R:
        try:
            return records[name]
        except KeyError:
            raise invalid(f'Could not find {_LABELS[kind]} "{self.arn(kind, name)}".') from None

    def add(self, records: dict[str, _R], kind: str, record: _R) -> _R:
        """Keep a new record, with the tags of its request."""
        with self._adding:
            if any(name.lower() == record.name.lower() for name in list(records)):
                raise invalid(f'Cannot create already existing {_LABELS[kind]} "{record.arn}".')
            records[record.name] = record
        self.tags[record.arn] = {tag["Key"]: tag["Value"] for tag in record.request.pop("Tags", [])}
        return record

    def remove(self, record: Record) -> None:
        """Forget a record and its tags."""
        kinds: tuple[dict[str, Any], ...] = (self.models, self.configs, self.endpoints, self.components)
        for records in kinds:
            if records.get(record.name) is record:
                del records[record.name]
        self.tags.pop(record.arn, None)

    def arn(self, kind: str, name: str) -> str:
        """The ARN that a resource of this name has here."""
        return arn(kind, name, account=self.account, region=self.region)

    def tagged(self, resource: str) -> dict[str, str]:
        """The tags of a resource."""
        try:
            return self.tags[resource]
        except KeyError:
            raise ApiError("ValidationException", f'Could not find resource "{resource}".') from None


class Store:
    """All accounts and regions."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], Place] = {}

    def here(self) -> Place:
        """The account and region of the present request."""
        key = (seams.account(), seams.region())
        return self._places.setdefault(key, Place(*key))

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint there is."""
        return [endpoint for place in list(self._places.values()) for endpoint in list(place.endpoints.values())]

    def components(self) -> list[Component]:
        """Every inference component there is."""
        return [component for place in list(self._places.values()) for component in list(place.components.values())]

    def fleets(self) -> list[tuple[Endpoint | Component, Fleet]]:
        """Everything that runs, and what it runs for."""
        routes = [(endpoint, route.fleet) for endpoint in self.endpoints() for route in endpoint.routes]
        return [*routes, *((component, fleet) for component in self.components() for fleet in component.fleets)]

    def clear(self) -> None:
        """Forget everything."""
        self._places.clear()


Operation = Callable[[Place, dict[str, Any]], dict[str, Any]]
"""A control-plane call: what it does to a place, and what it answers."""
