"""Scaling policies: what AWS accepts, the alarms of target tracking, and what a policy asks for.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any, Final

from tests.local_aws.auto_scaling.adjustments import (
    aggregated,
    check_steps,
    chosen_step,
    stepped,
    tracked,
    tracked_value,
)
from tests.local_aws.auto_scaling.decisions import Proposal
from tests.local_aws.auto_scaling.store import Event, Message

TRACKING: Final = "TargetTrackingScaling"
STEPS: Final = "StepScaling"
MOST_STEPS: Final = 20  # per policy: https://docs.aws.amazon.com/general/latest/gr/as-app.html

_COOLDOWN: Final = 300  # seconds; the default of step scaling, and of target tracking for variants
_INVOCATIONS: Final = "SageMakerVariantInvocationsPerInstance"
_COPY_INVOCATIONS: Final = "SageMakerInferenceComponentInvocationsPerCopy"
_LOW_SHARE: Final = 0.9  # of the target: the metric must be this far below it before capacity is removed
_HIGH_PERIODS: Final = 3
_LOW_PERIODS: Final = 15
_PERIOD: Final = 60
_CONFIGURATIONS: Final = {
    TRACKING: "TargetTrackingScalingPolicyConfiguration",
    STEPS: "StepScalingPolicyConfiguration",
}


def configuration(policy: Message) -> Message:
    """What the policy shall do."""
    found: Message = policy[_CONFIGURATIONS[policy["PolicyType"]]]
    return found


def check(policy: Message) -> None:
    """Refuse what AWS refuses, and what the local cloud does not do.

    Raises:
        ValueError: the policy is wrong, or not supported here.
    """
    kind = policy["PolicyType"]
    if kind not in _CONFIGURATIONS:
        raise ValueError(f"the local cloud does not serve policies of type {kind} yet")
    if _CONFIGURATIONS[kind] not in policy:
        raise ValueError(f"{_CONFIGURATIONS[kind]} must be specified for a policy of type {kind}")
    settings = configuration(policy)
    if kind == STEPS:
        _check_steps(settings)
        return
    given = {"PredefinedMetricSpecification", "CustomizedMetricSpecification"} & settings.keys()
    if len(given) != 1:
        raise ValueError("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required")
    if settings["TargetValue"] <= 0:
        raise ValueError(f"TargetValue must be greater than 0, got {settings['TargetValue']}")


def _check_steps(settings: Message) -> None:
    steps = settings.get("StepAdjustments", [])
    if "AdjustmentType" not in settings or not steps:
        raise ValueError("AdjustmentType and at least one step adjustment must be specified")
    if len(steps) > MOST_STEPS:
        raise ValueError(f"A step scaling policy may have {MOST_STEPS} step adjustments, got {len(steps)}")
    if settings["AdjustmentType"] == "ExactCapacity" and any(step["ScalingAdjustment"] < 0 for step in steps):
        raise ValueError("ScalingAdjustment must not be negative for ExactCapacity")
    if "MinAdjustmentMagnitude" in settings and settings["AdjustmentType"] != "PercentChangeInCapacity":
        raise ValueError("MinAdjustmentMagnitude is for PercentChangeInCapacity only")
    check_steps(steps)


def alarms(policy: Message, known: list[Message]) -> list[Message]:
    """The two alarms of a target tracking policy, as requests of PutMetricAlarm; they keep the names they have.

    Raises:
        ValueError: the predefined metric is not one of what scales.
    """
    settings = configuration(policy)
    prefix = f"TargetTracking-{policy['ResourceId']}"
    names = [alarm["AlarmName"] for alarm in known] or [
        f"{prefix}-AlarmHigh-{uuid.uuid4()}",
        f"{prefix}-AlarmLow-{uuid.uuid4()}",
    ]
    shared = {
        **_metric(policy["ResourceId"], settings),
        "AlarmActions": [policy["PolicyARN"]],
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
    }
    target = float(settings["TargetValue"])
    high = {"Threshold": target, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": _HIGH_PERIODS}
    low = {
        "Threshold": round(target * _LOW_SHARE, 9),
        "ComparisonOperator": "LessThanThreshold",
        "EvaluationPeriods": _LOW_PERIODS,
    }
    return [{"AlarmName": name, **shared, **own} for name, own in zip(names, (high, low), strict=True)]


def _metric(resource: str, settings: Message) -> Message:
    predefined = settings.get("PredefinedMetricSpecification")
    if predefined is not None:
        return _predefined(resource, predefined["PredefinedMetricType"])
    customized: Message = settings["CustomizedMetricSpecification"]
    queries = customized.get("Metrics")
    if queries is None:
        if not {"MetricName", "Namespace", "Statistic"} <= customized.keys():
            raise ValueError("A customized metric needs MetricName, Namespace and Statistic, or Metrics")
        return {"Dimensions": [], **customized, "Period": _PERIOD}
    return {"Metrics": [_query(query) for query in queries]}


def _predefined(resource: str, kind: str) -> Message:
    """Each request counts as a share of one: the sum of a minute is what one instance, or one copy, got.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    names = resource.split("/")
    if kind == _INVOCATIONS and names[::2] == ["endpoint", "variant"]:
        metric, dimensions = "InvocationsPerInstance", {"EndpointName": names[1], "VariantName": names[3]}
    elif kind == _COPY_INVOCATIONS and names[0] == "inference-component":
        metric, dimensions = "InvocationsPerCopy", {"InferenceComponentName": names[1]}
    else:
        raise ValueError(f"the local cloud does not serve {kind} yet for {resource}")
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Sum",
        "Period": _PERIOD,
    }


def _query(query: Message) -> Message:
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {**query["MetricStat"], "Period": _PERIOD}}


def is_high(policy: Message, alarm: Message) -> bool:
    """Whether an alarm of a target tracking policy stands for a metric above the target."""
    return bool(alarm["AlarmName"] == policy["Alarms"][0]["AlarmName"])


def low_alarms(policies: list[Message]) -> list[str]:
    """The alarms that must all be in ALARM before target tracking removes capacity."""
    return [
        policy["Alarms"][1]["AlarmName"]
        for policy in policies
        if policy["PolicyType"] == TRACKING and not configuration(policy).get("DisableScaleIn", False)
    ]


def proposal(policy: Message, event: Event) -> Proposal | None:
    """What a policy asks for when its alarm goes off; nothing where it has no step for that, or may not scale in."""
    settings = configuration(policy)
    common: dict[str, Any] = {"policy": policy["PolicyName"], "alarm": event.alarm["AlarmName"]}
    if policy["PolicyType"] == STEPS:
        return _step(settings, event, common)
    rises = is_high(policy, event.alarm)
    value = tracked_value(event.values, is_high=rises)
    target = settings["TargetValue"]
    is_stale = value is not None and (value > target) != rises  # the newest value may be back already
    if value is None or is_stale or (not rises and settings.get("DisableScaleIn", False)):
        return None
    return Proposal(
        **common,
        cooldown=settings.get("ScaleOutCooldown" if rises else "ScaleInCooldown", _COOLDOWN),
        capacity=partial(tracked, value=value, target=target),
        needs_agreement=not rises,
    )


def _step(settings: Message, event: Event, common: dict[str, Any]) -> Proposal | None:
    threshold = float(event.alarm["Threshold"])
    value = aggregated(event.values, settings.get("MetricAggregationType"))
    distance = 0.0 if value is None else value - threshold  # an alarm that was set by hand may have no data
    above = distance > 0 or (distance == 0 and event.alarm["ComparisonOperator"].startswith("Greater"))
    adjustment = chosen_step(settings["StepAdjustments"], distance, is_above=above)
    if adjustment is None:
        return None
    return Proposal(
        **common,
        cooldown=settings.get("Cooldown", _COOLDOWN),
        capacity=partial(stepped, adjustment=adjustment, configuration=settings),
    )
