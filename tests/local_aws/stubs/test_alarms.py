from __future__ import annotations

import time
from typing import Any

import pytest

from tests.local_aws import seams
from tests.local_aws.stubs import alarms
from tests.local_aws.stubs.metric_math import MathError, Series

NOW = 1_000_000.5
HIGH, LOW = 9.0, 1.0


@pytest.mark.parametrize(
    ("values", "treatment", "state", "expected"),
    [
        ((LOW, HIGH, HIGH), "missing", "OK", "ALARM"),
        ((HIGH, LOW, LOW), "missing", "ALARM", "OK"),
        ((None, None, None), "missing", "OK", "INSUFFICIENT_DATA"),
        ((None, None, None), "ignore", "ALARM", "ALARM"),
        ((None, None, None), "notBreaching", "ALARM", "OK"),
        ((None, None, None), "breaching", "OK", "ALARM"),
        ((None, HIGH, HIGH), "notBreaching", "OK", "ALARM"),
        ((None, None, HIGH), "notBreaching", "ALARM", "OK"),
        ((None, None, HIGH), "breaching", "OK", "ALARM"),
        ((None, None, HIGH), "missing", "OK", "ALARM"),
        ((None, None, HIGH), "ignore", "OK", "OK"),
        ((None, None, LOW), "missing", "ALARM", "OK"),
    ],
)
def test_a_state_follows_from_two_of_three_datapoints(
    values: Series, treatment: str, state: str, expected: str
) -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": treatment,
    }
    assert alarms.judge(values, alarm, state) == expected


def test_the_threshold_itself_breaches_only_where_the_operator_says_so() -> None:
    for operator, expected in (("GreaterThanThreshold", "OK"), ("LessThanOrEqualToThreshold", "ALARM")):
        alarm = {"ComparisonOperator": operator, "Threshold": 5.0, "EvaluationPeriods": 1}
        assert alarms.judge((5.0,), alarm, "OK") == expected


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """The data of a metric by the value of its only dimension."""
    data: dict[str, list[dict[str, Any]]] = {}
    monkeypatch.setattr(seams, "metric_points", lambda metric: data.get(metric["Dimensions"][0]["Value"], []))
    monkeypatch.setenv("LOCAL_AWS_SPEED", "60")
    return data


def alarm(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "VariantName", "Value": "champion"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        **changes,
    }


def point(seconds_ago: float, value: float) -> dict[str, Any]:
    return {"Timestamp": NOW - seconds_ago, "Value": value, "Unit": "None", "Dimensions": {}}


def test_a_minute_is_a_second_and_the_running_one_does_not_count(points: dict[str, list[dict[str, Any]]]) -> None:
    points["champion"] = [point(0.1, 100), point(0.6, 1), point(0.7, 2), point(2.6, 5), point(3.6, 7)]
    points["challenger"] = [point(0.6, 50)]
    assert alarms.values_of(alarm(), NOW) == (5.0, None, 3.0)
    assert alarms.values_of(alarm(ExtendedStatistic="p50", Statistic=None), NOW) == (5.0, None, 1.5)


def test_math_combines_metrics_and_expressions_in_any_order(points: dict[str, list[dict[str, Any]]]) -> None:
    points["champion"], points["challenger"] = [point(0.6, 8)], [point(0.6, 2)]

    def stat(name: str, variant: str) -> dict[str, Any]:
        metric = {
            "Namespace": "n",
            "MetricName": "m",
            "Dimensions": [{"Name": "VariantName", "Value": variant}],
        }
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    queries = [
        {"Id": "result", "Expression": "100 * share", "ReturnData": True},
        {"Id": "share", "Expression": "b / (a + b)", "ReturnData": False},
        stat("a", "champion"),
        stat("b", "challenger"),
    ]
    assert alarms.values_of({"Metrics": queries, "EvaluationPeriods": 2}, NOW) == (None, 20.0)
    circular = [{"Id": "x", "Expression": "x + a", "ReturnData": True}, stat("a", "champion")]
    with pytest.raises(MathError, match="refers to itself"):
        alarms.check({"Metrics": circular, "EvaluationPeriods": 1})


def test_an_alarm_of_now_is_evaluated(points: dict[str, list[dict[str, Any]]]) -> None:
    points["champion"] = [{"Timestamp": time.time() - 1, "Value": 3.0, "Unit": "None", "Dimensions": {}}]
    assert 3.0 in alarms.values_of(alarm(), time.time())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Series, bool]]:
    """What a watcher of alarms is told."""
    told: list[tuple[Series, bool]] = []

    def watcher(_alarm: dict[str, Any], values: Series, *, is_new: bool) -> None:
        told.append((values, is_new))

    def change(changed: dict[str, Any], state: str, _reason: str) -> None:
        changed["StateValue"] = state

    monkeypatch.setattr(alarms, "_watchers", [])
    monkeypatch.setattr(alarms, "_judged", {})
    monkeypatch.setattr(seams, "change_alarm_state", change)
    alarms.watch(watcher)
    return told


def evaluated(found: dict[str, Any], values: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "values_of", lambda *_: values)
    alarms.evaluate_alarm(found)


def test_a_watcher_is_told_at_each_evaluation_in_alarm(
    seen: list[tuple[Series, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = alarm(
        EvaluationPeriods=1, Threshold=5.0, ComparisonOperator="GreaterThanThreshold", StateValue="OK", AlarmArn="arn"
    )
    for value in (LOW, HIGH, HIGH, LOW, HIGH):
        evaluated(found, (value,), monkeypatch)
    assert seen == [((HIGH,), True), ((HIGH,), False), ((HIGH,), True)]


def test_a_watcher_is_told_of_an_alarm_that_was_set_by_hand(
    seen: list[tuple[Series, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = alarm(
        EvaluationPeriods=1, Threshold=5.0, ComparisonOperator="GreaterThanThreshold", StateValue="OK", AlarmArn="arn"
    )
    evaluated(found, (LOW,), monkeypatch)
    found["StateValue"] = "ALARM"
    evaluated(found, (LOW,), monkeypatch)
    evaluated(found, (LOW,), monkeypatch)
    assert seen == [((LOW,), True)]
    assert found["StateValue"] == "OK"
