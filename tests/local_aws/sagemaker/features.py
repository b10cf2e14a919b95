"""Which kinds of variants an endpoint configuration may put together.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html
https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from tests.local_aws.sagemaker.errors import invalid, unsupported

if TYPE_CHECKING:
    from tests.local_aws.sagemaker.serverless import Pool

_MEMORY: Final = (1024, 2048, 3072, 4096, 5120, 6144)
_Request = Mapping[str, Any]


def variants_of(request: _Request) -> list[dict[str, Any]]:
    """The production variants, and the shadow variants."""
    return [*request["ProductionVariants"], *request.get("ShadowProductionVariants", [])]


def is_serverless(request: _Request) -> bool:
    """Whether a configuration has a variant without instances."""
    return any("ServerlessConfig" in variant for variant in variants_of(request))


def check(request: _Request) -> None:
    """Refuse a configuration that puts together what AWS does not.

    Raises:
        ApiError: ValidationException.
    """
    if request.get("ExplainerConfig"):
        raise unsupported("explainers")
    for problem in (*_asynchronous(request), *_shadow(request), *_serverless(request)):
        raise invalid(f"One or more endpoint features are not supported using this configuration: {problem}.")
    for variant in variants_of(request):
        if "ServerlessConfig" in variant:
            _check_serverless(variant)


def check_update(new: _Request, policy: _Request, *, was_serverless: bool) -> None:
    """Refuse an update that AWS refuses.

    Raises:
        ApiError: ValidationException.
    """
    if not is_serverless(new):
        return
    if not was_serverless:
        raise invalid("An endpoint with instances cannot be updated to serverless inference.")
    if "RollingUpdatePolicy" in policy:
        raise invalid("RollingUpdatePolicy is not supported for serverless endpoints.")


def _asynchronous(request: _Request) -> Iterator[str]:
    if not request.get("AsyncInferenceConfig"):
        return
    if len(request["ProductionVariants"]) > 1:
        yield "an asynchronous endpoint has one production variant"
    if request.get("ShadowProductionVariants"):
        yield "an asynchronous endpoint has no shadow variant"
    if is_serverless(request):
        yield "an asynchronous endpoint has no serverless variant"
    if request.get("DataCaptureConfig", {}).get("EnableCapture", bool(request.get("DataCaptureConfig"))):
        yield "an asynchronous endpoint captures no data"


def _shadow(request: _Request) -> Iterator[str]:
    shadows = request.get("ShadowProductionVariants") or []
    if shadows and (len(shadows), len(request["ProductionVariants"])) != (1, 1):
        yield "there can be one production variant and one shadow variant"
    if shadows and is_serverless(request):
        yield "a serverless variant can neither be nor have a shadow variant"


def _serverless(request: _Request) -> Iterator[str]:
    if not is_serverless(request):
        return
    if len(request["ProductionVariants"]) > 1:
        yield "a serverless endpoint has one production variant"
    if request.get("DataCaptureConfig", {}).get("EnableCapture", bool(request.get("DataCaptureConfig"))):
        yield "a serverless endpoint captures no data"
    if request.get("VpcConfig") or request.get("EnableNetworkIsolation"):
        yield "a serverless endpoint is in no VPC, and not isolated"


def _check_serverless(variant: _Request) -> None:
    config, name = variant["ServerlessConfig"], variant["VariantName"]
    for member in ("InstanceType", "InitialInstanceCount"):
        if member in variant:
            raise invalid(f"{member} cannot be specified with ServerlessConfig for production variant {name}.")
    if config["MemorySizeInMB"] not in _MEMORY:
        allowed = ", ".join(map(str, _MEMORY))
        raise invalid(f"MemorySizeInMB of production variant {name} must be one of {allowed}.")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise invalid(
            f"ProvisionedConcurrency of production variant {name} must be less than or equal to MaxConcurrency, "
            f"{config['MaxConcurrency']}."
        )


def check_model(variant: _Request, model: _Request) -> None:
    """Refuse a model that AWS does not serve without instances.

    Raises:
        ApiError: ValidationException.
    """
    if "ServerlessConfig" in variant and (model.get("VpcConfig") or model.get("EnableNetworkIsolation")):
        raise invalid(
            "One or more endpoint features are not supported using this configuration: the model of a serverless "
            "variant is in no VPC, and not isolated."
        )


def check_shared(request: _Request, variant: _Request) -> None:
    """Refuse a variant without a model that inference components cannot be put on.

    https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html

    Raises:
        ApiError: ValidationException.
    """
    name = variant["VariantName"]
    if "ServerlessConfig" in variant or request.get("AsyncInferenceConfig") or request.get("ShadowProductionVariants"):
        raise invalid(f"ModelName must be specified for production variant {name}.")
    if any("ModelName" in other for other in request["ProductionVariants"]):
        raise invalid("ModelName must be specified for all production variants, or for none.")
    if "ExecutionRoleArn" not in request:
        raise invalid(f"ExecutionRoleArn must be specified, because production variant {name} has no ModelName.")
    scaling, count = variant.get("ManagedInstanceScaling", {}), variant.get("InitialInstanceCount", 1)
    if not scaling.get("MinInstanceCount", 0) <= count <= scaling.get("MaxInstanceCount", count):
        raise invalid(
            f"InitialInstanceCount of production variant {name} must be between the MinInstanceCount and the "
            "MaxInstanceCount of its ManagedInstanceScaling."
        )


def check_desired(name: str, item: _Request, pool: Pool | None) -> None:
    """Refuse a change of capacity that does not fit the kind of a variant.

    Raises:
        ApiError: ValidationException.
    """
    if pool is None and "ServerlessUpdateConfig" in item:
        raise invalid(f'ServerlessUpdateConfig is for serverless variants, and variant "{name}" has instances.')
    if pool is None:
        return
    if "DesiredInstanceCount" in item:
        raise invalid(f'DesiredInstanceCount is for variants with instances, and variant "{name}" is serverless.')
    update = item.get("ServerlessUpdateConfig", {})
    most = update.get("MaxConcurrency", pool.max_concurrency)
    if update.get("ProvisionedConcurrency", pool.provisioned) > most:
        raise invalid(
            f"ProvisionedConcurrency of production variant {name} must be less than or equal to MaxConcurrency, {most}."
        )
