"""Models, endpoint configurations, tags and lists."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import check_access
from tests.local_aws.sagemaker.errors import invalid, unsupported
from tests.local_aws.sagemaker.store import Endpoint, Operation, Place, Record

_DEFAULT_PAGE: Final = 10
_FOREVER: Final = float("inf")
_Request = dict[str, Any]


def create_model(place: Place, request: _Request) -> dict[str, Any]:
    """Keep a model whose artefact its role can read."""
    name = request["ModelName"]
    containers = request.get("Containers") or []
    if "PrimaryContainer" in request:
        if containers:
            raise invalid("Both PrimaryContainer and Containers were specified. Specify only one of them.")
        containers = [request["PrimaryContainer"]]
    if not containers:
        raise invalid("Containers or PrimaryContainer must be specified.")
    if len(containers) > 1:
        raise unsupported("inference pipelines (a model of several containers)")
    container = containers[0]
    if container.get("Mode") == "MultiModel":
        raise unsupported("multi-model containers")
    if not container.get("Image"):
        raise (
            unsupported("models from model packages")
            if "ModelPackageName" in container
            else invalid("Image is required.")
        )
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    if source and (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
        raise unsupported("uncompressed model data")
    url = container.get("ModelDataUrl") or source.get("S3Uri")
    role = request.get("ExecutionRoleArn")
    if role is None:
        raise invalid("ExecutionRoleArn must be specified.")
    if url is not None:
        check_access(url, role, account=place.account, region=place.region)
    record = place.add(place.models, "model", Record(name, place.arn("model", name), request))
    return {"ModelArn": record.arn}


def describe_model(place: Place, request: _Request) -> dict[str, Any]:
    """A model as it was made."""
    record = place.model(request["ModelName"])
    described = {"EnableNetworkIsolation": False, **record.request}
    return {**described, "ModelArn": record.arn, "CreationTime": record.created}


def delete_model(place: Place, request: _Request) -> dict[str, Any]:
    """Forget a model; endpoints that run it go on."""
    place.remove(place.model(request["ModelName"]))
    return {}


def create_endpoint_config(place: Place, request: _Request) -> dict[str, Any]:
    """Keep a configuration whose models exist."""
    for member, feature in (
        ("AsyncInferenceConfig", "asynchronous inference"),
        ("ShadowProductionVariants", "shadow variants"),
        ("ExplainerConfig", "explainers"),
    ):
        if request.get(member):
            raise unsupported(feature)
    names = [variant.get("VariantName") for variant in request["ProductionVariants"]]
    if len(set(names)) < len(names):
        raise invalid("Production variant names must be unique within an endpoint configuration.")
    for variant in request["ProductionVariants"]:
        _check_variant(place, variant)
    name = request["EndpointConfigName"]
    record = place.add(place.configs, "endpoint-config", Record(name, place.arn("endpoint-config", name), request))
    return {"EndpointConfigArn": record.arn}


def _check_variant(place: Place, variant: Mapping[str, Any]) -> None:
    if "ServerlessConfig" in variant:
        raise unsupported("serverless variants")
    if "ModelName" not in variant:
        raise unsupported("inference components (a variant without a model)")
    if "InstancePools" in variant or "ManagedInstanceScaling" in variant:
        raise unsupported("instance pools and managed instance scaling")
    place.model(variant["ModelName"])
    for member in ("InstanceType", "InitialInstanceCount"):
        if member not in variant:
            raise invalid(f"{member} must be specified for production variant {variant['VariantName']}.")


def describe_endpoint_config(place: Place, request: _Request) -> dict[str, Any]:
    """A configuration as it was made."""
    record = place.config(request["EndpointConfigName"])
    variants = [{"InitialVariantWeight": 1.0, **variant} for variant in record.request["ProductionVariants"]]
    described = {**record.request, "ProductionVariants": variants}
    return {**described, "EndpointConfigArn": record.arn, "CreationTime": record.created}


def delete_endpoint_config(place: Place, request: _Request) -> dict[str, Any]:
    """Forget a configuration; endpoints that were made of it go on."""
    place.remove(place.config(request["EndpointConfigName"]))
    return {}


def add_tags(place: Place, request: _Request) -> dict[str, Any]:
    """Add tags, or change their values."""
    tags = place.tagged(request["ResourceArn"])
    tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return {"Tags": _tag_list(tags)}


def delete_tags(place: Place, request: _Request) -> dict[str, Any]:
    """Remove tags; those that are not there do not matter."""
    tags = place.tagged(request["ResourceArn"])
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(place: Place, request: _Request) -> dict[str, Any]:
    """The tags of a resource, a page at a time."""
    return _page(request, "Tags", _tag_list(place.tagged(request["ResourceArn"])), 50)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def list_models(place: Place, request: _Request) -> dict[str, Any]:
    """Models that match."""
    found = _sorted(request, place.models)
    return _page(request, "Models", [_summary("Model", record) for record in found], _DEFAULT_PAGE)


def list_endpoint_configs(place: Place, request: _Request) -> dict[str, Any]:
    """Configurations that match."""
    found = _sorted(request, place.configs)
    return _page(request, "EndpointConfigs", [_summary("EndpointConfig", record) for record in found], _DEFAULT_PAGE)


def list_endpoints(place: Place, request: _Request) -> dict[str, Any]:
    """Endpoints that match."""
    wanted = request.get("StatusEquals")
    endpoints = {name: item for name, item in list(place.endpoints.items()) if wanted in (None, item.status)}
    found = [
        _summary("Endpoint", record) | {"EndpointStatus": record.status, "LastModifiedTime": record.modified}
        for record in _sorted(request, endpoints)
    ]
    return _page(request, "Endpoints", found, _DEFAULT_PAGE)


def _summary(kind: str, record: Record) -> dict[str, Any]:
    return {f"{kind}Name": record.name, f"{kind}Arn": record.arn, "CreationTime": record.created}


def _sorted(request: _Request, records: Mapping[str, Any]) -> list[Any]:
    orders: dict[str, Callable[[Any], Any]] = {
        "Name": lambda record: record.name,
        "CreationTime": lambda record: record.created,
        "Status": lambda record: record.status if isinstance(record, Endpoint) else "",
    }
    found = [
        record
        for record in list(records.values())  # others add and remove meanwhile
        if request.get("NameContains", "").lower() in record.name.lower()
        and request.get("CreationTimeAfter", 0) <= record.created <= request.get("CreationTimeBefore", _FOREVER)
        and request.get("LastModifiedTimeAfter", 0)
        <= record.modified
        <= request.get("LastModifiedTimeBefore", _FOREVER)
    ]
    found.sort(
        key=orders[request.get("SortBy", "CreationTime")], reverse=request.get("SortOrder", "Descending") != "Ascending"
    )
    return found


def _page(request: _Request, member: str, items: list[dict[str, Any]], size: int) -> dict[str, Any]:
    try:
        start = int(base64.urlsafe_b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError as error:
        raise invalid("The NextToken is not one of this list.") from error
    end = start + request.get("MaxResults", size)
    more = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: items[start:end], **more}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": list_models,
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
    "ListEndpoints": list_endpoints,
    "AddTags": add_tags,
    "DeleteTags": delete_tags,
    "ListTags": list_tags,
}
