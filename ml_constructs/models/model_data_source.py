"""Models that SageMaker copies without an archive around them, and those that JumpStart keeps for everyone."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Final

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_region, environment_of
from ml_constructs.models._location import (
    MAX_URL,
    BoundModelData,
    as_prefix,
    check_url_length,
    check_version,
    read_object,
    read_prefix,
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
MAX_FILE_NAME: Final = 255  # bytes
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceHubAccessConfig.html
MAX_HUB_CONTENT_ARN: Final = 255

_HUB_CONTENT_ARN: Final = r"arn:[a-z0-9-]+:sagemaker:[a-z0-9-]+:(\d{12}|aws):hub-content/\S+"
_PREFIX: Final = "S3Prefix"
_OBJECT: Final = "S3Object"


@dataclass(frozen=True)
class ModelDataSource:
    """A model in S3 that SageMaker copies to `/opt/ml/model` as it is: the way of large models.

    Use `from_prefix`, `from_object` or `from_jumpstart`. AWS excludes it from serverless endpoints, multi-model
    containers, batch transform and AWS Marketplace.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html
    """

    _key: str
    _kind: str
    _bucket: s3.IBucket | None = None
    _jumpstart: str | None = None
    _compressed: bool = False
    _accept_eula: bool = False
    _hub_content_arn: str | None = None

    @staticmethod
    def from_prefix(bucket: s3.IBucket, prefix: str, *, version: str, accept_eula: bool = False) -> ModelDataSource:
        """Use all objects below a prefix, in the region of the endpoint; the rest of a key is the path of its file.

        Instances that start later copy what lies there then. So the prefix must name its version, and nothing below it
        may be written twice. Do not make folders in the console of S3: their empty objects fail the deployment.

        Args:
            bucket: The bucket.
            prefix: The beginning of the keys, e.g. `llm/2026-01-31/`; a slash at the end is added, also to a token.
            version: The version, a part of the prefix.
            accept_eula: Whether you accept the licence agreement that the model asks for. Default: False.

        Raises:
            ValueError: `prefix` begins with a slash or does not contain `version`, or the URL is too long.
        """
        _check(bucket, accept_eula)
        check_type(str, prefix=prefix, version=version)
        key = as_prefix(prefix)
        check_version("prefix", key, version)
        check_url_length("prefix", bucket, key)
        return ModelDataSource(_key=key, _kind=_PREFIX, _bucket=bucket, _accept_eula=accept_eula)

    @staticmethod
    def from_object(
        bucket: s3.IBucket, key: str, *, version: str, compressed: bool = False, accept_eula: bool = False
    ) -> ModelDataSource:
        """Use one object as the only file of the model, named after the last part of its key.

        Args:
            bucket: The bucket, in the region of the endpoint.
            key: The object's key; never write it twice.
            version: The version, a part of the key.
            compressed: Whether the object is a gzipped tar archive to unpack. Default: False.
            accept_eula: Whether you accept the licence agreement that the model asks for. Default: False.

        Raises:
            ValueError: `key` does not contain `version`, its last part is no name of a file, or the URL is too long.
        """
        _check(bucket, accept_eula)
        check_type(str, key=key, version=version)
        check_type(bool, compressed=compressed)
        check_version("key", key, version)
        _check_file_name(key)
        check_url_length("key", bucket, key)
        return ModelDataSource(
            _key=key, _kind=_OBJECT, _bucket=bucket, _compressed=compressed, _accept_eula=accept_eula
        )

    @staticmethod
    def from_jumpstart(
        key: str,
        *,
        gated: bool = False,
        compressed: bool = False,
        hub_content_arn: str | None = None,
        accept_eula: bool = False,
    ) -> ModelDataSource:
        """Use a model that SageMaker JumpStart keeps in a bucket of its own in every region.

        Nothing is looked up at synth: find the key in the model's specification, e.g. with the SageMaker SDK's
        `JumpStartModel(model_id=..., model_version=...).model_data`, and the image and the environment beside it.

        Args:
            key: The key in JumpStart's bucket, without the bucket; it ends with a slash if it is a prefix. It names its
                version, e.g. `huggingface-llm/.../artifacts/inference-prepack/v1.0.0/`.
            gated: Whether the model is in the bucket of models with a licence agreement. Default: False.
            compressed: Whether the object is a gzipped tar archive to unpack. Default: False.
            hub_content_arn: The model's reference in your private hub, if the account may deploy from there alone.
            accept_eula: Whether you accept the licence agreement of the model. Default: False.

        Raises:
            ValueError: `key` begins with a slash or is empty, `compressed` goes with a prefix, or an argument is too
                long or malformed.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-curated-hubs.html
        """
        check_type(str, key=key)
        check_type(bool, gated=gated, compressed=compressed, accept_eula=accept_eula)
        check_type((str, NoneType), hub_content_arn=hub_content_arn)
        check_pattern("key", key, r"(?s:[^/].*)", "the key of an object or a prefix, without a slash in front")
        if not is_token(key) and key.startswith("s3:"):
            raise ValueError(f"key must be a key without its bucket, got {key!r}")
        prefix = key.endswith("/")
        if prefix and compressed:
            raise ValueError(f"compressed must not be True for a prefix, got key={key!r}")
        if not prefix:
            _check_file_name(key)
        check_pattern("hub_content_arn", hub_content_arn, _HUB_CONTENT_ARN, "the ARN of content of a hub")
        if hub_content_arn is not None and not is_token(hub_content_arn) and len(hub_content_arn) > MAX_HUB_CONTENT_ARN:
            raise ValueError(
                f"hub_content_arn must be at most {MAX_HUB_CONTENT_ARN} characters, got {len(hub_content_arn)}"
            )
        owner = "jumpstart-private-cache-prod" if gated else "jumpstart-cache-prod"
        length = len(f"s3://{owner}-/{key}")  # and the region
        if not is_token(key) and length > MAX_URL:
            raise ValueError(f"key must make a URL of at most {MAX_URL:,} characters, got {length:,} or more")
        return ModelDataSource(
            _key=key,
            _kind=_PREFIX if prefix else _OBJECT,
            _jumpstart=owner,
            _compressed=compressed,
            _accept_eula=accept_eula,
            _hub_content_arn=hub_content_arn,
        )

    def bind(self, scope: Construct) -> BoundModelData:
        """Say where the data is and how to read it."""
        bucket = self._bucket
        if bucket is None:
            bucket = _jumpstart_bucket(scope, f"{self._jumpstart}-{environment_of(scope).region}")
            check_url_length("key", bucket, self._key)
        else:
            # A bucket that was imported by its name may be anywhere.
            check_region(scope, bucket=bucket if isinstance(bucket, s3.Bucket) else None)
        url = f"s3://{bucket.bucket_name}/{self._key}"
        model = sagemaker.CfnModel
        source = model.S3DataSourceProperty(
            s3_uri=url,
            s3_data_type=self._kind,
            compression_type="Gzip" if self._compressed else "None",
            model_access_config=model.ModelAccessConfigProperty(accept_eula=True) if self._accept_eula else None,
            hub_access_config=None
            if self._hub_content_arn is None
            else model.HubAccessConfigProperty(hub_content_arn=self._hub_content_arn),
        )
        return BoundModelData(
            url=url,
            bucket=bucket,
            permissions=(read_prefix if self._kind == _PREFIX else read_object)(scope, bucket, self._key),
            properties={"model_data_source": model.ModelDataSourceProperty(s3_data_source=source)},
        )


def _check(bucket: s3.IBucket, accept_eula: bool) -> None:  # noqa: FBT001 - checked here
    check_given(bucket=bucket)
    check_offers("bucket_name", "a bucket", bucket=bucket)
    check_type(bool, accept_eula=accept_eula)


def _check_file_name(key: str) -> None:
    if is_token(key):
        return
    name = key.rpartition("/")[2]
    if name in {"", ".", ".."} or "\0" in name or len(name.encode()) > MAX_FILE_NAME:
        raise ValueError(f"key must end with the name of a file of at most {MAX_FILE_NAME} bytes, got {key!r}")


def _jumpstart_bucket(scope: Construct, name: str) -> s3.IBucket:
    """The bucket that AWS owns; the SageMaker SDK's `region_config.json` names it so in every region."""
    taken = sum(child.node.id.startswith("JumpStart") for child in scope.node.children)
    return s3.Bucket.from_bucket_name(scope, f"JumpStart{taken or ''}", name)
