"""Where a container finds its model: a directory that is packed, an archive, or an object that exists."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets

from constructs import Construct
from ml_constructs._checks import is_token
from ml_constructs.permissions import Permission

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
SUFFIX: Final = ".tar.gz"
MAX_URL: Final = 1024

_EPOCH: Final = 0  # archives carry no time, so that the same files always give the same asset
_SKIPPED: Final = ("__pycache__", ".DS_Store")


@dataclass(frozen=True, kw_only=True)
class BoundModelData:
    """Model data that belongs to a stack.

    Args:
        url: The S3 URL of the archive.
        bucket: The bucket that holds it.
        permissions: What a role needs to read it.
    """

    url: str
    bucket: s3.IBucket
    permissions: tuple[Permission, ...]


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
            ValueError: `path` is not a directory, or holds no file.
        """
        directory = Path(path)
        if not directory.is_dir():
            raise ValueError(f"path must be a directory, got {str(path)!r}")
        if not _files(directory):
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
        if not is_token(key):
            if not key.endswith(SUFFIX):
                raise ValueError(f"key must end with {SUFFIX}, got {key!r}")
            if not version or (not is_token(version) and version not in key):
                raise ValueError(f"key must contain its version, {version!r}, got {key!r}")
            length = len(f"s3:///{key}") + (0 if is_token(bucket.bucket_name) else len(bucket.bucket_name))
            if length > MAX_URL:
                raise ValueError(f"key must make a URL of at most {MAX_URL:,} characters, got {length:,}")
        return ModelData(_bucket=bucket, _key=key)

    def bind(self, scope: Construct) -> BoundModelData:
        """Publish the data if need be, and say where it is and how to read it."""
        if self._path is not None:
            asset = _archive_asset(scope, self._path) if self._path.is_dir() else _asset(scope, self._path, None)
            bucket, key = asset.bucket, asset.s3_object_key
        else:
            assert self._bucket is not None  # noqa: S101 - one of both is given by every constructor
            assert self._key is not None  # noqa: S101
            bucket, key = self._bucket, self._key
        permissions = [Permission(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(key)])]
        if bucket.encryption_key is not None:
            permissions.append(_decrypt(scope, bucket, bucket.encryption_key, key))
        return BoundModelData(url=bucket.s3_url_for_object(key), bucket=bucket, permissions=tuple(permissions))


def _decrypt(scope: Construct, bucket: s3.IBucket, key: kms.IKey, object_key: str) -> Permission:
    stack = Stack.of(scope)
    return Permission(
        actions=["kms:Decrypt"],
        resources=[key.key_arn],
        conditions={
            "StringEquals": {"kms:ViaService": f"s3.{stack.region}.{stack.url_suffix}"},
            # The bucket's ARN where it uses an S3 bucket key, else the object's:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
            "ArnEquals": {"kms:EncryptionContext:aws:s3:arn": [bucket.bucket_arn, bucket.arn_for_objects(object_key)]},
        },
    )


def _asset(scope: Construct, path: Path, content_hash: str | None) -> assets.Asset:
    # One asset per container: the ids count up, and never depend on the content.
    taken = sum(child.node.id.startswith("ModelData") for child in scope.node.children)
    return assets.Asset(scope, f"ModelData{taken or ''}", path=str(path), asset_hash=content_hash)


def _archive_asset(scope: Construct, directory: Path) -> assets.Asset:
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / f"model{SUFFIX}"
        with archive.open("wb") as file:
            content_hash = _pack(directory, file)
        return _asset(scope, archive, content_hash)


def _pack(directory: Path, file: IO[bytes]) -> str:
    """Write a reproducible archive; returns a hash of its contents, since gzip's bytes differ between zlib versions."""
    sha = hashlib.sha256()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=_EPOCH) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in _files(directory):
            info = tarfile.TarInfo(path.relative_to(directory).as_posix())
            stat = path.stat()
            info.size, info.mtime = stat.st_size, _EPOCH
            info.mode = 0o755 if stat.st_mode & 0o100 else 0o644
            sha.update(f"{info.name}\0{info.size}\0{info.mode}\0".encode())
            with path.open("rb") as source:
                tar.addfile(info, _Hashing(source, sha))
    return sha.hexdigest()


class _Hashing:
    """A file that feeds a hash while it is read, so that large models are read once."""

    def __init__(self, source: IO[bytes], sha: hashlib._Hash) -> None:
        self._source, self._sha = source, sha

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._sha.update(data)
        return data


def _files(directory: Path) -> list[Path]:
    skipped = (path for path in directory.rglob("*") if path.is_file() and not set(path.parts) & set(_SKIPPED))
    return sorted(skipped, key=lambda path: path.relative_to(directory).as_posix())
