"""What a request says of an inference component's copies, and what is wrong with it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import check_access
from tests.local_aws.sagemaker.containers import ModelData, containers_of
from tests.local_aws.sagemaker.errors import invalid, unsupported
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.placement import Hosting
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.store import Place

_Request = dict[str, Any]
_STARTUP_SECONDS: Final = 600


def specification_of(request: _Request, instance_type: str) -> _Request:
    """The specification that fits the instances.

    Raises:
        ApiError: ValidationException.
    """
    if ("Specification" in request) == ("Specifications" in request):
        raise invalid("Exactly one of Specification and Specifications must be specified.")
    if "Specification" in request:
        found: _Request = request["Specification"]
        return found
    fitting = [one for one in request["Specifications"] if one.get("InstanceType") == instance_type]
    if len(fitting) != 1:
        raise invalid(f"Specifications must have exactly one specification for instance type {instance_type}.")
    return dict(fitting[0])


def check(place: Place, specification: Mapping[str, Any], hosting: Hosting) -> None:
    """Refuse a specification that SageMaker refuses, or that the local cloud does not serve.

    Raises:
        ApiError: ValidationException, or UnsupportedByLocalCloud.
    """
    if "BaseInferenceComponentName" in specification:
        raise unsupported("adapters (an inference component with a base)")
    if ("ModelName" in specification) == ("Container" in specification):
        raise invalid("Exactly one of ModelName and Container must be specified.")
    requirements = specification.get("ComputeResourceRequirements")
    if requirements is None:
        raise invalid("ComputeResourceRequirements must be specified.")
    if requirements.get("MaxMemoryRequiredInMb", float("inf")) < requirements["MinMemoryRequiredInMb"]:
        raise invalid("MaxMemoryRequiredInMb must be greater than or equal to MinMemoryRequiredInMb.")
    if "ModelName" in specification:
        containers = containers_of(place.model(specification["ModelName"]).request)
        if len(containers) > 1 or containers[0].is_multi_model:
            raise unsupported("inference components whose model has several containers or many models")
        return
    container = specification["Container"]
    if "ContainerMetricsConfig" in container:
        raise unsupported("metrics of a container's own (ContainerMetricsConfig)")
    if "Image" not in container:
        raise invalid("Image is required.")
    if "ArtifactUrl" in container:
        data = ModelData(container["ArtifactUrl"])
        check_access(data, hosting.role, account=place.account, region=place.region)


def copies_of(place: Place, name: str, specification: Mapping[str, Any], host: Variant, settings: Settings) -> Variant:
    """The copies, none of which runs yet."""
    assert host.hosting is not None
    startup = specification.get("StartupParameters", {})
    timeout = startup.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_SECONDS) / settings.speed
    return Variant(
        host.name,
        _model(place, specification, host.hosting),
        1.0,
        0,
        max(timeout, settings.startup_seconds),
        host.is_least_outstanding,
        component=name,
        log_role=host.hosting.role,
    )


def _model(place: Place, specification: Mapping[str, Any], hosting: Hosting) -> _Request:
    """As CreateModel would get it.

    AWS does not say whose role reads the artefact of a model, and whose writes the logs: here, it is the model's role
    for its artefact, and the endpoint's for the rest.
    """
    if "ModelName" in specification:
        return place.model(specification["ModelName"]).request
    container = specification["Container"]
    model = {"Image": container["Image"], "Environment": container.get("Environment", {})}
    if "ArtifactUrl" in container:
        model["ModelDataUrl"] = container["ArtifactUrl"]
    return {"ExecutionRoleArn": hosting.role, "PrimaryContainer": model}


def describe(specification: Mapping[str, Any]) -> _Request:
    """An InferenceComponentSpecificationSummary."""
    container = specification.get("Container")
    if container is None:
        return dict(specification)
    kept = {name: value for name, value in container.items() if name != "Image"}
    image = {"SpecifiedImage": container["Image"], "ResolvedImage": container["Image"]}
    return {**specification, "Container": {"DeployedImage": image, **kept}}
