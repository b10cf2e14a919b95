from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack

from ml_constructs.front_ends.api.cors import Cors
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.api.web_acl import WebAcl
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.front_ends.helpers import an_endpoint, findings, one, resources

ORIGIN = "https://app.example.com"


def build(stack: Stack, cors: Cors | None, **arguments: Any) -> RestApiFrontEnd:  # noqa: ANN401
    return RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), cors=cors, **arguments)


def preflight_of(stack: Stack) -> dict[str, Any]:
    methods = [each["Properties"] for each in resources(stack, "AWS::ApiGateway::Method").values()]
    return next(each for each in methods if each["HttpMethod"] == "OPTIONS")


def preflight_headers(stack: Stack) -> dict[str, str]:
    (response,) = preflight_of(stack)["Integration"]["IntegrationResponses"]
    prefix = "method.response.header."
    return {name.removeprefix(prefix): value for name, value in response["ResponseParameters"].items()}


def test_browsers_may_ask_without_credentials(stack: Stack) -> None:
    build(stack, Cors(origin=ORIGIN, headers=["X-Tenant"], max_age=Duration.minutes(5), allow_credentials=True))
    method = preflight_of(stack)
    assert method["AuthorizationType"] == "NONE"
    assert "ApiKeyRequired" not in method
    assert method["Integration"]["Type"] == "MOCK"
    assert method["Integration"]["ContentHandling"] == "CONVERT_TO_TEXT"  # or "*/*" as binary type would be an error
    headers = preflight_headers(stack)
    assert headers["Access-Control-Allow-Origin"] == f"'{ORIGIN}'"
    assert headers["Access-Control-Allow-Methods"] == "'POST'"
    assert headers["Access-Control-Max-Age"] == "'300'"
    assert headers["Access-Control-Allow-Credentials"] == "'true'"
    allowed = headers["Access-Control-Allow-Headers"].strip("'").split(",")
    assert {"Authorization", "Content-Type", "X-Amz-Date", "X-Api-Key", "X-Tenant"} <= set(allowed)
    (declared,) = method["MethodResponses"]
    assert declared["StatusCode"] == "204"
    assert {name.rpartition(".")[2] for name in declared["ResponseParameters"]} == set(headers)


def test_defaults(stack: Stack) -> None:
    build(stack, Cors(origin="*"))
    headers = preflight_headers(stack)
    assert headers["Access-Control-Allow-Origin"] == "'*'"
    assert headers["Access-Control-Max-Age"] == "'7200'"
    assert "Access-Control-Allow-Credentials" not in headers


def test_pages_can_read_what_the_api_refuses(stack: Stack) -> None:
    build(stack, Cors(origin=ORIGIN))
    for each in resources(stack, "AWS::ApiGateway::GatewayResponse").values():
        headers = each["Properties"]["ResponseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{ORIGIN}'"
        assert "Retry-After" in headers["gatewayresponse.header.Access-Control-Expose-Headers"]


def test_the_function_is_told_what_to_add_to_its_answers(stack: Stack) -> None:
    build(stack, Cors(origin=ORIGIN))
    variables = one(stack, "AWS::Lambda::Function")["Properties"]["Environment"]["Variables"]
    assert f'"Access-Control-Allow-Origin": "{ORIGIN}"' in variables["ANSWER_HEADERS"]


def test_without_it_nothing_is_said(stack: Stack) -> None:
    build(stack, None)
    assert "Access-Control" not in str(stack.node.default_child)
    assert len(resources(stack, "AWS::ApiGateway::Method")) == 1
    assert "ANSWER_HEADERS" not in str(one(stack, "AWS::Lambda::Function"))


def test_preflight_deploys_the_api_anew() -> None:
    names = set()
    for cors in (None, Cors(origin="*"), Cors(origin=ORIGIN)):
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        build(stack, cors)
        names |= set(resources(stack, "AWS::ApiGateway::Deployment"))
    assert len(names) == 3


def test_policy_review_finds_nothing(stack: Stack) -> None:
    build(stack, Cors(origin=ORIGIN), web_acl=WebAcl(stack, "Acl"), network=InferenceNetwork(stack, "Network"))
    assert findings(stack) == set()


@pytest.mark.parametrize("origin", ["*", "http://localhost:3000", "https://[::1]:8443", ORIGIN])
def test_takes_origins(origin: str) -> None:
    assert Cors(origin=origin).of_answers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"origin": "app.example.com"}, r"origin must be '\*', or an origin .*, got 'app.example.com'"),
        ({"origin": "https://app.example.com/"}, "origin must be"),
        ({"origin": "https://*.example.com"}, "origin must be"),
        ({"origin": ""}, "origin must be"),
        ({"origin": "null"}, "origin must be"),
        ({"origin": "https://a'b"}, "origin must be"),
        ({"origin": None}, "origin must be str"),
        ({"origin": "*", "allow_credentials": True}, r"origin must not be '\*' with allow_credentials"),
        ({"allow_credentials": "yes"}, "allow_credentials must be bool"),
        ({"headers": "X-Tenant"}, "headers must be a list of text"),
        ({"headers": [5]}, "headers must be a list of text"),
        ({"headers": ["a b"]}, "headers must be names of headers, got 'a b'"),
        ({"headers": ["a'b"]}, "headers must be names of headers"),
        ({"max_age": Duration.seconds(86_401)}, "max_age must be between 0 and 86,400"),
        ({"max_age": 5}, "max_age must be a Duration"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        Cors(**{"origin": ORIGIN, **arguments})


def test_values_may_be_tokens(stack: Stack) -> None:
    text = CfnParameter(stack, "Text").value_as_string
    build(stack, Cors(origin=text, max_age=Duration.seconds(0)))
    origin: object = preflight_headers(stack)["Access-Control-Allow-Origin"]
    assert origin == {"Fn::Join": ["", ["'", {"Ref": "Text"}, "'"]]}
    assert preflight_headers(stack)["Access-Control-Max-Age"] == "'0'"
