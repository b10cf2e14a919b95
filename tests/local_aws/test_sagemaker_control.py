# ruff: noqa: ANN401 - boto3 has no types
"""The control plane: what is kept, described, listed, and refused."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import ACCOUNT, LIMIT, READ, REGION, Emulator

PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module", autouse=True)
def sagemaker(cloud: Emulator) -> Any:
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    cloud.model("Model", role, "s3://models/model.tar.gz")
    cloud.config("config", {"VariantName": "A", "ModelName": "Model"})
    return cloud.client("sagemaker")


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    arn: str = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    return arn


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_model_is_described_as_it_was_made(sagemaker: Any, role: str) -> None:
    model = sagemaker.describe_model(ModelName="Model")
    assert model["ModelArn"] == f"{PREFIX}:model/model"
    assert model["ExecutionRoleArn"] == role
    assert model["PrimaryContainer"]["Image"] == "image:1"
    assert model["EnableNetworkIsolation"] is False


def test_a_name_is_given_once_whatever_its_case(sagemaker: Any, role: str) -> None:
    container = {"Image": "image:1"}
    code, message = refusal(
        sagemaker.create_model, ModelName="MODEL", ExecutionRoleArn=role, PrimaryContainer=container
    )
    assert (code, message) == ("ValidationException", f'Cannot create already existing model "{PREFIX}:model/model".')


@pytest.mark.parametrize(
    ("call", "arguments", "what"),
    [
        ("describe_model", {"ModelName": "none"}, "model"),
        ("delete_model", {"ModelName": "none"}, "model"),
        ("describe_endpoint_config", {"EndpointConfigName": "none"}, "endpoint configuration"),
        ("delete_endpoint_config", {"EndpointConfigName": "none"}, "endpoint configuration"),
        ("describe_endpoint", {"EndpointName": "none"}, "endpoint"),
        ("delete_endpoint", {"EndpointName": "none"}, "endpoint"),
        ("update_endpoint", {"EndpointName": "none", "EndpointConfigName": "config"}, "endpoint"),
        ("create_endpoint", {"EndpointName": "new", "EndpointConfigName": "none"}, "endpoint configuration"),
    ],
)
def test_what_does_not_exist_is_not_found(sagemaker: Any, call: str, arguments: dict[str, str], what: str) -> None:
    code, message = refusal(getattr(sagemaker, call), **arguments)
    assert code == "ValidationException"
    assert message.startswith(f'Could not find {what} "{PREFIX}:')


def test_a_configuration_needs_an_existing_model(cloud: Emulator) -> None:
    code, message = refusal(lambda: cloud.config("other", {"VariantName": "A", "ModelName": "none"}))
    assert (code, message) == ("ValidationException", f'Could not find model "{PREFIX}:model/none".')


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({"InstanceType": "ml.unknown"}, "Member must satisfy enum value set"),
        ({"VariantName": "not valid"}, "Member must satisfy regular expression pattern"),
        ({"VariantName": "a" * 64}, "Member must have length less than or equal to 63"),
    ],
)
def test_values_outside_the_api_are_refused_by_the_service(
    cloud: Emulator, variant: dict[str, str], expected: str
) -> None:
    code, message = refusal(lambda: cloud.config("other", {"VariantName": "A", "ModelName": "Model", **variant}))
    assert code == "ValidationException"
    assert expected in message
    assert "productionVariants.1.member." in message


def test_two_variants_of_one_name_are_refused(cloud: Emulator) -> None:
    variant = {"VariantName": "A", "ModelName": "Model"}
    assert refusal(lambda: cloud.config("other", variant, variant))[0] == "ValidationException"


def test_what_is_not_served_is_refused_loudly(cloud: Emulator) -> None:
    pools = [{"InstanceType": "ml.m5.large", "Priority": 1}]
    code, message = refusal(
        lambda: cloud.config("other", {"VariantName": "A", "ModelName": "Model", "InstancePools": pools})
    )
    assert code == "UnsupportedByLocalCloud"
    assert "instance pools" in message


def test_more_instances_than_the_quota_are_refused(cloud: Emulator, sagemaker: Any) -> None:
    cloud.config("huge", {"VariantName": "A", "ModelName": "Model", "InitialInstanceCount": 21})
    code, message = refusal(sagemaker.create_endpoint, EndpointName="huge", EndpointConfigName="huge")
    assert code == "ResourceLimitExceeded"
    assert "ml.m5.large for endpoint usage" in message


def test_model_data_that_is_missing_or_forbidden_refuses_the_model(cloud: Emulator, role: str) -> None:
    code, message = refusal(lambda: cloud.model("other", role, "s3://models/none.tar.gz"))
    assert (code, message) == ("ValidationException", "Could not find model data at s3://models/none.tar.gz.") or (
        message.startswith("Could not access model data at s3://models/none.tar.gz.")
    )
    stranger = cloud.role("stranger")
    code, message = refusal(lambda: cloud.model("other", stranger, "s3://models/model.tar.gz"))
    assert code == "ValidationException"
    assert message.startswith("Could not access model data at s3://models/model.tar.gz.")


@pytest.mark.parametrize(
    "trust",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Principal": {"AWS": ACCOUNT}},
        {
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        },
    ],
)
def test_a_role_that_does_not_trust_the_service_reads_nothing(
    cloud: Emulator, trust: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    name = f"distrust-{abs(hash(request.node.name))}"
    distrusting = cloud.role(name, READ, trust={"Effect": "Allow", "Action": "sts:AssumeRole", **trust})
    code, message = refusal(lambda: cloud.model("other", distrusting, "s3://models/model.tar.gz"))
    assert code == "ValidationException"
    assert 'allows the action "sts:AssumeRole"' in message


def test_tags(sagemaker: Any) -> None:
    arn = f"{PREFIX}:model/model"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b", "c"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    assert refusal(sagemaker.list_tags, ResourceArn=f"{PREFIX}:model/none")[0] == "ValidationException"


def test_lists_filter_sort_and_page(cloud: Emulator, sagemaker: Any) -> None:
    for number in range(12):
        cloud.config(f"listed-{number:02}", {"VariantName": "A", "ModelName": "Model"})
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(
        NameContains="Listed", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 5}
    )
    names = [[config["EndpointConfigName"] for config in page["EndpointConfigs"]] for page in pages]
    assert [len(page) for page in names] == [5, 5, 2]
    assert [name for page in names for name in page] == [f"listed-{number:02}" for number in range(12)]
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 10
    assert sagemaker.list_endpoints(StatusEquals="Failed")["Endpoints"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "ValidationException"),
        (b"{", "SerializationException"),
        (b"\xff\xfe", "SerializationException"),
        (b"[]", "SerializationException"),
        (b'"text"', "SerializationException"),
        (b'{"EndpointConfigName": 1}', "SerializationException"),
        (b'{"EndpointConfigName": {"a": 1}, "ProductionVariants": []}', "SerializationException"),
        (b'{"ProductionVariants": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "SerializationException"),
        (b'{"ProductionVariants": [{"InitialVariantWeight": NaN}]}', "SerializationException"),
        (b'{"ProductionVariants": [{"InitialVariantWeight": 1e999}]}', "SerializationException"),
        (b'{"EndpointConfigName": "c", "ProductionVariants": [{"InitialVariantWeight": -1}]}', "ValidationException"),
        (b'{"EndpointConfigName": "c", "ProductionVariants": [null]}', "SerializationException"),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_body_that_no_client_of_aws_sends_is_refused(cloud: Emulator, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "SageMaker.CreateEndpointConfig"}
    request = AWSRequest("POST", f"{cloud.url}/", data=body, headers=headers)
    SigV4Auth(Credentials("test", "test"), "sagemaker", REGION).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=LIMIT)
    with closing(connection):
        connection.request("POST", "/", body=body, headers=dict(request.headers))
        response = connection.getresponse()
        answer = json.loads(response.read())
    assert (response.status, answer["__type"]) == (400, code)
    assert answer["Message"]


def test_an_unknown_call_says_so(sagemaker: Any) -> None:
    assert refusal(sagemaker.list_notebook_instances)[0] == "UnknownOperationException"


def test_accounts_do_not_see_each_other(cloud: Emulator) -> None:
    other = cloud.client("sagemaker", {"aws_access_key_id": "111122223333", "aws_secret_access_key": "x"})
    assert other.list_models()["Models"] == []


def test_rights_decide_every_call(cloud: Emulator, role: str) -> None:
    arns = {"model": f"{PREFIX}:model/own-*", "config": f"{PREFIX}:endpoint-config/own-*"}
    create = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateModel", "sagemaker:DescribeModel"],
        "Resource": arns["model"],
    }
    caller = cloud.client("sagemaker", cloud.user("caller", create))
    arguments = {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": "image:1"}}
    code, message = refusal(caller.create_model, ModelName="else", **arguments)
    assert code == "AccessDeniedException"
    assert f"not authorized to perform: sagemaker:CreateModel on resource: {PREFIX}:model/else" in message
    code, message = refusal(caller.create_model, ModelName="Own-a", **arguments)
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {role}" in message
    assert refusal(caller.delete_model, ModelName="own-a")[0] == "AccessDeniedException"
    passing: dict[str, Any] = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    passing |= {"Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}}
    other = cloud.client("sagemaker", cloud.user("passer", create, passing))
    assert other.create_model(ModelName="Own-b", **arguments)["ModelArn"] == f"{PREFIX}:model/own-b"
    assert refusal(caller.list_models)[0] == "AccessDeniedException"


def test_condition_keys_decide(cloud: Emulator) -> None:
    allowed: dict[str, Any] = {"Effect": "Allow", "Action": "sagemaker:CreateEndpointConfig", "Resource": "*"}
    allowed |= {"Condition": {"ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}}}
    caller = cloud.client("sagemaker", cloud.user("frugal", allowed))
    variant = {"VariantName": "A", "ModelName": "Model", "InitialInstanceCount": 1}
    big = [variant | {"InstanceType": "ml.p4d.24xlarge"}]
    small = [variant | {"InstanceType": "ml.m5.large"}]
    refused = refusal(caller.create_endpoint_config, EndpointConfigName="frugal", ProductionVariants=big)
    assert refused[0] == "AccessDeniedException"
    caller.create_endpoint_config(EndpointConfigName="frugal", ProductionVariants=small)


def test_an_endpoint_needs_rights_on_its_configuration_too(cloud: Emulator) -> None:
    allowed = {"Effect": "Allow", "Action": "sagemaker:CreateEndpoint", "Resource": f"{PREFIX}:endpoint/*"}
    caller = cloud.client("sagemaker", cloud.user("half", allowed))
    code, message = refusal(caller.create_endpoint, EndpointName="half", EndpointConfigName="config")
    assert code == "AccessDeniedException"
    assert f"{PREFIX}:endpoint-config/config" in message


def test_a_wrong_signature_is_refused(cloud: Emulator) -> None:
    credentials = cloud.user("signer", {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"})
    assert cloud.client("sagemaker", credentials).list_models()["Models"]
    wrong = cloud.client("sagemaker", credentials | {"aws_secret_access_key": "wrong"})
    assert refusal(wrong.list_models)[0] == "InvalidSignatureException"
