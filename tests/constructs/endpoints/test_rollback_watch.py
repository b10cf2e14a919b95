from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.models.model import Model
from tests.constructs.builders import model, variant


def an_alarm(stack: Stack, name: str) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Custom", metric_name=name, period=Duration.minutes(1))
    return cloudwatch.Alarm(stack, name, metric=metric, threshold=1, evaluation_periods=1)


def watched(stack: Stack) -> list[Any]:
    """The alarms that each policy lets its role describe."""
    policies = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy").values()
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    return [each["Resource"] for each in statements if each["Action"] == ["cloudwatch:DescribeAlarms"]]


def named(name: str) -> dict[str, Any]:
    region, account = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":cloudwatch:", region, ":", account, f":alarm:{name}"]
    return {"Fn::Join": ["", parts]}


def test_the_role_may_read_the_alarms_that_take_a_deployment_back(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(model(stack))], endpoint_name="churn")
    assert watched(stack) == [[named("churn-only-rollback-5xx"), named("churn-only-rollback-latency")]]


def test_no_alarm_no_right(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(model(stack))], deployment=Deployment.canary(rollback=None))
    assert watched(stack) == []


@pytest.mark.parametrize("count", [1, 2])
def test_added_alarms_share_a_policy_that_exists_before_the_endpoint(stack: Stack, count: int) -> None:
    served = [variant(model(stack, name), name) for name in ("a", "b")]
    endpoint = Endpoint(stack, "Endpoint", variants=served, deployment=Deployment.canary(rollback=None))
    alarms = [an_alarm(stack, f"Mine{index}") for index in range(count)]
    for alarm in alarms:
        endpoint.add_rollback_alarm(alarm)
    arns = [stack.resolve(alarm.alarm_arn) for alarm in alarms]
    assert watched(stack) == [arns, arns]
    (resource,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Endpoint").values()
    assert len([each for each in resource["DependsOn"] if "AlarmPolicy" in each]) == 2


def test_a_given_role_gets_the_right_as_a_statement(stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    endpoint = Endpoint(
        stack,
        "Endpoint",
        variants=[variant(Model.from_model_name("theirs", role=role))],
        deployment=Deployment.canary(rollback=None),
    )
    alarm = an_alarm(stack, "Mine")
    endpoint.add_rollback_alarm(alarm)
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (statement,) = (
        each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if each["Action"] == "cloudwatch:DescribeAlarms"
    )
    assert statement["Resource"] == [stack.resolve(alarm.alarm_arn)]
