"""Inference components: what the calls do at once, and what then happens behind them.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from tests.local_aws import seams
from tests.local_aws.sagemaker import component_specs
from tests.local_aws.sagemaker.baking import DeploymentError, alarms_of
from tests.local_aws.sagemaker.component_deployment import ComponentDeployment, only_variant
from tests.local_aws.sagemaker.container_logs import ContainerLogs
from tests.local_aws.sagemaker.deployment import in_background
from tests.local_aws.sagemaker.errors import ApiError, invalid
from tests.local_aws.sagemaker.fleet import Fleet, LaunchError, Variant
from tests.local_aws.sagemaker.hosting import Register
from tests.local_aws.sagemaker.listing import page, selected
from tests.local_aws.sagemaker.placement import needs_of
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import (
    CREATING,
    DELETING,
    FAILED,
    IN_SERVICE,
    UPDATING,
    Component,
    Endpoint,
    Operation,
    Place,
    Store,
)

_KIND: Final = "inference-component"
_Request = dict[str, Any]
_log = logging.getLogger("sagemaker")


class Components:
    """The operations on inference components.

    Args:
        settings: How the service behaves.
        store: What it remembers.
        logs: Delivers what the copies print.
        deciding: Held by whoever finds an endpoint settled, and changes that.
    """

    def __init__(self, settings: Settings, store: Store, logs: ContainerLogs, deciding: threading.Lock) -> None:
        self._settings = settings
        self._store = store
        self._logs = logs
        self._deciding = deciding
        self.hosts = Register(settings.speed)
        self._fleets: WeakSet[Fleet] = WeakSet()  # those that are being launched, too
        self._closing = threading.Event()
        self.operations: dict[str, Operation] = {
            "CreateInferenceComponent": self._alone(self.create),
            "DescribeInferenceComponent": self.describe,
            "ListInferenceComponents": self.list,
            "UpdateInferenceComponent": self._alone(self.update),
            "UpdateInferenceComponentRuntimeConfig": self._alone(self.update_copies),
            "DeleteInferenceComponent": self._alone(self.delete),
        }

    def _alone(self, operation: Operation) -> Operation:
        def call(place: Place, request: _Request) -> dict[str, Any]:
            with self._deciding:
                return operation(place, request)

        return call

    def create(self, place: Place, request: _Request) -> dict[str, Any]:
        """Put a model on an endpoint's instances; the status tells how that goes."""
        name = request["InferenceComponentName"]
        endpoint, host = _host(place, request["EndpointName"], request.get("VariantName"))
        assert host.hosting is not None
        specification = component_specs.specification_of(request, host.hosting.instance_type)
        component_specs.check(place, specification, host.hosting)
        count = request.get("RuntimeConfig", {}).get("CopyCount", 0)
        if count < 1:
            raise invalid("RuntimeConfig must have a CopyCount of at least 1 when an inference component is created.")
        component = Component(
            name,
            place.arn(_KIND, name),
            request,
            account=place.account,
            region=place.region,
            endpoint=endpoint.name,
            variant=host.name,
            desired=count,
        )
        self._check_quota(component, count)
        fleet = self._fleet(place, component, endpoint, host, specification)
        place.add(place.components, _KIND, component)

        def work() -> None:
            try:
                fleet.scale(only_variant(fleet), count)
            except Exception:
                fleet.stop()
                raise
            component.fleets = (fleet,)

        self._work(component, work, on_failure=FAILED)
        return {"InferenceComponentArn": component.arn}

    def update(self, place: Place, request: _Request) -> dict[str, Any]:
        """Replace the copies by those of another specification, or change their number."""
        component = _settled(place, request["InferenceComponentName"], IN_SERVICE, FAILED)
        endpoint, host = _host(place, component.endpoint, component.variant)
        assert host.hosting is not None
        runtime = request.get("RuntimeConfig", {})
        policy = request.get("DeploymentConfig", {})
        for alarm in alarms_of(policy):
            if not seams.alarm_exists(place.account, place.region, alarm):
                raise invalid(f"Could not find alarm {alarm} of AutoRollbackConfiguration.")
        if not {"Specification", "Specifications"} & request.keys():
            return self._scale(component, runtime.get("CopyCount", component.desired))
        specification = component_specs.specification_of(request, host.hosting.instance_type)
        component_specs.check(place, specification, host.hosting)
        count, before = runtime.get("CopyCount", component.desired), component.desired
        self._check_quota(component, count)
        green = self._fleet(place, component, endpoint, host, specification)
        deployment = ComponentDeployment(
            component, green, count, policy, speed=self._settings.speed, closing=self._closing
        )
        self._begin(component, count)

        def work() -> None:
            try:
                deployment.run()
            except Exception:
                component.desired = before
                raise
            given = {"Specification", "Specifications"}
            kept = {key: value for key, value in component.request.items() if key not in given}
            component.request = kept | {key: request[key] for key in given & request.keys()}
            component.deployment = policy or None

        self._work(component, work, on_failure=component.status if component.status == FAILED else IN_SERVICE)
        return {"InferenceComponentArn": component.arn}

    def update_copies(self, place: Place, request: _Request) -> dict[str, Any]:
        """Change the number of copies."""
        component = _settled(place, request["InferenceComponentName"], IN_SERVICE)
        return self._scale(component, request["DesiredRuntimeConfig"]["CopyCount"])

    def _scale(self, component: Component, count: int) -> dict[str, Any]:
        before = component.desired
        if not component.fleets:
            raise invalid(f'Inference component "{component.arn}" has no copies that can be scaled.')
        self._check_quota(component, count)
        fleet = component.fleets[0]
        self._begin(component, count)

        def work() -> None:
            try:
                fleet.scale(only_variant(fleet), count)
            except Exception:
                component.desired = before
                raise

        self._work(component, work, on_failure=IN_SERVICE)
        return {"InferenceComponentArn": component.arn}

    def delete(self, place: Place, request: _Request) -> dict[str, Any]:
        """Stop all copies and forget the component."""
        component = _settled(place, request["InferenceComponentName"], IN_SERVICE, FAILED)
        component.status = DELETING
        fleets, component.fleets = component.fleets, ()

        def work() -> None:
            for fleet in fleets:
                fleet.stop()
            place.remove(component)

        in_background(f"delete-{component.name}", work)
        return {}

    def describe(self, place: Place, request: _Request) -> dict[str, Any]:
        """The state of a component."""
        component = place.component(request["InferenceComponentName"])
        described = _summary(place, component) | {
            "RuntimeConfig": {"DesiredCopyCount": component.desired, "CurrentCopyCount": component.current}
        }
        if "Specification" in component.request:
            described["Specification"] = component_specs.describe(component.request["Specification"])
        else:
            described["Specifications"] = [component_specs.describe(one) for one in component.request["Specifications"]]
        optional = {"FailureReason": component.failure, "LastDeploymentConfig": component.deployment}
        return described | {name: value for name, value in optional.items() if value is not None}

    def list(self, place: Place, request: _Request) -> dict[str, Any]:
        """Components that match."""
        found = [
            _summary(place, component)
            for component in selected(request, place.components)
            if request.get("StatusEquals") in {None, component.status}
            and request.get("EndpointNameEquals") in {None, component.endpoint}
            and request.get("VariantNameEquals") in {None, component.variant}
        ]
        return page(request, "InferenceComponents", found)

    def close(self) -> None:
        """Stop every copy."""
        self._closing.set()
        for component in self._store.components():
            component.fleets = ()
        for fleet in list(self._fleets):
            fleet.stop(is_draining=False)
        self._closing = threading.Event()

    def _fleet(
        self, place: Place, component: Component, endpoint: Endpoint, host: Variant, specification: _Request
    ) -> Fleet:
        needs = needs_of(specification["ComputeResourceRequirements"])
        strategy = specification.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD")
        fleet = Fleet(
            endpoint=endpoint.name,
            config=component.name,
            variants=[component_specs.copies_of(place, component.name, specification, host, self._settings)],
            account=place.account,
            region=place.region,
            settings=self._settings,
            logs=self._logs,
            place=partial(self.hosts.of(endpoint, host.name).place, component.name, needs, strategy),
        )
        self._fleets.add(fleet)
        return fleet

    def _check_quota(self, component: Component, count: int) -> None:
        """Each copy is a process, whatever room the instances have."""
        others = [other.desired for other in self._store.components() if other is not component]
        most = self._settings.max_instances
        if sum(others) + count > most:
            raise ApiError(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Inference component copies' is {most}, with current utilization of "
                f"{sum(others)} and a request for {count}.",
            )

    @staticmethod
    def _begin(component: Component, count: int) -> None:
        component.desired = count
        component.modified = time.time()

    @staticmethod
    def _work(component: Component, work: Callable[[], None], *, on_failure: str) -> None:
        if component.status != CREATING:
            component.status = UPDATING

        def run() -> None:
            with seams.acting_in(component.account, component.region):
                try:
                    work()
                    status, failure = IN_SERVICE, None
                except (LaunchError, DeploymentError) as error:
                    status, failure = on_failure, str(error)
                except Exception as error:  # noqa: BLE001 - the component must not stay in progress
                    _log.exception("work on inference component %s failed", component.name)
                    status, failure = on_failure, f"The local cloud failed: {error}"
            component.failure, component.modified = failure, time.time()
            component.status = status

        in_background(component.name, run)


def _host(place: Place, name: str, variant: str | None) -> tuple[Endpoint, Variant]:
    """The endpoint, and the instances that take copies."""
    endpoint = place.endpoint(name)
    fleet = endpoint.fleet
    if endpoint.status not in {IN_SERVICE, UPDATING} or fleet is None:
        raise invalid(f'Endpoint "{endpoint.arn}" is not in service: its status is {endpoint.status}.')
    if not fleet.is_shared:
        raise invalid("Inference Components are not supported in this Endpoint. Please make sure this endpoint can "
                      "deploy inference components.")  # fmt: skip
    names = list(fleet.variants)
    if variant is None and len(names) > 1:
        raise invalid("VariantName must be specified, because the endpoint has several production variants.")
    found = fleet.variants.get(names[0] if variant is None else variant)
    if found is None:
        raise invalid(f'The requested resource variant "{variant}" was not found on endpoint "{endpoint.arn}".')
    return endpoint, found


def _settled(place: Place, name: str, *statuses: str) -> Component:
    component = place.component(name)
    if component.status not in statuses:
        raise invalid(f'Cannot update in-progress inference component "{component.arn}".')
    return component


def _summary(place: Place, component: Component) -> dict[str, Any]:
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "EndpointName": component.endpoint,
        "EndpointArn": place.arn("endpoint", component.endpoint),
        "VariantName": component.variant,
        "InferenceComponentStatus": component.status,
        "CreationTime": component.created,
        "LastModifiedTime": component.modified,
    }
