from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.local_aws import seams
from tests.local_aws.auto_scaling import schedules
from tests.local_aws.auto_scaling.clock import Clock
from tests.local_aws.auto_scaling.engine import Engine
from tests.local_aws.auto_scaling.store import IDENTITY, Action, Message, Place, Store, Target, TargetKey
from tests.local_aws.auto_scaling.variants import BusyError, Capacity, GoneError, RefusedError, Variants

PLACE: Final = ("000000000000", "us-east-1")
START: Final = 1_767_225_600.0  # 2026 begins
OPERATOR: Final = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0.0}


class Cloud(Variants):
    """Variants that obey at once, unless told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.is_busy = False
        self.error: Exception | None = None
        self.asked: list[tuple[str, int]] = []

    def read(self, endpoint: str, variant: str) -> Capacity:
        if endpoint == "broken":
            raise OSError("no answer")
        if variant not in self.counts:
            raise GoneError("Could not find it")
        is_quiet = not self.is_busy
        return Capacity(self.counts[variant], is_settled=is_quiet, is_active=is_quiet, failure="It did not start.")

    def write(self, endpoint: str, variant: str, capacity: int) -> None:
        del endpoint
        self.asked.append((variant, capacity))
        if self.error is not None:
            raise self.error
        self.counts[variant] = capacity


@dataclass(frozen=True, kw_only=True)
class Calendar(Clock):
    """Says what the test says."""

    world: World

    def now(self) -> float:
        return self.world.now


class World:
    """An engine, what it acts on, and a calendar that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.store, self.cloud = Store(), Cloud()
        self.removed: list[str] = []
        self.in_alarm: set[str] = set()
        stores: dict[Place, Store] = {PLACE: self.store}
        self.clock = Calendar(speed=60_000, world=self)
        self.engine = Engine(stores, self.clock, self.cloud, self._remove)
        monkeypatch.setattr(seams, "alarms_in_alarm", lambda _a, _r, names: [n for n in names if n in self.in_alarm])

    def _remove(self, store: Store, key: TargetKey) -> None:
        self.removed.append(key[1])
        del store.targets[key]

    def target(self, variant: str, *, count: int = 1, endpoint: str = "e", **described: Any) -> Target:  # noqa: ANN401
        key = ("sagemaker", f"endpoint/{endpoint}/variant/{variant}", "sagemaker:variant:DesiredInstanceCount")
        bounds = {"MinCapacity": 1, "MaxCapacity": 9, "SuspendedState": {}}
        target = Target(dict(zip(IDENTITY, key, strict=True)) | bounds | described)
        self.store.targets[key] = target
        self.cloud.counts[variant] = count
        return target

    def steps(self, target: Target, change: int, cooldown: int = 0) -> None:
        adjustment = {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": change}
        settings = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [adjustment], "Cooldown": cooldown}
        target.policies["steps"] = {
            "PolicyName": "steps",
            "PolicyARN": target.key[1],
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": settings,
        }

    def alarm(self, target: Target, *, is_new: bool = True, **members: Any) -> None:  # noqa: ANN401
        given = {"AlarmName": "alarm", "AlarmActions": [target.key[1]], **OPERATOR, **members}
        with seams.acting_in(*PLACE):
            self.engine.notice(given, (1.0,), is_new=is_new)

    def schedule(self, target: Target, expression: str, **bounds: int) -> Action:
        described = {
            "ScheduledActionName": "action",
            "Schedule": expression,
            "ScalableTargetAction": bounds,
        }
        schedule = schedules.parse(expression, origin=START)
        action = Action(described, schedule, schedule.following(START))
        target.actions["action"] = action
        return action

    def told(self, member: str) -> list[Any]:
        return [item.get(member) for item in self.store.activities]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_an_error_in_one_target_does_not_stop_the_others(world: World) -> None:
    for endpoint, variant in (("broken", "A"), ("e", "B")):
        world.target(variant, endpoint=endpoint, MinCapacity=3).must_settle = True
    world.engine.tick()
    assert world.cloud.counts == {"A": 1, "B": 3}


def test_a_capacity_out_of_changed_bounds_moves_to_the_nearest(world: World) -> None:
    for variant, count in (("low", 1), ("inside", 3), ("high", 8)):
        world.target(variant, count=count, MinCapacity=2, MaxCapacity=4).must_settle = True
    world.engine.tick()
    assert world.cloud.counts == {"low": 2, "inside": 3, "high": 4}
    assert world.told("Cause") == ["maximum capacity was set to 4", "minimum capacity was set to 2"]
    assert world.told("StatusCode") == ["InProgress"] * 2
    world.engine.tick()
    assert world.told("StatusCode") == ["Successful"] * 2


def test_a_capacity_that_somebody_set_is_left_alone_until_scaling(world: World) -> None:
    world.target("A", count=1, MinCapacity=2)
    world.engine.tick()
    assert world.cloud.asked == []


def test_a_busy_endpoint_is_scaled_once_it_rests(world: World) -> None:
    target = world.target("A", MinCapacity=2)
    target.must_settle = True
    world.cloud.is_busy = True
    world.engine.tick()
    assert world.cloud.asked == []
    world.cloud.is_busy, world.cloud.error = False, BusyError()  # it became busy in between
    world.engine.tick()
    assert (world.cloud.counts["A"], list(world.store.activities)) == (1, [])
    world.cloud.error = None
    world.engine.tick()
    assert world.cloud.counts["A"] == 2


def test_a_refusal_is_told_and_not_tried_again(world: World) -> None:
    world.target("A", MinCapacity=2).must_settle = True
    world.cloud.error = RefusedError("The quota is 1")
    world.engine.tick()
    world.engine.tick()
    assert len(world.cloud.asked) == 1
    assert world.told("StatusMessage") == ["Failed to set desired instance count to 2. Reason: The quota is 1"]


def test_a_change_that_sagemaker_gave_up_has_failed_and_starts_no_cooldown(world: World) -> None:
    target = world.target("A")
    world.steps(target, 1, cooldown=300)
    world.alarm(target)
    world.engine.tick()
    world.cloud.counts["A"] = 1
    world.engine.tick()
    assert world.told("StatusMessage")[-1].endswith("Reason: It did not start.")
    world.alarm(target)
    world.engine.tick()
    assert world.cloud.asked == [("A", 2), ("A", 2)]


def test_a_policy_acts_once_a_minute_while_its_alarm_lasts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target, true = world.target("A"), 100.0
    monkeypatch.setattr("time.monotonic", lambda: true)
    world.steps(target, 1)
    for seconds, is_new, expected in ((0.0, True, 2), (0.0005, False, 2), (0.0011, False, 3), (0.0012, True, 4)):
        true = 100.0 + seconds  # a minute is a millisecond
        world.alarm(target, is_new=is_new)
        world.engine.tick()
        world.engine.tick()
        assert world.cloud.counts["A"] == expected
    true = 101.0
    world.engine.tick()  # the alarm was not seen again
    assert world.cloud.counts["A"] == 4


def test_alarms_without_actions_or_of_others_call_nothing(world: World) -> None:
    target = world.target("A")
    world.steps(target, 1)
    world.alarm(target, ActionsEnabled=False)
    world.alarm(target, AlarmActions=["arn:somebody"])
    world.alarm(target, AlarmActions=None)
    assert target.events == {}


def test_the_cooldown_begins_when_the_change_is_complete(world: World) -> None:
    target = world.target("A")
    world.steps(target, 1, cooldown=300)
    world.alarm(target)
    world.engine.tick()
    world.now += 1000
    world.engine.tick()
    assert (target.cooldowns.base, target.cooldowns.out_until) == (1, world.now + 300)


def test_a_vanished_variant_is_deregistered_even_while_it_scales(world: World) -> None:
    target = world.target("A", MinCapacity=2)
    target.must_settle = True
    world.engine.tick()
    del world.cloud.counts["A"]
    world.engine.tick()
    assert world.removed == [target.key[1]]
    assert world.told("StatusCode") == ["Failed"]
    assert not world.store.changes


def test_a_schedule_runs_at_its_time_and_not_before(world: World) -> None:
    target = world.target("A")
    world.schedule(target, "cron(0 9 * * ? *)", MinCapacity=3)
    world.now += 9 * 3600 - 60
    world.engine.tick()
    assert world.told("Description") == []
    world.now += 60
    world.engine.tick()
    assert (target.described["MinCapacity"], world.cloud.counts["A"]) == (3, 3)
    assert world.told("Description") == ["Setting desired instance count to 3.", "Setting min capacity to 3"]
    assert world.told("Cause")[1] == "scheduled action name action was triggered"
    world.now += 23 * 3600
    world.engine.tick()
    assert len(world.store.activities) == 2


def test_runs_that_were_missed_count_as_one(world: World) -> None:
    target = world.target("A")
    action = world.schedule(target, "rate(1 minute)", MaxCapacity=5)
    world.now += 3600
    world.engine.tick()
    world.engine.tick()
    assert world.told("Description") == ["Setting max capacity to 5"]
    assert action.next_run == world.now + 60


def test_one_moment_happens_once(world: World) -> None:
    target = world.target("A")
    action = world.schedule(target, "at(2026-01-01T01:00:00)", MinCapacity=2, MaxCapacity=2)
    world.now += 3600
    world.engine.tick()
    assert world.told("Description")[-1] == "Setting min capacity to 2 and max capacity to 2"
    assert action.next_run is None


def test_a_suspended_schedule_passes_and_a_cooldown_does_not_hold_one(world: World) -> None:
    target = world.target("A", SuspendedState={"ScheduledScalingSuspended": True})
    world.schedule(target, "rate(1 minute)", MinCapacity=4)
    world.now += 60
    world.engine.tick()
    assert target.described["MinCapacity"] == 1
    target.described["SuspendedState"] = {"DynamicScalingOutSuspended": True}
    world.steps(target, 1, cooldown=10**6)
    world.now += 60
    world.engine.tick()
    assert world.cloud.counts["A"] == 4


def test_bounds_that_contradict_each_other_fail_and_change_nothing(world: World) -> None:
    target = world.target("A")
    world.schedule(target, "rate(1 minute)", MinCapacity=10)
    world.now += 60
    world.engine.tick()
    assert world.told("StatusCode") == ["Failed"]
    assert (target.described["MinCapacity"], world.cloud.counts["A"]) == (1, 1)


def tracking(name: str) -> Message:
    settings = {"TargetValue": 10.0, "PredefinedMetricSpecification": {}}
    return {
        "PolicyName": name,
        "PolicyARN": f"arn:{name}",
        "PolicyType": "TargetTrackingScaling",
        "Alarms": [{"AlarmName": f"{name}-high"}, {"AlarmName": f"{name}-low"}],
        "TargetTrackingScalingPolicyConfiguration": settings,
    }


def test_tracking_policies_scale_in_only_together(world: World) -> None:
    target = world.target("A", count=8)
    target.policies = {"load": tracking("load"), "cpu": tracking("cpu")}

    def fall(name: str) -> None:
        world.alarm(target, AlarmName=f"{name}-low", AlarmActions=[f"arn:{name}"])

    world.in_alarm = {"load-low"}
    fall("load")
    world.engine.tick()
    assert world.cloud.asked == []
    world.in_alarm = {"load-low", "cpu-low"}
    fall("load")
    fall("cpu")
    world.engine.tick()
    assert world.cloud.asked == [("A", 1)]
