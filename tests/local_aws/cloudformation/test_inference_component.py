"""AWS::SageMaker::InferenceComponent in stacks: created, updated in place, rolled back, scaled and deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.cloudformation.test_bad_templates import Account
from tests.local_aws.launcher import ACCOUNT, Cloud
from tests.local_aws.sagemaker_harness import INFERENCE, READ, archive, until

NEEDS = {"MinMemoryRequiredInMb": 1024, "NumberOfCpuCoresRequired": 1}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home"), settings={"LOCAL_AWS_SPEED": "120"}) as cloud:
        found = Account(cloud)
        s3, iam = found.client("s3"), found.client("iam")
        s3.create_bucket(Bucket="models")
        s3.put_object(Bucket="models", Key="model.tar.gz", Body=archive({"code/inference.py": INFERENCE}))
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName="execution", AssumeRolePolicyDocument=document)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [READ]})
        iam.put_role_policy(RoleName="execution", PolicyName="policy", PolicyDocument=policy)
        yield found


def template(tag: str = "one", copies: int = 1, **component: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    role = f"arn:aws:iam::{ACCOUNT}:role/execution"
    container = {
        "Image": "image:1",
        "ModelDataUrl": "s3://models/model.tar.gz",
        "Environment": {"FAIL": "1"} if tag == "broken" else {"TAG": tag},
    }
    variant = {"VariantName": "main", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
    specification = {
        "ModelName": {"Fn::GetAtt": [f"Model{tag}", "ModelName"]},
        "ComputeResourceRequirements": NEEDS,
        "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 3600},
    }
    rolling = {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
    return {
        f"Model{tag}": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": role, "PrimaryContainer": container},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ExecutionRoleArn": role, "ProductionVariants": [variant]},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "shared",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Component": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "InferenceComponentName": "served",
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "VariantName": "main",
                "Specification": specification,
                "RuntimeConfig": {"CopyCount": copies},
                "DeploymentConfig": {"RollingUpdatePolicy": rolling},
                "Tags": [{"Key": "tag", "Value": tag}],
                **component,
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Component",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
                "ResourceId": "inference-component/served",
                "MinCapacity": 0,
                "MaxCapacity": 4,
            },
        },
    }


def tag_of(account: Account) -> str:
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="shared", InferenceComponentName="served", ContentType="application/json", Body=b"{}"
    )
    found: str = json.loads(answer["Body"].read())["tag"]
    return found


def copies(account: Account) -> int:
    described = account.client("sagemaker").describe_inference_component(InferenceComponentName="served")
    return int(described["RuntimeConfig"]["CurrentCopyCount"])


def test_a_component_lives_in_a_stack(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    status, reasons = account.put("create", "Served", template())
    assert status == "CREATE_COMPLETE", reasons
    arn = sagemaker.describe_inference_component(InferenceComponentName="served")["InferenceComponentArn"]
    physical = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for item in account.formation.describe_stack_resources(StackName="Served")["StackResources"]
    }
    assert physical["Component"] == arn
    assert tag_of(account) == "one"

    status, reasons = account.put("update", "Served", template("two", copies=2))
    assert status == "UPDATE_COMPLETE", reasons
    assert (tag_of(account), copies(account)) == ("two", 2)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "tag", "Value": "two"}]
    (model,) = sagemaker.list_models()["Models"]
    assert model["ModelName"].startswith("served-modeltwo")

    for bad, expected in (
        (template("broken", copies=2), "did not pass the ping health check"),
        (template("two", copies=5), "There are not enough hardware resources"),
        (template("two", copies=2, VariantName="other"), "VariantName of an inference component cannot be updated"),
        (template("two", copies=2, EndpointColour="red"), "Encountered unsupported property EndpointColour"),
    ):
        status, reasons = account.put("update", "Served", bad)
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert expected in reasons
        assert (tag_of(account), copies(account)) == ("two", 2)

    account.formation.delete_stack(StackName="Served")
    until(lambda: sagemaker.list_endpoints()["Endpoints"] == [])
    assert sagemaker.list_inference_components()["InferenceComponents"] == []
    scaling = account.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_a_component_that_cannot_be_made_rolls_back(account: Account) -> None:
    for resources, expected in (
        (template("broken"), "did not pass the ping health check"),
        (template(copies=0), "a CopyCount of at least 1"),
        (template(copies=5), "There are not enough hardware resources"),
    ):
        status, reasons = account.put("create", f"Impossible{len(expected)}", resources)
        assert status == "ROLLBACK_COMPLETE"
        assert expected in reasons
        sagemaker = account.client("sagemaker")
        assert sagemaker.list_inference_components()["InferenceComponents"] == []
        assert sagemaker.list_endpoints()["Endpoints"] == []
