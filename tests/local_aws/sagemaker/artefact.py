"""Fetches a model's artefacts with the rights of its execution role, and unpacks archives safely."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.archive import ArchiveError, unpack
from tests.local_aws.sagemaker.containers import ModelData
from tests.local_aws.sagemaker.errors import invalid
from tests.local_aws.sagemaker.objects import Bucket, ObjectError, split_prefix

_FOUND: Final = (200, 206, 416)  # an empty object satisfies no range
_MISSING: Final = 404
_FORBIDDEN: Final = 403
_LONGEST_NAME: Final = 255  # bytes; of a file or a directory


class ArtefactError(Exception):
    """The artefact cannot be fetched or unpacked; the text is the endpoint's FailureReason."""


def _bucket(role_arn: str, account: str, region: str) -> Bucket | None:
    """S3 with the rights of an execution role; nothing where SageMaker may not assume it."""
    credentials = roles.assume(role_arn, account=account, region=region)
    return None if credentials is None else Bucket(credentials, region)


def check_access(data: ModelData, role_arn: str, *, account: str, region: str) -> None:
    """Refuse a model whose artefact its role cannot read, as CreateModel does.

    Raises:
        ApiError: ValidationException.
    """
    bucket = _bucket(role_arn, account, region)
    try:
        status = _FORBIDDEN if bucket is None else _status(bucket, data)
    except ObjectError as error:
        raise invalid(str(error)) from error
    if status == _MISSING:
        raise invalid(f"Could not find model data at {data.url}.")
    if status not in _FOUND:
        raise invalid(
            f'Could not access model data at {data.url}. Please ensure that the role "{role_arn}" exists and that its '
            'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
            f'"{roles.SERVICE}". Also ensure that the role has "s3:GetObject" permissions and that the object is '
            f"located in {region}. If your Model uses multiple models or uncompressed models, please ensure that the "
            'role has "s3:ListBucket" permission.'
        )


def _status(bucket: Bucket, data: ModelData) -> int:
    if not data.is_prefix:
        return bucket.is_readable(data.url)
    try:
        return _FOUND[0] if next(bucket.listed(data.url), None) else _MISSING
    except ObjectError as error:
        return error.status


def fetch(
    data: ModelData, role_arn: str, target: Path, *, container: str, account: str, region: str, limit: int
) -> None:
    """Download what a container serves, up to `limit` bytes, into `target`, an existing directory.

    Args:
        data: An archive to unpack, one file, or all objects below a prefix.
        role_arn: The execution role.
        target: Stands in for `/opt/ml/model`.
        container: What errors call the container.
        account: The account that the role is in.
        region: The region of the endpoint.
        limit: The bytes that the files may have.

    Raises:
        ArtefactError: the role may not read it, there is none, or it is not sound.
    """
    bucket = _bucket(role_arn, account, region)
    try:
        if bucket is None:
            raise ObjectError(_FORBIDDEN, "the role cannot be assumed")  # noqa: TRY301 - one way out for all failures
        if data.is_prefix:
            _download_all(bucket, data.url, target, limit)
        elif data.is_archive:
            bucket.download(data.url, target.with_name("model.tar.gz"))
        else:
            bucket.download(data.url, target / _file_name(data.url.rpartition("/")[2]))
    except (OSError, ObjectError) as error:
        raise ArtefactError(
            f'Failed to download model data for container "{container}" from URL: "{data.url}". Please ensure that '
            "there is an object located at the URL and that the role passed to CreateModel has permissions to download "
            "the object."
        ) from error
    except ArchiveError as error:
        raise ArtefactError(
            f'Failed to download model data for container "{container}" from URL: "{data.url}". ({error})'
        ) from error
    if data.is_archive and not data.is_prefix:
        _unpack(data, target, container=container, limit=limit)


def _unpack(data: ModelData, target: Path, *, container: str, limit: int) -> None:
    archive = target.with_name("model.tar.gz")
    try:
        unpack(archive, target, limit=limit)
    except ArchiveError as error:
        raise ArtefactError(
            f'Failed to extract model data archive for container "{container}" from URL "{data.url}". Please ensure '
            f"that the object located at the URL is a valid tar.gz archive. ({error})"
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _download_all(bucket: Bucket, url: str, target: Path, limit: int) -> None:
    """All objects below a prefix, under the rest of their keys.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
    """
    name, prefix = split_prefix(url)
    found = list(bucket.listed(url))
    if not found:
        raise ObjectError(_MISSING, f"there is nothing below {url}")
    if sum(size for _, size in found) > limit:
        raise ArchiveError(f"it holds more than {limit} bytes")
    for key, _ in found:
        file = target.joinpath(*(_file_name(part) for part in key.removeprefix(prefix).split("/")))
        if file.is_dir() or any(parent.is_file() for parent in file.parents):
            raise ArchiveError(f"{key!r} is both a file and a directory")
        file.parent.mkdir(parents=True, exist_ok=True)
        bucket.download(f"s3://{name}/{key}", file)


def _file_name(part: str) -> str:
    """A part of a key as the name of a file: none that a file system understands in a way of its own."""
    if not part.strip() or part in {".", ".."} or "\0" in part or len(part.encode()) > _LONGEST_NAME:
        raise ArchiveError(f"{part!r} is no name of a file")
    return part
