"""Asynchronous inference: requests wait in a queue, and their answers come to a bucket.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, check_whole, is_token
from ml_constructs._environment import check_region
from ml_constructs.permissions import NAMED_LATER, Permission, use_key

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

INVOCATIONS_PER_INSTANCE: Final = (1, 1000)  # API_AsyncInferenceClientConfig.html
MAX_URI: Final = 512  # API_AsyncInferenceOutputConfig.html

_PREFIX: Final = r"[^/\n].*[^/\n]|[^/\n]"
_NAME_LENGTH: Final = 63  # of the endpoint, which ends every location


@dataclass(frozen=True, kw_only=True)
class AsyncInference:
    """Makes an endpoint asynchronous: it then takes `InvokeEndpointAsync` alone, with payloads of up to 1 GB.

    Callers put a request below `<input_prefix>/<endpoint>/` (or send up to 128,000 bytes along); SageMaker puts
    the answer below `<output_prefix>/<endpoint>/`, and what went wrong below `<failure_prefix>/<endpoint>/`.

    Args:
        bucket: Holds all three. Default: a new `CaptureBucket` that keeps the data for 90 days.
        input_bucket: Holds the requests instead. Default: `bucket`.
        input_prefix: The prefix of requests, without slashes at its ends. Default: `requests`.
        output_prefix: The prefix of answers, without slashes at its ends. Default: `responses`.
        failure_prefix: The prefix of failures, without slashes at its ends. Default: `failures`.
        success_topic: Hears of each answer; no FIFO topic. Default: nobody does.
        error_topic: Hears of each failure; no FIFO topic. Default: nobody does.
        response_in_success: Whether messages to `success_topic` hold answers of up to 128 KB. Default: False.
        response_in_error: Whether messages to `error_topic` hold them. Default: False.
        max_concurrent_invocations: Requests that one instance works on at a time, 1 to 1,000. Default: as many as
            SageMaker finds best.

    Raises:
        ValueError: an argument is out of its range, or responses are to be in messages to no topic.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceConfig.html
    """

    bucket: s3.IBucket | None = None
    input_bucket: s3.IBucket | None = None
    input_prefix: str = "requests"
    output_prefix: str = "responses"
    failure_prefix: str = "failures"
    success_topic: sns.ITopic | None = None
    error_topic: sns.ITopic | None = None
    response_in_success: bool = False
    response_in_error: bool = False
    max_concurrent_invocations: int | None = None

    def __post_init__(self) -> None:
        check_offers("bucket_name", "a bucket", bucket=self.bucket, input_bucket=self.input_bucket)
        check_offers("topic_arn", "a topic", success_topic=self.success_topic, error_topic=self.error_topic)
        check_type(bool, response_in_success=self.response_in_success, response_in_error=self.response_in_error)
        check_whole("max_concurrent_invocations", self.max_concurrent_invocations, *INVOCATIONS_PER_INSTANCE)
        for argument, prefix in (
            ("input_prefix", self.input_prefix),
            ("output_prefix", self.output_prefix),
            ("failure_prefix", self.failure_prefix),
        ):
            check_type(str, **{argument: prefix})
            check_pattern(argument, prefix, _PREFIX, "a key prefix without slashes at its ends")
            self._check_length(argument, prefix)
        for argument, wanted, topic in (
            ("response_in_success", self.response_in_success, self.success_topic),
            ("response_in_error", self.response_in_error, self.error_topic),
        ):
            if wanted and topic is None:
                raise ValueError(f"{argument} must be False without a topic to send responses to, got True")
        for argument, topic in (("success_topic", self.success_topic), ("error_topic", self.error_topic)):
            if topic is not None and topic.fifo:
                raise ValueError(f"{argument} must not be a FIFO topic, which SageMaker cannot publish to, got one")

    def _check_length(self, argument: str, prefix: str) -> None:
        if is_token(prefix):
            return
        name = "" if self.bucket is None or is_token(self.bucket.bucket_name) else self.bucket.bucket_name
        length = len(f"s3://{name}/{prefix}/") + _NAME_LENGTH
        if length > MAX_URI:
            raise ValueError(f"{argument} must make a URI of at most {MAX_URI} characters, got {length}")

    def check_region(self, scope: Construct) -> None:
        """Raise `ValueError` unless topics, and buckets that this app owns, are in the region of `scope`."""
        # A bucket that was imported by its name may be anywhere.
        buckets = {"bucket": self.bucket, "input_bucket": self.input_bucket}
        check_region(scope, **{name: each for name, each in buckets.items() if isinstance(each, s3.Bucket)})
        check_region(scope, success_topic=self.success_topic, error_topic=self.error_topic)

    def bind(self, endpoint_name: str, own: s3.IBucket) -> BoundAsyncInference:
        """Where one endpoint keeps what; `own` is the bucket."""
        return BoundAsyncInference(
            settings=self,
            storage=AsyncStorage(
                input_bucket=own if self.input_bucket is None else self.input_bucket,
                input_prefix=f"{self.input_prefix}/{endpoint_name}",
                output_bucket=own,
                output_prefix=f"{self.output_prefix}/{endpoint_name}",
                failure_prefix=f"{self.failure_prefix}/{endpoint_name}",
            ),
        )


@dataclass(frozen=True, kw_only=True)
class AsyncStorage:
    """Where an asynchronous endpoint reads requests, and writes answers and failures.

    Args:
        input_bucket: Holds the requests.
        input_prefix: The prefix of the requests that callers may write, without slashes at its ends.
        output_bucket: Holds the answers.
        output_prefix: The prefix of the answers, without slashes at its ends.
        failure_prefix: The prefix of the failures, without slashes at its ends.

    Raises:
        ValueError: a prefix is malformed.
    """

    input_bucket: s3.IBucket
    input_prefix: str
    output_bucket: s3.IBucket
    output_prefix: str
    failure_prefix: str

    def __post_init__(self) -> None:
        for argument in ("input_bucket", "output_bucket"):
            bucket = getattr(self, argument)
            check_given(**{argument: bucket})
            check_offers("bucket_name", "a bucket", **{argument: bucket})
        for argument in ("input_prefix", "output_prefix", "failure_prefix"):
            prefix = getattr(self, argument)
            check_type(str, **{argument: prefix})
            check_pattern(argument, prefix, _PREFIX, "a key prefix without slashes at its ends")

    def of_callers(self, scope: Construct) -> list[Permission]:
        """Put requests, and get answers and failures."""
        bucket = self.output_bucket.bucket_arn
        return [
            Permission(
                actions=["s3:PutObject"],
                resources=[f"{self.input_bucket.bucket_arn}/{self.input_prefix}/*"],
                wildcard=NAMED_LATER,
            ),
            *use_key(scope, self.input_bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
            Permission(
                actions=["s3:GetObject"],
                resources=[f"{bucket}/{prefix}/*" for prefix in (self.output_prefix, self.failure_prefix)],
                wildcard=NAMED_LATER,
            ),
            *use_key(scope, self.output_bucket.encryption_key, "s3", "kms:Decrypt"),
        ]

    def of_models(self, scope: Construct) -> list[Permission]:
        """Get requests, and put answers and failures."""
        bucket = self.output_bucket.bucket_arn
        return [
            Permission(
                actions=["s3:GetObject"],
                resources=[f"{self.input_bucket.bucket_arn}/{self.input_prefix}/*"],
                wildcard=NAMED_LATER,
            ),
            *use_key(scope, self.input_bucket.encryption_key, "s3", "kms:Decrypt"),
            *(
                Permission(
                    actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                    resources=[f"{bucket}/{prefix}/*"],
                    wildcard=NAMED_LATER,
                )
                for prefix in (self.output_prefix, self.failure_prefix)
            ),
            *use_key(scope, self.output_bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
        ]


@dataclass(frozen=True, kw_only=True)
class BoundAsyncInference:
    """The settings of one endpoint, with its own locations."""

    settings: AsyncInference
    storage: AsyncStorage

    def permissions(self, scope: Construct) -> list[Permission]:
        """What the execution role needs, https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint-prerequisites.html.

        SageMaker publishes a test message when it creates the endpoint, and fails if it cannot.
        """
        permissions = self.storage.of_models(scope)
        topics = [topic for topic in (self.settings.success_topic, self.settings.error_topic) if topic is not None]
        if topics:
            arns = list(dict.fromkeys(topic.topic_arn for topic in topics))
            permissions.append(Permission(actions=["sns:Publish"], resources=arns))
        keys: dict[int, kms.IKey] = {}
        for topic in topics:
            key = getattr(topic, "master_key", None)
            if key is not None:
                keys[id(key)] = key
        for key in keys.values():
            permissions += use_key(scope, key, "sns", "kms:Decrypt", "kms:GenerateDataKey")
        return permissions

    def render(self) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty:
        """The settings as CloudFormation property."""
        config = sagemaker.CfnEndpointConfig
        settings, storage = self.settings, self.storage
        bucket, key = storage.output_bucket.bucket_name, storage.output_bucket.encryption_key
        included = [
            name
            for name, wanted in (
                ("SUCCESS_NOTIFICATION_TOPIC", settings.response_in_success),
                ("ERROR_NOTIFICATION_TOPIC", settings.response_in_error),
            )
            if wanted
        ]
        notification = None
        if settings.success_topic is not None or settings.error_topic is not None:
            notification = config.AsyncInferenceNotificationConfigProperty(
                success_topic=None if settings.success_topic is None else settings.success_topic.topic_arn,
                error_topic=None if settings.error_topic is None else settings.error_topic.topic_arn,
                include_inference_response_in=included or None,
            )
        client = None
        if settings.max_concurrent_invocations is not None:
            client = config.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=settings.max_concurrent_invocations
            )
        return config.AsyncInferenceConfigProperty(
            client_config=client,
            output_config=config.AsyncInferenceOutputConfigProperty(
                kms_key_id=None if key is None else key.key_arn,
                s3_output_path=f"s3://{bucket}/{storage.output_prefix}",
                s3_failure_path=f"s3://{bucket}/{storage.failure_prefix}",
                notification_config=notification,
            ),
        )
