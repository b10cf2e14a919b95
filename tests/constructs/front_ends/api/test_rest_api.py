from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, NestedStack, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.api.web_acl import WebAcl
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.front_ends.helpers import (
    admitted_log_groups,
    an_endpoint,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
    template,
)

SCHEMA = apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT, required=["instances"])


def build(stack: Stack, **arguments: Any) -> RestApiFrontEnd:  # noqa: ANN401 - arguments of the construct
    if not {"function", "endpoint"} & set(arguments):
        arguments["endpoint"] = an_endpoint(stack)
    return RestApiFrontEnd(stack, "Api", **arguments)


def method_of(stack: Stack) -> dict[str, Any]:
    properties: dict[str, Any] = one(stack, "AWS::ApiGateway::Method")["Properties"]
    return properties


def stage_of(stack: Stack) -> dict[str, Any]:
    properties: dict[str, Any] = one(stack, "AWS::ApiGateway::Stage")["Properties"]
    return properties


def test_one_authorised_method_calls_the_alias(stack: Stack) -> None:
    front_end = build(stack)
    method = method_of(stack)
    assert method["HttpMethod"] == "POST"
    assert method["AuthorizationType"] == "AWS_IAM"
    assert method["Integration"]["Type"] == "AWS_PROXY"
    assert method["Integration"]["TimeoutInMillis"] == 29_000
    assert stack.resolve(front_end.function.alias.function_arn) in method["Integration"]["Uri"]["Fn::Join"][1]
    assert one(stack, "AWS::ApiGateway::Resource")["Properties"]["PathPart"] == "invocations"
    assert one(stack, "AWS::ApiGateway::RestApi")["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_api_may_invoke_the_alias_from_this_method_alone(stack: Stack) -> None:
    front_end = build(stack)
    permission = one(stack, "AWS::Lambda::Permission")["Properties"]
    assert permission["FunctionName"] == stack.resolve(front_end.function.alias.function_arn)
    assert permission["SourceArn"]["Fn::Join"][1][-1] == "/POST/invocations"


def test_function_ends_before_the_api_stops_waiting(app: App) -> None:
    usual, short = Stack(app, "Usual"), Stack(app, "Short")
    build(usual)
    build(short, timeout=Duration.seconds(6))
    assert one(usual, "AWS::Lambda::Function")["Properties"]["Timeout"] == 28
    assert one(short, "AWS::Lambda::Function")["Properties"]["Timeout"] == 5
    assert method_of(short)["Integration"]["TimeoutInMillis"] == 6_000


def test_stage_logs_traces_and_throttles(stack: Stack) -> None:
    front_end = build(stack, throttle_rate=7.5, throttle_burst=3)
    stage = stage_of(stack)
    (settings,) = stage["MethodSettings"]
    assert settings == {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "LoggingLevel": "ERROR",
        "DataTraceEnabled": False,
        "MetricsEnabled": True,
        "ThrottlingRateLimit": 7.5,
        "ThrottlingBurstLimit": 3,
    }
    assert stage["TracingEnabled"] is True
    assert stage["StageName"] == "live"
    destination = stage["AccessLogSetting"]["DestinationArn"]
    assert destination == stack.resolve(front_end.access_log_group.log_group_arn)
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert fields == {
        "requestId": "$context.requestId",
        "extendedRequestId": "$context.extendedRequestId",
        "requestTime": "$context.requestTime",
        "sourceIp": "$context.identity.sourceIp",
        "caller": "$context.identity.userArn",
        "method": "$context.httpMethod",
        "path": "$context.path",
        "status": "$context.status",
        "responseLength": "$context.responseLength",
        "responseLatency": "$context.responseLatency",
        "integrationStatus": "$context.integration.status",
        "integrationLatency": "$context.integration.latency",
        "error": "$context.error.responseType",
        "wafStatus": "$context.waf.status",
        "traceId": "$context.xrayTraceId",
    }
    assert not any("body" in value.lower() or "query" in value.lower() for value in fields.values())


def test_log_groups_exist_before_the_stage(stack: Stack) -> None:
    front_end = build(stack, log_retention=logs.RetentionDays.ONE_WEEK)
    (stage,) = resources(stack, "AWS::ApiGateway::Stage")
    groups = resources(stack, "AWS::Logs::LogGroup")
    assert {name for name in groups if "Function" not in name} <= depends_on(stack, stage)
    key = stack.resolve(front_end.encryption_key.key_arn)
    for group in groups.values():
        assert group["Properties"]["KmsKeyId"] == key
        assert group["Properties"]["RetentionInDays"] == 7
        assert group["DeletionPolicy"] == "RetainExceptOnCreate"
    name = stack.resolve(front_end.execution_log_group.node.default_child.log_group_name)  # type: ignore[union-attr]
    assert name["Fn::Join"][1] == ["API-Gateway-Execution-Logs_", stack.resolve(front_end.api.rest_api_id), "/live"]
    assert sorted(admitted_log_groups(stack)) == ["API-Gateway-Execution-Logs_*", "Stack-*"]
    assert_acyclic(stack)


def test_api_gateway_has_its_regional_role_before_the_stage_and_once(stack: Stack) -> None:
    build(stack)
    RestApiFrontEnd(stack, "Second", endpoint=an_endpoint(stack, "second"))
    ((account, resource),) = resources(stack, "AWS::ApiGateway::Account").items()
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    for stage in resources(stack, "AWS::ApiGateway::Stage"):
        assert account in depends_on(stack, stage)
    (role,) = (each for each in resources(stack, "AWS::IAM::Role").values() if "ManagedPolicyArns" in str(each))
    assert role["DeletionPolicy"] == "Retain"
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    (policy,) = role["Properties"]["ManagedPolicyArns"]
    assert policy["Fn::Join"][1][-1] == ":iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    (name,) = (name for name, each in resources(stack, "AWS::IAM::Role").items() if each == role)
    assert resource["Properties"]["CloudWatchRoleArn"] == {"Fn::GetAtt": [name, "Arn"]}


def test_regional_role_can_be_left_to_others(stack: Stack) -> None:
    build(stack, cloud_watch_role=False)
    assert resources(stack, "AWS::ApiGateway::Account") == {}


def test_schema_holds_for_every_content_type(stack: Stack) -> None:
    build(stack, request_schema=SCHEMA)
    (model,) = resources(stack, "AWS::ApiGateway::Model")
    assert method_of(stack)["RequestModels"] == {"$default": {"Ref": model}}
    ((name, found),) = resources(stack, "AWS::ApiGateway::RequestValidator").items()
    assert method_of(stack)["RequestValidatorId"] == {"Ref": name}
    schema = one(stack, "AWS::ApiGateway::Model")["Properties"]["Schema"]
    assert (schema["type"], schema["required"]) == ("object", ["instances"])
    validator = found["Properties"]
    assert validator["ValidateRequestBody"] is validator["ValidateRequestParameters"] is True


def test_content_type_is_required(stack: Stack) -> None:
    build(stack)
    assert method_of(stack)["RequestParameters"] == {"method.request.header.Content-Type": True}
    assert "RequestModels" not in method_of(stack)


@pytest.mark.parametrize("content_type", ["application/json", "text/csv", "application/vnd.x+json", "application/xml"])
def test_text_is_passed_on_as_text(stack: Stack, content_type: str) -> None:
    build(stack, content_type=content_type)
    assert "BinaryMediaTypes" not in one(stack, "AWS::ApiGateway::RestApi")["Properties"]


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/x-npy", "image/*", "*/*"])
def test_anything_else_is_passed_on_as_binary(stack: Stack, content_type: str) -> None:
    build(stack, content_type=content_type)
    assert one(stack, "AWS::ApiGateway::RestApi")["Properties"]["BinaryMediaTypes"] == [content_type]


def test_what_the_api_refuses_is_a_problem_without_internals(stack: Stack) -> None:
    build(stack)
    found = {
        each["Properties"]["ResponseType"]: each["Properties"]
        for each in resources(stack, "AWS::ApiGateway::GatewayResponse").values()
    }
    assert {kind: each.get("StatusCode") for kind, each in found.items()} == {
        "DEFAULT_4XX": None,
        "DEFAULT_5XX": None,
        "BAD_REQUEST_BODY": "400",
        "BAD_REQUEST_PARAMETERS": "400",
        "REQUEST_TOO_LARGE": "413",
        "THROTTLED": "429",
        "INTEGRATION_TIMEOUT": "504",
    }
    for kind, response in found.items():
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert response["ResponseParameters"]["gatewayresponse.header.Cache-Control"] == "'no-store'"
        assert list(response["ResponseTemplates"]) == ["application/json"]
        (text,) = response["ResponseTemplates"].values()
        problem = json.loads(text)
        assert set(problem) - {"status"} == {"type", "title", "detail", "instance"}
        assert re.fullmatch(r"https://ml-constructs\.example\.com/problems/[a-z-]+", problem["type"])
        assert problem["instance"] == "$context.requestId"
        assert "$context.error" not in text
        assert problem.get("status") == (int(response["StatusCode"]) if "StatusCode" in response else None), kind
    assert found["THROTTLED"]["ResponseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint": None}, "exactly one of endpoint, function and direct must be given, got none"),
        ({"content_type": "json"}, "content_type must be a media type without parameters, got 'json'"),
        ({"content_type": "text/csv", "request_schema": SCHEMA}, "must be application/json with request_schema"),
        ({"path": "/invocations"}, "path must be segments of .*, got '/invocations'"),
        ({"path": ""}, "path must be"),
        ({"timeout": Duration.seconds(5)}, "timeout must be between 6 and 900 whole seconds, got 5"),
        ({"timeout": Duration.seconds(901)}, "timeout must be between 6 and 900 whole seconds, got 901"),
        ({"throttle_rate": -0.5}, "throttle_rate must be between 0 and .*, got -0.5"),
        ({"throttle_burst": -1}, "throttle_burst must be between 0 and .*, got -1"),
        ({"throttle_burst": 1.5}, "throttle_burst must be a whole number"),
        ({"stage_name": "a/b"}, "stage_name must be 1 to 128 letters, .*, got 'a/b'"),
        ({"stage_name": "x" * 129}, "stage_name must be 1 to 128 letters"),
        ({"authorization": apigateway.AuthorizationType.CUSTOM}, "authorization must be IAM, NONE or an authorizer"),
        ({"web_acl": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b"}, "web_acl must be a WebAcl, or the ARN"),
    ],
)
def test_refuses(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(ValueError, match=message):
        build(stack, **{"endpoint": endpoint, **arguments})
    assert stack.node.try_find_child("Api") is None


def test_takes_a_function_instead_of_an_endpoint(stack: Stack) -> None:
    function = FunctionFrontEnd(stack, "Function", endpoint=an_endpoint(stack), provisioned_concurrency=2)
    front_end = build(stack, function=function)
    assert front_end.function is function
    assert len(resources(stack, "AWS::Lambda::Function")) == len(resources(stack, "AWS::KMS::Key")) == 1


def test_everything_is_encrypted_with_the_given_key(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    front_end = build(stack, encryption_key=key)
    assert front_end.encryption_key is key
    assert front_end.function.encryption_key is key
    (name,) = resources(stack, "AWS::KMS::Key")
    arn = {"Fn::GetAtt": [name, "Arn"]}
    groups = resources(stack, "AWS::Logs::LogGroup").values()
    assert [each["Properties"]["KmsKeyId"] for each in groups] == [arn] * 3
    assert {each["Properties"]["RetentionInDays"] for each in groups} == {365}


def test_a_given_key_comes_before_that_of_a_given_function(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    function = FunctionFrontEnd(stack, "Function", endpoint=an_endpoint(stack))
    front_end = build(stack, function=function, encryption_key=key)
    assert front_end.encryption_key is key
    group = front_end.access_log_group.node.default_child
    assert stack.resolve(group.kms_key_id) == stack.resolve(key.key_arn)  # type: ignore[union-attr]  # an L2's own child


def test_function_and_what_only_a_new_one_needs_exclude_each_other(stack: Stack) -> None:
    endpoint = an_endpoint(stack)
    function = FunctionFrontEnd(stack, "Function", endpoint=endpoint)
    with pytest.raises(ValueError, match="got both"):
        build(stack, function=function, endpoint=endpoint)
    with pytest.raises(ValueError, match="network must not be given with function"):
        build(stack, function=function, network=InferenceNetwork(stack, "Network"))


def test_function_must_end_first(stack: Stack) -> None:
    function = FunctionFrontEnd(stack, "Function", endpoint=an_endpoint(stack), timeout=Duration.seconds(29))
    with pytest.raises(ValueError, match="timeout must be longer than the function's 29 seconds, got 29 seconds"):
        build(stack, function=function)
    build(stack, function=function, timeout=Duration.seconds(30))
    assert method_of(stack)["Integration"]["TimeoutInMillis"] == 30_000


def test_a_function_that_streams_makes_the_api_stream(stack: Stack) -> None:
    function = FunctionFrontEnd(
        stack, "Function", endpoint=an_endpoint(stack), streaming=True, timeout=Duration.seconds(120)
    )
    build(stack, function=function)
    integration = method_of(stack)["Integration"]
    assert integration["ResponseTransferMode"] == "STREAM"
    parts = integration["Uri"]["Fn::Join"][1]
    assert parts[-3].endswith(":lambda:path/2021-11-15/functions/")
    assert parts[-2] == stack.resolve(function.alias.function_arn)
    assert parts[-1] == "/response-streaming-invocations"
    assert integration["TimeoutInMillis"] == 121_000


def test_other_functions_do_not(stack: Stack) -> None:
    build(stack)
    assert "ResponseTransferMode" not in method_of(stack)["Integration"]


def test_a_stream_must_end_within_the_api(stack: Stack) -> None:
    function = FunctionFrontEnd(
        stack, "Function", endpoint=an_endpoint(stack), streaming=True, timeout=Duration.seconds(900)
    )
    with pytest.raises(ValueError, match="timeout must be longer than the function's 900 seconds, got 900 seconds"):
        build(stack, function=function)


def test_values_may_be_tokens(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    text = CfnParameter(stack, "Text").value_as_string
    build(stack, throttle_rate=number, throttle_burst=number, stage_name=text, web_acl=text)
    assert stage_of(stack)["StageName"] == {"Ref": "Text"}
    assert stage_of(stack)["MethodSettings"][0]["ThrottlingBurstLimit"] == {"Ref": "Number"}
    assert one(stack, "AWS::WAFv2::WebACLAssociation")["Properties"]["WebACLArn"] == {"Ref": "Text"}


def test_path_must_be_known(stack: Stack) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(ValueError, match="path must be known at synthesis"):
        build(stack, endpoint=endpoint, path=CfnParameter(stack, "Text").value_as_string)


def test_timeout_may_be_a_token(stack: Stack) -> None:
    seconds = CfnParameter(stack, "Seconds", type="Number").value_as_number
    build(stack, timeout=Duration.millis(seconds), content_type=CfnParameter(stack, "Text").value_as_string)
    assert method_of(stack)["Integration"]["TimeoutInMillis"] == {"Ref": "Seconds"}
    assert one(stack, "AWS::Lambda::Function")["Properties"]["Timeout"] == 28


def test_limits_at_their_edges(stack: Stack) -> None:
    build(stack, throttle_rate=0, throttle_burst=0, stage_name="x" * 128, timeout=Duration.seconds(900), path="v1/m:x")
    assert stage_of(stack)["MethodSettings"][0]["ThrottlingRateLimit"] == 0
    assert one(stack, "AWS::Lambda::Function")["Properties"]["Timeout"] == 899
    assert len(resources(stack, "AWS::ApiGateway::Resource")) == 2


def test_authorizer_can_replace_iam(stack: Stack) -> None:
    handler = lambda_.Function.from_function_arn(
        stack, "Handler", "arn:aws:lambda:eu-west-1:111122223333:function:authorizer"
    )
    build(stack, authorization=apigateway.TokenAuthorizer(stack, "Authorizer", handler=handler))
    method = method_of(stack)
    assert method["AuthorizationType"] == "CUSTOM"
    assert "AuthorizerId" in method


def test_open_access_is_possible_and_seen(stack: Stack) -> None:
    build(stack, authorization=apigateway.AuthorizationType.NONE, web_acl=WebAcl(stack, "Acl"))
    assert method_of(stack)["AuthorizationType"] == "NONE"
    assert {"AwsSolutions-APIG4", "AwsSolutions-COG4"} <= findings(stack)


def test_grants_this_method_of_this_stage(stack: Stack) -> None:
    front_end = build(stack)
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    front_end.grant_execute(caller).assert_success()
    (statement,) = one(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    parts = statement["Resource"]["Fn::Join"][1]
    assert parts[-1] == "/POST/invocations"
    assert stack.resolve(front_end.stage.stage_name) in parts


def test_url_is_that_of_the_method(stack: Stack) -> None:
    parts = stack.resolve(build(stack, path="v1/predict").url)["Fn::Join"][1]
    assert parts[-1] == "/v1/predict"


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_count", "Count", "SampleCount"),
        ("metric_4xx", "4XXError", "Sum"),
        ("metric_5xx", "5XXError", "Sum"),
        ("metric_latency", "Latency", "p99"),
        ("metric_integration_latency", "IntegrationLatency", "p99"),
    ],
)
def test_metrics_are_those_of_the_stage(stack: Stack, method: str, name: str, statistic: str) -> None:
    front_end = build(stack)
    metric = getattr(front_end, method)(period=Duration.minutes(1))
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/ApiGateway", name, statistic)
    assert {key: stack.resolve(value) for key, value in metric.dimensions.items()} == {
        "ApiName": one(stack, "AWS::ApiGateway::RestApi")["Properties"]["Name"],
        "Stage": stack.resolve(front_end.stage.stage_name),
    }
    assert metric.period.to_seconds() == 60


def test_names_of_apis_differ_because_their_metrics_do_by_name_alone(app: App) -> None:
    stacks = [Stack(app, "One"), Stack(app, "Two")]
    for stack in stacks:
        build(stack)
    assert len({one(stack, "AWS::ApiGateway::RestApi")["Properties"]["Name"] for stack in stacks}) == 2


def deployment(**arguments: Any) -> str:  # noqa: ANN401 - arguments of the construct
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    build(stack, **arguments)
    (name,) = resources(stack, "AWS::ApiGateway::Deployment")
    return name


def test_change_of_the_api_deploys_it_anew() -> None:
    first = deployment()
    assert deployment(request_schema=SCHEMA) != first
    assert deployment(path="predict") != first
    assert deployment(content_type="image/jpeg") != first
    assert deployment(timeout=Duration.seconds(20)) != first
    assert deployment(authorization=apigateway.AuthorizationType.NONE) != first


def test_change_of_the_stage_deploys_nothing() -> None:
    assert deployment(throttle_rate=5, log_retention=logs.RetentionDays.ONE_DAY) == deployment()


def test_web_acl_is_associated_with_the_stage(stack: Stack) -> None:
    acl = WebAcl(stack, "Acl")
    front_end = build(stack, web_acl=acl)
    association = one(stack, "AWS::WAFv2::WebACLAssociation")["Properties"]
    assert association["WebACLArn"] == stack.resolve(acl.arn)
    assert association["ResourceArn"] == stack.resolve(front_end.stage.stage_arn)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_web_acl_may_be_given_by_its_arn(stack: Stack, partition: str) -> None:
    arn = f"arn:{partition}:wafv2:a-region-1:111122223333:regional/webacl/name/id"
    build(stack, web_acl=arn)
    assert one(stack, "AWS::WAFv2::WebACLAssociation")["Properties"]["WebACLArn"] == arn


def test_policy_review_finds_nothing(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    build(
        stack,
        network=InferenceNetwork(stack, "Network", flow_log_key=key),
        encryption_key=key,
        web_acl=WebAcl(stack, "Acl", encryption_key=key),
    )
    assert findings(stack) == set()
    assert_acyclic(stack)


def test_policy_review_shows_a_missing_web_acl(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"))
    assert findings(stack) == {"AwsSolutions-APIG3", "NIST.800.53.R5-APIGWAssociatedWithWAF"}


def test_works_across_stacks(app: App) -> None:
    base, front = Stack(app, "Base"), Stack(app, "Front")
    key = EncryptionKey(base, "Key")
    network = InferenceNetwork(base, "Network", flow_log_key=key)
    build(front, endpoint=an_endpoint(base), network=network, encryption_key=key, web_acl=WebAcl(base, "Acl"))
    assert template(front)["Resources"]
    assert_acyclic(base)
    assert_acyclic(front)


def test_works_in_a_nested_stack_with_the_key_of_its_parent(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    nested = NestedStack(stack, "Nested")
    build(nested, encryption_key=key, web_acl=WebAcl(nested, "Acl", encryption_key=key))
    assert_acyclic(stack)
    assert_acyclic(nested)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    build(stack, network=InferenceNetwork(stack, "Network"), web_acl=WebAcl(stack, "Acl"))
    assert "arn:aws:" not in literal_partitions(stack)
    assert findings(stack) == set()


def test_no_literal_partition_in_an_environment_agnostic_stack(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"), web_acl=WebAcl(stack, "Acl"))
    assert literal_partitions(stack) == []


def test_same_template_for_the_same_source() -> None:
    found = []
    for _ in range(2):
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        build(stack, request_schema=SCHEMA, web_acl=WebAcl(stack, "Acl"))
        found.append(template(stack))
    assert found[0] == found[1]
