"""The resource types, as a client of the local cloud sees them: created, updated, replaced, deleted, refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]  # ships no types
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.launcher import REGION, Cloud

STACK = "Types"
LIMIT = 90.0  # seconds, for a machine that does much else


class Account:
    """Stacks of one local cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.formation = self.client("cloudformation")

    def client(self, service: str) -> Any:  # noqa: ANN401
        return boto3.session.Session().client(
            service,
            endpoint_url=self._cloud.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, resources: dict[str, Any], stack: str = STACK) -> str:
        """Create or update a stack; gives the status in which it ends."""
        request = {"TemplateBody": json.dumps({"Resources": resources}), "Capabilities": ["CAPABILITY_IAM"]}
        try:
            self.formation.update_stack(StackName=stack, **request)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            self.formation.create_stack(StackName=stack, **request)
        return self.settled(stack)

    def settled(self, stack: str = STACK) -> str:
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            try:
                status: str = self.formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            except ClientError:
                return "gone"
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise TimeoutError(f"{stack} is still {status}")

    def physical(self, stack: str = STACK) -> dict[str, str]:
        items = self.formation.describe_stack_resources(StackName=stack)["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in items}

    def reasons(self, stack: str) -> str:
        events = self.formation.describe_stack_events(StackName=stack)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home")) as cloud:
        yield Account(cloud)


def of(kind: str, depends_on: str | None = None, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": kind, "Properties": properties} | ({"DependsOn": depends_on} if depends_on else {})


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def attribute(name: str, of_name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [of_name, name]}


def template(*, port: int = 443, tag: str = "one", threshold: int = 5, limit: int = 100) -> dict[str, Any]:
    visible = {"CloudWatchMetricsEnabled": True, "MetricName": "m", "SampledRequestsEnabled": True}
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations"}
    return {
        "Vpc": of("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Group": of("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId=ref("Vpc")),
        "Peer": of("AWS::EC2::SecurityGroup", GroupDescription="p", VpcId=ref("Vpc")),
        "Rule": of(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=attribute("GroupId", "Group"),
            SourceSecurityGroupId=attribute("GroupId", "Peer"),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
        ),
        "Logs": of("AWS::Logs::LogGroup"),
        "Role": of("AWS::IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": []}),
        "FlowLog": of(
            "AWS::EC2::FlowLog",
            ResourceId=ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            LogGroupName=ref("Logs"),
            DeliverLogsPermissionArn=attribute("Arn", "Role"),
            Tags=[{"Key": "k", "Value": tag}],
        ),
        "Bucket": of("AWS::S3::Bucket"),
        "Trail": of("AWS::CloudTrail::Trail", S3BucketName=ref("Bucket"), IsLogging=tag == "one"),
        "Acl": of(
            "AWS::WAFv2::WebACL",
            Name="acl",
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig=visible,
            Rules=[],
        ),
        "AclLogs": of(
            "AWS::WAFv2::LoggingConfiguration",
            ResourceArn=attribute("Arn", "Acl"),
            LogDestinationConfigs=[f"arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-{limit}"],
        ),
        "Alarm": of(
            "AWS::CloudWatch::Alarm",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Threshold=threshold,
            Metrics=[
                {"Id": "x", "Expression": "100 * m", "ReturnData": True},
                {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            ],
        ),
    }


def test_a_stack_lives_through_update_and_replacement_until_its_deletion(account: Account) -> None:
    assert account.put(template()) == "CREATE_COMPLETE"
    first = account.physical()
    assert account.put(template(port=8443, tag="two", threshold=7, limit=200)) == "UPDATE_COMPLETE"
    second = account.physical()
    assert {name for name in first if first[name] != second[name]} == {"Rule"}

    (group,) = account.client("ec2").describe_security_groups(GroupIds=[first["Group"]])["SecurityGroups"]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"]] == [(8443, 8443)]
    (flow_log,) = account.client("ec2").describe_flow_logs(FlowLogIds=[first["FlowLog"]])["FlowLogs"]
    assert (flow_log["ResourceId"], flow_log["LogDestination"]) == (first["Vpc"], first["Logs"])
    assert account.client("cloudtrail").get_trail_status(Name=first["Trail"])["IsLogging"] is False
    arn = account.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"][0]["ARN"]
    logging = account.client("wafv2").get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]
    assert logging["LogDestinationConfigs"] == ["arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-200"]
    (alarm,) = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["Threshold"] == 7

    account.formation.delete_stack(StackName=STACK)
    assert account.settled() in {"gone", "DELETE_COMPLETE"}
    assert account.client("ec2").describe_flow_logs()["FlowLogs"] == []
    assert account.client("cloudtrail").describe_trails()["trailList"] == []
    assert account.client("wafv2").list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_an_alarm_with_math_looks_at_its_own_metric(account: Account) -> None:
    alarm = template()["Alarm"]
    metric = {"Namespace": "Other", "MetricName": "Invocations"}
    stat = {"MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    queries = [alarm["Properties"]["Metrics"][0], {"Id": "m", "ReturnData": False, **stat}]
    other = alarm | {"Properties": alarm["Properties"] | {"Metrics": queries}}
    assert account.put({"Alarm": alarm, "Other": other}, "Alarm") == "CREATE_COMPLETE"
    names, watch = account.physical("Alarm"), account.client("cloudwatch")

    def has_gone_off(name: str) -> bool:
        history = watch.describe_alarm_history(AlarmName=names[name], HistoryItemType="StateUpdate")
        return any("to ALARM" in item["HistorySummary"] for item in history["AlarmHistoryItems"])

    def publish(namespace: str, until: str) -> None:
        """Publish until the alarm has gone off, even if it is evaluated late."""
        deadline = time.monotonic() + LIMIT
        while not has_gone_off(until):
            assert time.monotonic() < deadline, f"{until} did not go off"
            watch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "Invocations", "Value": 50}])
            time.sleep(0.1)

    publish("Other", until="Other")
    assert not has_gone_off("Alarm")
    publish("AWS/SageMaker", until="Alarm")


def test_unknown_types_are_listed_before_anything_is_made(account: Account) -> None:
    resources = {
        "Good": of("AWS::S3::Bucket", BucketName="never-made"),
        "One": of("AWS::SageMaker::Pipeline"),
        "Two": of("AWS::Unheard::Of"),
    }
    with pytest.raises(ClientError, match=r"AWS::SageMaker::Pipeline, AWS::Unheard::Of"):
        account.formation.create_stack(StackName="Unknown", TemplateBody=json.dumps({"Resources": resources}))
    assert "never-made" not in [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (of("AWS::SageMaker::Model", ExecutionRoleArn="x", Colour="red"), "has no Colour"),
        (
            of("AWS::SageMaker::Endpoint", EndpointConfigName="nothing"),
            "Could not find endpoint configuration",
        ),
        (
            of(
                "AWS::ApplicationAutoScaling::ScalableTarget",
                ServiceNamespace="sagemaker",
                ResourceId="endpoint/nothing/variant/one",
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                MinCapacity=1,
                MaxCapacity=2,
            ),
            "Could not find endpoint",
        ),
        (
            of("AWS::EC2::SecurityGroupEgress", GroupId="sg-1", IpProtocol="-1", CidrIp="10.0.0.0/8", CidrIpv6="::/0"),
            "exactly one peer",
        ),
        (
            of(
                "AWS::CloudWatch::Alarm",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                Threshold=1,
                Metrics=[
                    {"Id": "x", "Expression": "RATE(m)"},
                    {
                        "Id": "m",
                        "MetricStat": {
                            "Metric": {"Namespace": "n", "MetricName": "m"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                        "ReturnData": False,
                    },
                ],
            ),
            "does not know the function RATE",
        ),
    ],
)
def test_what_cannot_be_made_says_why_and_rolls_back(
    account: Account, resource: dict[str, Any], reason: str, request: pytest.FixtureRequest
) -> None:
    stack = "Refused" + "".join(c for c in request.node.callspec.id if c.isalnum())[:40]
    resources = {"Topic": of("AWS::SNS::Topic"), "Refused": resource | {"DependsOn": "Topic"}}
    assert account.put(resources, stack) == "ROLLBACK_COMPLETE"
    assert reason in account.reasons(stack)
    assert account.client("sns").list_topics()["Topics"] == []
