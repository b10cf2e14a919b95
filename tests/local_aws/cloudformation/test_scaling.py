"""Scalable targets, scheduled actions and policies as a template makes, changes and removes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.cloudformation.test_types import Account
from tests.local_aws.launcher import Cloud

STACK = "Scaling"
# A target of another service is kept without effect, and needs no endpoint.
NAMESPACE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/cluster/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home")) as cloud:
        yield Account(cloud)


def schedule(name: str, expression: str, **bounds: int) -> dict[str, Any]:
    return {"ScheduledActionName": name, "Schedule": expression, "ScalableTargetAction": bounds}


def template(highest: int, cooldown: int, *actions: dict[str, Any]) -> dict[str, Any]:
    target = {**NAMESPACE, "MinCapacity": 1, "MaxCapacity": highest, "ScheduledActions": list(actions)}
    step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}
    policy = {
        "PolicyName": "steps",
        "PolicyType": "StepScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": cooldown,
            "StepAdjustments": [step],
        },
    }
    alarm = {
        "AlarmName": "busy",
        "Namespace": "n",
        "MetricName": "m",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [{"Ref": "Policy"}],
    }
    return {
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
        "Policy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
    }


def test_a_target_lives_with_its_stack(account: Account) -> None:
    scaling = account.client("application-autoscaling")
    morning = schedule("morning", "cron(0 8 * * ? *)", MinCapacity=4) | {"StartTime": "2040-01-01T00:00:00Z"}
    evening = schedule("evening", "cron(0 20 * * ? *)", MinCapacity=1)
    assert account.put(template(5, 60, morning, evening), STACK) == "CREATE_COMPLETE"
    assert account.physical(STACK)["Target"] == "|".join(
        NAMESPACE[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
    )
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["PolicyARN"] == account.physical(STACK)["Policy"]
    assert [item["AlarmName"] for item in policy["Alarms"]] == ["busy"]
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert [item["ScheduledActionName"] for item in actions] == ["morning", "evening"]
    assert actions[0]["StartTime"].year == 2040

    assert account.put(template(9, 120, evening), STACK) == "UPDATE_COMPLETE"
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)
    (changed,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert changed["PolicyARN"] == policy["PolicyARN"]
    assert changed["StepScalingPolicyConfiguration"]["Cooldown"] == 120
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert [item["ScheduledActionName"] for item in actions] == ["evening"]

    account.formation.delete_stack(StackName=STACK)
    assert account.settled(STACK) in {"gone", "DELETE_COMPLETE"}
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []


def test_a_wrong_schedule_fails_the_stack_with_its_reason(account: Account) -> None:
    wrong = schedule("never", "cron(0 8 * * * *)", MinCapacity=4)
    assert account.put(template(5, 60, wrong), "Wrong") == "ROLLBACK_COMPLETE"
    assert "must have ? for either" in account.reasons("Wrong")
    found = account.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
    assert found["ScalableTargets"] == []
