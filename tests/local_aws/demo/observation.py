"""What the cloud itself says, through the interfaces that AWS has: nothing is read from the emulator's memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.demo.load import Journal
from tests.local_aws.demo.snapshot import Alarm, Progress, Snapshot, Traffic, Variant

WINDOW: Final = 3.0  # seconds that count as now
_SAMPLE: Final = 0.5  # seconds between two points of the curves
_KEPT: Final = 60
_LATEST: Final = 6
_NAMESPACE: Final = "sagemaker"


class Observer:
    """Looks at one stack and its endpoint.

    Args:
        client: Makes a boto3 client of a service.
        journal: What the callers were answered.
        stack: The name of the stack.
    """

    def __init__(self, client: Callable[[str], Any], journal: Journal, stack: str) -> None:
        self._make = client
        self._clients: dict[str, Any] = {}
        self._journal = journal
        self._stack = stack
        self._began = 0.0
        self._sampled = float("-inf")
        self._rates: deque[float] = deque(maxlen=_KEPT)
        self._instances: deque[int] = deque(maxlen=_KEPT)
        self.endpoint = ""

    def find_endpoint(self) -> None:
        """Look for the one endpoint of the account."""
        (found,) = self._client("sagemaker").list_endpoints()["Endpoints"]
        self.endpoint = found["EndpointName"]

    def count_from_now(self) -> None:
        """Forget what `Snapshot.total` has counted."""
        self._began = self._journal.second

    def progress(self, total: int) -> Progress:
        """How far the deployment of the stack is; `total` resources are in its template."""
        second, cloudformation = self._journal.second, self._client("cloudformation")
        try:
            (stack,) = cloudformation.describe_stacks(StackName=self._stack)["Stacks"]
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._stack)
            resources = [each for page in pages for each in page["StackResourceSummaries"]]
            events = cloudformation.describe_stack_events(StackName=self._stack)["StackEvents"]
        except ClientError:  # there is no such stack yet
            return Progress(second=second, status="", total=total, finished=0)
        finished = [each for each in resources if each["ResourceStatus"].endswith("_COMPLETE")]
        finished.sort(key=lambda each: each["LastUpdatedTimestamp"])
        return Progress(
            second=second,
            status=stack["StackStatus"],
            total=total,
            finished=min(total, len(finished)),
            failed=tuple(
                f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', 'no reason given')}"
                for each in resources
                if each["ResourceStatus"].endswith("_FAILED")
            ),
            latest=tuple(_name(each) for each in finished[-_LATEST:]),
            pending=_pending(events, {each["LogicalResourceId"] for each in finished} | {self._stack}),
        )

    def stack_status(self) -> str:
        """The status of the stack."""
        (stack,) = self._client("cloudformation").describe_stacks(StackName=self._stack)["Stacks"]
        return str(stack["StackStatus"])

    def snapshot(self) -> Snapshot:
        """The endpoint, its alarms and its traffic now."""
        described = self._client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        variants = _variants(described)
        second = self._journal.second
        span = min(WINDOW, max(0.1, second - self._began))
        now = Traffic.of(self._journal.since(second - span), span)
        self._sample(second, now.per_second, sum(variant.current for variant in variants))
        return Snapshot(
            second=second,
            status=described["EndpointStatus"],
            config=described["EndpointConfigName"],
            variants=variants,
            pending=_variants(described.get("PendingDeploymentSummary", {})),
            alarms=self._alarms(described),
            scaling=self._scaling(),
            failure=described.get("FailureReason", ""),
            now=now,
            total=Traffic.of(self._journal.since(self._began), second - self._began),
            rates=tuple(self._rates),
            instances=tuple(self._instances),
        )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        if service not in self._clients:
            self._clients[service] = self._make(service)  # a client takes longer to make than to use
        return self._clients[service]

    def _sample(self, second: float, rate: float, instances: int) -> None:
        if second - self._sampled >= _SAMPLE:
            self._sampled = second
            self._rates.append(rate)
            self._instances.append(instances)

    def _alarms(self, described: Mapping[str, Any]) -> tuple[Alarm, ...]:
        rollback = described.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
        names = [alarm["AlarmName"] for alarm in rollback.get("Alarms", [])]
        if not names:
            return ()
        found = self._client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        return tuple(Alarm(name=alarm["AlarmName"], state=alarm["StateValue"]) for alarm in found)

    def _scaling(self) -> str:
        client = self._client("application-autoscaling")
        found = client.describe_scaling_activities(ServiceNamespace=_NAMESPACE, MaxResults=1)["ScalingActivities"]
        return f"{found[0]['StatusCode']}: {found[0]['Description']}" if found else ""


def _pending(events: Iterable[Mapping[str, Any]], finished: set[str]) -> tuple[str, ...]:
    """What has begun: a resource is listed only once it is there."""
    begun = {
        each["LogicalResourceId"]: _name(each)
        for each in events
        if each["ResourceStatus"].endswith("_IN_PROGRESS") and each["LogicalResourceId"] not in finished
    }
    return tuple(begun.values())[:_LATEST]


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['ResourceType']} {resource['LogicalResourceId']}"


def _variants(described: Mapping[str, Any]) -> tuple[Variant, ...]:
    found = described.get("ProductionVariants", [])
    weights = sum(each.get("CurrentWeight", 0.0) for each in found)
    return tuple(
        Variant(
            name=each["VariantName"],
            weight=each.get("CurrentWeight", 0.0) / weights if weights else 0.0,
            current=each.get("CurrentInstanceCount", 0),
            desired=each.get("DesiredInstanceCount", 0),
        )
        for each in found
    )
