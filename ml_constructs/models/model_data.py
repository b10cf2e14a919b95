"""Where a container finds its model: a directory that is packed, an archive, or an object that exists."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import AssetStaging, FileAssetPackaging, Names, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_type, is_token
from ml_constructs._environment import check_region
from ml_constructs.models._archive import files_in, pack
from ml_constructs.models._location import BoundModelData, check_url_length, check_version, read_object

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
SUFFIX: Final = ".tar.gz"

_NO_STAGING: Final = "aws:cdk:disable-asset-staging"  # what `cdk --no-staging` sets


@dataclass(frozen=True)
class ModelData:
    """A gzipped tar archive that SageMaker unpacks to `/opt/ml/model`.

    Use `from_directory`, `from_asset` or `from_bucket`. Each ties the template to the bytes: other model data is
    another template, and so a deployment that can be rolled back.
    """

    _path: Path | None = None
    _bucket: s3.IBucket | None = None
    _key: str | None = None

    @staticmethod
    def from_directory(path: str | Path) -> ModelData:
        """Pack a local directory into a reproducible `model.tar.gz` and publish it as a CDK asset.

        The archive depends on the names, the contents and the executable bits of the files alone. Symbolic links are
        followed; `__pycache__` is left out. Every synth packs the directory again: for models of many gigabytes, upload
        the archive once and use `from_bucket`.

        Args:
            path: The directory whose contents become the contents of `/opt/ml/model`.

        Raises:
            ValueError: `path` is not a directory, holds no file, or a link that leads nowhere or in a circle.
        """
        check_type((str, Path), path=path)
        directory = Path(path)
        if not str(path) or not directory.is_dir():
            raise ValueError(f"path must be a directory, got {str(path)!r}")
        if not files_in(directory):
            raise ValueError(f"path must be a directory with at least one file, got {str(path)!r}")
        return ModelData(_path=directory)

    @staticmethod
    def from_asset(path: str | Path) -> ModelData:
        """Publish a local archive as a CDK asset.

        Args:
            path: A gzipped tar archive whose name ends with `.tar.gz`.

        Raises:
            ValueError: `path` is not such an archive.
        """
        check_type((str, Path), path=path)
        archive = Path(path)
        if not archive.name.endswith(SUFFIX):
            raise ValueError(f"path must end with {SUFFIX}, got {str(path)!r}")
        if not archive.is_file():
            raise ValueError(f"path must be a file, got {str(path)!r}")
        try:
            with tarfile.open(archive, "r:gz") as tar:
                tar.next()
        except (tarfile.TarError, gzip.BadGzipFile, EOFError) as error:
            raise ValueError(f"path must be a gzipped tar archive, got {str(path)!r}: {error}") from error
        return ModelData(_path=archive)

    @staticmethod
    def from_bucket(bucket: s3.IBucket, key: str, *, version: str) -> ModelData:
        """Use an archive that is in S3, in the region of the endpoint.

        SageMaker reads no S3 object versions. If an object is overwritten, instances that start later serve other bytes
        than those that run, and no template tells. So the key must name its version, and must never be written twice.

        Args:
            bucket: The bucket.
            key: The object's key, which ends with `.tar.gz`.
            version: The version, a part of the key.

        Raises:
            ValueError: `key` does not end with `.tar.gz` or does not contain `version`, or the URL is too long.
        """
        check_given(bucket=bucket)
        check_offers("bucket_name", "a bucket", bucket=bucket)
        check_type(str, key=key, version=version)
        if not is_token(key):
            if not key.endswith(SUFFIX):
                raise ValueError(f"key must end with {SUFFIX}, got {key!r}")
            check_version("key", key, version)
            check_url_length("key", bucket, key)
        return ModelData(_bucket=bucket, _key=key)

    def bind(self, scope: Construct) -> BoundModelData:
        """Publish the data if need be, and say where it is and how to read it."""
        if self._path is not None:
            publish = _publish_directory if self._path.is_dir() else _publish
            bucket, key = publish(scope, self._path)
        else:
            assert self._bucket is not None  # noqa: S101 - one of both is given by every constructor
            assert self._key is not None  # noqa: S101
            bucket, key = self._bucket, self._key
            # A bucket that was imported by its name may be anywhere.
            check_region(scope, bucket=bucket if isinstance(bucket, s3.Bucket) else None)
        permissions = read_object(scope, bucket, key)
        url = f"s3://{bucket.bucket_name}/{key}"
        return BoundModelData(url=url, bucket=bucket, permissions=permissions, properties={"model_data_url": url})


def _publish(scope: Construct, path: Path, content_hash: str | None = None) -> tuple[s3.IBucket, str]:
    """Publish a file as an asset; returns where it will be.

    `s3_assets.Asset` names the object `<hash>.gz`, which is not what SageMaker documents to accept:
    https://github.com/aws/aws-cdk/issues/30257
    """
    # One asset per container: the ids count up, and never depend on the content.
    taken = sum(child.node.id.startswith("ModelData") for child in scope.node.children)
    asset = Construct(scope, f"ModelData{taken or ''}")
    staging = AssetStaging(asset, "Stage", source_path=str(path), asset_hash=content_hash)
    stack = Stack.of(scope)
    location = stack.synthesizer.add_file_asset(
        packaging=FileAssetPackaging.FILE,
        source_hash=f"{staging.asset_hash}.tar",
        file_name=staging.relative_staged_path(stack),
        display_name=Names.stack_relative_construct_path(asset),
    )
    return s3.Bucket.from_bucket_name(asset, "Bucket", location.bucket_name), location.object_key


def _publish_directory(scope: Construct, directory: Path) -> tuple[s3.IBucket, str]:
    temporary = Path(tempfile.mkdtemp())
    archive = temporary / f"model{SUFFIX}"
    with archive.open("wb") as file:
        content_hash = pack(directory, file)
    published = _publish(scope, archive, content_hash)
    if not scope.node.try_get_context(_NO_STAGING):  # else the command line reads the archive from where it is
        shutil.rmtree(temporary)
    return published
