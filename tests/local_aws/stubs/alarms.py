"""Metric alarms of CloudWatch, evaluated as documented: MiniStack ignores dimensions, math, and missing data.

Time passes `LOCAL_AWS_SPEED` times as fast as on AWS: a period of a minute is a second at 60, the default. A period
counts once it is over. As on AWS, an alarm is evaluated all the time, not only when somebody publishes.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import operator
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from tests.local_aws import seams
from tests.local_aws.stubs.metric_math import MathError, Series, Value, evaluate

Alarm = dict[str, Any]


class Watcher(Protocol):
    """Is called, in the scope of its account, when an alarm is found in ALARM; `is_new`: it just got there."""

    def __call__(self, alarm: Alarm, values: Series, /, *, is_new: bool) -> None: ...


_TICK: Final = 0.5  # seconds
_BREACHES: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


_watchers: Final[list[Watcher]] = []
_judged: Final[dict[str, str]] = {}


def watch(watcher: Watcher) -> None:
    """Call `watcher` at each evaluation of an alarm that is in ALARM, or that somebody has set to it."""
    _watchers.append(watcher)


def speed() -> float:
    """AWS seconds in one second of this machine."""
    return float(os.environ.get("LOCAL_AWS_SPEED") or 60)


def judge(values: Series, alarm: Alarm, state: str) -> str:
    """The state that the values of the evaluated periods, oldest first, give an alarm that is in `state`."""
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    needed = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    present = [breaches(value, float(alarm["Threshold"])) for value in values if value is not None]
    missing = len(values) - len(present)
    treatment = alarm.get("TreatMissingData", "missing")
    if treatment in {"breaching", "notBreaching"}:
        breaching = sum(present) + (missing if treatment == "breaching" else 0)
        return "ALARM" if breaching >= needed else "OK"
    if not present:
        return "INSUFFICIENT_DATA" if treatment == "missing" else state
    if sum(present) >= needed:
        return "ALARM"
    if all(present) and len(present) < needed:  # too few to know, and nothing speaks against it
        return "ALARM" if treatment == "missing" else state
    return "OK"


def values_of(alarm: Alarm, now: float) -> Series:
    """What the alarm compares with its threshold, for each period that it evaluates."""
    queries: list[dict[str, Any]] = alarm.get("Metrics") or [_query(alarm)]
    periods = int(alarm["EvaluationPeriods"])
    stats = [query for query in queries if query.get("MetricStat")]
    seconds = max(int(query["MetricStat"]["Period"]) for query in stats) / speed()
    known: dict[str, Value] = {query["Id"]: _statistic(query["MetricStat"], seconds, periods, now) for query in stats}
    pending = [query for query in queries if not query.get("MetricStat")]
    while pending:
        ready = [query for query in pending if not _names(query["Expression"]) & {other["Id"] for other in pending}]
        if not ready:
            raise MathError("the metric math of the alarm refers to itself")
        for query in ready:
            known[query["Id"]] = evaluate(query["Expression"], known, periods)
            pending.remove(query)
    (result,) = (query for query in queries if query.get("ReturnData", True))
    value = known[result["Id"]]
    assert isinstance(value, tuple)
    return value


def check(alarm: Alarm) -> None:
    """Evaluate the math once, so that a wrong expression fails when the alarm is put.

    Raises:
        MathError: an expression is malformed or not supported.
    """
    values_of(alarm, time.time())


def evaluate_alarm(alarm: Alarm) -> None:
    """Bring one alarm to the state that its metrics demand."""
    values = values_of(alarm, time.time())
    before, arn = alarm["StateValue"], alarm["AlarmArn"]
    state = judge(values, alarm, before)
    was_set = before == "ALARM" != _judged.get(arn)  # by SetAlarmState, since the last evaluation
    if state != before:
        shown = ", ".join("-" if value is None else f"{value:g}" for value in values)
        seams.change_alarm_state(
            alarm, state, f"Threshold Crossed: [{shown}] against {alarm['ComparisonOperator']} {alarm['Threshold']:g}"
        )
    _judged[arn] = state
    if state == "ALARM" or was_set:
        for watcher in _watchers:
            watcher(alarm, values, is_new=was_set or before != "ALARM")


def install() -> None:
    """Replace MiniStack's evaluation, and evaluate all alarms twice a second."""
    seams.replace_alarm_evaluation(check)
    threading.Thread(target=_tick, name="alarm-evaluation", daemon=True).start()


def _tick() -> None:
    while True:
        time.sleep(_TICK)
        alarms = seams.alarms_of_default_account()
        for arn in _judged.keys() - {alarm["AlarmArn"] for alarm in alarms}:
            del _judged[arn]
        for alarm in alarms:
            try:
                with seams.default_scope():
                    evaluate_alarm(alarm)
            except Exception as error:  # noqa: BLE001 - one alarm must not stop the others
                sys.stderr.write(f"alarm {alarm.get('AlarmName')} cannot be evaluated: {error}\n")


def _query(alarm: Alarm) -> dict[str, Any]:
    metric = {key: alarm.get(key) for key in ("Namespace", "MetricName", "Dimensions")}
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    return {"Id": "m", "MetricStat": {"Metric": metric, "Period": alarm.get("Period", 60), "Stat": statistic}}


def _statistic(stat: dict[str, Any], seconds: float, periods: int, now: float) -> Series:
    points = seams.metric_points(stat["Metric"])
    last = int(now // seconds)  # the period that is not over yet
    buckets: list[list[dict[str, Any]]] = [[] for _ in range(periods)]
    for point in points:
        index = int(point["Timestamp"] // seconds) - (last - periods)
        if 0 <= index < periods:
            buckets[index].append(point)
    return tuple(seams.metric_statistic(bucket, stat["Stat"]) if bucket else None for bucket in buckets)


def _names(expression: str) -> set[str]:
    return set(re.findall(r"\w+", expression))
