"""Fetches a model's artefact with the rights of its execution role and unpacks it safely."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.archive import ArchiveError, unpack
from tests.local_aws.sagemaker.errors import invalid
from tests.local_aws.sagemaker.objects import Bucket, ObjectError

_FOUND: Final = (200, 206, 416)  # an empty object satisfies no range
_MISSING: Final = 404


class ArtefactError(Exception):
    """The artefact cannot be fetched or unpacked; the text is the endpoint's FailureReason."""


def _bucket(role_arn: str, account: str, region: str) -> Bucket | None:
    """S3 with the rights of an execution role; nothing where SageMaker may not assume it."""
    credentials = roles.assume(role_arn, account=account, region=region)
    return None if credentials is None else Bucket(credentials, region)


def check_access(url: str, role_arn: str, *, account: str, region: str) -> None:
    """Refuse a model whose artefact its role cannot read, as CreateModel does.

    Raises:
        ApiError: ValidationException.
    """
    bucket = _bucket(role_arn, account, region)
    try:
        status = _MISSING - 1 if bucket is None else bucket.is_readable(url)
    except ObjectError as error:
        raise invalid(str(error)) from error
    if status == _MISSING:
        raise invalid(f"Could not find model data at {url}.")
    if status not in _FOUND:
        raise invalid(
            f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that its trust '
            f'relationship policy allows the action "sts:AssumeRole" for the service principal "{roles.SERVICE}". Also '
            f'ensure that the role has "s3:GetObject" permissions and that the object is located in {region}. If your '
            "Model uses multiple models or uncompressed models, please ensure that the role has "
            '"s3:ListBucket" permission.'
        )


def fetch(url: str, role_arn: str, target: Path, *, account: str, region: str, limit: int) -> None:
    """Download a `model.tar.gz` and unpack it, up to `limit` bytes, into `target`.

    Raises:
        ArtefactError: the role may not read it, there is none, or it is not a sound archive.
    """
    archive = target.with_name("model.tar.gz")
    bucket = _bucket(role_arn, account, region)
    try:
        if bucket is None:
            raise ObjectError(403, "the role cannot be assumed")  # noqa: TRY301 - one way out for all failures
        bucket.download(url, archive)
    except (OSError, ObjectError) as error:
        raise ArtefactError(
            f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure that there is '
            "an object located at the URL and that the role passed to CreateModel has permissions to download the "
            "object."
        ) from error
    try:
        unpack(archive, target, limit=limit)
    except ArchiveError as error:
        raise ArtefactError(
            f'Failed to extract model data archive for container "container_1" from URL "{url}". Please ensure that '
            f"the object located at the URL is a valid tar.gz archive. ({error})"
        ) from error
    finally:
        archive.unlink(missing_ok=True)
