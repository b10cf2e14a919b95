"""Data capture: which requests and responses an endpoint keeps, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import (
    check_each,
    check_given,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
SAMPLING_PERCENT: Final = (0, 100)
CONTENT_TYPES: Final = (1, 10)
MAX_URI: Final = 512
_CONTENT_TYPE: Final = r"(?!.{257})[a-zA-Z0-9](-*[a-zA-Z0-9])*\/[a-zA-Z0-9](-*[a-zA-Z0-9.])*"


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Keeps requests and responses in S3, as input for monitoring.

    SageMaker writes to `<prefix>/<endpoint>/<variant>/<year>/<month>/<day>/<hour>/`.

    Args:
        bucket: Where to. Default: a new `CaptureBucket` that keeps the data for 90 days.
        prefix: The prefix of all keys, without slashes at its ends. Default: `capture`.
        sampling_percentage: The share of the requests to keep, 0 to 100 percent. Default: 100.
        requests: Whether to keep requests. Default: True.
        responses: Whether to keep responses. Default: True.
        csv_content_types: Content types kept as text rather than Base64, 1 to 10. Default: `text/csv`.
        json_content_types: Content types kept as JSON rather than Base64, 1 to 10. Default: `application/json`.
        encryption_key: Encrypts what is kept, where the bucket does not tell its key, e.g. an imported one. Default:
            the bucket's key.

    Raises:
        ValueError: an argument is out of its range, or neither requests nor responses are kept.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """

    bucket: s3.IBucket | None = None
    prefix: str = "capture"
    sampling_percentage: int = 100
    requests: bool = True
    responses: bool = True
    csv_content_types: Sequence[str] = ("text/csv",)
    json_content_types: Sequence[str] = ("application/json",)
    encryption_key: kms.IKey | None = None

    def __post_init__(self) -> None:
        check_offers("bucket_name", "a bucket", bucket=self.bucket)
        check_offers("key_arn", "a KMS key", encryption_key=self.encryption_key)
        check_type(bool, requests=self.requests, responses=self.responses)
        check_type(str, prefix=self.prefix)
        check_given(sampling_percentage=self.sampling_percentage)
        check_each(
            "content types",
            str,
            csv_content_types=self.csv_content_types,
            json_content_types=self.json_content_types,
        )
        check_pattern("prefix", self.prefix, r"[^/\n].*[^/\n]|[^/\n]", "a key prefix without slashes at its ends")
        if not is_token(self.prefix):
            name = "" if self.bucket is None or is_token(self.bucket.bucket_name) else self.bucket.bucket_name
            length = len(f"s3://{name}/{self.prefix}")
            if length > MAX_URI:
                raise ValueError(f"prefix must make a URI of at most {MAX_URI} characters, got {length}")
        check_whole("sampling_percentage", self.sampling_percentage, *SAMPLING_PERCENT, "percent")
        if not self.requests and not self.responses:
            raise ValueError("requests or responses must be kept, got requests=False and responses=False")
        for argument, values in (
            ("csv_content_types", self.csv_content_types),
            ("json_content_types", self.json_content_types),
        ):
            check_length(argument, values, *CONTENT_TYPES)
            for value in () if is_token(values) else values:
                check_pattern(
                    argument, value, _CONTENT_TYPE, "a content type of at most 256 characters such as application/json"
                )

    def key_of(self, bucket: s3.IBucket) -> kms.IKey | None:
        """The key that encrypts what is kept in a bucket; None where S3 chooses one."""
        return bucket.encryption_key if self.encryption_key is None else self.encryption_key

    def render(self, bucket: s3.IBucket) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        """The capture as CloudFormation property."""
        key = self.key_of(bucket)
        kept = (("Input", self.requests), ("Output", self.responses))
        return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=self.sampling_percentage,
            destination_s3_uri=f"s3://{bucket.bucket_name}/{self.prefix}",
            kms_key_id=None if key is None else key.key_arn,
            capture_options=[
                sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode=mode) for mode, keep in kept if keep
            ],
            capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
                csv_content_types=list(self.csv_content_types), json_content_types=list(self.json_content_types)
            ),
        )
