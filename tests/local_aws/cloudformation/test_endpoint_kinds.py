"""Asynchronous, serverless and shadowed endpoints from a template: made, used, changed and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.cloudformation.test_types import Account, attribute, of, ref
from tests.local_aws.launcher import Cloud
from tests.local_aws.sagemaker_harness import INFERENCE, archive, until

STACK = "Kinds"
INSTANCES = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home")) as cloud:
        account = Account(cloud)
        account.client("s3").create_bucket(Bucket="kinds")
        body = archive({"code/inference.py": INFERENCE})
        account.client("s3").put_object(Bucket="kinds", Key="model.tar.gz", Body=body)
        yield account


def variant(name: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - as in a template
    return {"VariantName": name, "ModelName": attribute("ModelName", "Model"), **members}


def endpoint(name: str, variants: list[dict[str, Any]], **members: Any) -> dict[str, Any]:  # noqa: ANN401 - as in a template
    config = of("AWS::SageMaker::EndpointConfig", ProductionVariants=variants, **members)
    configured = attribute("EndpointConfigName", f"{name}Config")
    return {
        f"{name}Config": config,
        name: of("AWS::SageMaker::Endpoint", EndpointName=name, EndpointConfigName=configured),
    }


def template(prefix: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "sns:Publish"], "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    container = {"Image": "image:1", "ModelDataUrl": "s3://kinds/model.tar.gz"}
    output = {"S3OutputPath": f"s3://kinds/{prefix}", "NotificationConfig": {"SuccessTopic": ref("Topic")}}
    target = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    return {
        "Topic": of("AWS::SNS::Topic"),
        "Role": of(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[
                {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}},
            ],
        ),
        "Model": of("AWS::SageMaker::Model", ExecutionRoleArn=attribute("Arn", "Role"), PrimaryContainer=container),
        **endpoint(
            "Patient",
            [variant("A", **INSTANCES)],
            AsyncInferenceConfig={
                "OutputConfig": output,
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
            },
        ),
        "Target": of(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "Patient",
            ResourceId="endpoint/Patient/variant/A",
            MinCapacity=0,
            MaxCapacity=1,
            **target,
        ),
        **endpoint(
            "Lean",
            [variant("A", ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 2, "ProvisionedConcurrency": 1})],
        ),
        **endpoint("Shadowed", [variant("P", **INSTANCES)], ShadowProductionVariants=[variant("S", **INSTANCES)]),
    }


def test_each_kind_is_made_used_changed_and_removed(account: Account) -> None:
    runtime, s3, sagemaker = account.client("sagemaker-runtime"), account.client("s3"), account.client("sagemaker")

    def answers(prefix: str) -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket="kinds", Prefix=prefix).get("Contents", [])]

    assert account.put(template("first"), STACK) == "CREATE_COMPLETE", account.reasons(STACK)
    request = {"ContentType": "application/json", "Body": b"{}"}
    for name in ("Lean", "Shadowed"):
        assert json.loads(runtime.invoke_endpoint(EndpointName=name, **request)["Body"].read())["tag"] == "none"
    shadows = sagemaker.describe_endpoint(EndpointName="Shadowed")["ShadowProductionVariants"]
    assert [one["VariantName"] for one in shadows] == ["S"]
    runtime.invoke_endpoint_async(EndpointName="Patient", **request)
    until(lambda: answers("first/"))
    before = account.physical(STACK)
    assert account.put(template("second"), STACK) == "UPDATE_COMPLETE", account.reasons(STACK)
    after = account.physical(STACK)
    assert {name for name in before if before[name] != after[name]} == {"PatientConfig"}
    runtime.invoke_endpoint_async(EndpointName="Patient", **request)
    until(lambda: answers("second/"))
    account.formation.delete_stack(StackName=STACK)
    assert account.settled(STACK) in {"gone", "DELETE_COMPLETE"}
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


def test_instances_cannot_become_serverless_and_the_stack_goes_back(account: Account) -> None:
    shared = {name: one for name, one in template("other").items() if name in {"Role", "Model"}}
    config = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
    assert account.put(shared | endpoint("Turning", [variant("A", **INSTANCES)]), "Turning") == "CREATE_COMPLETE"
    assert account.put(shared | endpoint("Turning", [variant("A", **config)]), "Turning") == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot be updated to serverless" in account.reasons("Turning")
    runtime = account.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="Turning", ContentType="application/json", Body=b"{}")
    assert answer["InvokedProductionVariant"] == "A"
    account.formation.delete_stack(StackName="Turning")
    assert account.settled("Turning") in {"gone", "DELETE_COMPLETE"}
    with pytest.raises(ClientError):
        account.client("sagemaker").describe_endpoint(EndpointName="Turning")
