"""The queue of an asynchronous endpoint: how much is worked on, what becomes of the rest, and no instance at all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.local_aws.sagemaker import asynchronous
from tests.local_aws.sagemaker.async_results import Result
from tests.local_aws.sagemaker.caller import GONE, Outcome
from tests.local_aws.sagemaker.connection import Answer
from tests.local_aws.sagemaker.requests import Request
from tests.local_aws.sagemaker_async import Async
from tests.local_aws.sagemaker_harness import ACCOUNT, LIMIT, REGION, servers, until, variant
from tests.local_aws.sagemaker_metrics import statistic


def test_an_instance_gets_as_many_requests_at_a_time_as_configured_and_the_others_wait(work: Async) -> None:
    with work.cloud.serving("narrow", variant("A", "async"), AsyncInferenceConfig=work.config()):
        slow = [work.invoke("narrow", {"sleep": 2}) for _ in range(2)]
        quick = work.invoke("narrow", {"n": 1})
        assert work.answer(quick)["data"] == {"n": 1}
        assert any(work.get(accepted["OutputLocation"]) for accepted in slow)  # one was done before
        for accepted in slow:
            work.answer(accepted)


def test_no_instance_then_one_again(work: Async) -> None:
    cloud, others = work.cloud, servers(work.cloud)
    with cloud.serving("resting", variant("A", "async"), AsyncInferenceConfig=work.config()):
        work.count("resting", 0)
        assert servers(cloud) == others
        waiting = [work.invoke("resting", {"n": number}) for number in range(2)]
        until(lambda: statistic(cloud, "HasBacklogWithoutCapacity", "resting", kind="Maximum") == 1)
        until(lambda: statistic(cloud, "ApproximateBacklogSize", "resting", kind="Maximum") == 2)
        until(lambda: statistic(cloud, "ApproximateBacklogSizePerInstance", "resting", kind="Maximum") == 2)
        expiring = work.invoke("resting", RequestTTLSeconds=60)
        assert "expired" in work.heard("failed", expiring["InferenceId"])["failureReason"]
        until(lambda: statistic(cloud, "ExpiredRequests", "resting", "A") == 1)
        until(lambda: (statistic(cloud, "ApproximateAgeOfOldestRequest", "resting", kind="Maximum") or 0) > 60)
        assert [work.get(accepted["OutputLocation"]) for accepted in waiting] == [None, None]
        work.count("resting", 1)
        assert [work.answer(accepted)["data"] for accepted in waiting] == [{"n": 0}, {"n": 1}]
        until(lambda: (statistic(cloud, "TimeInBacklog", "resting", "A", kind="Maximum") or 0) > 60e6)


def test_an_instance_that_is_removed_ends_its_work_and_what_waits_is_for_the_next(work: Async) -> None:
    with work.cloud.serving("moving", variant("A", "async"), AsyncInferenceConfig=work.config()):
        accepted = work.invoke("moving", {"sleep": 1.5, "say": "begun"})
        logs = work.cloud.client("logs")

        def has_begun() -> bool:
            group = "/aws/sagemaker/Endpoints/moving"
            found = logs.filter_log_events(logGroupName=group)["events"] if _exists(logs, group) else []
            return bool([event for event in found if event["message"] == "begun"]) or bool(
                work.get(accepted["OutputLocation"])
            )

        until(has_begun)
        work.count("moving", 0)
        waiting = work.invoke("moving", {"n": 3})
        work.count("moving", 1)
        assert work.answer(accepted)["data"]["sleep"] == 1.5
        assert work.answer(waiting)["data"] == {"n": 3}


def _exists(logs: Any, group: str) -> bool:  # noqa: ANN401 - boto3 has no types
    return bool(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])


def test_an_endpoint_that_is_deleted_forgets_what_waits(work: Async) -> None:
    with work.cloud.serving("forgetful", variant("A", "async"), AsyncInferenceConfig=work.config()):
        work.count("forgetful", 0)
        lost = work.invoke("forgetful", {"n": 1})
        work.cloud.remove("forgetful")
        work.cloud.client("sagemaker").create_endpoint(EndpointName="forgetful", EndpointConfigName="forgetful")
        work.cloud.settle("forgetful")
        work.answer(work.invoke("forgetful", {"n": 2}))
        assert work.get(lost["OutputLocation"]) is None


class Instance:
    in_flight = 0


class Leaving:
    """A variant whose instance is taken out of service while it is at work, a given number of times."""

    role = "role"
    name = "A"

    def __init__(self, times: int) -> None:
        self.asked = 0
        self.instances = [Instance()]
        self._times = times

    def choose(self, *_: object) -> Leaving:
        """As a router does."""
        return self

    async def ask_instance(self, instance: Any, *_: object, **__: object) -> Outcome:  # noqa: ANN401 - one of ours
        """As a caller does."""
        self.asked += 1
        if self.asked <= self._times:
            self.instances = [Instance()]
            return Outcome(None, GONE, instance, 0.0)
        return Outcome(Answer(200, {}, b"done"), "", instance, 0.0)


@pytest.mark.parametrize(("times", "asked", "reason"), [(2, 3, None), (9, 3, "server error (0)")])
def test_a_request_whose_instance_goes_is_asked_again_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, times: int, asked: int, reason: str | None
) -> None:
    results: list[Result] = []
    done = asyncio.Event()

    def deliver(_: object, result: Result, __: str) -> tuple[Result, dict[str, float]]:
        results.append(result)
        return result, {}

    monkeypatch.setattr(asynchronous, "_deliver", deliver)
    leaving: Any = Leaving(times)
    endpoint: Any = SimpleNamespace(account=ACCOUNT, region=REGION, name="E", routes=(1,), asynchronous={})
    metrics: Any = SimpleNamespace(add=lambda *_: done.set())

    async def run() -> None:
        queues = asynchronous.Queues(leaving, leaving, leaving, metrics, 1.0)
        request = Request("InvokeEndpointAsync", "E", {}, b"{}")
        assert queues.enqueue(endpoint, {"OutputConfig": {}}, request)[0] == 202
        await done.wait()

    asyncio.run(asyncio.wait_for(run(), LIMIT))
    assert leaving.asked == asked
    (result,) = results
    assert (result.reason is None) == (reason is None)
    assert reason is None or reason in str(result.reason)
