"""AWS::SageMaker::InferenceComponent, as CloudFormation drives the SageMaker API.

`Ref` gives the ARN. Every property is updated without interruption, says CloudFormation; but no call of SageMaker
changes the endpoint, the variant or the name, so such an update fails.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-inferencecomponent.html
"""

from __future__ import annotations

import time
from typing import Any, Final

from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType, changed
from tests.local_aws.cloudformation.sagemaker import name_of, named, refused, retag
from tests.local_aws.seams import Properties

_NAME: Final = "InferenceComponentName"
_FIXED: Final = ("EndpointName", _NAME, "VariantName")
_READ_ONLY: Final = ("CurrentCopyCount", "DesiredCopyCount")
_ATTRIBUTES: Final = ("InferenceComponentArn", "InferenceComponentStatus")
_TRANSIENT: Final = frozenset({"Creating", "Updating", "Deleting"})
_TIMEOUT: Final = 3600.0


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateInferenceComponent, and wait until its copies serve. A failed one is deleted, as an endpoint is."""
    created = {key: value for key, value in _writable(properties).items() if key != "DeploymentConfig"}
    request = arguments("sagemaker", "create_inference_component", named(_NAME, logical_id, created, stack))
    arn = client("sagemaker").create_inference_component(**request)["InferenceComponentArn"]
    settled = _settled(request[_NAME])
    if settled["InferenceComponentStatus"] != "InService":
        client("sagemaker").delete_inference_component(InferenceComponentName=request[_NAME])
        _settled_or_gone(request[_NAME])
        raise refused(_reason(settled))
    return arn, _attributes(settled)


def update(arn: str, old: Properties, new: Properties, _stack: str) -> Created:
    """UpdateInferenceComponent, and wait until the new copies serve, or the old ones serve again."""
    name = name_of(_NAME, arn, new)
    differing = changed(old, new)
    fixed = sorted(differing & set(_FIXED))
    if fixed:
        raise ValueError(f"{', '.join(fixed)} of an inference component cannot be updated")
    settled = _settled(name)  # its copies may be scaling
    if differing - {"Tags", "DeploymentConfig"}:
        wanted = {key: value for key, value in _writable(new).items() if key not in {"Tags", *_FIXED}} | {_NAME: name}
        client("sagemaker").update_inference_component(**arguments("sagemaker", "update_inference_component", wanted))
        settled = _settled(name)
        if settled["InferenceComponentStatus"] != "InService" or settled.get("FailureReason"):
            raise refused(_reason(settled))
    if "Tags" in differing:
        retag(arn, old, new)
    return arn, _attributes(settled)


def delete(arn: str, properties: Properties) -> None:
    """DeleteInferenceComponent, and wait until it is gone."""
    name = name_of(_NAME, arn, properties)
    if _settled_or_gone(name) is not None:
        client("sagemaker").delete_inference_component(InferenceComponentName=name)
        _settled_or_gone(name)


def _writable(properties: Properties) -> Properties:
    """Without what only describes."""
    runtime = properties.get("RuntimeConfig")
    if not isinstance(runtime, dict):
        return properties
    return properties | {"RuntimeConfig": {key: value for key, value in runtime.items() if key not in _READ_ONLY}}


def _settled_or_gone(name: str) -> dict[str, Any] | None:
    try:
        return _settled(name)
    except client("sagemaker").exceptions.ClientError as error:
        if "Could not find" not in str(error):  # somebody else's deletion is as good as ours
            raise
        return None


def _settled(name: str) -> dict[str, Any]:
    deadline, pause = time.monotonic() + _TIMEOUT, 0.05
    while time.monotonic() < deadline:
        found: dict[str, Any] = client("sagemaker").describe_inference_component(InferenceComponentName=name)
        if found["InferenceComponentStatus"] not in _TRANSIENT:
            return found
        time.sleep(pause)
        pause = min(0.5, pause * 1.2)
    raise TimeoutError(f"inference component {name} did not settle within {_TIMEOUT:.0f} seconds")


def _attributes(described: dict[str, Any]) -> dict[str, Any]:
    return {name: described[name] for name in (*_ATTRIBUTES, _NAME)}


def _reason(described: dict[str, Any]) -> str:
    return str(described.get("FailureReason", f"inference component is {described['InferenceComponentStatus']}"))


TYPES: Final = (ResourceType(name="AWS::SageMaker::InferenceComponent", create=create, update=update, delete=delete),)
