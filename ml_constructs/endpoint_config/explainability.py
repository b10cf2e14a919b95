"""Online explainability: Clarify tells with each answer what each feature contributed to it.

https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-online-explainability.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final, Literal

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import (
    check_choice,
    check_each,
    check_given,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_region, environment_of
from ml_constructs.permissions import Permission

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyInferenceConfig.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyShapConfig.html
EXPRESSION: Final = (1, 64)  # characters of expressions, templates and headers
PAYLOAD_MB: Final = (1, 25)
FEATURES: Final = (1, 256)
LABELS: Final = (1, 16)
BASELINE: Final = (1, 4096)
MAX_URL: Final = 1024
FEATURE_TYPES: Final = ("numerical", "categorical", "text")
GRANULARITIES: Final = ("token", "sentence", "paragraph")
MIME_TYPES: Final = ("text/csv", "application/jsonlines")
LANGUAGES: Final = (
    *("af", "sq", "ar", "hy", "eu", "bn", "bg", "ca", "zh", "hr", "cs", "da", "nl", "en", "et"),
    *("fi", "fr", "de", "el", "gu", "he", "hi", "hu", "is", "id", "ga", "it", "kn", "ky", "lv"),
    *("lt", "lb", "mk", "ml", "mr", "ne", "nb", "fa", "pl", "pt", "ro", "ru", "sa", "sr", "tn"),
    *("si", "sk", "sl", "es", "sv", "tl", "ta", "tt", "te", "tr", "uk", "ur", "yo", "lij", "xx"),
)

_LARGEST: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class ShapBaseline:
    """The records that explanations compare with: in the template, or in a bucket; use `inline` or `from_bucket`.

    Args:
        text: The records, 1 to 4,096 characters.
        bucket: The bucket of the file.
        key: The key of the file.
        mime_type: `text/csv` or `application/jsonlines`. Default: `text/csv`.

    Raises:
        ValueError: an argument is out of its range, or not exactly one of `text` and `bucket` is given.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyShapBaselineConfig.html
    """

    text: str | None = None
    bucket: s3.IBucket | None = None
    key: str | None = None
    mime_type: Literal["text/csv", "application/jsonlines"] = "text/csv"

    def __post_init__(self) -> None:
        check_type((str, NoneType), text=self.text, key=self.key)
        check_type(str, mime_type=self.mime_type)
        check_offers("bucket_name", "a bucket", bucket=self.bucket)
        check_choice("mime_type", self.mime_type, MIME_TYPES)
        if (self.text is None) == (self.bucket is None):
            got = "neither" if self.text is None else "both"
            raise ValueError(f"text must be given, or bucket and key, exactly one of them, got {got}")
        if (self.bucket is None) != (self.key is None):
            raise ValueError(f"key must be given with bucket, and only then, got {self.key!r}")
        _check_size("text", self.text, BASELINE)
        check_pattern("key", self.key, r"[^/\n].*", "a key without a slash at its beginning")
        if self.bucket is not None and self.key is not None and not is_token(self.key):
            name = "" if is_token(self.bucket.bucket_name) else self.bucket.bucket_name
            length = len(f"s3://{name}/{self.key}")
            if length > MAX_URL:
                raise ValueError(f"key must make a URL of at most {MAX_URL:,} characters, got {length:,}")

    @classmethod
    def inline(cls, text: str, *, mime_type: Literal["text/csv", "application/jsonlines"] = "text/csv") -> ShapBaseline:
        """Records in the template, at most 4,096 characters; for text features, what replaces a unit of text.

        Args:
            text: The records, in the format of the training data.
            mime_type: `text/csv` or `application/jsonlines`. Default: `text/csv`.

        Raises:
            ValueError: the text is empty or too long.
        """
        check_type(str, text=text)
        return cls(text=text, mime_type=mime_type)

    @classmethod
    def from_bucket(
        cls, bucket: s3.IBucket, key: str, *, mime_type: Literal["text/csv", "application/jsonlines"] = "text/csv"
    ) -> ShapBaseline:
        """Records in a file, which the models' roles may read. Never overwrite it: name another.

        Args:
            bucket: The bucket.
            key: The key.
            mime_type: `text/csv` or `application/jsonlines`. Default: `text/csv`.

        Raises:
            ValueError: the key is malformed or too long.
        """
        check_given(bucket=bucket)
        check_type(str, key=key)
        return cls(bucket=bucket, key=key, mime_type=mime_type)

    def render(self) -> sagemaker.CfnEndpointConfig.ClarifyShapBaselineConfigProperty:
        """The baseline as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.ClarifyShapBaselineConfigProperty(
            mime_type=self.mime_type,
            shap_baseline=self.text,
            shap_baseline_uri=None if self.bucket is None else f"s3://{self.bucket.bucket_name}/{self.key}",
        )


@dataclass(frozen=True, kw_only=True)
class ClarifyInference:
    """How the explainer asks the model, and reads its answers.

    Args:
        features_attribute: JMESPath of the features in a record of JSON Lines, 1 to 64 characters.
        content_template: A record of JSON Lines around `$features`, 1 to 64 characters.
        max_record_count: Records that the model takes in one request, 1 or more. Default: the explainer finds out.
        max_payload_mb: Size of a request to the model, 1 to 25 MB. Default: 6 MB.
        probability_index: Column of the score in CSV, from 0. Default: the whole answer is the score.
        label_index: Column of the labels in CSV, from 0.
        probability_attribute: JMESPath of the score in JSON Lines, 1 to 64 characters.
        label_attribute: JMESPath of the labels in JSON Lines, 1 to 64 characters.
        label_headers: Names of the classes, 1 to 16 of 1 to 64 characters, where answers have none.
        feature_headers: Names of the features, 1 to 256 of 1 to 64 characters.
        feature_types: `numerical`, `categorical` or `text`, 1 to 256; at least one `text`, for which they are.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyInferenceConfig.html
    """

    features_attribute: str | None = None
    content_template: str | None = None
    max_record_count: int | None = None
    max_payload_mb: int | None = None
    probability_index: int | None = None
    label_index: int | None = None
    probability_attribute: str | None = None
    label_attribute: str | None = None
    label_headers: Sequence[str] | None = None
    feature_headers: Sequence[str] | None = None
    feature_types: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for argument in ("features_attribute", "content_template", "probability_attribute", "label_attribute"):
            value = getattr(self, argument)
            check_type((str, NoneType), **{argument: value})
            _check_size(argument, value, EXPRESSION)
            check_pattern(argument, value, ".*", "one line")
        check_whole("max_record_count", self.max_record_count, 1, _LARGEST)
        check_whole("max_payload_mb", self.max_payload_mb, *PAYLOAD_MB, "MB")
        check_whole("probability_index", self.probability_index, 0, _LARGEST)
        check_whole("label_index", self.label_index, 0, _LARGEST)
        for argument, limits in (("label_headers", LABELS), ("feature_headers", FEATURES), ("feature_types", FEATURES)):
            values = getattr(self, argument)
            if values is None:
                continue
            check_each("text", str, **{argument: values})
            check_length(argument, values, *limits)
            for each in () if is_token(values) else values:
                _check_size(argument, each, EXPRESSION)
                check_pattern(argument, each, ".*", "one line each")
                if argument == "feature_types":
                    check_choice(argument, each, FEATURE_TYPES)
        types = self.feature_types
        if types is not None and not is_token(types) and "text" not in types and not any(map(is_token, types)):
            raise ValueError(f"feature_types must have at least one 'text', got {', '.join(types)}")

    def render(self) -> sagemaker.CfnEndpointConfig.ClarifyInferenceConfigProperty:
        """The questions and answers as CloudFormation property."""
        return sagemaker.CfnEndpointConfig.ClarifyInferenceConfigProperty(
            features_attribute=self.features_attribute,
            content_template=self.content_template,
            max_record_count=self.max_record_count,
            max_payload_in_mb=self.max_payload_mb,
            probability_index=self.probability_index,
            label_index=self.label_index,
            probability_attribute=self.probability_attribute,
            label_attribute=self.label_attribute,
            label_headers=_listed(self.label_headers),
            feature_headers=_listed(self.feature_headers),
            feature_types=_listed(self.feature_types),
        )


@dataclass(frozen=True, kw_only=True)
class ClarifyExplainer:
    """Explains answers by Kernel SHAP, on the endpoint's own instances.

    Each explained record asks the model for about baseline records times `samples` answers, all within the time of one
    request: measure, and scale on `ExplanationsPerInstance`.

    Args:
        baseline: What explanations compare with.
        enable: JMESPath condition on the answer, 1 to 64 characters, that chooses what is explained; a request may
            bring its own. Default: everything is.
        inference: How the model is asked. Default: CSV in, a score out.
        samples: Size of the synthetic data for a record, 1 or more. Default: by the number of features.
        logit: Whether explanations are in logits rather than probabilities. Default: False.
        seed: Makes explanations repeatable. Default: they vary.
        text_language: ISO code of text features, one of `LANGUAGES`; `xx` for a mixture.
        text_granularity: What counts as a unit of text: `token`, `sentence` or `paragraph`.

    Raises:
        ValueError: an argument is out of its range, or `text_language` and `text_granularity` are not given together.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyExplainerConfig.html
    """

    baseline: ShapBaseline
    enable: str | None = None
    inference: ClarifyInference | None = None
    samples: int | None = None
    logit: bool = False
    seed: int | None = None
    text_language: str | None = None
    text_granularity: Literal["token", "sentence", "paragraph"] | None = None

    def __post_init__(self) -> None:
        check_type(ShapBaseline, baseline=self.baseline)
        check_type((ClarifyInference, NoneType), inference=self.inference)
        check_type((str, NoneType), enable=self.enable)
        check_type((str, NoneType), text_language=self.text_language, text_granularity=self.text_granularity)
        check_type(bool, logit=self.logit)
        _check_size("enable", self.enable, EXPRESSION)
        check_pattern("enable", self.enable, ".*", "one line")
        check_whole("samples", self.samples, 1, _LARGEST)
        check_whole("seed", self.seed, -_LARGEST - 1, _LARGEST)
        check_choice("text_language", self.text_language, LANGUAGES)
        check_choice("text_granularity", self.text_granularity, GRANULARITIES)
        if (self.text_language is None) != (self.text_granularity is None):
            raise ValueError(
                "text_language and text_granularity must be given together, "
                f"got {self.text_language!r} and {self.text_granularity!r}"
            )

    def check_region(self, scope: Construct) -> None:
        """Raise `ValueError` unless a bucket that this app owns is in the region of `scope`."""
        bucket = self.baseline.bucket
        check_region(scope, baseline=bucket if isinstance(bucket, s3.Bucket) else None)

    def permissions(self, scope: Construct) -> list[Permission]:
        """Read the file of the baseline, if there is one."""
        bucket = self.baseline.bucket
        if bucket is None:
            return []
        permissions = [Permission(actions=["s3:GetObject"], resources=[f"{bucket.bucket_arn}/{self.baseline.key}"])]
        if bucket.encryption_key is not None:
            through = {"StringEquals": {"kms:ViaService": environment_of(scope).service("s3")}}
            permissions.append(
                Permission(actions=["kms:Decrypt"], resources=[bucket.encryption_key.key_arn], conditions=through)
            )
        return permissions

    def render(self) -> sagemaker.CfnEndpointConfig.ExplainerConfigProperty:
        """The explainer as CloudFormation property."""
        config = sagemaker.CfnEndpointConfig
        text = None
        if self.text_language is not None and self.text_granularity is not None:
            text = config.ClarifyTextConfigProperty(language=self.text_language, granularity=self.text_granularity)
        return config.ExplainerConfigProperty(
            clarify_explainer_config=config.ClarifyExplainerConfigProperty(
                enable_explanations=self.enable,
                inference_config=None if self.inference is None else self.inference.render(),
                shap_config=config.ClarifyShapConfigProperty(
                    shap_baseline_config=self.baseline.render(),
                    number_of_samples=self.samples,
                    use_logit=self.logit,
                    seed=self.seed,
                    text_config=text,
                ),
            )
        )


def _check_size(argument: str, value: str | None, limits: tuple[int, int]) -> None:
    if value is None or is_token(value):
        return
    low, high = limits
    if not low <= len(value) <= high:
        raise ValueError(f"{argument} must have between {low:,} and {high:,} characters, got {len(value):,}")


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
