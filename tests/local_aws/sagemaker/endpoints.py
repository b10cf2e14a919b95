"""Endpoints: what the calls do at once, and what then happens behind them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from tests.local_aws import seams
from tests.local_aws.sagemaker import features, variants
from tests.local_aws.sagemaker.async_results import check_topics
from tests.local_aws.sagemaker.baking import DeploymentError
from tests.local_aws.sagemaker.container_logs import ContainerLogs
from tests.local_aws.sagemaker.deployment import ALL_AT_ONCE, Deployment, RollbackError, in_background
from tests.local_aws.sagemaker.descriptions import summarize_all, summarize_capture
from tests.local_aws.sagemaker.errors import ApiError, invalid
from tests.local_aws.sagemaker.fleet import Fleet, LaunchError
from tests.local_aws.sagemaker.hosting import Register, check_deletion, check_update
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import (
    DELETING,
    FAILED,
    IN_SERVICE,
    ROLLBACK_FAILED,
    ROLLING_BACK,
    UPDATING,
    Endpoint,
    Operation,
    Place,
    Record,
    Route,
    Store,
)

_log = logging.getLogger("sagemaker")
_Request = dict[str, Any]


class Endpoints:
    """The operations on endpoints."""

    def __init__(
        self, settings: Settings, store: Store, logs: ContainerLogs, hosts: Register, deciding: threading.Lock
    ) -> None:
        self._settings = settings
        self._store = store
        self._logs = logs
        self._hosts = hosts
        self._fleets: WeakSet[Fleet] = WeakSet()  # those that are being launched, too
        self._closing = threading.Event()
        self._deciding = deciding
        self.operations: dict[str, Operation] = {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": self.describe,
            "UpdateEndpoint": self._alone(self.update),
            "UpdateEndpointWeightsAndCapacities": self._alone(self.update_weights_and_capacities),
            "DeleteEndpoint": self._alone(self.delete),
        }

    def _alone(self, operation: Operation) -> Operation:
        """One call at a time finds an endpoint settled, and changes that."""

        def call(place: Place, request: _Request) -> dict[str, Any]:
            with self._deciding:
                return operation(place, request)

        return call

    def create(self, place: Place, request: _Request) -> dict[str, Any]:
        """Start an endpoint; its status tells how that goes."""
        config = place.config(request["EndpointConfigName"])
        name = request["EndpointName"]
        fleet = self._fleet(place, name, config)
        self._check_capacity(sum(variant.count for variant in fleet.variants.values()), config)
        endpoint = Endpoint(
            name,
            place.arn("endpoint", name),
            request,
            account=place.account,
            region=place.region,
            config=config.name,
            capture=config.request.get("DataCaptureConfig"),
            asynchronous=config.request.get("AsyncInferenceConfig"),
            deployment=request.get("DeploymentConfig"),
        )
        place.add(place.endpoints, "endpoint", endpoint)

        def work() -> None:
            try:
                _check_topics(endpoint, config, fleet)
                fleet.launch()
            except Exception:
                fleet.stop()
                raise
            endpoint.routes = (Route(fleet, 1.0),)

        self._work(endpoint, work, on_failure=FAILED)
        return {"EndpointArn": endpoint.arn}

    def update(self, place: Place, request: _Request) -> dict[str, Any]:
        """Deploy another configuration."""
        endpoint = _settled(place, request["EndpointName"])
        config = place.config(request["EndpointConfigName"])
        kept = request.get("RetainDeploymentConfig") and endpoint.deployment
        policy = request.get("DeploymentConfig") or kept or dict(ALL_AT_ONCE)
        self._check_policy(place, policy)
        was_serverless = any(variant.pool for variant in endpoint.routes[0].fleet.variants.values())
        features.check_update(config.request, policy, was_serverless=was_serverless)
        excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
        is_retaining = bool(request.get("RetainAllVariantProperties"))
        if excluded and not is_retaining:
            raise invalid("ExcludeRetainedVariantProperties requires RetainAllVariantProperties to be true.")
        fleet = self._fleet(place, endpoint.name, config, endpoint.fleet if is_retaining else None, excluded)
        check_update(place, endpoint, fleet)
        self._check_capacity(sum(variant.count for variant in fleet.variants.values()), config)
        capture = config.request.get("DataCaptureConfig")
        if is_retaining and "DataCaptureConfig" not in excluded:
            capture = endpoint.capture
        endpoint.status = UPDATING
        endpoint.failure = None
        endpoint.modified = time.time()
        endpoint.pending = {
            "EndpointConfigName": config.name,
            "StartTime": time.time(),
        }
        endpoint.pending_fleet = fleet
        deployment = Deployment(endpoint, fleet, policy, speed=self._settings.speed, closing=self._closing)

        def work() -> None:
            _check_topics(endpoint, config, fleet)
            self._hosts.make_room(endpoint, fleet)
            deployment.run()
            self._hosts.settle(endpoint, fleet)
            endpoint.config, endpoint.capture, endpoint.deployment = config.name, capture, policy
            endpoint.asynchronous = config.request.get("AsyncInferenceConfig")

        self._work(endpoint, work, on_failure=IN_SERVICE)
        return {"EndpointArn": endpoint.arn}

    def update_weights_and_capacities(self, place: Place, request: _Request) -> dict[str, Any]:
        """Change the weights and numbers of instances of variants in place."""
        endpoint = _settled(place, request["EndpointName"])
        fleet = endpoint.routes[0].fleet
        desired: Mapping[str, _Request] = {item["VariantName"]: item for item in request["DesiredWeightsAndCapacities"]}
        _check_desired(endpoint, fleet, desired)
        for name, item in desired.items():
            if fleet.variants[name].hosting is not None and "DesiredInstanceCount" in item:
                self._hosts.check(endpoint, name, item["DesiredInstanceCount"])
        more = [item.get("DesiredInstanceCount", 0) - fleet.variants[name].count for name, item in desired.items()]
        self._check_capacity(sum(max(0, number) for number in more), None)
        endpoint.status = UPDATING
        endpoint.modified = time.time()
        before = {name: fleet.variants[name].count for name in desired}
        for name, item in desired.items():
            variant = fleet.variants[name]
            variant.desired_weight = item.get("DesiredWeight", variant.weight)
            variant.count = item.get("DesiredInstanceCount", variant.count)
            if variant.pool is not None:
                variant.pool.update(item.get("ServerlessUpdateConfig", {}))
                variant.count = max(variant.pool.warm, len(variant.instances))  # those at work stay

        def work() -> None:
            self._hosts.settle(endpoint, fleet)
            _scale(endpoint, fleet, before)

        self._work(endpoint, work, on_failure=IN_SERVICE)
        return {"EndpointArn": endpoint.arn}

    def delete(self, place: Place, request: _Request) -> dict[str, Any]:
        """Stop everything and forget the endpoint."""
        endpoint = place.endpoint(request["EndpointName"])
        if endpoint.status not in {IN_SERVICE, FAILED, ROLLBACK_FAILED}:
            raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        check_deletion(place, endpoint)
        endpoint.status = DELETING
        routes, endpoint.routes = endpoint.routes, ()

        def work() -> None:
            for route in routes:
                route.fleet.stop()
            place.remove(endpoint)

        in_background(f"delete-{endpoint.name}", work)
        return {}

    def describe(self, place: Place, request: _Request) -> dict[str, Any]:
        """The state of an endpoint."""
        endpoint = place.endpoint(request["EndpointName"])
        described: dict[str, Any] = {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": endpoint.config,
            "EndpointStatus": endpoint.status,
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
        }
        if endpoint.fleet is not None:
            described |= summarize_all(endpoint.fleet, endpoint.status)
        optional = {
            "FailureReason": endpoint.failure,
            "LastDeploymentConfig": endpoint.deployment,
            "PendingDeploymentSummary": _summarize_pending(endpoint),
            "DataCaptureConfig": summarize_capture(endpoint.capture),
        }
        return described | {name: value for name, value in optional.items() if value is not None}

    def close(self) -> None:
        """Stop every endpoint."""
        self._closing.set()
        for endpoint in self._store.endpoints():
            endpoint.routes = ()
        for fleet in list(self._fleets):
            fleet.stop(is_draining=False)
        self._closing = threading.Event()

    def _work(self, endpoint: Endpoint, work: Callable[[], None], *, on_failure: str) -> None:
        def run() -> None:
            with seams.acting_in(endpoint.account, endpoint.region):
                try:
                    work()
                    status, failure = IN_SERVICE, None
                except RollbackError as error:
                    status, failure = ROLLBACK_FAILED, str(error)
                except (LaunchError, DeploymentError) as error:
                    status, failure = on_failure, str(error)
                except Exception as error:  # noqa: BLE001 - the endpoint must not stay in progress
                    _log.exception("work on endpoint %s failed", endpoint.name)
                    status, failure = on_failure, f"The local cloud failed: {error}"
            endpoint.failure, endpoint.pending, endpoint.modified = failure, None, time.time()
            endpoint.pending_fleet = None  # its instances may be gone
            endpoint.status = status

        in_background(endpoint.name, run)

    def _fleet(
        self, place: Place, endpoint: str, config: Record, old: Fleet | None = None, excluded: set[str] | None = None
    ) -> Fleet:
        fleet = Fleet(
            endpoint=endpoint,
            config=config.name,
            variants=variants.make(place, config.request, self._settings, old, excluded or ()),
            account=place.account,
            region=place.region,
            settings=self._settings,
            logs=self._logs,
        )
        variants.add_pools(fleet, config.request, self._settings)
        self._fleets.add(fleet)
        return fleet

    def _check_capacity(self, more: int, config: Record | None) -> None:
        routes = [route for endpoint in self._store.endpoints() for route in endpoint.routes]
        used = sum(len(variant.instances) for route in routes for variant in route.fleet.variants.values())
        if used + more <= self._settings.max_instances:
            return
        first = {} if config is None else config.request["ProductionVariants"][0]
        kind = first.get("InstanceType", "instances")
        raise ApiError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{kind} for endpoint usage' is {self._settings.max_instances} Instances, "
            f"with current utilization of {used} Instances and a request delta of {more} Instances. Please use AWS "
            "Service Quotas to request an increase for this quota.",
        )

    def _check_policy(self, place: Place, policy: Mapping[str, Any]) -> None:
        if "BlueGreenUpdatePolicy" in policy and "RollingUpdatePolicy" in policy:
            raise invalid("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified.")
        routing = policy.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
        for kind, member in (("CANARY", "CanarySize"), ("LINEAR", "LinearStepSize")):
            if (routing.get("Type") == kind) != (member in routing):
                raise invalid(f"{member} must be specified if, and only if, the traffic routing type is {kind}.")
        for alarm in policy.get("AutoRollbackConfiguration", {}).get("Alarms", []):
            if not seams.alarm_exists(place.account, place.region, alarm["AlarmName"]):
                raise invalid(f"Could not find alarm {alarm['AlarmName']} of AutoRollbackConfiguration.")


def _check_desired(endpoint: Endpoint, fleet: Fleet, desired: Mapping[str, _Request]) -> None:
    for name, item in desired.items():
        if name not in fleet.variants:
            raise invalid(f'The requested resource variant "{name}" was not found on endpoint "{endpoint.arn}".')
        if item.get("DesiredInstanceCount") == 0 and endpoint.asynchronous is None:
            raise invalid(f'DesiredInstanceCount of variant "{name}" must be at least 1.')
        features.check_desired(name, item, fleet.variants[name].pool)


def _check_topics(endpoint: Endpoint, config: Record, fleet: Fleet) -> None:
    """See that the role may publish to the topics of an asynchronous endpoint."""
    role = next(iter(fleet.variants.values())).role
    topics = config.request.get("AsyncInferenceConfig")
    check_topics(topics, role, account=endpoint.account, region=endpoint.region)


def _scale(endpoint: Endpoint, fleet: Fleet, before: Mapping[str, int]) -> None:
    """Bring the variants to what is desired, or all of them back to what they were."""
    variants = [fleet.variants[name] for name in before]
    try:
        for variant in variants:
            fleet.scale(variant, variant.count)
    except LaunchError:
        endpoint.status = ROLLING_BACK
        for variant in variants:
            variant.desired_weight, variant.count = variant.weight, before[variant.name]
            fleet.scale(variant, variant.count)
        raise
    for variant in variants:
        variant.weight = variant.desired_weight


def _summarize_pending(endpoint: Endpoint) -> dict[str, Any] | None:
    """The deployment in progress, with the instances that have come up so far."""
    pending, fleet = endpoint.pending, endpoint.pending_fleet
    if pending is None or fleet is None:
        return pending
    return pending | summarize_all(fleet, UPDATING)


def _settled(place: Place, name: str) -> Endpoint:
    endpoint = place.endpoint(name)
    if endpoint.status != IN_SERVICE:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    return endpoint
