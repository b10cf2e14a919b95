from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.demo.load import Journal
from tests.local_aws.demo.observation import Observer
from tests.local_aws.demo.snapshot import Alarm, Call, Variant

ENDPOINT: dict[str, Any] = {
    "EndpointStatus": "InService",
    "EndpointConfigName": "config",
    "ProductionVariants": [
        {"VariantName": "champion", "CurrentWeight": 90.0, "CurrentInstanceCount": 2, "DesiredInstanceCount": 4},
        {"VariantName": "challenger", "CurrentWeight": 30.0, "CurrentInstanceCount": 1, "DesiredInstanceCount": 1},
    ],
}


class Service:
    """Answers each operation with what is given for it, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:  # noqa: ANN401 - as boto3 answers
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def answer(**request: Any) -> Any:  # noqa: ANN401 - as boto3 answers
            self.asked.append((operation, request))
            found = self._answers[operation]
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    def get_paginator(self, operation: str) -> Pages:
        return Pages(self._answers[operation])


class Pages:
    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self._pages = pages

    def paginate(self, **_request: str) -> Iterator[dict[str, Any]]:
        return iter(self._pages)


class Clock(Journal):
    """A journal whose time stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    @property
    def second(self) -> float:
        return self.now

    def at(self, second: float) -> Self:
        self.now = second
        return self


@pytest.fixture
def clock() -> Clock:
    return Clock()


def observer(clock: Clock, **services: Service) -> Observer:
    known = {name.replace("_", "-"): service for name, service in services.items()}
    return Observer(known.__getitem__, clock, "Realtime")


def hosting(clock: Clock, described: dict[str, Any], **services: Service) -> Observer:
    idle = Service(describe_scaling_activities={"ScalingActivities": []})
    sagemaker = Service(describe_endpoint=described, list_endpoints={"Endpoints": [{"EndpointName": "e"}]})
    found = observer(clock, **({"sagemaker": sagemaker, "application_autoscaling": idle} | services))
    found.find_endpoint()
    assert found.endpoint == "e"
    return found


def resource(name: str, status: str, second: int, **more: str) -> dict[str, Any]:
    given = {"LogicalResourceId": name, "ResourceType": "AWS::T", "ResourceStatus": status}
    return given | {"LastUpdatedTimestamp": second} | more


def test_a_variant_has_its_part_of_the_weights(clock: Clock) -> None:
    seen = hosting(clock, ENDPOINT).snapshot()
    assert seen.variants == (
        Variant(name="champion", weight=0.75, current=2, desired=4),
        Variant(name="challenger", weight=0.25, current=1, desired=1),
    )
    assert (seen.status, seen.config, seen.pending, seen.alarms) == ("InService", "config", (), ())


def test_only_weights_above_zero_are_divided(clock: Clock) -> None:
    seen = hosting(clock, ENDPOINT | {"ProductionVariants": [{"VariantName": "dark", "CurrentWeight": 0.0}]}).snapshot()
    assert seen.variants == (Variant(name="dark", weight=0.0, current=0, desired=0),)


def test_tells_what_a_deployment_brings_up_and_which_alarms_watch_it(clock: Clock) -> None:
    alarms = [{"AlarmName": "rollback-5xx"}]
    described = ENDPOINT | {
        "PendingDeploymentSummary": {"ProductionVariants": ENDPOINT["ProductionVariants"][:1]},
        "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": alarms}},
        "FailureReason": "worse",
    }
    watching = Service(describe_alarms={"MetricAlarms": [{"AlarmName": "rollback-5xx", "StateValue": "ALARM"}]})
    seen = hosting(clock, described, cloudwatch=watching).snapshot()
    assert seen.pending == (Variant(name="champion", weight=1.0, current=2, desired=4),)
    assert seen.alarms == (Alarm(name="rollback-5xx", state="ALARM"),)
    assert seen.failure == "worse"
    assert watching.asked == [("describe_alarms", {"AlarmNames": ["rollback-5xx"]})]


def test_tells_the_newest_scaling_activity_in_its_own_words(clock: Clock) -> None:
    activity = {"StatusCode": "Successful", "Description": "Setting desired instance count to 4."}
    scaling = Service(describe_scaling_activities={"ScalingActivities": [activity]})
    seen = hosting(clock, ENDPOINT, application_autoscaling=scaling).snapshot()
    assert seen.scaling == "Successful: Setting desired instance count to 4."


def test_now_is_the_last_three_seconds_and_the_total_is_since_it_began_to_count(clock: Clock) -> None:
    found = hosting(clock, ENDPOINT)
    for second in (1.0, 4.0, 8.0, 9.0):
        clock.add(Call(at=second, seconds=0.1, status=200, variant="champion"))
    found_at_two = clock.at(2.0)
    assert found_at_two is clock
    found.count_from_now()
    clock.at(10.0)
    seen = found.snapshot()
    assert seen.now.requests == 2
    assert seen.now.per_second == pytest.approx(2 / 3)
    assert seen.total.requests == 3


def test_right_after_it_began_to_count_now_holds_nothing_older(clock: Clock) -> None:
    found = hosting(clock, ENDPOINT)
    clock.add(Call(at=1.0, seconds=0.1, status=502))
    clock.at(1.5)
    found.count_from_now()
    clock.at(1.6)
    assert found.snapshot().now.requests == 0


def test_the_curves_have_a_point_every_half_second(clock: Clock) -> None:
    found = hosting(clock, ENDPOINT)
    for second in (0.0, 0.2, 0.5, 0.9, 1.0):
        clock.at(second)
        seen = found.snapshot()
    assert seen.instances == (3, 3, 3)
    assert len(seen.rates) == 3


def test_counts_resources_and_names_the_newest_what_is_under_way_and_what_failed(clock: Clock) -> None:
    resources = [
        resource("B", "CREATE_COMPLETE", 2),
        resource("A", "CREATE_COMPLETE", 1),
        resource("C", "CREATE_FAILED", 3, ResourceStatusReason="no right"),
    ]
    events = [resource(name, "CREATE_IN_PROGRESS", 4) for name in ("D", "B", "A", "Realtime")]
    pages = [{"StackResourceSummaries": resources[:2]}, {"StackResourceSummaries": resources[2:]}]
    described = {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}
    cloudformation = Service(
        describe_stacks=described, list_stack_resources=pages, describe_stack_events={"StackEvents": events}
    )
    seen = observer(clock, cloudformation=cloudformation).progress(4)
    assert (seen.finished, seen.total, seen.status) == (2, 4, "CREATE_IN_PROGRESS")
    assert seen.latest == ("AWS::T A", "AWS::T B")
    assert seen.pending == ("AWS::T D",)
    assert seen.failed == ("C: no right",)


def test_before_there_is_a_stack_nothing_is_finished(clock: Clock) -> None:
    missing = ClientError({"Error": {"Code": "ValidationError", "Message": "no such stack"}}, "DescribeStacks")
    seen = observer(clock, cloudformation=Service(describe_stacks=missing)).progress(7)
    assert (seen.status, seen.finished, seen.total, seen.is_settled) == ("", 0, 7, False)


def test_makes_each_client_once(clock: Clock) -> None:
    made = []
    cloudformation = Service(describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]})

    def client(name: str) -> Service:
        made.append(name)
        return cloudformation

    found = Observer(client, clock, "Realtime")
    assert [found.stack_status(), found.stack_status()] == ["CREATE_COMPLETE", "CREATE_COMPLETE"]
    assert made == ["cloudformation"]
