"""Which container, model or component a request asks for, and whether the endpoint has such."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Fleet, Variant

NO_CAPACITY: Final = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
_UNUSABLE: Final = {"", ".", ".."}


def check_component(fleet: Fleet, members: Mapping[str, str]) -> None:
    """Refuse a request for a component where there are none, and the reverse.

    Raises:
        ApiError: ValidationError.
    """
    is_given = "InferenceComponentName" in members
    if fleet.is_shared and not is_given:
        raise _refused(
            "Inference Component Name header is required for endpoints to which you plan to deploy inference "
            "components. Please include Inference Component Name header or consider using SageMaker models."
        )
    if is_given and not fleet.is_shared:
        raise _refused(
            "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference "
            "components. Please remove the Inference Component Name header and try again."
        )


def check_targets(endpoint: str, variant: Variant, members: Mapping[str, str]) -> None:
    """Refuse a request whose target the variant does not have, or that lacks one.

    Raises:
        ApiError: ValidationError.
    """
    container = members.get("TargetContainerHostname")
    _check_container(endpoint, variant, container)
    asked = [spec for spec in variant.containers if not variant.is_direct or spec.name == container]
    _check_model(endpoint, members.get("TargetModel"), is_multi_model=any(spec.is_multi_model for spec in asked))


def _check_container(endpoint: str, variant: Variant, container: str | None) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html says when, and not in which words."""
    if container is None and variant.is_direct:
        raise _refused(
            f"Endpoint {endpoint} is configured for direct invocation and requires target container hostname header."
        )
    if container is None:
        return
    if not variant.is_direct:
        raise _refused(
            f"Endpoint {endpoint} is not a multi-container endpoint with direct invocation and does not support "
            "target container hostname header."
        )
    if container not in [spec.name for spec in variant.containers]:
        raise _refused(f"Container {container} not found in endpoint {endpoint}.")


def _check_model(endpoint: str, model: str | None, *, is_multi_model: bool) -> None:
    if not is_multi_model:
        if model is not None:
            raise _refused(
                f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model header."
            )
        return
    if model is None:
        raise _refused(f"Endpoint {endpoint} is a multi-model endpoint and requires target model header.")
    # What leads out of the prefix is nobody's model.
    if "\\" in model or _UNUSABLE & set(model.split("/")):
        raise _refused(f"Target model {model} is not a path below the ModelDataUrl of endpoint {endpoint}.")


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
