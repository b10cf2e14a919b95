from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match

from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends.api.cors import Cors
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.api.usage_plan import UsagePlan
from ml_constructs.front_ends.api.web_acl import WebAcl
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.component_builders import component, shared
from tests.constructs.front_ends.helpers import an_endpoint, assert_acyclic, findings, one, resources

NONE = apigateway.AuthorizationType.NONE
PARTNER = "arn:aws:iam::444455556666:role/partner"


def build(stack: Stack, **arguments: Any) -> RestApiFrontEnd:  # noqa: ANN401 - arguments of the construct
    if "endpoint" not in arguments:
        arguments["endpoint"] = an_endpoint(stack)
    return RestApiFrontEnd(stack, "Api", **arguments)


def post_of(stack: Stack) -> dict[str, Any]:
    methods = [each["Properties"] for each in resources(stack, "AWS::ApiGateway::Method").values()]
    return next(each for each in methods if each["HttpMethod"] == "POST")


def policy_of(stack: Stack) -> list[dict[str, Any]]:
    properties = one(stack, "AWS::ApiGateway::RestApi")["Properties"]
    return list(properties.get("Policy", {}).get("Statement", []))


def denied(condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
        "Condition": condition,
    }


def access_log(stack: Stack) -> dict[str, str]:
    fields: dict[str, str] = json.loads(
        one(stack, "AWS::ApiGateway::Stage")["Properties"]["AccessLogSetting"]["Format"]
    )
    return fields


def a_pool(stack: Stack) -> apigateway.CognitoUserPoolsAuthorizer:
    pool = cognito.UserPool.from_user_pool_id(stack, "Pool", "eu-west-1_example")
    return apigateway.CognitoUserPoolsAuthorizer(stack, "Authorizer", cognito_user_pools=[pool])


def a_function(stack: Stack) -> apigateway.TokenAuthorizer:
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:authorizer"
    handler = lambda_.Function.from_function_arn(stack, "Handler", arn)
    return apigateway.TokenAuthorizer(stack, "Authorizer", handler=handler)


def an_interface(
    stack: Stack, construct_id: str = "Interface", endpoint_id: str = "vpce-1"
) -> ec2.IInterfaceVpcEndpoint:
    return ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
        stack, construct_id, vpc_endpoint_id=endpoint_id, port=443
    )


def test_a_component_of_a_shared_endpoint_is_called(stack: Stack) -> None:
    endpoint = shared(stack)
    part = component(stack, endpoint=endpoint)
    front_end = build(stack, endpoint=endpoint, component=part)
    assert front_end.function.component is part
    with pytest.raises(ValueError, match="component must not be given with function, which has its own"):
        RestApiFrontEnd(stack, "Other", function=front_end.function, component=part)


def test_cognito_takes_identity_tokens_or_scopes(app: App) -> None:
    plain, scoped = Stack(app, "Plain"), Stack(app, "Scoped")
    build(plain, authorization=a_pool(plain))
    build(scoped, authorization=a_pool(scoped), authorization_scopes=["models/invoke"])
    assert post_of(plain)["AuthorizationType"] == post_of(scoped)["AuthorizationType"] == "COGNITO_USER_POOLS"
    assert "AuthorizationScopes" not in post_of(plain)
    assert post_of(scoped)["AuthorizationScopes"] == ["models/invoke"]
    assert access_log(plain)["subject"] == "$context.authorizer.claims.sub"
    assert "AwsSolutions-COG4" not in findings(plain)
    assert "COG4" not in json.dumps(plain.node.find_child("Api").api.node.metadata, default=str)  # type: ignore[attr-defined]


def test_a_function_authorises(stack: Stack) -> None:
    build(stack, authorization=a_function(stack), web_acl=WebAcl(stack, "Acl"))
    assert post_of(stack)["AuthorizationType"] == "CUSTOM"
    assert access_log(stack)["principal"] == "$context.authorizer.principalId"
    assert not {"AwsSolutions-APIG4", "AwsSolutions-COG4"} & findings(stack)


@pytest.mark.parametrize(
    ("scopes", "message"),
    [(["a"], "authorization_scopes must be given with the authorizer of a Cognito user pool alone"), ([], "between 1")],
)
def test_scopes_need_a_pool(stack: Stack, scopes: list[str], message: str) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(ValueError, match=message):
        build(stack, endpoint=endpoint, authorization_scopes=scopes)


def test_keys_are_counted_and_throttled(stack: Stack) -> None:
    front_end = build(
        stack,
        usage_plan=UsagePlan(rate=2.5, burst=5, quota=1000, period=apigateway.Period.DAY),
        web_acl=WebAcl(stack, "Acl"),
    )
    front_end.add_api_key("Mobile")
    front_end.add_api_key("Web")
    assert post_of(stack)["ApiKeyRequired"] is True
    plan = one(stack, "AWS::ApiGateway::UsagePlan")["Properties"]
    assert plan["Throttle"] == {"RateLimit": 2.5, "BurstLimit": 5}
    assert plan["Quota"] == {"Limit": 1000, "Period": "DAY"}
    assert plan["ApiStages"][0]["Stage"] == stack.resolve(front_end.stage.stage_name)
    assert (
        len(resources(stack, "AWS::ApiGateway::ApiKey")) == len(resources(stack, "AWS::ApiGateway::UsagePlanKey")) == 2
    )
    assert "Value" not in str(resources(stack, "AWS::ApiGateway::ApiKey"))
    assert access_log(stack)["apiKeyId"] == "$context.identity.apiKeyId"
    kinds = [
        each["Properties"]["ResponseType"] for each in resources(stack, "AWS::ApiGateway::GatewayResponse").values()
    ]
    assert "QUOTA_EXCEEDED" in kinds
    assert not {"AwsSolutions-APIG4"} & findings(stack)
    assert_acyclic(stack)


def test_a_key_can_have_a_plan_of_its_own(stack: Stack) -> None:
    front_end = build(stack, usage_plan=UsagePlan())
    front_end.add_api_key("Usual")
    front_end.add_api_key("Gold", usage_plan=UsagePlan(rate=50))
    plans = resources(stack, "AWS::ApiGateway::UsagePlan").values()
    assert sorted(each["Properties"]["Throttle"]["RateLimit"] for each in plans) == [10, 50]


def test_a_key_needs_a_plan(stack: Stack) -> None:
    front_end = build(stack)
    assert "ApiKeyRequired" not in post_of(stack)
    with pytest.raises(ValueError, match="usage_plan must be given to the API before keys are added"):
        front_end.add_api_key("Mobile")


def test_a_key_alone_is_warned_of(stack: Stack) -> None:
    build(stack, authorization=NONE, usage_plan=UsagePlan())
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(".*API key is all that callers need.*"))
    assert "AwsSolutions-APIG4" in findings(stack)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": -1}, "rate must be between 0 and .* requests per second, got -1"),
        ({"burst": -1}, "burst must be between 0 and"),
        ({"burst": 1.5}, "burst must be a whole number"),
        ({"quota": 0}, "quota must be between 1 and .*, got 0"),
        ({"quota": 2**31}, "quota must be between 1 and"),
        ({"rate": "5"}, "rate must be between"),
        ({"rate": None}, "rate must be given"),
        ({"burst": None}, "burst must be given"),
        ({"period": "DAY"}, "period must be Period, got 'DAY'"),
    ],
)
def test_usage_plan_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        UsagePlan(**arguments)


def test_usage_plan_at_its_edges_and_with_tokens(stack: Stack) -> None:
    number: Any = CfnParameter(stack, "Number", type="Number").value_as_number
    UsagePlan(rate=0, burst=0, quota=1)
    build(stack, usage_plan=UsagePlan(rate=number, burst=number)).add_api_key("Key")
    throttle = one(stack, "AWS::ApiGateway::UsagePlan")["Properties"]["Throttle"]
    assert throttle == {"RateLimit": {"Ref": "Number"}, "BurstLimit": {"Ref": "Number"}}


def test_a_private_api_is_reached_through_its_endpoints_alone(stack: Stack) -> None:
    build(stack, vpc_endpoints=[an_interface(stack), an_interface(stack, "Second", "vpce-2")])
    api = one(stack, "AWS::ApiGateway::RestApi")["Properties"]
    assert api["EndpointConfiguration"] == {"Types": ["PRIVATE"], "VpcEndpointIds": ["vpce-1", "vpce-2"]}
    assert policy_of(stack) == [
        denied({"Bool": {"aws:SecureTransport": "false"}}),
        denied({"StringNotEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}),
    ]
    assert post_of(stack)["AuthorizationType"] == "AWS_IAM"
    assert access_log(stack)["vpcEndpoint"] == "$context.identity.vpceId"


@pytest.mark.parametrize(("authorizer", "allowed"), [(a_function, False), (a_pool, True), (lambda _: NONE, True)])
def test_a_private_api_allows_what_its_authorisation_does_not_decide(
    stack: Stack,
    authorizer: Any,  # noqa: ANN401 - a function of the stack
    allowed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    build(stack, authorization=authorizer(stack), vpc_endpoints=[an_interface(stack)])
    allows = [each for each in policy_of(stack) if each["Effect"] == "Allow"]
    assert [each["Resource"] for each in allows] == (["execute-api:/live/POST/invocations"] if allowed else [])


def test_a_private_api_lets_browsers_ask(stack: Stack) -> None:
    build(stack, cors=Cors(origin="https://app.example.com"), vpc_endpoints=[an_interface(stack)])
    (allow,) = (each for each in policy_of(stack) if each["Effect"] == "Allow")
    assert allow["Resource"] == "execute-api:/live/OPTIONS/invocations"


def test_a_private_api_in_its_own_network(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    network = InferenceNetwork(stack, "Network", flow_log_key=key)
    interface = network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.APIGATEWAY)
    build(
        stack,
        network=network,
        encryption_key=key,
        vpc_endpoints=[interface],
        web_acl=WebAcl(stack, "Acl", encryption_key=key),
    )
    assert findings(stack) == set()
    assert_acyclic(stack)


@pytest.mark.parametrize("bad", ["vpce-1", [], [None], ["vpce-1"], 5])
def test_vpc_endpoints_must_be_some(stack: Stack, bad: Any) -> None:  # noqa: ANN401 - any value
    endpoint = an_endpoint(stack)
    with pytest.raises((ValueError, TypeError), match="vpc_endpoints"):
        build(stack, endpoint=endpoint, vpc_endpoints=bad)


def test_vpc_endpoints_must_differ(stack: Stack) -> None:
    twice = [an_interface(stack), an_interface(stack, "Again")]
    with pytest.raises(ValueError, match="vpc_endpoints must be different ones, got vpce-1, vpce-1"):
        build(stack, vpc_endpoints=twice)


def test_the_default_endpoint_can_be_closed(stack: Stack) -> None:
    build(stack, default_endpoint=False)
    assert one(stack, "AWS::ApiGateway::RestApi")["Properties"]["DisableExecuteApiEndpoint"] is True


def test_a_caller_of_another_account_is_named_by_the_api_too(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region="eu-west-1"))
    front_end = build(stack, cors=Cors(origin="*"))
    front_end.grant_execute(iam.Role.from_role_arn(stack, "Partner", PARTNER)).assert_success()
    front_end.grant_execute(iam.ArnPrincipal("arn:aws:iam::777788889999:role/other")).assert_success()
    found = policy_of(stack)
    by_resource = {str(each["Principal"]): each["Resource"] for each in found}
    assert by_resource == {
        str({"AWS": PARTNER}): "execute-api:/live/POST/invocations",
        str({"AWS": "arn:aws:iam::777788889999:role/other"}): "execute-api:/live/POST/invocations",
        str({"AWS": "*"}): "execute-api:/live/OPTIONS/invocations",
    }


def test_a_caller_of_this_account_needs_no_policy_of_the_api(stack: Stack) -> None:
    front_end = build(stack)
    front_end.grant_execute(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())).assert_success()
    assert policy_of(stack) == [denied({"Bool": {"aws:SecureTransport": "false"}})]


def test_a_regional_api_without_authorisation_stays_open(stack: Stack) -> None:
    build(stack, authorization=NONE)
    (_, allow) = policy_of(stack)
    assert (allow["Effect"], allow["Resource"]) == ("Allow", "execute-api:/live/POST/invocations")


def test_a_changed_policy_deploys_the_api_anew() -> None:
    def deployment(principal: str | None) -> str:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        front_end = build(stack)
        if principal is not None:
            front_end.grant_execute(iam.ArnPrincipal(principal))
        (name,) = resources(stack, "AWS::ApiGateway::Deployment")
        return name

    assert len({deployment(each) for each in (None, PARTNER, PARTNER + "s")}) == 3


def test_grants_need_iam(stack: Stack) -> None:
    front_end = build(stack, authorization=a_function(stack))
    with pytest.raises(ValueError, match="authorization must be IAM for grant_execute"):
        front_end.grant_execute(iam.ArnPrincipal(PARTNER))


@pytest.mark.parametrize(
    "argument",
    [
        "component",
        "direct",
        "usage_plan",
        "cors",
        "canary",
        "default_endpoint",
        "authorization_scopes",
        "vpc_endpoints",
    ],
)
@pytest.mark.parametrize("bad", ["x", 5, object()])
def test_refuses_other_types(stack: Stack, argument: str, bad: object) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(TypeError, match=f"{argument} must be"):
        build(stack, endpoint=endpoint, **{argument: bad})
    assert stack.node.try_find_child("Api") is None
