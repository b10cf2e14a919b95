"""What AWS asks of the containers of one model together, and of the instances that run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_each, check_length, is_token
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.models._image_table import is_graviton
from ml_constructs.models.container import Container
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MULTI_MODEL_GPU_TYPES, MULTI_MODEL_IMAGES, MultiModelData
from ml_constructs.models.packaged_container import PackagedContainer
from ml_constructs.models.private_registry import PrivateRegistry
from ml_constructs.network.inference_network import InferenceNetwork

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
CONTAINERS: Final = (1, 15)
MAX_ENVIRONMENT_TOTAL: Final = 32 * 1024  # bytes, over all containers of a model

AnyContainer = Container | PackagedContainer

_ACCELERATED: Final = ("ml.g", "ml.p", "ml.inf", "ml.trn", "ml.dl")


def check_containers(containers: Sequence[AnyContainer], *, direct_invocation: bool) -> None:
    """Raise `ValueError` unless the containers can be one model."""
    if is_token(containers):
        raise TypeError("containers must be known at synth, got a token")
    check_each("Container or PackagedContainer", (Container, PackagedContainer), containers=containers)
    check_length("containers", containers, *CONTAINERS)
    size = sum(container.environment_bytes for container in containers)
    if size > MAX_ENVIRONMENT_TOTAL:
        raise ValueError(
            f"containers must have environments of at most {MAX_ENVIRONMENT_TOTAL:,} bytes together, got {size:,}"
        )
    if len(containers) > 1:
        _check_hostnames([container.hostname for container in containers], direct_invocation=direct_invocation)
    elif direct_invocation:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-create.html
        raise ValueError("direct_invocation must be False for a model of one container, got True")
    multi_model = sum(is_multi_model(container) for container in containers)
    if multi_model > 1 and not direct_invocation:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
        raise ValueError(f"containers of a pipeline must have MultiModelData at most once, got it {multi_model} times")


def _check_hostnames(hostnames: Sequence[str | None], *, direct_invocation: bool) -> None:
    given = [hostname for hostname in hostnames if hostname is not None]
    if direct_invocation and len(given) < len(hostnames):
        raise ValueError(
            f"containers must each have a hostname for direct_invocation, got {len(given)} of {len(hostnames)}"
        )
    if given and len(given) < len(hostnames):
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        raise ValueError(f"containers must have a hostname all or none, got {len(given)} of {len(hostnames)}")
    twice = sorted({hostname for hostname in given if given.count(hostname) > 1})
    if twice:
        raise ValueError(f"containers must have unique hostnames, got {', '.join(twice)} more than once")


def is_multi_model(container: AnyContainer) -> bool:
    """Whether each request names the archive that the container answers with."""
    return isinstance(container.model_data, MultiModelData)


def has_data_source(container: AnyContainer) -> bool:
    """Whether SageMaker copies files for the container."""
    data = [container.model_data] if isinstance(container, Container) else container.model_data
    return any(isinstance(each, ModelDataSource) for each in data)


def is_of_marketplace(container: AnyContainer) -> bool:
    """Whether the container is a product of AWS Marketplace."""
    return isinstance(container, PackagedContainer) and container.marketplace


def private_registries(containers: Sequence[AnyContainer]) -> list[PrivateRegistry]:
    """The registries of images that are not in Amazon ECR."""
    images = [each.image for each in containers if isinstance(each, Container)]
    return [image.private_registry for image in images if image.private_registry is not None]


def check_surroundings(
    containers: Sequence[AnyContainer],
    *,
    network: InferenceNetwork | None,
    network_isolation: bool | None,
    role: iam.IRole | None,
) -> None:
    """Raise `ValueError` unless the model's network, isolation and role let the containers run."""
    registries = private_registries(containers)
    if registries and network is None:
        raise ValueError(f"network must be given to reach the registry of {registries[0].image}, got None")
    for container in containers:
        if isinstance(container, PackagedContainer):
            if container.marketplace and network_isolation is False:
                # https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
                raise ValueError("network_isolation must not be False for a product of AWS Marketplace, got False")
            if not container.marketplace and not container.images and role is None:
                raise ValueError(
                    "images of a PackagedContainer must name what it runs, for the model's role to pull it, got none; "
                    "or give a role"
                )


def warn_about_images(scope: Construct, containers: Sequence[AnyContainer], images: Sequence[BoundImage]) -> None:
    """Say what AWS documents about images in these surroundings, where it cannot be checked."""
    for image, container in zip(images, containers, strict=False):
        if is_multi_model(container) and image.framework not in {None, *MULTI_MODEL_IMAGES}:
            Annotations.of(scope).add_warning_v2(
                "ml-constructs:MultiModelImage",
                f"AWS does not list {image.framework} among its images for multi-model endpoints "
                f"({', '.join(sorted(MULTI_MODEL_IMAGES))}): "
                "https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html",
            )
    built_in = any(image.framework is not None for image in images)
    own = [image for image in images if image.framework is None and image.repositories]
    if len(containers) > 1 and built_in and own:
        Annotations.of(scope).add_warning_v2(
            "ml-constructs:RepositoryPolicy",
            "beside an image of AWS, the policy of the repository of each image of your own must let "
            "sagemaker.amazonaws.com pull: "
            "https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html",
        )


def check_instance_type(instance_type: str, *, images: Sequence[BoundImage], multi_model: bool) -> None:
    """Raise `ValueError` if the containers cannot run on an instance type; tokens pass."""
    if is_token(instance_type):
        return
    graviton = is_graviton(instance_type)
    for image in images:
        if image.arm64 is not None and image.arm64 != graviton:
            needed = "Graviton" if image.arm64 else "other processors than Graviton"
            name = image.uri.rpartition("/")[2]  # the registry before it may be a token
            raise ValueError(f"instance_type must be one for the image {name}, made for {needed}, got {instance_type}")
    if multi_model and instance_type.startswith(_ACCELERATED) and instance_type not in MULTI_MODEL_GPU_TYPES:
        raise ValueError(
            "instance_type must be one that AWS supports for multi-model containers, without accelerator or one of "
            f"{', '.join(sorted(MULTI_MODEL_GPU_TYPES))}, got {instance_type}"
        )
