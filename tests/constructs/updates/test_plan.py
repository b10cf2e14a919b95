"""The comparison of two templates is right about replacement, references, order and retention."""

from __future__ import annotations

from typing import Any

import pytest

from tests.constructs.updates.plan import Step, create_only, plan

MODEL = "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"


def resource(kind: str, *, after: str | None = None, policy: str | None = None, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    more = {"DependsOn": [after]} if after else {}
    kept = {"DeletionPolicy": policy, "UpdateReplacePolicy": policy} if policy else {}
    return {"Type": kind, "Properties": properties, **more, **kept}


def template(**resources: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Resources": resources}


def served(image: str, *, policy: str | None = None) -> dict[str, Any]:
    name = {"Fn::GetAtt": ["M", "ModelName"]}
    return template(
        E=resource(ENDPOINT, EndpointConfigName={"Fn::GetAtt": ["C", "EndpointConfigName"]}, EndpointName="e"),
        C=resource(CONFIG, ProductionVariants=[{"ModelName": name}]),
        M=resource(MODEL, policy=policy, PrimaryContainer={"Image": image}),
    )


def test_nothing_happens_to_equal_templates() -> None:
    found = plan(served("a"), served("a"))
    assert not found.actions
    assert not found.steps


def test_replacement_spreads_along_references_as_far_as_they_are_create_only() -> None:
    found = plan(served("a"), served("b"))
    assert found.actions == {"M": "replaced", "C": "replaced", "E": "updated"}
    assert found.steps == [
        Step("create", "M"),
        Step("create", "C"),
        Step("update", "E"),
        Step("delete", "C"),
        Step("delete", "M"),
    ]


def test_an_update_in_place_does_not_spread() -> None:
    def tagged(value: str) -> dict[str, Any]:
        changed = served("a")
        changed["Resources"]["M"]["Properties"]["Tags"] = [{"Key": "k", "Value": value}]
        return changed

    assert plan(tagged("a"), tagged("b")).actions == {"M": "updated"}


def test_what_is_retained_is_not_deleted() -> None:
    found = plan(served("a", policy="Retain"), served("b", policy="Retain"))
    assert found.actions["M"] == "replaced"
    assert Step("delete", "M") not in found.steps
    found = plan(served("a", policy="RetainExceptOnCreate"), template())
    assert found.actions == {"M": "kept", "C": "deleted", "E": "deleted"}
    assert found.steps == [Step("delete", "E"), Step("delete", "C")]


def test_dependencies_order_and_are_no_change() -> None:
    first = template(A=resource(MODEL), B=resource(MODEL))
    second = template(A=resource(MODEL, after="B"), B=resource(MODEL))
    assert not plan(first, second).actions
    assert [step.id for step in plan(template(), second).steps] == ["B", "A"]
    assert [step.id for step in plan(second, template()).steps] == ["A", "B"]


def test_only_dependencies_make_an_order_sure() -> None:
    a, b, c = (Step("create", key) for key in "ABC")
    chain = template(A=resource(MODEL, after="B"), B=resource(MODEL, after="C"), C=resource(MODEL))
    made = plan(template(), chain)
    assert made.surely(c, a)
    assert not made.surely(a, c)
    assert not plan(template(), template(A=resource(MODEL), B=resource(MODEL))).surely(a, b)
    gone = plan(chain, template())
    assert gone.surely(Step("delete", "A"), Step("delete", "C"))
    assert not gone.surely(Step("delete", "C"), Step("delete", "A"))
    other = plan(template(B=resource(MODEL)), template(A=resource(MODEL)))
    assert other.surely(a, Step("delete", "B"))
    assert not other.surely(Step("delete", "B"), a)
    with pytest.raises(ValueError, match="is not planned"):
        made.surely(a, Step("update", "A"))


@pytest.mark.parametrize(("at", "action"), [(1, "updated"), (2, "replaced")])
def test_paths_inside_properties_are_compared_alone(at: int, action: str) -> None:
    """A VPC endpoint is replaced for one of its DNS options, and updated for another."""
    options = [{"DnsRecordIpType": "ipv4"}, {"DnsRecordIpType": "ipv6"}, {"PrivateDnsPreference": "ALL_DOMAINS"}]
    first, second = (
        template(V=resource("AWS::EC2::VPCEndpoint", DnsOptions=option)) for option in (options[0], options[at])
    )
    assert plan(first, second).actions == {"V": action}


def test_a_resource_cannot_change_its_type() -> None:
    with pytest.raises(ValueError, match=f"X must stay of type {MODEL}, got {CONFIG}"):
        plan(template(X=resource(MODEL)), template(X=resource(CONFIG)))


def test_an_unknown_type_is_an_error_and_not_an_update() -> None:
    with pytest.raises(KeyError, match="AWS::SageMaker::Nothing is in no schema"):
        plan(template(), template(X=resource("AWS::SageMaker::Nothing")))


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        # "Update requires: Replacement" in the template reference of each type, as far as the library uses it:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
        (MODEL, {"Containers", "ExecutionRoleArn", "PrimaryContainer", "VpcConfig", "EnableNetworkIsolation"}),
        (CONFIG, {"AsyncInferenceConfig", "DataCaptureConfig", "KmsKeyId", "ProductionVariants", "VpcConfig"}),
        (ENDPOINT, {"EndpointName"}),
        ("AWS::ApplicationAutoScaling::ScalableTarget", {"ResourceId", "ScalableDimension", "ServiceNamespace"}),
        ("AWS::ApplicationAutoScaling::ScalingPolicy", {"PolicyName", "ScalingTargetId"}),
        ("AWS::CloudWatch::Alarm", {"AlarmName"}),
        ("AWS::Logs::LogGroup", {"LogGroupName"}),
        ("AWS::IAM::ManagedPolicy", {"ManagedPolicyName", "Description"}),
        ("AWS::EC2::SecurityGroup", {"GroupDescription", "VpcId"}),
    ],
)
def test_the_schemas_say_what_the_template_reference_says(kind: str, properties: set[str]) -> None:
    assert properties <= {path[0] for path in create_only(kind)}


def test_what_the_schemas_leave_to_updates() -> None:
    """Components are never replaced, by the schema: their construct gives another one another id."""
    assert create_only("AWS::SageMaker::InferenceComponent") == ()
    assert create_only("AWS::KMS::Key") == ()
    assert create_only(ENDPOINT) == (("EndpointName",),)
