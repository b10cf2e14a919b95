"""Models: CreateModel, DescribeModel, DeleteModel.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import check_access
from tests.local_aws.sagemaker.containers import DIRECT, MULTI_MODEL, containers_of
from tests.local_aws.sagemaker.errors import invalid, unsupported
from tests.local_aws.sagemaker.store import Place, Record

_Request = dict[str, Any]
_UNSERVED_SOURCE: Final = {
    "HubAccessConfig": "models of a hub",
    "ManifestS3Uri": "manifests of model data",
    "ETag": "model data that is pinned by its ETag",
    "ManifestEtag": "manifests of model data",
}


def create_model(place: Place, request: _Request) -> dict[str, Any]:
    """Keep a model whose artefacts its role can read."""
    name = request["ModelName"]
    containers = _given(request)
    for container in containers:
        _check_container(container)
    _check_together(request, containers)
    role = request.get("ExecutionRoleArn")
    if role is None:
        raise invalid("ExecutionRoleArn must be specified.")
    for spec in containers_of(request):
        for data in (spec.data, *spec.additional.values()):
            if data is not None:
                check_access(data, role, account=place.account, region=place.region)
    record = place.add(place.models, "model", Record(name, place.arn("model", name), request))
    return {"ModelArn": record.arn}


def _given(request: _Request) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = request.get("Containers") or []
    if "PrimaryContainer" in request:
        if containers:
            raise invalid("Both PrimaryContainer and Containers were specified. Specify only one of them.")
        containers = [request["PrimaryContainer"]]
    if not containers:
        raise invalid("Containers or PrimaryContainer must be specified.")
    return containers


def _check_container(container: Mapping[str, Any]) -> None:
    if not container.get("Image"):
        raise (
            unsupported("models from model packages")
            if "ModelPackageName" in container
            else invalid("Image is required.")
        )
    if "ContainerMetricsConfig" in container:
        raise unsupported("metrics of a container's own (ContainerMetricsConfig)")
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise invalid("Both ModelDataUrl and ModelDataSource were specified. Specify only one of them.")
    sources = [item["S3DataSource"] for item in container.get("AdditionalModelDataSources", [])]
    if "S3DataSource" in container.get("ModelDataSource", {}):
        sources.append(container["ModelDataSource"]["S3DataSource"])
    for source in sources:
        _check_source(source)
    channels = [item["ChannelName"] for item in container.get("AdditionalModelDataSources", [])]
    if len(set(channels)) < len(channels):
        raise invalid("The channel names of AdditionalModelDataSources must be unique.")
    if container.get("Mode") == MULTI_MODEL:
        _check_multi_model(container)


def _check_source(source: Mapping[str, Any]) -> None:
    for member, feature in _UNSERVED_SOURCE.items():
        if member in source:
            raise unsupported(feature)
    if source["S3DataType"] == "S3Prefix":
        if source["CompressionType"] == "Gzip":
            raise invalid("CompressionType Gzip requires S3DataType S3Object.")
        if not source["S3Uri"].endswith("/"):
            raise invalid(f"S3Uri must end with a forward slash where S3DataType is S3Prefix, got {source['S3Uri']}.")


def _check_multi_model(container: Mapping[str, Any]) -> None:
    if "ModelDataSource" in container or "AdditionalModelDataSources" in container:
        raise invalid(
            "ModelDataSource and AdditionalModelDataSources are not supported for containers in MultiModel mode."
        )
    if "ModelDataUrl" not in container:
        raise invalid("ModelDataUrl is required for containers in MultiModel mode.")


def _check_together(request: _Request, containers: list[dict[str, Any]]) -> None:
    """Names on all or on none, each once; on all for direct invocation; one container of many models at most."""
    names = [container["ContainerHostname"] for container in containers if "ContainerHostname" in container]
    if len(containers) > 1 and len(names) not in {0, len(containers)}:
        raise invalid("ContainerHostname must be specified for all containers or for none.")
    if len(set(names)) < len(names):
        raise invalid("ContainerHostname must be unique among the containers of a model.")
    is_direct = request.get("InferenceExecutionConfig", {}).get("Mode") == DIRECT
    if is_direct and (len(containers) < 2 or not names):
        raise invalid("Direct invocation requires at least two containers, each with a ContainerHostname.")
    if len([one for one in containers if one.get("Mode") == MULTI_MODEL]) > 1:
        raise invalid("A model can have only one container in MultiModel mode.")


def describe_model(place: Place, request: _Request) -> dict[str, Any]:
    """A model as it was made."""
    record = place.model(request["ModelName"])
    described = {"EnableNetworkIsolation": False, **record.request}
    return {**described, "ModelArn": record.arn, "CreationTime": record.created}


def delete_model(place: Place, request: _Request) -> dict[str, Any]:
    """Forget a model; endpoints that run it go on."""
    place.remove(place.model(request["ModelName"]))
    return {}
