"""The thread that scales: it runs schedules, keeps capacity within its bounds and follows the alarms.

A policy acts when its alarm goes to ALARM, and then once a minute as long as it stays there:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.auto_scaling import policies, schedules
from tests.local_aws.auto_scaling.clock import Clock
from tests.local_aws.auto_scaling.components import Components
from tests.local_aws.auto_scaling.decisions import Decision, decide
from tests.local_aws.auto_scaling.store import Action, Change, Event, Message, Names, Place, Store, Target, TargetKey
from tests.local_aws.auto_scaling.variants import BusyError, Capacity, GoneError, RefusedError, Variants

_log = logging.getLogger("application-autoscaling")

_TICK: Final = 0.2  # seconds of this machine
_LOOK: Final = 1.0  # seconds: how soon it is noticed that an endpoint is gone
_FRESH: Final = 3.0  # seconds: alarms in ALARM are reported twice a second
_MINUTE: Final = 60.0
_BOUNDS: Final = {"min": "MinCapacity", "max": "MaxCapacity"}


class Engine:
    """Acts on all targets, one after the other; an error in one does not touch the others."""

    def __init__(
        self,
        stores: dict[Place, Store],
        clock: Clock,
        variants: Variants,
        deregister: Callable[[Store, TargetKey], None],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._variants = variants
        self._components = Components(variants)
        self._deregister = deregister
        self._wakened = threading.Event()

    def start(self) -> None:
        """Act from now on, on a thread that ends with the process."""
        threading.Thread(target=self._run, name="auto-scaling", daemon=True).start()

    def wake(self) -> None:
        """Look at once."""
        self._wakened.set()

    def notice(self, alarm: Message, values: tuple[float | None, ...], *, is_new: bool) -> None:
        """Take in that an alarm is in ALARM; it may be of no policy of ours."""
        actions = set(alarm.get("AlarmActions") or []) if alarm.get("ActionsEnabled", True) else set()
        store = self._stores.get((seams.account(), seams.region()))
        if not actions or store is None:
            return
        for target in list(store.targets.values()):
            for name, policy in list(target.policies.items()):
                if policy["PolicyARN"] in actions:
                    before = target.events.get(name)
                    is_pending = before is not None and before.is_new and before.seen > target.evaluated
                    target.events[name] = Event(alarm, values, time.monotonic(), is_new or is_pending)
                    if is_new:
                        self.wake()

    def tick(self) -> None:
        """Look at everything once."""
        for place, store in list(self._stores.items()):
            with seams.acting_in(*place):
                for key, change in list(store.changes.items()):
                    self._guarded(self._complete, store, key, change)
                for target in list(store.targets.values()):
                    self._guarded(self._visit, store, target)

    def _run(self) -> None:
        while True:
            self._wakened.wait(_TICK)
            self._wakened.clear()
            self.tick()

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401 - those of `work`
        try:
            work(*arguments)
        except BusyError:
            return
        except RefusedError as error:
            _log.warning("a scalable target cannot be looked after now: %s", error)
        except Exception:  # noqa: BLE001 - logged; the other targets go on
            _log.exception("a scalable target cannot be looked after; the others go on")

    def _visit(self, store: Store, target: Target) -> None:
        for action in list(target.actions.values()):
            if action.next_run is not None and action.next_run <= self._clock.now():
                self._run_action(store, target, action)
        now = time.monotonic()
        is_due = self._is_due(target, now)
        if target.names is None or target.key in store.changes:
            return
        if not (target.must_settle or is_due or now - target.looked_at >= _LOOK):
            return
        target.looked_at = now
        try:
            capacity = self._read(target.names)
        except GoneError:
            if store.targets.get(target.key) is target:
                self._deregister(store, target.key)
            return
        if not capacity.is_active:  # a deployment, or the scaling of another variant
            return
        if target.must_settle:
            self._settle(store, target, capacity.desired)
        elif is_due:
            self._follow(store, target, capacity.desired)

    def _is_due(self, target: Target, now: float) -> bool:
        events = [event for event in list(target.events.values()) if event.seen > target.evaluated]
        minute = now - target.evaluated >= _MINUTE / self._clock.speed
        return any(minute or event.is_new for event in events)

    def _run_action(self, store: Store, target: Target, action: Action) -> None:
        now, described = self._clock.now(), action.described
        action.next_run = schedules.bounded(action.schedule, now, described)  # several that are over count as one
        if target.described["SuspendedState"].get("ScheduledScalingSuspended", False):
            return
        bounds: dict[str, int] = described["ScalableTargetAction"]
        said = " and ".join(f"{word} capacity to {bounds[name]}" for word, name in _BOUNDS.items() if name in bounds)
        activity = store.begin(
            target.key,
            now,
            Description=f"Setting {said}",
            Cause=f"scheduled action name {described['ScheduledActionName']} was triggered",
        )
        after = target.described | bounds
        if after["MinCapacity"] > after["MaxCapacity"]:
            reason = "Maximum capacity cannot be less than minimum capacity"
            self._end(activity, "Failed", f"Failed to set {said}. Reason: {reason}")
            return
        target.described = after
        target.must_settle = True
        self._end(activity, "Successful", f"Successfully set {said}")

    def _settle(self, store: Store, target: Target, current: int) -> None:
        """Bring the capacity into bounds that changed."""
        target.must_settle = False  # before it is done: the bounds may change again meanwhile
        wanted = target.limits.clamp(current)
        if wanted == current:
            return
        bound = "minimum" if wanted > current else "maximum"
        try:
            self._change(store, target, wanted, f"{bound} capacity was set to {wanted}")
        except BusyError:
            target.must_settle = True
            raise

    def _follow(self, store: Store, target: Target, current: int) -> None:
        """Do what the policies ask for whose alarms are in ALARM."""
        now = time.monotonic()
        events = {name: event for name, event in list(target.events.items()) if now - event.seen < _FRESH}
        known = list(target.policies.values())
        asked = [policies.proposal(policy, events[policy["PolicyName"]]) for policy in known
                 if policy["PolicyName"] in events]  # fmt: skip
        low = policies.low_alarms(known)
        account, region = seams.account(), seams.region()
        decision = decide(
            current,
            [proposal for proposal in asked if proposal is not None],
            limits=target.limits,
            cooldowns=target.cooldowns,
            now=self._clock.now(),
            is_agreed=set(low) == set(seams.alarms_in_alarm(account, region, low)),
        )
        if decision is not None:
            self._carry_out(store, target, current, decision)
        target.evaluated = now

    def _carry_out(self, store: Store, target: Target, current: int, decision: Decision) -> None:
        asked = decision.proposal
        cause = f"monitor alarm {asked.alarm} in state ALARM triggered policy {asked.policy}"
        if decision.reason is None:
            self._change(store, target, decision.capacity, cause, decision)
            return
        bound = "MaxCapacity" if decision.is_out else "MinCapacity"
        reason = {"Code": decision.reason, bound: decision.capacity, "CurrentCapacity": current}
        store.not_scaled(target.key, self._clock.now(), cause, reason)

    def _change(
        self, store: Store, target: Target, capacity: int, cause: str, decision: Decision | None = None
    ) -> None:
        names = target.names
        assert names is not None
        what = f"desired {_unit(names)} count to {capacity}"
        activity = store.begin(target.key, self._clock.now(), Description=f"Setting {what}.", Cause=cause)
        try:
            self._write(names, capacity)
        except BusyError:
            store.activities.remove(activity)
            raise
        except RefusedError as error:
            self._end(activity, "Failed", f"Failed to set {what}. Reason: {error}")
            return
        store.changes[target.key] = Change(activity, names, capacity, decision)

    def _complete(self, store: Store, key: TargetKey, change: Change) -> None:
        """End an activity once SageMaker is done with it; a cooldown begins then."""
        try:
            capacity = self._read(change.names)
        except GoneError as error:
            capacity = Capacity(0, is_settled=True, is_active=False, failure=str(error))
            if key in store.targets:
                store.targets[key].looked_at = float("-inf")  # it is to be deregistered
        if not capacity.is_settled:
            return
        del store.changes[key]
        what = f"desired {_unit(change.names)} count to {change.capacity}"
        if capacity.desired != change.capacity:
            reason = capacity.failure or "The endpoint was changed."
            said = f"Failed to set {what}. Reason: {reason}"
            self._end(change.activity, "Failed", said)
            return
        said = f"Successfully set {what}. Change successfully fulfilled by sagemaker."
        self._end(change.activity, "Successful", said)
        target = store.targets.get(key)
        if target is not None and change.decision is not None:
            target.cooldowns = target.cooldowns.after(change.decision, self._clock.now())

    def _read(self, names: Names) -> Capacity:
        return self._components.read(*names) if len(names) == 1 else self._variants.read(*names)

    def _write(self, names: Names, capacity: int) -> None:
        if len(names) == 1:
            self._components.write(*names, capacity)
        else:
            self._variants.write(*names, capacity)

    def _end(self, activity: Message, status: str, message: str) -> None:
        activity |= {"EndTime": self._clock.now(), "StatusCode": status, "StatusMessage": message}


def _unit(names: Names) -> str:
    return "copy" if len(names) == 1 else "instance"
