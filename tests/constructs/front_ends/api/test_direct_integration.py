from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # botocore ships no types

from invoke_endpoint.failure import explain
from invoke_endpoint.problem import KINDS
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.api._direct_responses import RESPONSES
from ml_constructs.front_ends.api.canary import ApiCanary
from ml_constructs.front_ends.api.cors import Cors
from ml_constructs.front_ends.api.direct_integration import DirectIntegration
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.api.web_acl import WebAcl
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import variant
from tests.constructs.component_builders import component, shared
from tests.constructs.front_ends.helpers import (
    an_endpoint,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
)

METHOD = "AWS::ApiGateway::Method"


def build(stack: Stack, direct: DirectIntegration | None = None, **arguments: Any) -> RestApiFrontEnd:  # noqa: ANN401
    given = DirectIntegration(endpoint=an_endpoint(stack)) if direct is None else direct
    return RestApiFrontEnd(stack, "Api", direct=given, **arguments)


def method_of(stack: Stack) -> dict[str, Any]:
    (found,) = (
        each["Properties"] for each in resources(stack, METHOD).values() if each["Properties"]["HttpMethod"] == "POST"
    )
    return dict(found)


def statements(stack: Stack) -> list[dict[str, Any]]:
    (found,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items()
        if "Direct" in name
    )
    return list(found)


def test_api_gateway_calls_the_endpoint_itself(stack: Stack) -> None:
    front_end = build(stack)
    integration = method_of(stack)["Integration"]
    assert (integration["Type"], integration["IntegrationHttpMethod"]) == ("AWS", "POST")
    uri = "".join(part if isinstance(part, str) else part["Ref"] for part in integration["Uri"]["Fn::Join"][1])
    assert uri == ("arn:AWS::Partition:apigateway:AWS::Region:runtime.sagemaker:path/endpoints/champion/invocations")
    assert integration["TimeoutInMillis"] == 29_000
    assert resources(stack, "AWS::Lambda::Function") == {}
    with pytest.raises(ValueError, match="function must not be asked for with direct"):
        _ = front_end.function


def test_the_role_may_invoke_this_endpoint_alone_and_first(stack: Stack) -> None:
    endpoint = an_endpoint(stack)
    build(stack, DirectIntegration(endpoint=endpoint))
    (statement,) = statements(stack)
    assert statement["Action"] == "sagemaker:InvokeEndpoint"
    assert statement["Resource"] == stack.resolve(endpoint.endpoint_arn)
    ((name, role),) = (each for each in resources(stack, "AWS::IAM::Role").items() if "Direct" in each[0])
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert trust["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert method_of(stack)["Integration"]["Credentials"] == {"Fn::GetAtt": [name, "Arn"]}
    ((method, _),) = resources(stack, METHOD).items()
    assert any("DirectPolicy" in each for each in depends_on(stack, method))
    assert_acyclic(stack)


def test_headers_of_requests_are_passed_on_and_no_others(stack: Stack) -> None:
    build(stack)
    names = {
        "Content-Type",
        "Accept",
        "X-Amzn-SageMaker-Custom-Attributes",
        "X-Amzn-SageMaker-Inference-Id",
        "X-Amzn-SageMaker-Session-Id",
    }
    assert method_of(stack)["Integration"]["RequestParameters"] == {
        f"integration.request.header.{name}": f"method.request.header.{name}" for name in names
    }
    assert method_of(stack)["RequestParameters"] == {
        f"method.request.header.{name}": name == "Content-Type" for name in names
    }


def test_the_variant_can_be_left_to_callers(stack: Stack) -> None:
    build(stack, DirectIntegration(endpoint=an_endpoint(stack), allow_target_variant=True))
    name = "X-Amzn-SageMaker-Target-Variant"
    mapped = method_of(stack)["Integration"]["RequestParameters"][f"integration.request.header.{name}"]
    assert mapped == f"method.request.header.{name}"


def test_a_component_is_named_in_each_request_and_in_the_policy(stack: Stack) -> None:
    endpoint = shared(stack)
    part = component(stack, endpoint=endpoint)
    build(stack, DirectIntegration(endpoint=endpoint, component=part))
    headers = method_of(stack)["Integration"]["RequestParameters"]
    named = stack.resolve(part.component_name)
    value = headers["integration.request.header.X-Amzn-SageMaker-Inference-Component"]
    assert value == (f"'{named}'" if isinstance(named, str) else {"Fn::Join": ["", ["'", named, "'"]]})
    (statement,) = statements(stack)
    assert statement["Resource"] == [stack.resolve(endpoint.endpoint_arn), stack.resolve(part.component_arn)]
    assert_acyclic(stack)


@pytest.mark.parametrize("content_type", ["application/json", "image/jpeg", "*/*"])
def test_bodies_pass_through_as_they_are(stack: Stack, content_type: str) -> None:
    build(stack, content_type=content_type)
    integration = method_of(stack)["Integration"]
    assert "RequestTemplates" not in integration
    assert "ContentHandling" not in integration
    assert integration["PassthroughBehavior"] == "WHEN_NO_TEMPLATES"
    answer = integration["IntegrationResponses"][0]
    assert (answer["StatusCode"], answer["SelectionPattern"]) == ("200", r"2\d{2}")
    assert not {"ContentHandling", "ResponseTemplates"} & set(answer)


def test_answers_have_the_headers_that_a_function_passes_on(stack: Stack) -> None:
    build(stack)
    answer = method_of(stack)["Integration"]["IntegrationResponses"][0]
    headers = {
        name.removeprefix("method.response.header.").lower(): value
        for name, value in answer["ResponseParameters"].items()
    }
    assert headers["cache-control"] == "'no-store'"
    assert headers["x-content-type-options"] == "'nosniff'"
    assert headers["content-type"] == "integration.response.header.Content-Type"
    assert {name for name in headers if name.startswith("x-amzn-")} == {
        "x-amzn-invoked-production-variant",
        "x-amzn-sagemaker-custom-attributes",
        "x-amzn-sagemaker-new-session-id",
        "x-amzn-sagemaker-closed-session-id",
    }


def test_all_statuses_and_headers_are_declared(stack: Stack) -> None:
    build(stack, cors=Cors(origin="https://app.example.com"))
    method = method_of(stack)
    declared = {each["StatusCode"]: set(each["ResponseParameters"]) for each in method["MethodResponses"]}
    for each in method["Integration"]["IntegrationResponses"]:
        assert set(each["ResponseParameters"]) <= declared[each["StatusCode"]]
        assert "method.response.header.Access-Control-Allow-Origin" in each["ResponseParameters"]
    assert len(declared) == len(method["Integration"]["IntegrationResponses"]) == len(RESPONSES) + 1


def test_whatever_is_no_answer_of_the_model_is_a_problem(stack: Stack) -> None:
    build(stack)
    (_, *errors) = method_of(stack)["Integration"]["IntegrationResponses"]
    (otherwise,) = (each for each in errors if "SelectionPattern" not in each)
    assert otherwise["StatusCode"] == "502"
    for each in errors:
        assert each["ContentHandling"] == "CONVERT_TO_TEXT"
        headers = each["ResponseParameters"]
        assert headers["method.response.header.Content-Type"] == "'application/problem+json'"
        assert headers["method.response.header.Cache-Control"] == "'no-store'"
        (template,) = each["ResponseTemplates"].values()
        shown = [line for line in template.splitlines() if not line.startswith("#")]
        for line in shown:
            problem = json.loads(line)
            assert problem["instance"] == "$context.requestId"
            kind = problem["type"].rpartition("/")[2]
            assert problem["title"] == KINDS[kind][1]
            assert "$" not in line.replace("$context.requestId", "")


ERRORS = [
    (400, "ValidationError", {"Message": "Could not find variant a, 1 {validation} error"}),
    (400, "ValidationError", {"message": "Endpoint champion of account 111122223333 not found."}),
    (400, "ValidationError", {"Message": "Inference Component has no capacity to process this request"}),
    (400, "ThrottlingException", {"message": "Rate exceeded"}),
    (429, "ThrottlingException", {"Message": "Rate exceeded"}),
    (429, "TooManyRequestsException", {"Message": "Too Many Requests"}),
    (429, "ModelNotReadyException", {"Message": "The model is being loaded."}),
    (403, "AccessDeniedException", {"Message": "User is not authorized"}),
    (413, "RequestEntityTooLargeException", {"Message": "too large"}),
    (500, "InternalFailure", {"Message": "?"}),
    (503, "ServiceUnavailable", {"Message": "busy"}),
    (530, "InternalDependencyException", {"Message": "?"}),
    *((424, "ModelError", {"OriginalStatusCode": each, "OriginalMessage": "x"}) for each in (400, 404, 406, 413, 415)),
    *((424, "ModelError", {"OriginalStatusCode": each, "OriginalMessage": "x"}) for each in (422, 429, 500, 503)),
    (424, "ModelError", {"OriginalStatusCode": 500, "OriginalMessage": 'say "OriginalStatusCode":400'}),
    (424, "ModelError", {"OriginalStatusCode": 0, "Message": "Invocation timed out", "OriginalMessage": ""}),
]


@pytest.fixture(scope="module")
def responses() -> list[dict[str, Any]]:
    """What the method makes of each answer; one synthesis for all of them."""
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    build(stack)
    return list(method_of(stack)["Integration"]["IntegrationResponses"])


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("status", "code", "body"), ERRORS)
def test_errors_are_the_problems_of_the_function(
    responses: list[dict[str, Any]],
    status: int,
    code: str,
    body: dict[str, Any],
    binary: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    text = json.dumps({"ErrorCode": "X", **body})
    found, headers, problem = answer_of(responses, status, base64.b64encode(text.encode()).decode() if binary else text)
    message = body.get("Message") or body.get("message") or ""
    response = {"Error": {"Code": code, "Message": message}, **body, "ResponseMetadata": {"HTTPStatusCode": status}}
    expected = explain(ClientError(response, "InvokeEndpoint"))
    assert problem["type"].rpartition("/")[2] == expected.kind
    assert (problem["status"], found) == (expected.status, expected.status)
    advice = None if expected.retry_after is None else str(expected.retry_after)
    assert headers.get("Retry-After") == advice


def test_an_unknown_answer_is_a_problem_too(responses: list[dict[str, Any]]) -> None:
    assert answer_of(responses, 302, "")[0] == answer_of(responses, 599, "<html>")[0] == 502


def answer_of(responses: list[dict[str, Any]], status: int, body: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """What API Gateway makes of an answer: status, overridden headers and problem."""
    matching = [each for each in responses if re.fullmatch(each.get("SelectionPattern", ""), str(status))]
    (response,) = matching or [each for each in responses if "SelectionPattern" not in each]
    (template,) = response["ResponseTemplates"].values()
    override, text = run_template(template, body)
    headers = {name.rpartition(".")[2]: value for name, value in override.items() if ".header." in name}
    return int(override.get("status", response["StatusCode"])), headers, json.loads(text)


def run_template(template: str, body: str) -> tuple[dict[str, str], str]:
    """The little of the template language that these templates use, branch by branch."""
    *prologue, rest = re.split(r"(?m)^(?=#if\(\$(?!answer|!))", template, maxsplit=1)
    scope = {}
    if prologue:
        decoded = body if "{" in body else base64.b64decode(body).decode()
        error = json.loads(decoded)
        said = " ".join(str(error.get(name, "")) for name in ("message", "Message", "OriginalMessage"))
        scope = {"status": str(error.get("OriginalStatusCode", "")), "message": said.lower()}
    for branch in re.split(r"(?m)^(?=#if|#elseif|#else\b|#end\b)", rest):
        condition = re.match(r"#(?:else)?if\((.*)\)\n", branch)
        if not branch or (condition and not holds(condition[1], scope)):
            continue
        override = dict(
            re.findall(r'#set\(\$context\.responseOverride(\.header\.[\w-]+|\.status) = "?(\w+)"?\)', branch)
        )
        lines = [line for line in branch.splitlines() if not line.startswith("#")]
        return {name.removeprefix(".status") or "status": value for name, value in override.items()}, "".join(lines)
    raise AssertionError(template)


def holds(condition: str, scope: dict[str, str]) -> bool:
    def each(term: str) -> bool:
        name, method, text = re.fullmatch(r'\$(\w+)\.(contains|startsWith)\("(.*)"\)', term.strip()).groups()  # type: ignore[union-attr]
        return text in scope[name] if method == "contains" else scope[name].startswith(text)

    return any(all(map(each, part.split("&&"))) for part in condition.split("||"))


def test_change_of_the_integration_deploys_it_anew() -> None:
    def name(*, allow: bool) -> str:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        build(stack, DirectIntegration(endpoint=an_endpoint(stack), allow_target_variant=allow))
        (found,) = resources(stack, "AWS::ApiGateway::Deployment")
        return found

    assert name(allow=True) != name(allow=False)


def test_refuses(stack: Stack) -> None:
    endpoint = an_endpoint(stack)
    direct = DirectIntegration(endpoint=endpoint)
    with pytest.raises(ValueError, match="exactly one of endpoint, function and direct must be given, got both"):
        build(stack, direct, endpoint=endpoint)
    with pytest.raises(ValueError, match="network must not be given with direct, API Gateway is in none"):
        build(stack, direct, network=InferenceNetwork(stack, "Network"))
    with pytest.raises(ValueError, match="canary must not be given with direct"):
        build(stack, direct, canary=ApiCanary())
    hosted = shared(stack)
    with pytest.raises(ValueError, match="component must be given for a shared endpoint"):
        DirectIntegration(endpoint=hosted)
    with pytest.raises(ValueError, match="component must be on the endpoint"):
        DirectIntegration(endpoint=endpoint, component=component(stack, endpoint=hosted))
    waiting = Endpoint.from_endpoint_attributes(stack, "Async", endpoint_name="a", asynchronous=True)
    with pytest.raises(ValueError, match="endpoint must answer callers that wait"):
        DirectIntegration(endpoint=waiting)
    for bad in (None, "champion", 5):
        with pytest.raises(TypeError, match="endpoint must be"):
            DirectIntegration(endpoint=bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="allow_target_variant must be bool"):
        DirectIntegration(endpoint=endpoint, allow_target_variant="yes")  # type: ignore[arg-type]


def test_endpoint_must_be_in_the_account_and_region(app: App) -> None:
    here, there = (
        Stack(app, name, env=Environment(account="111122223333", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    with pytest.raises(ValueError, match="direct must be in the region of what uses it"):
        build(here, DirectIntegration(endpoint=an_endpoint(there)))


def test_calls_an_endpoint_of_the_same_app(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()])
    build(stack, DirectIntegration(endpoint=endpoint), timeout=Duration.seconds(6))
    assert method_of(stack)["Integration"]["TimeoutInMillis"] == 6_000
    assert_acyclic(stack)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_policy_review_finds_nothing_in_any_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    build(stack, web_acl=WebAcl(stack, "Acl"), cors=Cors(origin="*"))
    assert "arn:aws:" not in literal_partitions(stack)
    assert findings(stack) == set()
    assert one(stack, "AWS::WAFv2::WebACLAssociation")
