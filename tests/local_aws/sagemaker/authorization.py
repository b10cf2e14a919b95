"""What IAM evaluates for each call: action, resources and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.names import arn
from tests.local_aws.sagemaker.store import Place

_KINDS: Final = {
    "InferenceComponentName": "inference-component",  # what is created stands first: it gets the tags
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
}
_SERVICE: Final = "sagemaker.amazonaws.com"


def refuse(
    operation: str, request: Mapping[str, Any], headers: dict[str, str], body: bytes, place: Place
) -> seams.Reply | None:
    """The refusal of a control-plane call, or nothing where the caller may make it."""
    action = f"sagemaker:{operation}"
    resources = _resources(operation, request)
    context = seams.request_tags("sagemaker", action, body) | dict(_conditions(operation, request, place))
    for resource in resources:
        tags = {f"aws:resourcetag/{key}": value for key, value in place.tags.get(resource, {}).items()}
        refused = seams.refuse("sagemaker", headers, action, [resource], context | tags)
        if refused is not None:
            return refused
    if request.get("Tags") and operation.startswith("Create"):
        refused = seams.refuse("sagemaker", headers, "sagemaker:AddTags", resources[:1], context)
        if refused is not None:
            return refused
    role = request.get("ExecutionRoleArn")
    if isinstance(role, str) and operation.startswith("Create"):
        return seams.refuse("iam", headers, "iam:PassRole", [role], {"iam:PassedToService": _SERVICE})
    return None


def _resources(operation: str, request: Mapping[str, Any]) -> list[str]:
    if isinstance(request.get("ResourceArn"), str):
        return [request["ResourceArn"]]
    named = [arn(kind, request[key]) for key, kind in _KINDS.items() if isinstance(request.get(key), str)]
    return named if named and not operation.startswith("List") else ["*"]


def _conditions(operation: str, request: Mapping[str, Any], place: Place) -> Iterator[tuple[str, Any]]:
    if operation in {"CreateModel", "CreateEndpointConfig"}:
        network = request.get("VpcConfig", {})
        if operation == "CreateModel" or network:
            yield "sagemaker:NetworkIsolation", str(request.get("EnableNetworkIsolation", False)).lower()
        if network:
            yield "sagemaker:VpcSecurityGroupIds", network.get("SecurityGroupIds", [])
            yield "sagemaker:VpcSubnets", network.get("Subnets", [])
    if operation == "CreateEndpointConfig":
        variants = request.get("ProductionVariants", [])
        yield "sagemaker:InstanceTypes", [item["InstanceType"] for item in variants if "InstanceType" in item]
        yield "sagemaker:ModelArn", [place.arn("model", item["ModelName"]) for item in variants if "ModelName" in item]
        if "KmsKeyId" in request:
            yield "sagemaker:VolumeKmsKey", request["KmsKeyId"]
