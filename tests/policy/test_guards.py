from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_constructs.policy.guards import guards
from ml_constructs.policy.review import StackReview

CANARY = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY", "CanarySize": {"Value": 10}}},
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]},
}
LINEAR = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "LINEAR", "LinearStepSize": {"Value": 25}}},
}
ALL_AT_ONCE = "all at once, rolls back on 0 alarms"
KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def resource(kind: str, **properties: object) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def of(**resources: dict[str, Any]) -> dict[str, str]:
    template = {"Resources": resources}
    return guards(StackReview(name="S", template_path=Path("t.json"), template=template, acknowledged=()))


def test_says_nothing_of_what_a_stack_has_nothing_of() -> None:
    assert of(Queue=resource("SQS::Queue")) == {}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "all at once, rolls back on 0 alarms"),
        (CANARY, "canary 10 %, rolls back on 1 alarm"),
        (LINEAR, "linear 25 %, rolls back on 0 alarms"),
        ({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}}, ALL_AT_ONCE),
        ({"RollingUpdatePolicy": {}}, "rolling, rolls back on 0 alarms"),
    ],
)
def test_deployment(config: dict[str, Any], text: str) -> None:
    assert of(E=resource("SageMaker::Endpoint", DeploymentConfig=config))["deployment"] == text


def test_alarms_count_those_that_tell_somebody() -> None:
    found = of(A=resource("CloudWatch::Alarm", AlarmActions=["x"]), B=resource("CloudWatch::Alarm"))
    assert found["alarms"] == "2 alarms, 1 with an action; 0 dashboards"
    both = of(A=resource("CloudWatch::CompositeAlarm", AlarmActions=["x"]), D=resource("CloudWatch::Dashboard"))
    assert both["alarms"] == "1 alarm, 1 with an action; 1 dashboard"
    assert "alarms" not in of(D=resource("CloudWatch::Dashboard"))


def test_scaling_names_variant_and_range() -> None:
    target = {"ResourceId": "endpoint/e/variant/blue", "MinCapacity": 2, "MaxCapacity": 6}
    found = of(
        T=resource("ApplicationAutoScaling::ScalableTarget", **target),
        P=resource("ApplicationAutoScaling::ScalingPolicy"),
    )
    assert found["scaling"] == "blue 2 to 6; 1 policy"
    other = {"ResourceId": "endpoint/e/variant/green", "MinCapacity": 1, "MaxCapacity": 3}
    found = of(
        T=resource("ApplicationAutoScaling::ScalableTarget", **target),
        U=resource("ApplicationAutoScaling::ScalableTarget", **other),
    )
    assert found["scaling"] == "blue 2 to 6, green 1 to 3; 0 policies"


def test_encryption_counts_what_refers_to_a_key() -> None:
    found = of(
        Key=resource("KMS::Key", EnableKeyRotation=True),
        Alias=resource("KMS::Alias", TargetKeyId=KEY),
        Policy=resource("IAM::ManagedPolicy", PolicyDocument={"Statement": [{"Effect": "Allow", "Resource": KEY}]}),
        Logs=resource("Logs::LogGroup", KmsKeyId=KEY),
        Topic=resource("SNS::Topic", KmsMasterKeyId={"Ref": "Key"}),
        Plain=resource("SNS::Topic"),
    )
    assert found["encryption"] == "1 customer-managed key, 1 rotated; encrypts 2 resources"
    still = of(Key=resource("KMS::Key"), Other=resource("KMS::Key", EnableKeyRotation=False))
    assert still["encryption"] == "2 customer-managed keys, 0 rotated; encrypts 0 resources"


def test_isolation_counts_routes_out() -> None:
    found = of(
        M=resource("SageMaker::Model", EnableNetworkIsolation=True, VpcConfig={}),
        A=resource("EC2::Subnet", AvailabilityZone="a"),
        B=resource("EC2::Subnet", AvailabilityZone="b"),
        N=resource("EC2::NatGateway"),
    )
    assert found["isolation"] == "1 of 1 model without network, 1 in a VPC; 2 subnets in 2 zones, 1 route out"


@pytest.mark.parametrize("kind", ["NatGateway", "InternetGateway", "EgressOnlyInternetGateway"])
def test_isolation_knows_every_route_out(kind: str) -> None:
    found = of(M=resource("SageMaker::Model"), A=resource("EC2::Subnet"), B=resource("EC2::Subnet"))
    assert found["isolation"] == "0 of 1 model without network, 0 in a VPC; 2 subnets in 1 zone, 0 routes out"
    found = of(A=resource("EC2::Subnet"), N=resource(f"EC2::{kind}"))
    assert found["isolation"] == "1 subnet in 1 zone, 1 route out"


def test_access_counts_open_methods_and_unlimited_statements() -> None:
    statements = [{"Effect": "Allow", "Action": "*"}, {"Effect": "Allow", "Action": ["s3:GetObject"]}]
    found = of(
        Post=resource("ApiGateway::Method", HttpMethod="POST", AuthorizationType="AWS_IAM"),
        Get=resource("ApiGateway::Method", HttpMethod="GET"),
        Cors=resource("ApiGateway::Method", HttpMethod="OPTIONS"),
        Acl=resource("WAFv2::WebACLAssociation"),
        P=resource("IAM::Policy", PolicyDocument={"Statement": [*statements, {"Effect": "Deny", "Action": "*"}]}),
    )
    assert found["access"] == (
        "2 API methods, 1 without authorisation; 1 web ACL; 2 policy statements, 1 for all actions"
    )


def test_audit_counts_trails_and_capture() -> None:
    found = of(
        T=resource("CloudTrail::Trail"), C=resource("SageMaker::EndpointConfig", DataCaptureConfig={"EnableCapture": 1})
    )
    assert found["audit"] == "1 trail; 1 endpoint with captured traffic"
    assert of(F=resource("EC2::FlowLog"), C=resource("SageMaker::EndpointConfig"))["audit"] == "1 flow log"


KEYS = st.sampled_from(
    [
        "DeploymentConfig",
        "BlueGreenUpdatePolicy",
        "TrafficRoutingConfiguration",
        "Type",
        "CanarySize",
        "Value",
        "Alarms",
        "ResourceId",
        "Ref",
        "Fn::If",
        "AutoRollbackConfiguration",
        "MinCapacity",
        "PolicyDocument",
        "Statement",
        "Effect",
        "Action",
        "Fn::Join",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Allow", "*", "AWS::KMS::Key"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    [
        "SageMaker::Endpoint",
        "SageMaker::Model",
        "SageMaker::EndpointConfig",
        "ApplicationAutoScaling::ScalableTarget",
        "KMS::Key",
        "IAM::Policy",
        "ApiGateway::Method",
        "EC2::Subnet",
        "CloudWatch::Alarm",
    ]
)


@given(kind=KINDS, properties=ANYTHING)
def test_a_template_may_hold_anything_anywhere(kind: str, properties: object) -> None:
    assert isinstance(of(R={"Type": f"AWS::{kind}", "Properties": properties}), dict)


@pytest.mark.parametrize(
    ("resource_id", "name"),
    [
        ({"Fn::Sub": "endpoint/${E}/variant/blue"}, "blue"),
        ({"Fn::Join": ["/", ["endpoint", {"Ref": "E"}, "variant/blue"]]}, "blue"),
        ({"Fn::Join": ["/", ["endpoint/e/variant", {"Ref": "V"}]]}, "?"),
        ({"Ref": "Id"}, "?"),
        (None, "?"),
    ],
)
def test_scaling_names_what_the_template_says(resource_id: object, name: str) -> None:
    target = resource("ApplicationAutoScaling::ScalableTarget", ResourceId=resource_id, MinCapacity={"Ref": "N"})
    assert of(T=target)["scaling"] == f"{name} ? to ?; 0 policies"
