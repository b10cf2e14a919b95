"""Container images of models: published by AWS, kept in ECR, or built from a directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Final, Protocol

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets

from ml_constructs._checks import check_given, check_keys, check_offers, check_pattern, check_type
from ml_constructs.models import _image_table
from ml_constructs.models._image_sources import BoundImage, Built, Private, Published, Stored
from ml_constructs.models.private_registry import PrivateRegistry

if TYPE_CHECKING:
    from constructs import Construct

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
_DIGEST: Final = "sha256:[0-9a-f]{64}"
_TAG: Final = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
# Frameworks whose AWS-owned containers call Amazon S3 themselves:
# https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
_NEEDS_NETWORK: Final = frozenset({"chainer"})


class _Source(Protocol):
    """Where an image comes from: a frozen value that can be bound to a stack."""

    def bind(self, scope: Construct) -> BoundImage: ...


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """The container image of a model; made by one of the `from_*` methods.

    A value: containers, models and stacks can share it, and two images are equal if they come from equal sources.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
    """

    _source: _Source

    @staticmethod
    def from_framework(
        name: str,
        *,
        version: str,
        instance_type: str | None = None,
        processor: str | None = None,
        python_version: str | None = None,
        base_framework: str | None = None,
    ) -> ContainerImage:
        """An inference image that AWS publishes: a deep learning container, a framework or a built-in algorithm.

        It is found without network access, in a table that is generated from the SageMaker SDK and covers every region,
        GovCloud and China included. In a stack without a concrete region, a mapping finds the registry account at
        deployment. AWS may publish a tag anew with security fixes; for an image that never changes, copy it to a
        repository of your own and use `from_ecr` with a digest.

        Args:
            name: The SDK's name of the framework or algorithm, e.g. `pytorch`, `xgboost` or `knn`.
            version: The version, or one of its aliases, as the SDK accepts it, e.g. `2.6.0` or `2.6`. `latest` only for
                the two images that AWS publishes under no other version.
            instance_type: Chooses the processor, e.g. `ml.g5.xlarge`; Graviton is recognised.
            processor: The processor itself: `cpu`, `gpu`, `arm64` (Graviton), `inf`, `inf2` or `neuronx`. Default: from
                `instance_type`, or the only one; never `arm64` where there is another.
            python_version: E.g. `py312`. Default: the only one.
            base_framework: For `huggingface`, the framework below, e.g. `pytorch2.6.0`. Default: the only one.

        Raises:
            ValueError: AWS publishes no such image, or an argument is missing to choose one; lists the nearest values.
                `bind` raises it if AWS does not publish the image in the region of the stack.

        See https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
        """
        published = _image_table.resolve(
            name,
            version,
            instance_type=instance_type,
            processor=processor,
            python_version=python_version,
            base_framework=base_framework,
        )
        return ContainerImage(
            _source=Published(image=published, name=name, network_isolation=name not in _NEEDS_NETWORK)
        )

    @staticmethod
    def from_ecr(repository: ecr.IRepository, *, digest: str | None = None, tag: str | None = None) -> ContainerImage:
        """An image in an ECR repository, of this account or another, in the region of the model.

        Args:
            repository: The repository. Its owner must admit another account's role in the repository policy.
            digest: The image's digest, `sha256:` and 64 hexadecimal digits: recommended, because it can name no other
                image. Exactly one of `digest` and `tag` is needed.
            tag: A tag that never moves, in a repository with immutable tags. `latest` is refused: instances started
                later could run another image than those started now, without any change of the template.

        Raises:
            ValueError: not exactly one of `digest` and `tag`, or malformed, or `latest`. `bind` raises it if the
                repository is known to be in another region than the stack, where SageMaker cannot pull from it.

        See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        """
        check_given(repository=repository)
        check_offers("repository_arn", "an ECR repository", repository=repository)
        _check_pinned(digest, tag)
        return ContainerImage(_source=Stored(repository=repository, digest=digest, tag=tag))

    @staticmethod
    def from_private_registry(
        registry: PrivateRegistry, *, digest: str | None = None, tag: str | None = None
    ) -> ContainerImage:
        """An image in a Docker registry that the model's network reaches; not for serverless endpoints.

        Args:
            registry: The registry, with the name of the image in it.
            digest: The image's digest, `sha256:` and 64 hexadecimal digits. Exactly one of `digest` and `tag`.
            tag: A tag that never moves; `latest` is refused.

        Raises:
            ValueError: not exactly one of `digest` and `tag`, or malformed, or `latest`. `Model` raises it without a
                network.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
        """
        check_type(PrivateRegistry, registry=registry)
        _check_pinned(digest, tag)
        return ContainerImage(_source=Private(registry=registry, digest=digest, tag=tag))

    @staticmethod
    def from_asset(
        directory: str,
        *,
        file: str = "Dockerfile",
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        platform: ecr_assets.Platform | None = None,
    ) -> ContainerImage:
        """An image that the CDK CLI builds from a directory when it deploys; synthesis needs no Docker.

        Args:
            directory: The build context, an existing directory.
            file: The Dockerfile, relative to `directory`. Default: `Dockerfile`.
            target: The stage of the Dockerfile to build. Default: the last one.
            build_args: Build arguments, never secrets: they stay visible in the image's history. Default: none.
            platform: What the image is built for, whatever machine builds it. Default: `linux/amd64`; Graviton
                instances need `Platform.LINUX_ARM64`.

        Raises:
            ValueError: `directory` is no directory, or has no such `file`.

        See https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ecr_assets-readme.html
        """
        check_type(str, directory=directory, file=file)
        check_type((str, NoneType), target=target)
        check_type((ecr_assets.Platform, NoneType), platform=platform)
        check_type((Mapping, NoneType), build_args=build_args)
        check_keys("build_args", build_args or {})
        for name, value in (build_args or {}).items():
            check_type(str, **{f"build_args[{name!r}]": value, "build_args": name})
        if not directory or not Path(directory).is_dir():
            raise ValueError(f"directory must be an existing directory, got {directory!r}")
        if not (Path(directory) / file).is_file():
            raise ValueError(f"file must be a Dockerfile in {directory!r}, got {file!r}")
        return ContainerImage(
            _source=Built(
                directory=directory,
                file=file,
                target=target,
                build_args=tuple(sorted((build_args or {}).items())),
                platform="linux/amd64" if platform is None else platform.platform,
            )
        )

    @property
    def private_registry(self) -> PrivateRegistry | None:
        """The registry of an image that is not in Amazon ECR."""
        return self._source.registry if isinstance(self._source, Private) else None

    def bind(self, scope: Construct) -> BoundImage:
        """Make the image usable in the stack of `scope`; called by what runs it.

        Args:
            scope: The construct that runs the image. It becomes the parent of an asset.

        Raises:
            ValueError: the image is not available in the region of the stack.
        """
        return self._source.bind(scope)


def _check_pinned(digest: str | None, tag: str | None) -> None:
    """Raise `ValueError` unless digest or tag names one image for good."""
    if (digest is None) == (tag is None):
        raise ValueError(f"exactly one of digest and tag must be given, got digest={digest!r} and tag={tag!r}")
    check_pattern("digest", digest, _DIGEST, "sha256: followed by 64 lower-case hexadecimal digits")
    check_pattern("tag", tag, _TAG, "1 to 128 letters, digits, underscores, periods and hyphens")
    if tag == "latest":
        raise ValueError("tag must name one image for good, got 'latest'; use a digest or an immutable tag")
