"""Where models lie in S3, and what a role needs to read them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs._checks import check_pattern, is_token
from ml_constructs._environment import environment_of
from ml_constructs.permissions import Permission

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html, and the same in
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
MAX_URL: Final = 1024
_LONGEST_BUCKET_NAME: Final = 63
_EVERY_OBJECT: Final = "SageMaker lists and reads the objects of a model; they lie under the model's own prefix."


@dataclass(frozen=True, kw_only=True)
class BoundModelData:
    """Model data that belongs to a stack.

    Args:
        url: The S3 URL of the archive, the object or the prefix.
        bucket: The bucket that holds it.
        permissions: What a role needs to read it.
        properties: How the definition of a container names it.
    """

    url: str
    bucket: s3.IBucket
    permissions: tuple[Permission, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)


def check_version(argument: str, key: str, version: str) -> None:
    """Raise `ValueError` unless the version is a part of the key; tokens pass."""
    if not is_token(key) and (not version or (not is_token(version) and version not in key)):
        raise ValueError(f"{argument} must contain its version, {version!r}, got {key!r}")


def as_prefix(prefix: str) -> str:
    """The prefix with the slash that SageMaker asks for at its end; what is known only at deployment must not have it.

    Raises:
        ValueError: it begins with a slash, as no key does that the console or the command line writes.
    """
    check_pattern("prefix", prefix, "(?s:|[^/].*)", "the beginning of a key, without a slash in front")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def check_url_length(argument: str, bucket: s3.IBucket, key: str) -> None:
    """Raise `ValueError` if SageMaker does not take the URL for its length; tokens pass."""
    if is_token(key):
        return
    length = len(f"s3:///{key}")
    if length + _LONGEST_BUCKET_NAME > MAX_URL:  # else the name need not be asked for
        name = bucket.bucket_name
        length += 0 if is_token(name) else len(name)
    if length > MAX_URL:
        raise ValueError(f"{argument} must make a URL of at most {MAX_URL:,} characters, got {length:,}")


def read_object(scope: Construct, bucket: s3.IBucket, key: str) -> tuple[Permission, ...]:
    """What a role needs to read one object."""
    arn = bucket.bucket_arn
    permissions = [Permission(actions=["s3:GetObject"], resources=[f"{arn}/{key}"])]
    return (*permissions, *_decrypt(scope, bucket, "ArnEquals", arn, f"{arn}/{key}"))


def read_prefix(scope: Construct, bucket: s3.IBucket, prefix: str) -> tuple[Permission, ...]:
    """What a role needs to find and read all objects under a prefix, which is empty or ends with a slash."""
    arn = bucket.bucket_arn
    objects = f"{arn}/{prefix}*"
    permissions = [
        Permission(actions=["s3:GetObject"], resources=[objects], wildcard=_EVERY_OBJECT),
        Permission(
            actions=["s3:ListBucket"],
            resources=[arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}} if prefix else {},
        ),
    ]
    return (*permissions, *_decrypt(scope, bucket, "ArnLike", arn, objects))


def _decrypt(scope: Construct, bucket: s3.IBucket, operator: str, *arns: str) -> list[Permission]:
    key = bucket.encryption_key
    if key is None:
        return []
    environment = environment_of(scope)
    return [
        Permission(
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": environment.service("s3")},
                # The bucket's ARN where it uses an S3 bucket key, else the object's:
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
                operator: {"kms:EncryptionContext:aws:s3:arn": list(arns)},
            },
        )
    ]
