from __future__ import annotations

from typing import Any

import pytest

from tests.local_aws.auto_scaling import policies
from tests.local_aws.auto_scaling.adjustments import Values
from tests.local_aws.auto_scaling.store import KEPT_ACTIVITIES, Event, Message, Store, Target

RESOURCE = "endpoint/e/variant/A"
DIMENSIONS = [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "A"}]
KEY = ("sagemaker", RESOURCE, "sagemaker:variant:DesiredInstanceCount")


def tracking(**settings: Any) -> Message:  # noqa: ANN401 - as the API
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
    return {
        "PolicyName": "load",
        "PolicyARN": "arn:policy",
        "PolicyType": policies.TRACKING,
        "ResourceId": RESOURCE,
        "Alarms": [{"AlarmName": "high"}, {"AlarmName": "low"}],
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0, **(settings or metric)},
    }


def steps(**settings: Any) -> Message:  # noqa: ANN401 - as the API
    known = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
            {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 4},
        ],
    }
    return {
        "PolicyName": "steps",
        "PolicyType": policies.STEPS,
        "StepScalingPolicyConfiguration": {key: value for key, value in (known | settings).items() if value},
    }


def event(alarm: str, *values: float | None, operator: str = "GreaterThanThreshold") -> Event:
    given: Values = values
    return Event({"AlarmName": alarm, "Threshold": 50.0, "ComparisonOperator": operator}, given, 0, is_new=True)


def asked(policy: Message, happened: Event, capacity: int = 2) -> int | None:
    proposal = policies.proposal(policy, happened)
    return None if proposal is None else proposal.capacity(capacity)


def test_tracking_gets_an_alarm_above_and_one_below_its_target() -> None:
    high, low = policies.alarms(tracking(), [])
    assert high["AlarmName"].startswith(f"TargetTracking-{RESOURCE}-AlarmHigh-")
    assert low["AlarmName"].startswith(f"TargetTracking-{RESOURCE}-AlarmLow-")
    shown = [(item["ComparisonOperator"], item["Threshold"], item["EvaluationPeriods"]) for item in (high, low)]
    assert shown == [("GreaterThanThreshold", 70.0, 3), ("LessThanThreshold", 63.0, 15)]
    for item in (high, low):
        assert (item["Namespace"], item["MetricName"]) == ("AWS/SageMaker", "InvocationsPerInstance")
        assert (item["Statistic"], item["Period"]) == ("Sum", 60)
        assert (item["Dimensions"], item["AlarmActions"]) == (DIMENSIONS, ["arn:policy"])


def test_a_changed_policy_keeps_the_names_of_its_alarms() -> None:
    made = policies.alarms(tracking(), [{"AlarmName": "one"}, {"AlarmName": "two"}])
    assert [item["AlarmName"] for item in made] == ["one", "two"]


def test_a_customized_metric_and_metric_math_are_watched_each_minute() -> None:
    metric = {"MetricName": "CPUUtilization", "Namespace": "n", "Dimensions": DIMENSIONS}
    plain = tracking(CustomizedMetricSpecification={**metric, "Statistic": "Average", "Unit": "Percent"})
    high = policies.alarms(plain, [])[0]
    assert (high["MetricName"], high["Statistic"], high["Unit"], high["Period"]) == (
        "CPUUtilization",
        "Average",
        "Percent",
        60,
    )
    queries = [
        {"Id": "cpu", "MetricStat": {"Metric": metric, "Stat": "Average"}, "ReturnData": False},
        {"Id": "share", "Expression": "cpu / 2", "ReturnData": True},
    ]
    math = policies.alarms(tracking(CustomizedMetricSpecification={"Metrics": queries}), [])[1]
    assert [query.get("MetricStat", {}).get("Period") for query in math["Metrics"]] == [60, None]
    assert math["Metrics"][1] == queries[1]
    assert "Period" not in math


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (tracking() | {"PolicyType": "PredictiveScaling"}, "does not serve policies of type PredictiveScaling"),
        (tracking() | {"PolicyType": policies.STEPS}, "StepScalingPolicyConfiguration must be specified"),
        (tracking(DisableScaleIn=True), "Exactly one"),
        (tracking(PredefinedMetricSpecification={}, CustomizedMetricSpecification={}), "Exactly one"),
        (tracking(PredefinedMetricSpecification={}, TargetValue=0), "greater than 0, got 0"),
        (steps(AdjustmentType=None), "must be specified"),
        (steps(StepAdjustments=None), "at least one step"),
        (steps(StepAdjustments=[{"ScalingAdjustment": 1}] * 21), "20 step adjustments, got 21"),
        (steps(MinAdjustmentMagnitude=2), "PercentChangeInCapacity only"),
        (steps(AdjustmentType="ExactCapacity", StepAdjustments=[{"ScalingAdjustment": -1}]), "must not be negative"),
    ],
)
def test_a_wrong_policy_is_refused(policy: Message, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        policies.check(policy)


def test_other_metrics_of_aws_are_refused_by_name() -> None:
    other = tracking(PredefinedMetricSpecification={"PredefinedMetricType": "ECSServiceAverageCPUUtilization"})
    with pytest.raises(ValueError, match="does not serve ECSServiceAverageCPUUtilization yet"):
        policies.alarms(other, [])
    bare = tracking(CustomizedMetricSpecification={"MetricName": "m"})
    with pytest.raises(ValueError, match="needs MetricName, Namespace and Statistic"):
        policies.alarms(bare, [])


def test_tracking_follows_its_metric() -> None:
    assert asked(tracking(), event("high", 200, 90, 140)) == 4
    assert asked(tracking(), event("low", 1, 35, 2)) == 1
    assert asked(tracking(), event("low", 1, 60), capacity=8) == 7
    assert asked(tracking(), event("high", 200, 60)) is None  # it is back already
    assert asked(tracking(), event("high")) is None
    disabled = tracking(DisableScaleIn=True)
    assert asked(disabled, event("low", 1)) is None
    assert asked(disabled, event("high", 140)) == 4


def test_only_policies_that_scale_in_are_asked_to_agree() -> None:
    assert policies.low_alarms([tracking(), steps(), tracking(DisableScaleIn=True)]) == ["low"]


def test_cooldowns_are_five_minutes_unless_given() -> None:
    given = tracking(ScaleInCooldown=1, ScaleOutCooldown=2)
    for policy, alarm, value, expected in (
        (tracking(), "high", 99, 300),
        (given, "high", 99, 2),
        (given, "low", 1, 1),
        (steps(), "any", 55, 300),
        (steps(Cooldown=7), "any", 55, 7),
    ):
        proposal = policies.proposal(policy, event(alarm, value))
        assert proposal is not None
        assert proposal.cooldown == expected


def test_a_step_is_chosen_by_the_distance_from_the_threshold() -> None:
    assert asked(steps(), event("a", 55, 55)) == 3
    assert asked(steps(), event("a", 55, 65)) == 6
    assert asked(steps(MetricAggregationType="Minimum"), event("a", 55, 65)) == 3
    assert asked(steps(), event("a", 40)) is None
    assert asked(steps(), event("a")) == 3  # set by hand, at the threshold
    assert asked(steps(), event("a", operator="LessThanThreshold")) is None


def test_only_variants_of_endpoints_scale() -> None:
    described = dict(zip(("ServiceNamespace", "ResourceId", "ScalableDimension"), KEY, strict=True))
    assert Target(described).variant == ("e", "A")
    for change in (
        {"ServiceNamespace": "ecs"},
        {"ResourceId": "service/a/b/c"},
        {"ResourceId": "endpoint/e/variant/A/B"},
        {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"},
    ):
        assert Target(described | change).variant is None


def test_the_copies_of_inference_components_scale() -> None:
    key = ("sagemaker", "inference-component/c", "sagemaker:inference-component:DesiredCopyCount")
    described = dict(zip(("ServiceNamespace", "ResourceId", "ScalableDimension"), key, strict=True))
    assert (Target(described).component, Target(described).names) == ("c", ("c",))
    for change in (
        {"ServiceNamespace": "ecs"},
        {"ResourceId": "inference-component/"},
        {"ResourceId": "inference-component/c/d"},
        {"ResourceId": "endpoint/c"},
        {"ScalableDimension": "sagemaker:variant:DesiredInstanceCount"},
    ):
        assert Target(described | change).component is None


def test_copies_have_a_predefined_metric_of_their_own() -> None:
    predefined = {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}
    policy = tracking(PredefinedMetricSpecification=predefined) | {"ResourceId": "inference-component/c"}
    high, low = policies.alarms(policy, [])
    for alarm in (high, low):
        assert (alarm["MetricName"], alarm["Statistic"], alarm["Period"]) == ("InvocationsPerCopy", "Sum", 60)
        assert alarm["Dimensions"] == [{"Name": "InferenceComponentName", "Value": "c"}]
    with pytest.raises(ValueError, match="InvocationsPerCopy yet for endpoint/e/variant/A"):
        policies.alarms(policy | {"ResourceId": RESOURCE}, [])
    of_variants = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    with pytest.raises(ValueError, match="InvocationsPerInstance yet for inference-component/c"):
        policies.alarms(
            tracking(PredefinedMetricSpecification=of_variants) | {"ResourceId": "inference-component/c"}, []
        )


def test_activities_are_kept_newest_first_and_bounded() -> None:
    store = Store()
    for number in range(KEPT_ACTIVITIES + 5):
        store.begin(KEY, number)
    assert len(store.activities) == KEPT_ACTIVITIES
    assert [item["StartTime"] for item in store.activities][:2] == [KEPT_ACTIVITIES + 4, KEPT_ACTIVITIES + 3]


def test_the_same_reason_is_told_once_in_a_row() -> None:
    store = Store()
    for code in ("AlreadyAtMaxCapacity", "AlreadyAtMaxCapacity", "AlreadyAtMinCapacity", "AlreadyAtMaxCapacity"):
        store.not_scaled(KEY, 0, "cause", {"Code": code})
        store.not_scaled((*KEY[:2], "other"), 0, "cause", {"Code": "AlreadyAtMaxCapacity"})
    told = [item["NotScaledReasons"][0]["Code"][9:12] for item in store.activities if item["Cause"] == "cause"]
    assert told == ["Max", "Min", "Max", "Max"]
