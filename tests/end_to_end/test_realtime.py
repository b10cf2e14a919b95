"""One life of the realtime stack, in the order of the tests: deploy, call, change the weights, destroy."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.assemblies import STACK, synthesise
from tests.end_to_end.deployment import Deployment
from tests.local_aws.launcher import ACCOUNT, REGION

ROW: Final = [float(number) for number in range(30)]
GOOD: Final = {"instances": [ROW]}


@pytest.fixture(scope="module")
def stack(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment.deploy(STACK, synthesise(tmp_path_factory.mktemp("first")))
    return deployment


@pytest.fixture(scope="module")
def caller(stack: Deployment) -> Credentials:
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{stack.api}/live/POST/invocations"
    return stack.user("caller", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource})


@pytest.fixture(scope="module")
def endpoint(stack: Deployment) -> dict[str, Any]:
    (summary,) = stack.client("sagemaker").list_endpoints()["Endpoints"]
    found: dict[str, Any] = stack.client("sagemaker").describe_endpoint(EndpointName=summary["EndpointName"])
    return found


def test_every_resource_is_made(stack: Deployment, endpoint: dict[str, Any]) -> None:
    assert stack.status(STACK) == "CREATE_COMPLETE"
    assert endpoint["EndpointStatus"] == "InService"
    instances = {variant["VariantName"]: variant["CurrentInstanceCount"] for variant in endpoint["ProductionVariants"]}
    assert instances == {"champion": 2, "challenger": 2}


def test_a_signed_request_is_answered_by_the_model(stack: Deployment, caller: Credentials) -> None:
    answer = stack.post(GOOD, caller)
    assert answer.status == 200, answer
    assert len(answer.body["predictions"]) == 1


def test_an_unsigned_request_is_refused(stack: Deployment) -> None:
    answer = stack.post(GOOD, None)
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_secret_is_refused(stack: Deployment, caller: Credentials) -> None:
    assert stack.post(GOOD, Credentials(caller.access_key, "wrong")).status == 403


def test_a_user_without_the_right_is_refused(stack: Deployment) -> None:
    assert stack.post(GOOD, stack.user("nobody")).status == 403


@pytest.mark.parametrize("body", [{"nope": 1}, {"instances": []}, {"instances": [["x"]]}, b"not json"])
def test_a_wrong_body_is_refused_by_the_api(stack: Deployment, caller: Credentials, body: object) -> None:
    answer = stack.post(body, caller)
    assert answer.status == 400
    assert answer.body["type"].endswith("/invalid-body")


def test_a_row_of_the_wrong_length_is_refused_by_the_model(stack: Deployment, caller: Credentials) -> None:
    answer = stack.post({"instances": [[1.0, 2.0]]}, caller)
    assert answer.status == 400
    assert answer.body["type"].endswith("/rejected-by-model")


def test_traffic_follows_the_weights(stack: Deployment, endpoint: dict[str, Any]) -> None:
    runtime = stack.client("sagemaker-runtime")
    name, body = endpoint["EndpointName"], json.dumps(GOOD)
    served = Counter(
        runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=body)[
            "InvokedProductionVariant"
        ]
        for _ in range(200)
    )
    assert 160 < served["champion"] < 198  # 180 expected, 4.7 standard deviations
    assert served["champion"] + served["challenger"] == 200


def test_the_function_may_invoke_this_endpoint_alone(
    stack: Deployment, endpoint: dict[str, Any], caller: Credentials
) -> None:
    sagemaker, functions = stack.client("sagemaker"), stack.client("lambda")
    sagemaker.create_endpoint(EndpointName="other", EndpointConfigName=endpoint["EndpointConfigName"])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="other", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (function,) = functions.list_functions()["Functions"]
    event = {"httpMethod": "POST", "headers": {"content-type": "application/json"}, "body": json.dumps(GOOD)}

    def invoke(name: str) -> dict[str, Any]:
        variables = function["Environment"]["Variables"] | {"ENDPOINT_NAME": name}
        functions.update_function_configuration(
            FunctionName=function["FunctionName"], Environment={"Variables": variables}
        )
        answer: dict[str, Any] = json.loads(
            functions.invoke(FunctionName=function["FunctionName"], Payload=json.dumps(event))["Payload"].read()
        )
        return answer

    try:
        refused = invoke("other")
        allowed = invoke(endpoint["EndpointName"])
    finally:
        sagemaker.delete_endpoint(EndpointName="other")
    assert allowed["statusCode"] == 200
    assert json.loads(refused["body"])["detail"] == "The service may not call its endpoint."
    assert stack.post(GOOD, caller).status == 200  # the alias still points to the published version


def test_scaling_is_registered_for_both_variants(stack: Deployment, endpoint: dict[str, Any]) -> None:
    scaling = stack.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    name = endpoint["EndpointName"]
    assert {target["ResourceId"] for target in targets} == {
        f"endpoint/{name}/variant/champion",
        f"endpoint/{name}/variant/challenger",
    }
    assert {(target["MinCapacity"], target["MaxCapacity"]) for target in targets} == {(2, 6)}
    assert len(scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]) == 4


def test_weights_change_in_place_and_no_request_fails(
    stack: Deployment, endpoint: dict[str, Any], caller: Credentials, tmp_path: Path
) -> None:
    finished, answers = threading.Event(), Counter[int]()

    def call() -> None:
        while not finished.is_set():
            answers[stack.post(GOOD, caller).status] += 1

    thread = threading.Thread(target=call)
    thread.start()
    try:
        stack.deploy(STACK, synthesise(tmp_path / "even", challenger_percent=50))
    finally:
        finished.set()
        thread.join()
    after = stack.client("sagemaker").describe_endpoint(EndpointName=endpoint["EndpointName"])
    assert stack.status(STACK) == "UPDATE_COMPLETE"
    assert after["CreationTime"] == endpoint["CreationTime"]
    assert after["EndpointConfigName"] != endpoint["EndpointConfigName"]
    assert {variant["VariantName"]: variant["CurrentWeight"] for variant in after["ProductionVariants"]} == {
        "champion": 50.0,
        "challenger": 50.0,
    }
    with pytest.raises(ClientError, match="Could not find"):
        stack.client("sagemaker").describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert set(answers) == {200}
    assert answers[200] > 20


def test_destroy_leaves_the_retained_resources_alone(stack: Deployment, tmp_path: Path) -> None:
    assembly = synthesise(tmp_path / "last", challenger_percent=50)
    resources = json.loads((assembly / f"{STACK}.template.json").read_text())["Resources"]
    made = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for page in stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        for item in page["StackResourceSummaries"]
    }
    identity = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]
    stack.destroy(STACK, assembly)
    events = stack.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=identity)
    skipped = {
        event["LogicalResourceId"]
        for page in events
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "DELETE_SKIPPED"
    }
    retained = {name for name, item in resources.items() if item.get("DeletionPolicy", "Delete") != "Delete"}
    assert skipped == retained
    assert {resources[name]["Type"] for name in retained} == {
        "AWS::ApiGateway::Account",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    }
    assert _left(stack) == _expected(resources, made, retained)


def _expected(resources: dict[str, Any], made: dict[str, str], retained: set[str]) -> dict[str, set[str]]:
    def of(kind: str) -> set[str]:
        return {made[name] for name in retained if resources[name]["Type"] == kind}

    return {"buckets": of("AWS::S3::Bucket"), "log groups": of("AWS::Logs::LogGroup"), "roles": of("AWS::IAM::Role")}


def _left(stack: Deployment) -> dict[str, set[str]]:
    """What a look at each service finds; what must be empty is asserted here."""
    sagemaker = stack.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert stack.client("lambda").list_functions()["Functions"] == []
    assert stack.client("apigateway").get_rest_apis()["items"] == []
    assert stack.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert stack.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert stack.client("cloudtrail").describe_trails()["trailList"] == []
    assert stack.client("sns").list_topics()["Topics"] == []
    assert stack.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"] == []
    assert stack.client("ec2").describe_flow_logs()["FlowLogs"] == []
    assert [vpc for vpc in stack.client("ec2").describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []
    scaling = stack.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    buckets = {bucket["Name"] for bucket in stack.client("s3").list_buckets()["Buckets"]}
    groups = {group["logGroupName"] for group in stack.client("logs").describe_log_groups()["logGroups"]}
    roles = {role["RoleName"] for role in stack.client("iam").list_roles()["Roles"]}
    return {
        "buckets": {name for name in buckets if not name.startswith("cdk-")},
        "log groups": groups,
        "roles": {name for name in roles if not name.startswith("cdk-")},
    }
