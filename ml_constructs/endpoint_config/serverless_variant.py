"""Variants without instances: capacity that comes with the requests.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Size
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, check_whole, is_token
from ml_constructs._sizes import mebibytes
from ml_constructs.endpoint_config._hosted_model import check_plain_model
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.models.model import IModel, Model

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
MEMORY_MIB: Final = (1024, 2048, 3072, 4096, 5120, 6144)
CONCURRENCY: Final = (1, 200)
EXCLUSIONS: Final = "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html#serverless-endpoints-how-it-works-exclusions"


@dataclass(frozen=True, kw_only=True)
class ServerlessVariant:
    """One model that scales with its requests, from zero.

    It is the only variant of its endpoint. AWS excludes serverless endpoints from networks, network isolation, data
    capture, shadow variants, several containers and multi-model containers. An endpoint cannot change from instances
    to serverless; from serverless to instances it can, once.

    Args:
        name: At most 63 letters, digits and inner hyphens. Do not change it on a live endpoint.
        model: The model to serve; `Model(..., network_isolation=False)` outside of any network.
        memory: Memory of one execution, 1 to 6 GiB in whole GiB. vCPUs come with it.
        max_concurrency: Requests at the same time, 1 to 200; more are throttled. An account shares a quota.
        provisioned_concurrency: How many of these find a warm container, 1 to `max_concurrency`. Default: none, so that
            the first requests wait for a container to start.

    Raises:
        ValueError: an argument is out of its range, or AWS does not serve the model without instances.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
    """

    name: str
    model: IModel
    memory: Size
    max_concurrency: int
    provisioned_concurrency: int | None = None

    def __post_init__(self) -> None:
        check_type(str, name=self.name)
        check_type(Size, memory=self.memory)
        check_given(model=self.model, max_concurrency=self.max_concurrency)
        check_offers("model_name", "a model", model=self.model)
        check_pattern("name", self.name, NAME_PATTERN, NAME_RULE)
        memory = mebibytes("memory", self.memory)
        if memory is not None and memory not in MEMORY_MIB:
            raise ValueError(f"memory must be 1, 2, 3, 4, 5 or 6 GiB, got {memory / 1024:g} GiB")
        check_whole("max_concurrency", self.max_concurrency, *CONCURRENCY)
        check_whole("provisioned_concurrency", self.provisioned_concurrency, *CONCURRENCY)
        provisioned = self.provisioned_concurrency
        known = not is_token(provisioned) and not is_token(self.max_concurrency)
        if provisioned is not None and known and provisioned > self.max_concurrency:
            raise ValueError(
                f"provisioned_concurrency must be at most max_concurrency, {self.max_concurrency}, got {provisioned}"
            )
        _check_model(self.model)

    @property
    def models(self) -> tuple[IModel, ...]:
        """The model."""
        return (self.model,)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def weight(self) -> float:
        """All requests."""
        return 1.0

    @property
    def vcpus(self) -> None:
        """Unknown: AWS assigns vCPUs by memory, and publishes no CPU metric."""
        return

    @property
    def local_storage(self) -> bool:
        """Whether data lies on local disks: never."""
        return False

    def render(self) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """The variant as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=self.name,
            model_name=self.model.model_name,
            initial_variant_weight=self.weight,
            serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                memory_size_in_mb=self.memory.to_mebibytes(),
                max_concurrency=self.max_concurrency,
                provisioned_concurrency=self.provisioned_concurrency,
            ),
        )


def _check_model(model: IModel) -> None:
    """AWS creates the endpoint configuration, and then fails the endpoint."""
    if not isinstance(model, Model):
        return
    check_plain_model("model", "a serverless variant", model, EXCLUSIONS)
    if model.private_registry:
        raise ValueError(
            f"model must have its image in Amazon ECR for a serverless variant ({EXCLUSIONS}), got another registry"
        )
    if model.network is not None:
        raise ValueError(
            f"model must be in no network for a serverless variant ({EXCLUSIONS}), got one in {model.network.node.path}"
        )
    if model.network_isolation:
        raise ValueError(
            f"model must have network_isolation=False for a serverless variant, which AWS does not isolate "
            f"({EXCLUSIONS}), got True"
        )
    if model.data_source:
        raise ValueError(
            "model must load an archive for a serverless variant, ModelData rather than ModelDataSource (https://"
            "docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html), got ModelDataSource"
        )
