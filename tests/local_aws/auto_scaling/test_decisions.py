from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.local_aws.auto_scaling.adjustments import stepped, tracked
from tests.local_aws.auto_scaling.decisions import Cooldowns, Decision, Limits, Proposal, decide

LIMITS = Limits(lowest=2, highest=10)
NOW = 1000.0


def tracking(ratio: float, name: str = "load", cooldown: float = 300) -> Proposal:
    capacity = partial(tracked, value=ratio, target=1.0)
    return Proposal(policy=name, alarm=name, cooldown=cooldown, capacity=capacity, needs_agreement=ratio < 1)


def step(change: int, kind: str = "ChangeInCapacity", name: str = "step", cooldown: float = 300) -> Proposal:
    capacity = partial(stepped, adjustment=change, configuration={"AdjustmentType": kind})
    return Proposal(policy=name, alarm=name, cooldown=cooldown, capacity=capacity)


def decided(
    current: int,
    *proposals: Proposal,
    limits: Limits = LIMITS,
    cooldowns: Cooldowns = Cooldowns(),  # noqa: B008 - immutable
    now: float = NOW,
    is_agreed: bool = True,
) -> Decision | None:
    return decide(current, proposals, limits=limits, cooldowns=cooldowns, now=now, is_agreed=is_agreed)


def wanted(current: int, *proposals: Proposal, **given: Any) -> int:  # noqa: ANN401 - of `decided`
    """The capacity afterwards."""
    decision = decided(current, *proposals, **given)
    return current if decision is None else decision.capacity


def test_the_largest_capacity_wins() -> None:
    assert wanted(4, tracking(1.2), tracking(1.6, "cpu")) == 7
    assert wanted(4, tracking(2.0), step(1)) == 8
    assert wanted(10, step(3), step(200, "PercentChangeInCapacity"), limits=Limits(lowest=1, highest=99)) == 30
    assert wanted(8, tracking(0.3), tracking(0.6, "cpu")) == 5
    decision = decided(8, step(-1, name="a"), step(-2, name="b"))
    assert decision is not None
    assert (decision.capacity, decision.proposal.policy, decision.is_out) == (7, "a", False)


def test_who_adds_beats_who_removes() -> None:
    assert wanted(4, tracking(1.2), tracking(0.1, "cpu"), is_agreed=False) == 5
    assert wanted(4, step(1), step(-2, name="other")) == 5


def test_tracking_removes_only_when_all_agree_and_steps_do_not_ask() -> None:
    assert wanted(8, tracking(0.3), is_agreed=False) == 8
    assert wanted(8, tracking(0.3), is_agreed=True) == 3
    assert wanted(8, tracking(0.3), step(-1), is_agreed=False) == 7


def test_bounds_are_honoured_and_said() -> None:
    assert wanted(4, tracking(9)) == 10
    assert wanted(4, tracking(0.01)) == 2
    assert wanted(4, step(50, "ExactCapacity")) == 10
    above, below = decided(10, tracking(1.5)), decided(2, tracking(0.5))
    assert above is not None
    assert below is not None
    assert (above.capacity, above.reason) == (10, "AlreadyAtMaxCapacity")
    assert (below.capacity, below.reason) == (2, "AlreadyAtMinCapacity")
    changed = decided(4, tracking(9))
    assert changed is not None
    assert changed.reason is None


def test_nothing_is_decided_where_nothing_would_change() -> None:
    assert decided(4) is None
    assert decided(4, tracking(0.95)) is None
    assert decided(4, step(4, "ExactCapacity")) is None


def test_suspended_directions_stand_still() -> None:
    no_out = Limits(lowest=1, highest=10, is_out_suspended=True)
    no_in = Limits(lowest=1, highest=10, is_in_suspended=True)
    assert wanted(4, tracking(2), limits=no_out) == 4
    assert wanted(4, tracking(0.5), limits=no_out) == 2
    assert wanted(4, tracking(2), limits=no_in) == 8
    assert wanted(4, tracking(0.5), limits=no_in) == 4


def after(current: int, proposal: Proposal, cooldowns: Cooldowns | None = None) -> tuple[int, Cooldowns]:
    """The capacity, and the cooldown that begins now."""
    before = cooldowns or Cooldowns()
    decision = decided(current, proposal, cooldowns=before)
    assert decision is not None
    return decision.capacity, before.after(decision, NOW)


def test_within_the_cooldown_a_further_increase_takes_only_the_difference() -> None:
    capacity, cooldowns = after(2, step(2))
    assert capacity == 4
    assert wanted(4, step(2), cooldowns=cooldowns) == 4
    assert wanted(4, step(3), cooldowns=cooldowns) == 5
    assert wanted(4, step(2), cooldowns=cooldowns, now=NOW + 300) == 6
    capacity, cooldowns = after(2, tracking(2))
    assert wanted(4, tracking(2), cooldowns=cooldowns) == 4
    assert wanted(4, tracking(2.5), cooldowns=cooldowns) == 5


def test_a_larger_increase_begins_a_new_cooldown_from_the_same_base() -> None:
    _, first = after(2, step(2))
    capacity, second = after(4, step(3), first)
    assert (capacity, second.base) == (5, 2)
    assert wanted(5, step(3), cooldowns=second) == 5


def test_within_the_cooldown_of_adding_the_same_alarm_holds_what_is_there() -> None:
    _, cooldowns = after(2, step(2))
    assert wanted(4, step(2), step(-1, name="low"), cooldowns=cooldowns) == 4
    assert wanted(4, step(-1, name="low"), cooldowns=cooldowns) == 3


def test_removal_is_blocked_until_its_cooldown_is_over_but_adding_is_not() -> None:
    capacity, cooldowns = after(8, tracking(0.5))
    assert capacity == 4
    assert wanted(4, tracking(0.5), cooldowns=cooldowns, now=NOW + 299) == 4
    assert wanted(4, tracking(0.5), cooldowns=cooldowns, now=NOW + 300) == 2
    assert wanted(4, tracking(2), cooldowns=cooldowns) == 8
    _, stopped = after(4, tracking(2), cooldowns)  # and adding ends it
    assert wanted(8, tracking(0.5), cooldowns=stopped) == 4


def test_an_exact_capacity_reaches_down_during_a_cooldown_too() -> None:
    _, cooldowns = after(2, step(2))
    assert wanted(4, step(3, "ExactCapacity"), cooldowns=cooldowns) == 3


@pytest.mark.parametrize(("capacity", "expected"), [(0, 2), (2, 2), (5, 5), (10, 10), (99, 10)])
def test_a_capacity_is_moved_into_the_bounds(capacity: int, expected: int) -> None:
    assert LIMITS.clamp(capacity) == expected
