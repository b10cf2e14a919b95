"""What the service remembers, by account and region."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.local_aws.auto_scaling.adjustments import Values
from tests.local_aws.auto_scaling.decisions import Cooldowns, Decision, Limits
from tests.local_aws.auto_scaling.schedules import Schedule

Message = dict[str, Any]
TargetKey = tuple[str, str, str]
Place = tuple[str, str]
Names = tuple[str] | tuple[str, str]
"""What scales: an inference component, or an endpoint and its variant."""

IDENTITY: Final = ("ServiceNamespace", "ResourceId", "ScalableDimension")
KEPT_ACTIVITIES: Final = 500
_VARIANT: Final = "sagemaker:variant:DesiredInstanceCount"
_COMPONENT: Final = "sagemaker:inference-component:DesiredCopyCount"


def key_of(message: Mapping[str, Any]) -> TargetKey:
    """What identifies the target of a request, a policy, an action or an activity."""
    return message["ServiceNamespace"], message["ResourceId"], message["ScalableDimension"]


@dataclass(frozen=True)
class Event:
    """An alarm that calls for a policy."""

    alarm: Message
    values: Values
    seen: float
    """When, on this machine's monotonic clock."""

    is_new: bool


@dataclass
class Action:
    """A scheduled action and when it runs next."""

    described: Message
    schedule: Schedule
    next_run: float | None


@dataclass
class Target:
    """A scalable target with all that belongs to it."""

    described: Message
    policies: dict[str, Message] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    must_settle: bool = False
    """Whether the bounds changed since the capacity was last compared with them."""

    evaluated: float = float("-inf")
    looked_at: float = float("-inf")

    @property
    def key(self) -> TargetKey:
        """What identifies it."""
        return key_of(self.described)

    @property
    def variant(self) -> tuple[str, str] | None:
        """Endpoint and variant, if it is one whose instances scale."""
        namespace, resource, dimension = self.key
        parts = resource.split("/")
        is_variant = (namespace, dimension, parts[::2]) == ("sagemaker", _VARIANT, ["endpoint", "variant"])
        return (parts[1], parts[3]) if is_variant and len(parts) == 4 else None

    @property
    def component(self) -> str | None:
        """The inference component, if it is one, whose copies scale."""
        namespace, resource, dimension = self.key
        kind, _, name = resource.partition("/")
        is_component = (namespace, dimension, kind) == ("sagemaker", _COMPONENT, "inference-component")
        return name if is_component and name and "/" not in name else None

    @property
    def names(self) -> Names | None:
        """What scales, if anything does."""
        return self.variant if self.component is None else (self.component,)

    @property
    def limits(self) -> Limits:
        """Its bounds and suspensions."""
        suspended = self.described["SuspendedState"]
        return Limits(
            lowest=self.described["MinCapacity"],
            highest=self.described["MaxCapacity"],
            is_in_suspended=suspended.get("DynamicScalingInSuspended", False),
            is_out_suspended=suspended.get("DynamicScalingOutSuspended", False),
        )


@dataclass(frozen=True)
class Change:
    """A change of capacity that SageMaker is carrying out."""

    activity: Message
    names: Names
    capacity: int
    decision: Decision | None


@dataclass
class Store:
    """What one account has in one region."""

    targets: dict[TargetKey, Target] = field(default_factory=dict)
    changes: dict[TargetKey, Change] = field(default_factory=dict)
    activities: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT_ACTIVITIES))
    """Newest first; AWS forgets them after six weeks."""

    def begin(self, target: TargetKey, now: float, **members: object) -> Message:
        """Keep a new activity, in progress."""
        activity: Message = {
            "ActivityId": str(uuid.uuid4()),
            **dict(zip(IDENTITY, target, strict=True)),
            "StartTime": now,
            "StatusCode": "InProgress",
            **members,
        }
        self.activities.appendleft(activity)
        return activity

    def not_scaled(self, target: TargetKey, now: float, cause: str, reason: Message) -> None:
        """Keep why an alarm changed nothing, unless that is what the last activity of the target says already."""
        last = next((item for item in self.activities.copy() if key_of(item) == target), {})
        if [item["Code"] for item in last.get("NotScaledReasons", [])] == [reason["Code"]]:
            return
        description = "Attempting to scale due to alarm triggered"
        self.begin(target, now, Description=description, Cause=cause, StatusCode="Failed", NotScaledReasons=[reason])
