"""Models, endpoint configurations, tags and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.local_aws.sagemaker import features
from tests.local_aws.sagemaker.errors import invalid, unsupported
from tests.local_aws.sagemaker.listing import page, selected
from tests.local_aws.sagemaker.models import create_model, delete_model, describe_model
from tests.local_aws.sagemaker.store import Operation, Place, Record

_Request = dict[str, Any]


def create_endpoint_config(place: Place, request: _Request) -> dict[str, Any]:
    """Keep a configuration whose models exist."""
    variants = features.variants_of(request)
    names = [variant.get("VariantName") for variant in variants]
    if len(set(names)) < len(names):
        raise invalid("Production variant names must be unique within an endpoint configuration.")
    features.check(request)
    for variant in variants:
        _check_variant(place, request, variant)
    name = request["EndpointConfigName"]
    record = place.add(place.configs, "endpoint-config", Record(name, place.arn("endpoint-config", name), request))
    return {"EndpointConfigArn": record.arn}


def _check_variant(place: Place, request: _Request, variant: Mapping[str, Any]) -> None:
    if "InstancePools" in variant:
        raise unsupported("instance pools")
    if "ModelName" in variant:
        features.check_model(variant, place.model(variant["ModelName"]).request)
    else:
        features.check_shared(request, variant)
    if "ModelName" in variant and "ManagedInstanceScaling" in variant:
        raise invalid("ManagedInstanceScaling is only supported for production variants without a ModelName.")
    for member in ("InstanceType", "InitialInstanceCount"):
        if member not in variant and "ServerlessConfig" not in variant:
            raise invalid(f"{member} must be specified for production variant {variant['VariantName']}.")


def describe_endpoint_config(place: Place, request: _Request) -> dict[str, Any]:
    """A configuration as it was made."""
    record = place.config(request["EndpointConfigName"])
    described = dict(record.request)
    for member in ("ProductionVariants", "ShadowProductionVariants"):
        if member in described:
            described[member] = [{"InitialVariantWeight": 1.0, **variant} for variant in described[member]]
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
    return page(request, "Tags", _tag_list(place.tagged(request["ResourceArn"])), 50)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def list_models(place: Place, request: _Request) -> dict[str, Any]:
    """Models that match."""
    found = selected(request, place.models)
    return page(request, "Models", [_summary("Model", record) for record in found])


def list_endpoint_configs(place: Place, request: _Request) -> dict[str, Any]:
    """Configurations that match."""
    found = selected(request, place.configs)
    return page(request, "EndpointConfigs", [_summary("EndpointConfig", record) for record in found])


def list_endpoints(place: Place, request: _Request) -> dict[str, Any]:
    """Endpoints that match."""
    wanted = request.get("StatusEquals")
    endpoints = {name: item for name, item in list(place.endpoints.items()) if wanted in (None, item.status)}
    found = [
        _summary("Endpoint", record) | {"EndpointStatus": record.status, "LastModifiedTime": record.modified}
        for record in selected(request, endpoints)
    ]
    return page(request, "Endpoints", found)


def _summary(kind: str, record: Record) -> dict[str, Any]:
    return {f"{kind}Name": record.name, f"{kind}Arn": record.arn, "CreationTime": record.created}


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
