"""What the tests of inference components have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.local_aws.sagemaker_harness import ACCOUNT, LIMIT, READ, REGION, WRITE_LOGS, Emulator, until

PREFIX: Final = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
SMALL: Final = {"MinMemoryRequiredInMb": 1024, "NumberOfCpuCoresRequired": 0.5}
HALF: Final = {"MinMemoryRequiredInMb": 1024, "NumberOfCpuCoresRequired": 1}  # of an ml.m5.large
NO_ROOM: Final = "There are not enough hardware resources on the instances to satisfy the compute resource requirements"
_SETTLED: Final = {"InService", "Failed"}
Members = dict[str, Any]


def make_role(cloud: Emulator, name: str) -> str:
    """What an endpoint for components assumes."""
    logs = {**WRITE_LOGS, "Resource": "arn:aws:logs:*:*:log-group:/aws/sagemaker/InferenceComponents/*"}
    return cloud.role(name, READ, logs)


def configure(cloud: Emulator, role: str, name: str, **members: Any) -> None:  # noqa: ANN401 - as boto3
    cloud.config(name, {"VariantName": "main", **members}, ExecutionRoleArn=role)


@contextmanager
def sharing(cloud: Emulator, role: str, name: str, **members: Any) -> Iterator[str]:  # noqa: ANN401 - as boto3
    """An endpoint for components, until it and its components are gone."""
    configure(cloud, role, name, **members)
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert cloud.settle(name)["EndpointStatus"] == "InService"
    try:
        yield name
    finally:
        for component in listed(cloud, name):
            delete(cloud, component)
        cloud.remove(name)


def listed(cloud: Emulator, endpoint: str) -> list[str]:
    found = cloud.client("sagemaker").list_inference_components(EndpointNameEquals=endpoint)["InferenceComponents"]
    return [item["InferenceComponentName"] for item in found]


def described(cloud: Emulator, name: str) -> Members:
    found: Members = cloud.client("sagemaker").describe_inference_component(InferenceComponentName=name)
    return found


def settle(cloud: Emulator, name: str) -> Members:
    def found() -> Members | None:
        now = described(cloud, name)
        return now if now["InferenceComponentStatus"] in _SETTLED else None

    return until(found, LIMIT)


def of(model: str, needs: Members = SMALL, **members: Any) -> Members:  # noqa: ANN401 - as boto3
    return {"ModelName": model, "ComputeResourceRequirements": needs, **members}


def create(cloud: Emulator, endpoint: str, name: str, specification: Members, copies: int = 1) -> Members:
    cloud.client("sagemaker").create_inference_component(
        InferenceComponentName=name,
        EndpointName=endpoint,
        VariantName="main",
        Specification=specification,
        RuntimeConfig={"CopyCount": copies},
    )
    return settle(cloud, name)


def delete(cloud: Emulator, name: str) -> None:
    settle(cloud, name)
    cloud.client("sagemaker").delete_inference_component(InferenceComponentName=name)
    until(lambda: name not in all_names(cloud))


def all_names(cloud: Emulator) -> list[str]:
    pages = cloud.client("sagemaker").get_paginator("list_inference_components").paginate(MaxResults=2)
    return [item["InferenceComponentName"] for page in pages for item in page["InferenceComponents"]]


@contextmanager
def component(cloud: Emulator, endpoint: str, name: str, specification: Members, copies: int = 1) -> Iterator[Members]:
    found = create(cloud, endpoint, name, specification, copies)
    try:
        assert found["InferenceComponentStatus"] == "InService", found["FailureReason"]
        yield found
    finally:
        delete(cloud, name)


def ask(cloud: Emulator, endpoint: str, name: str, body: object = None) -> Members:
    found: Members = cloud.invoke(endpoint, body, InferenceComponentName=name)["Body"]
    return found


def instances(cloud: Emulator, endpoint: str) -> int:
    found = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]
    return int(found["CurrentInstanceCount"])


def statistic(cloud: Emulator, space: str, metric: str, name: str, kind: str = "Sum") -> float:
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=space,
        MetricName=metric,
        Dimensions=[{"Name": "InferenceComponentName", "Value": name}],
        Period=86_400,
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
        Statistics=[kind],
    )["Datapoints"]
    return float(sum(point[kind] for point in points))
