"""One life of the realtime example, in the order of the tests: deploy, call, change the weights, destroy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end import inventory
from tests.end_to_end.assemblies import STACK, synthesise
from tests.end_to_end.deployment import Deployment, weights
from tests.end_to_end.inventory import Inventory
from tests.end_to_end.traffic import invoking, traffic
from tests.local_aws.launcher import ACCOUNT, REGION

SPEED: Final = 600  # no alarm has to go off here
ROW: Final = [float(number) for number in range(30)]
GOOD: Final = {"instances": [ROW]}


@pytest.fixture(scope="module")
def before(deployment: Deployment) -> Inventory:
    return inventory.take(deployment)


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def stack(deployment: Deployment, before: Inventory, assembly: Path) -> Deployment:  # noqa: ARG001 - taken first
    deployment.deploy(STACK, assembly)
    return deployment


@pytest.fixture(scope="module")
def caller(stack: Deployment) -> Credentials:
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{stack.api}/live/POST/invocations"
    return stack.user("caller", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource})


@pytest.fixture(scope="module")
def endpoint(stack: Deployment) -> dict[str, Any]:
    return stack.endpoint()


def resources_of(assembly: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((assembly / f"{STACK}.template.json").read_text())["Resources"]
    return found


def test_every_resource_is_made(stack: Deployment, endpoint: dict[str, Any], assembly: Path, before: Inventory) -> None:
    assert stack.status(STACK) == "CREATE_COMPLETE"
    assert endpoint["EndpointStatus"] == "InService"
    instances = {variant["VariantName"]: variant["CurrentInstanceCount"] for variant in endpoint["ProductionVariants"]}
    assert instances == {"champion": 2, "challenger": 2}
    wanted = Counter(item["Type"] for item in resources_of(assembly).values())
    made = inventory.added(before, inventory.take(stack))
    for kind, number in wanted.items():
        assert kind in inventory.PARTS or len(made[kind]) >= number, kind


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
    served = Counter(stack.invoke(endpoint["EndpointName"], GOOD)[0] for _ in range(200))
    assert 160 < served["champion"] < 198  # 180 expected, 4.2 standard deviations at least
    assert served["champion"] + served["challenger"] == 200


def test_the_function_may_invoke_this_endpoint_alone(
    stack: Deployment, endpoint: dict[str, Any], caller: Credentials
) -> None:
    functions = stack.client("lambda")
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

    with another_endpoint(stack, endpoint) as other:
        refused = invoke(other)
        allowed = invoke(endpoint["EndpointName"])
    assert allowed["statusCode"] == 200
    assert json.loads(refused["body"])["detail"] == "The service may not call its endpoint."
    assert stack.post(GOOD, caller).status == 200  # the alias still points to the published version


@contextmanager
def another_endpoint(stack: Deployment, like: dict[str, Any]) -> Iterator[str]:
    """A second endpoint, with one instance of the first one's first model."""
    sagemaker, name = stack.client("sagemaker"), "other"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=like["EndpointConfigName"])
    variant = config["ProductionVariants"][0] | {"InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    waiter = {"Delay": 1, "MaxAttempts": 300}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=waiter)
    try:
        assert stack.invoke(name, GOOD)[0] == variant["VariantName"]  # by the account's root
        yield name
    finally:
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=waiter)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)


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
    even = synthesise(tmp_path / "even", challenger_percent=50)
    direct = invoking(stack, endpoint["EndpointName"], GOOD)
    with traffic(lambda: str(stack.post(GOOD, caller).status), direct, direct) as outcomes:
        stack.deploy(STACK, even)
        outcomes.await_some(20)
    after = stack.endpoint()
    assert stack.status(STACK) == "UPDATE_COMPLETE"
    assert after["CreationTime"] == endpoint["CreationTime"]
    assert after["EndpointConfigName"] != endpoint["EndpointConfigName"]
    assert weights(after) == {"champion": 50.0, "challenger": 50.0}
    with pytest.raises(ClientError, match="Could not find"):
        stack.client("sagemaker").describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert set(outcomes) == {"200", "answered"}


def test_destroy_leaves_the_retained_resources_alone(stack: Deployment, assembly: Path, before: Inventory) -> None:
    resources = resources_of(assembly)
    formation = stack.client("cloudformation")
    made = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for page in formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        for item in page["StackResourceSummaries"]
    }
    identity = formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]
    stack.destroy(STACK, assembly)
    events = formation.get_paginator("describe_stack_events").paginate(StackName=identity)
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
    expected: Inventory = {}
    for name in retained:
        kind = resources[name]["Type"]
        if kind not in inventory.PARTS:
            expected.setdefault(kind, set()).add(made[name])
    assert inventory.added(before, inventory.take(stack)) == expected
