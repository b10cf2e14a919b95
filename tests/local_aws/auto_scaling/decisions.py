"""What several policies come to together, within cooldowns, bounds and suspensions.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a policy asks for while its alarm is in ALARM."""

    policy: str
    alarm: str
    cooldown: float
    capacity: Callable[[int], int]
    """The capacity it wants, from the one it starts from."""

    needs_agreement: bool = False
    """Whether it may remove capacity only if all policies of its kind would: target tracking, below its target."""


@dataclass(frozen=True, kw_only=True)
class Cooldowns:
    """What is left of the last activity of a policy. Scheduled actions and changed bounds know no cooldown."""

    base: int = 0
    """The capacity before the scale-outs whose cooldown lasts."""

    out_until: float = 0
    in_until: float = 0

    def start(self, now: float, capacity: int) -> int:
        """The capacity that a scale-out starts from.

        During a cooldown it is the one before that, so that what was added already counts as part of what is wanted.
        """
        return min(self.base, capacity) if now < self.out_until else capacity

    def after(self, decision: Decision, now: float) -> Cooldowns:
        """The cooldown that begins when an activity completes; a scale-out ends the one of a scale-in."""
        if decision.is_out:
            return Cooldowns(base=decision.base, out_until=now + decision.proposal.cooldown)
        return Cooldowns(in_until=now + decision.proposal.cooldown)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a target allows."""

    lowest: int
    highest: int
    is_in_suspended: bool = False
    is_out_suspended: bool = False

    def clamp(self, capacity: int) -> int:
        """The nearest capacity within the bounds."""
        return min(max(capacity, self.lowest), self.highest)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A change of capacity, or, with a reason, why there is none."""

    capacity: int
    proposal: Proposal
    base: int
    is_out: bool
    reason: str | None = None


def decide(
    current: int,
    proposals: Sequence[Proposal],
    *,
    limits: Limits,
    cooldowns: Cooldowns,
    now: float,
    is_agreed: bool,
) -> Decision | None:
    """The largest capacity that any policy asks for, wherever that leads, or nothing.

    `is_agreed` says whether all target tracking policies that may scale in would.
    """
    base = cooldowns.start(now, current)
    candidates = [_candidate(current, base, proposal) for proposal in proposals]
    allowed = [
        (capacity, proposal)
        for capacity, proposal in zip(candidates, proposals, strict=True)
        if capacity >= current or is_agreed or not proposal.needs_agreement
    ]
    if not allowed:
        return None
    wanted, winner = max(allowed, key=lambda pair: pair[0])
    is_out = wanted > current
    if wanted == current or (limits.is_out_suspended if is_out else limits.is_in_suspended):
        return None
    if not is_out and now < cooldowns.in_until:
        return None
    capacity = limits.clamp(wanted)
    reason = None
    if capacity == current:
        reason = "AlreadyAtMaxCapacity" if is_out else "AlreadyAtMinCapacity"
    return Decision(capacity=capacity, proposal=winner, base=base, is_out=is_out, reason=reason)


def _candidate(current: int, base: int, proposal: Proposal) -> int:
    """A policy that adds starts from the base, and is content with what is there already; others from what is there."""
    added = proposal.capacity(base)
    if added > base:
        exact = proposal.capacity(current)
        return max(added, current) if exact >= current else exact
    return min(proposal.capacity(current), current)
