"""What the parts of an endpoint must not be together: AWS finds most of it out only while it creates the endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from ml_constructs._checks import check_each, check_length, check_type, is_token
from ml_constructs._instance_types import has_local_storage
from ml_constructs.endpoint_config._hosted_model import check_plain_model
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoint_config.serverless_variant import EXCLUSIONS, ServerlessVariant
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.endpoints.deployment import Deployment

VARIANTS: Final = (1, 10)  # API_CreateEndpointConfig.html

_DOCS: Final = "https://docs.aws.amazon.com/sagemaker/latest/dg"
_GUARDRAILS: Final = f"{_DOCS}/deployment-guardrails-exclusions.html"
_SHADOW: Final = f"{_DOCS}/shadow-tests-exclusions.html"
_MATRIX: Final = f"{_DOCS}/model-deploy-feature-matrix.html"
_EXPLAIN: Final = f"{_DOCS}/clarify-online-explainability.html"

AnyVariant = InstanceVariant | ServerlessVariant


def check_variants(variants: Sequence[AnyVariant]) -> None:
    """Raise `ValueError` unless the variants can serve one endpoint together."""
    check_each("InstanceVariant or ServerlessVariant", (InstanceVariant, ServerlessVariant), variants=variants)
    check_length("variants", variants, *VARIANTS)
    _check_names(variants)
    weights = [variant.weight for variant in variants]
    if not any(map(is_token, weights)) and not sum(weights) > 0:
        raise ValueError("variants must have weights with a sum above 0, got 0")
    if len(variants) > 1 and serverless(variants):
        raise ValueError(f"variants must be one where it is serverless ({EXCLUSIONS}), got {len(variants)} variants")


def serverless(variants: Sequence[AnyVariant]) -> bool:
    """Whether a variant has no instances."""
    return any(isinstance(variant, ServerlessVariant) for variant in variants)


def check_together(
    variants: Sequence[AnyVariant],
    *,
    shadow: InstanceVariant | None,
    deployment: Deployment,
    asynchronous: bool,
    explainer: bool,
    data_capture: bool,
) -> None:
    """Raise `ValueError` unless AWS offers this combination."""
    check_shadow(variants, shadow)
    check_rolling(deployment, variants, shadow)
    if asynchronous:
        check_asynchronous(variants, shadow=shadow is not None, data_capture=data_capture)
    if data_capture and serverless(variants):
        raise ValueError(f"data_capture must not be given for a serverless variant ({EXCLUSIONS}), got DataCapture")
    if explainer and (asynchronous or serverless(variants)):
        what = "an asynchronous endpoint" if asynchronous else "a serverless variant"
        raise ValueError(
            f"explainer must not be given for {what}, since Clarify explains on real-time instances ({_EXPLAIN}), "
            "got ClarifyExplainer"
        )


def check_rolling(deployment: Deployment, variants: Sequence[AnyVariant], shadow: InstanceVariant | None) -> None:
    """Raise `ValueError` unless the variants can be updated batch by batch, where they are."""
    if deployment.strategy != "ROLLING":
        return
    if serverless(variants):
        raise ValueError(f"deployment must not be rolling for a serverless variant ({_GUARDRAILS}), got ROLLING")
    count = len(variants) + (shadow is not None)
    if not is_token(variants) and count > 1:
        raise ValueError(f"deployment must not be rolling for several variants ({_GUARDRAILS}), got {count} variants")


def check_shadow(variants: Sequence[AnyVariant], shadow: InstanceVariant | None) -> None:
    """Raise `ValueError` unless a shadow variant can follow the production variant."""
    if shadow is None:
        return
    check_type((InstanceVariant, NoneType), shadow=shadow)
    if len(variants) != 1:
        raise ValueError(f"variants must be one beside a shadow variant, got {len(variants)} variants")
    (production,) = variants
    if serverless(variants):
        raise ValueError(f"shadow must not be given for a serverless variant ({_SHADOW}), got {shadow.name!r}")
    _check_names((production, shadow))
    for variant in (production, shadow):
        for model in variant.models:
            check_plain_model(f"model of variant {variant.name}", "shadow testing", model, _SHADOW)
        _check_no_inferentia(variant, "shadow testing", _SHADOW)


def check_asynchronous(variants: Sequence[AnyVariant], *, shadow: bool, data_capture: bool) -> None:
    """Raise `ValueError` unless the endpoint can answer asynchronously."""
    if serverless(variants):
        raise ValueError(f"asynchronous must not be given for a serverless variant ({_MATRIX}), got AsyncInference")
    if shadow:
        raise ValueError(f"asynchronous must not be given beside a shadow variant ({_SHADOW}), got AsyncInference")
    if data_capture:
        raise ValueError(
            f"data_capture must not be given for an asynchronous endpoint, whose bucket has its requests and responses "
            f"({_MATRIX}), got DataCapture"
        )
    if len(variants) > 1:
        raise ValueError(f"variants must be one on an asynchronous endpoint ({_MATRIX}), got {len(variants)} variants")
    for variant in variants:
        for model in variant.models:
            check_plain_model(f"model of variant {variant.name}", "an asynchronous endpoint", model, _MATRIX)
        _check_no_inferentia(variant, "an asynchronous endpoint", _MATRIX)


def key_on_volumes(variants: Sequence[AnyVariant | SharedVariant], wanted: bool | None) -> bool:  # noqa: FBT001
    """Whether the configuration names the key; AWS refuses it if one instance type alone has local storage."""
    types = [each for variant in variants for each in variant.instance_types]
    local = [each for each in types if has_local_storage(each)]
    if not local:
        return wanted is not False
    named = ", ".join(sorted(set(local)))
    if wanted:
        raise ValueError(f"encrypt_volumes must not be True for instance types with local storage ({named}), got True")
    if wanted is None and len(local) < len(types):
        raise ValueError(
            f"encrypt_volumes must be given where some variants have local storage ({named}) and others do not: AWS "
            f"accepts no key for any of them. False leaves the volumes of the others to SageMaker's own key. Got None"
        )
    return False


def _check_names(variants: Sequence[AnyVariant]) -> None:
    names = [variant.name for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"variants must have unique names, got {', '.join(twice)} more than once")


def _check_no_inferentia(variant: AnyVariant, what: str, source: str) -> None:
    for instance_type in variant.instance_types:
        if not is_token(instance_type) and instance_type.startswith("ml.inf1."):
            raise ValueError(
                f"instance_type of variant {variant.name} must not be of family inf1 for {what} ({source}), "
                f"got {instance_type!r}"
            )
