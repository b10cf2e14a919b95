"""AWS::SageMaker::Model, EndpointConfig and Endpoint, as CloudFormation drives the SageMaker API.

`Ref` gives the ARN; models and configurations are immutable; an endpoint is updated in place.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
"""

from __future__ import annotations

import time
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType, Update, changed
from tests.local_aws.seams import Properties

_NAME_LENGTH: Final = 63
_TIMEOUT: Final = 3600.0
_TRANSIENT: Final = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"})
_UPDATE_ONLY: Final = ("ExcludeRetainedVariantProperties", "RetainAllVariantProperties", "RetainDeploymentConfig")


def named(property_name: str, logical_id: str, properties: Properties, stack: str) -> Properties:
    """With a name, CloudFormation's if the template has none."""
    generated = seams.physical_name(stack, logical_id, length=_NAME_LENGTH, lowercase=True)
    return {property_name: generated} | properties


def name_of(property_name: str, arn: str, properties: Properties) -> str:
    """The name of a resource that exists."""
    return str(properties.get(property_name) or arn.rpartition("/")[2])


def create_model(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateModel."""
    request = arguments("sagemaker", "create_model", named("ModelName", logical_id, properties, stack))
    arn = client("sagemaker").create_model(**request)["ModelArn"]
    return arn, {"ModelName": request["ModelName"], "ModelArn": arn}


def delete_model(arn: str, properties: Properties) -> None:
    """DeleteModel."""
    _delete("model", ModelName=name_of("ModelName", arn, properties))


def create_endpoint_config(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateEndpointConfig."""
    with_name = named("EndpointConfigName", logical_id, properties, stack)
    request = arguments("sagemaker", "create_endpoint_config", with_name)
    arn = client("sagemaker").create_endpoint_config(**request)["EndpointConfigArn"]
    return arn, {"EndpointConfigName": request["EndpointConfigName"]}


def delete_endpoint_config(arn: str, properties: Properties) -> None:
    """DeleteEndpointConfig."""
    _delete("endpoint_config", EndpointConfigName=name_of("EndpointConfigName", arn, properties))


def create_endpoint(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateEndpoint, and wait until it serves. A failed one is deleted: nothing else in the emulator would."""
    with_name = named("EndpointName", logical_id, properties, stack)
    created = {key: value for key, value in with_name.items() if key not in _UPDATE_ONLY}
    request = arguments("sagemaker", "create_endpoint", created)
    name = request["EndpointName"]
    arn = client("sagemaker").create_endpoint(**request)["EndpointArn"]
    settled = _settled(name)
    if settled["EndpointStatus"] != "InService":
        client("sagemaker").delete_endpoint(EndpointName=name)
        raise refused(_reason(settled))
    return arn, {"EndpointName": name}


def update_endpoint(arn: str, old: Properties, new: Properties, _stack: str) -> Created:
    """UpdateEndpoint, and wait until the new fleet serves, or the old one serves again."""
    name = name_of("EndpointName", arn, new)
    differing = changed(old, new)
    if differing - {"Tags", *_UPDATE_ONLY}:
        wanted = {key: value for key, value in new.items() if key != "Tags"} | {"EndpointName": name}
        _settled(name)  # it may be scaling
        client("sagemaker").update_endpoint(**arguments("sagemaker", "update_endpoint", wanted))
        settled = _settled(name)
        if settled["EndpointStatus"] != "InService" or settled["EndpointConfigName"] != wanted["EndpointConfigName"]:
            raise refused(_reason(settled))
    if "Tags" in differing:
        retag(arn, old, new)
    return arn, {"EndpointName": name}


def delete_endpoint(arn: str, properties: Properties) -> None:
    """DeleteEndpoint, and wait until it is gone."""
    name = name_of("EndpointName", arn, properties)
    try:
        _settled(name)  # it may be scaling
        _delete("endpoint", EndpointName=name)
        _settled(name)
    except client("sagemaker").exceptions.ClientError:
        return


def _delete(kind: str, **name: str) -> None:
    sagemaker = client("sagemaker")
    try:
        getattr(sagemaker, f"delete_{kind}")(**name)
    except sagemaker.exceptions.ClientError as error:
        if "Could not find" not in str(error):  # somebody else's deletion is as good as ours
            raise


def _settled(name: str) -> dict[str, Any]:
    deadline = time.monotonic() + _TIMEOUT
    pause = 0.05
    while time.monotonic() < deadline:
        endpoint: dict[str, Any] = client("sagemaker").describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in _TRANSIENT:
            return endpoint
        time.sleep(pause)
        pause = min(0.5, pause * 1.2)
    raise TimeoutError(f"endpoint {name} did not settle within {_TIMEOUT:.0f} seconds")


def refused(reason: str) -> RuntimeError:
    """What did not come to be as the template says."""
    return RuntimeError(f'Resource handler returned message: "{reason}" (HandlerErrorCode: NotStabilized)')


def _reason(endpoint: dict[str, Any]) -> str:
    return str(endpoint.get("FailureReason", f"endpoint is {endpoint['EndpointStatus']}"))


def retag(arn: str, old: Properties, new: Properties) -> None:
    """Change the tags of a resource."""
    wanted = {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])}
    gone = [tag["Key"] for tag in old.get("Tags", []) if tag["Key"] not in wanted]
    if gone:
        client("sagemaker").delete_tags(ResourceArn=arn, TagKeys=gone)
    if wanted:
        client("sagemaker").add_tags(
            ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()]
        )


def _update_tags(property_name: str) -> Update:
    def update(arn: str, old: Properties, new: Properties, _stack: str) -> Created:
        retag(arn, old, new)
        return arn, {property_name: name_of(property_name, arn, new)}

    return update


TYPES: Final = (
    ResourceType(
        name="AWS::SageMaker::Model",
        create=create_model,
        update=_update_tags("ModelName"),
        delete=delete_model,
        create_only=(
            "Containers",
            "EnableNetworkIsolation",
            "ExecutionRoleArn",
            "InferenceExecutionConfig",
            "ModelName",
            "PrimaryContainer",
            "VpcConfig",
        ),
    ),
    ResourceType(
        name="AWS::SageMaker::EndpointConfig",
        create=create_endpoint_config,
        update=_update_tags("EndpointConfigName"),
        delete=delete_endpoint_config,
        create_only=(
            "AsyncInferenceConfig",
            "DataCaptureConfig",
            "EnableNetworkIsolation",
            "EndpointConfigName",
            "ExecutionRoleArn",
            "ExplainerConfig",
            "KmsKeyId",
            "MetricsConfig",
            "ProductionVariants",
            "ShadowProductionVariants",
            "VpcConfig",
        ),
    ),
    ResourceType(
        name="AWS::SageMaker::Endpoint",
        create=create_endpoint,
        update=update_endpoint,
        delete=delete_endpoint,
        create_only=("EndpointName",),
    ),
)
