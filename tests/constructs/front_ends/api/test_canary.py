from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from ml_constructs.front_ends.api.canary import ApiCanary
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.api.web_acl import WebAcl
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.front_ends.helpers import (
    an_endpoint,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
)


def build(stack: Stack, canary: ApiCanary | None = None, **arguments: Any) -> RestApiFrontEnd:  # noqa: ANN401
    given = ApiCanary() if canary is None else canary
    return RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), canary=given, **arguments)


def test_a_new_version_gets_a_share_first(stack: Stack) -> None:
    build(stack, ApiCanary(percent=5, wait=Duration.minutes(30)))
    ((application, found),) = resources(stack, "AWS::CodeDeploy::Application").items()
    assert found["Properties"]["ComputePlatform"] == "Lambda"
    ((config, found),) = resources(stack, "AWS::CodeDeploy::DeploymentConfig").items()
    assert found["Properties"]["TrafficRoutingConfig"] == {
        "Type": "TimeBasedCanary",
        "TimeBasedCanary": {"CanaryPercentage": 5, "CanaryInterval": 30},
    }
    ((group, found),) = resources(stack, "AWS::CodeDeploy::DeploymentGroup").items()
    assert found["Properties"]["DeploymentConfigName"] == {"Ref": config}
    assert found["Properties"]["AutoRollbackConfiguration"]["Enabled"] is True
    assert one(stack, "AWS::Lambda::Alias")["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {"ApplicationName": {"Ref": application}, "DeploymentGroupName": {"Ref": group}}
    }


def test_alarms_end_it(stack: Stack) -> None:
    mine = cloudwatch.Alarm.from_alarm_arn(stack, "Mine", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:mine")
    build(stack, ApiCanary(alarms=[mine]))
    group = one(stack, "AWS::CodeDeploy::DeploymentGroup")["Properties"]
    alarms = resources(stack, "AWS::CloudWatch::Alarm")
    names = [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
    assert names == [*({"Ref": name} for name in alarms), "mine"]
    assert group["AlarmConfiguration"]["Enabled"] is True
    found = {each["Properties"]["MetricName"]: each["Properties"] for each in alarms.values()}
    assert found["Errors"]["Threshold"] == 0
    assert (found["5XXError"]["Statistic"], found["5XXError"]["Threshold"]) == ("Average", 0.05)
    name = one(stack, "AWS::ApiGateway::RestApi")["Properties"]["Name"]
    assert found["5XXError"]["Dimensions"] == [{"Name": "ApiName", "Value": name}, {"Name": "Stage", "Value": "live"}]
    assert {each["TreatMissingData"] for each in found.values()} == {"notBreaching"}


def test_everything_exists_before_the_alias_needs_it(stack: Stack) -> None:
    build(stack)
    (alias,) = resources(stack, "AWS::Lambda::Alias")
    before = depends_on(stack, alias)
    (group,) = resources(stack, "AWS::CodeDeploy::DeploymentGroup")
    assert group in before
    assert any("CanaryPolicy" in each for each in before)
    assert_acyclic(stack)


def test_the_role_shifts_this_alias_alone(stack: Stack) -> None:
    build(stack)
    (policy,) = (each for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if "CanaryPolicy" in name)
    shift, look = policy["Properties"]["PolicyDocument"]["Statement"]
    assert shift["Action"] == ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    (function,) = resources(stack, "AWS::Lambda::Function")
    arn = {"Fn::GetAtt": [function, "Arn"]}
    assert shift["Resource"] == [arn, {"Fn::Join": ["", [arn, ":live"]]}]
    assert look["Action"] == "cloudwatch:DescribeAlarms"


def test_codedeploy_assumes_the_role_for_this_application_alone(stack: Stack) -> None:
    build(stack)
    (role,) = (each for name, each in resources(stack, "AWS::IAM::Role").items() if "CanaryRole" in name)
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (application,) = resources(stack, "AWS::CodeDeploy::Application")
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    source = trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
    assert source[-3:] == [":deploymentgroup:", {"Ref": application}, "/*"]


def test_the_function_is_in_the_same_stack(app: App, stack: Stack) -> None:
    other = Stack(app, "Other")
    function = FunctionFrontEnd(other, "Function", endpoint=an_endpoint(other))
    with pytest.raises(ValueError, match=r"canary must be given in the stack of function, got one of .* in another"):
        RestApiFrontEnd(stack, "Api", function=function, canary=ApiCanary())


def test_without_it_a_new_version_gets_all(stack: Stack) -> None:
    RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack))
    assert "UpdatePolicy" not in one(stack, "AWS::Lambda::Alias")
    assert resources(stack, "AWS::CodeDeploy::Application") == {}


def test_policy_review_finds_nothing_once_somebody_is_told(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111122223333:alarms")
    build(stack, ApiCanary(alarm_topic=topic), network=InferenceNetwork(stack, "Network"), web_acl=WebAcl(stack, "Acl"))
    assert findings(stack) == set()


def test_policy_review_shows_alarms_that_tell_nobody(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"), web_acl=WebAcl(stack, "Acl"))
    assert findings(stack) == {"NIST.800.53.R5-CloudWatchAlarmAction"}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    build(stack)
    assert "arn:aws:" not in literal_partitions(stack)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"percent": 0}, "percent must be between 1 and 99 percent, got 0"),
        ({"percent": 100}, "percent must be between 1 and 99"),
        ({"percent": 1.5}, "percent must be a whole number"),
        ({"percent": None}, "percent must be given"),
        ({"wait": Duration.seconds(0)}, "wait must be between 1 and 2,880 whole minutes, got 0 minutes"),
        ({"wait": Duration.minutes(2881)}, "wait must be between 1 and 2,880"),
        ({"wait": Duration.seconds(90)}, "wait must be between .*, got 1.5 minutes"),
        ({"wait": 5}, "wait must be Duration"),
        ({"alarms": "a"}, "alarms must be a list of"),
        ({"alarms": [None]}, "alarms must be a list of"),
        ({"alarm_topic": "a"}, "alarm_topic must be an SNS topic"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        ApiCanary(**arguments)


def test_refuses_tokens(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    with pytest.raises(ValueError, match="percent must be known at synthesis"):
        ApiCanary(percent=number)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="wait must be between 1 and 2,880 whole minutes, got a token"):
        ApiCanary(wait=Duration.minutes(number))


def test_at_its_edges() -> None:
    ApiCanary(percent=1, wait=Duration.minutes(1))
    ApiCanary(percent=99, wait=Duration.minutes(2880))
