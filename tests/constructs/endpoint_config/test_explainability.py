from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.explainability import (
    BASELINE,
    EXPRESSION,
    FEATURE_TYPES,
    FEATURES,
    GRANULARITIES,
    LABELS,
    LANGUAGES,
    MAX_URL,
    PAYLOAD_MB,
    ClarifyExplainer,
    ClarifyInference,
    ShapBaseline,
)
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.storage import ArtifactBucket
from tests.constructs.builders import model, number, properties, resources, statements, text, variant

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
ZEROS = ShapBaseline.inline("0,0,0,0")


def rendered(stack: Stack, explainer: ClarifyExplainer) -> dict[str, Any]:
    Endpoint(stack, "Endpoint", variants=[variant()], explainer=explainer)
    config = properties(stack, "AWS::SageMaker::EndpointConfig")["ExplainerConfig"]
    return dict(config["ClarifyExplainerConfig"])


def test_default_explains_every_record_of_csv(stack: Stack) -> None:
    assert rendered(stack, ClarifyExplainer(baseline=ZEROS)) == {
        "ShapConfig": {
            "ShapBaselineConfig": {"MimeType": "text/csv", "ShapBaseline": "0,0,0,0"},
            "UseLogit": False,
        }
    }


def test_every_argument_is_rendered(stack: Stack) -> None:
    inference = ClarifyInference(
        features_attribute="features",
        content_template='{"features":$features}',
        max_record_count=10,
        max_payload_mb=20,
        probability_index=1,
        label_index=0,
        probability_attribute="score",
        label_attribute="label",
        label_headers=["cat", "dog"],
        feature_headers=["comment", "stars"],
        feature_types=["text", "numerical"],
    )
    explainer = ClarifyExplainer(
        baseline=ShapBaseline.inline('{"features":["",0]}', mime_type="application/jsonlines"),
        enable="score>`0.5`",
        inference=inference,
        samples=100,
        logit=True,
        seed=7,
        text_language="en",
        text_granularity="sentence",
    )
    assert rendered(stack, explainer) == {
        "EnableExplanations": "score>`0.5`",
        "InferenceConfig": {
            "FeaturesAttribute": "features",
            "ContentTemplate": '{"features":$features}',
            "MaxRecordCount": 10,
            "MaxPayloadInMB": 20,
            "ProbabilityIndex": 1,
            "LabelIndex": 0,
            "ProbabilityAttribute": "score",
            "LabelAttribute": "label",
            "LabelHeaders": ["cat", "dog"],
            "FeatureHeaders": ["comment", "stars"],
            "FeatureTypes": ["text", "numerical"],
        },
        "ShapConfig": {
            "ShapBaselineConfig": {
                "MimeType": "application/jsonlines",
                "ShapBaseline": '{"features":["",0]}',
            },
            "NumberOfSamples": 100,
            "UseLogit": True,
            "Seed": 7,
            "TextConfig": {"Language": "en", "Granularity": "sentence"},
        },
    }


def test_a_baseline_in_a_bucket_may_be_read(stack: Stack) -> None:
    bucket = ArtifactBucket(stack, "Bucket", encryption_key=EncryptionKey(stack, "Key"))
    explainer = ClarifyExplainer(baseline=ShapBaseline.from_bucket(bucket, "v1/baseline.csv"))
    Endpoint(stack, "Endpoint", variants=[variant(model(stack))], explainer=explainer)
    (policy,) = (each for key, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if "onlyPolicy" in key)
    (read,) = (each for each in statements(policy) if each["Action"] == ["s3:GetObject"])
    assert read["Resource"] == [{"Fn::Join": ["", [stack.resolve(bucket.bucket_arn), "/v1/baseline.csv"]]}]
    (decrypt,) = (each for each in statements(policy) if each["Action"] == ["kms:Decrypt"])
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]
    config = properties(stack, "AWS::SageMaker::EndpointConfig")["ExplainerConfig"]["ClarifyExplainerConfig"]
    uri = config["ShapConfig"]["ShapBaselineConfig"]["ShapBaselineUri"]
    assert uri["Fn::Join"][1][-1] == "/v1/baseline.csv"


def test_a_bucket_of_another_region_is_refused(app: App) -> None:
    here, there = (
        Stack(app, name, env=Environment(account="111122223333", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    bucket = ArtifactBucket(there, "Bucket", encryption_key=EncryptionKey(there, "Key"))
    with pytest.raises(
        ValueError, match="baseline must be in the region of what uses it, eu-west-1, got one in us-east"
    ):
        rendered(here, ClarifyExplainer(baseline=ShapBaseline.from_bucket(bucket, "baseline.csv")))


def test_a_baseline_is_in_one_place(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-models")
    with pytest.raises(ValueError, match="text must be given, or bucket and key, exactly one of them, got neither"):
        ShapBaseline()
    with pytest.raises(ValueError, match="text must be given, or bucket and key, exactly one of them, got both"):
        ShapBaseline(text="0", bucket=bucket, key="k")
    with pytest.raises(ValueError, match="key must be given with bucket, and only then, got None"):
        ShapBaseline(bucket=bucket)


# Limits, https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ClarifyExplainerConfig.html


@pytest.mark.parametrize(
    ("shape", "limits"),
    [
        *((name, EXPRESSION) for name in ("ClarifyEnableExplanations", "ClarifyFeaturesAttribute", "ClarifyHeader")),
        *((name, EXPRESSION) for name in ("ClarifyContentTemplate", "ClarifyProbabilityAttribute")),
        ("ClarifyMaxPayloadInMB", PAYLOAD_MB),
        ("ClarifyFeatureHeaders", FEATURES),
        ("ClarifyFeatureTypes", FEATURES),
        ("ClarifyLabelHeaders", LABELS),
        ("ClarifyShapBaseline", BASELINE),
    ],
)
def test_limits_are_the_apis(shape: str, limits: tuple[int, int]) -> None:
    metadata = SERVICE.shape_for(shape).metadata
    assert (metadata["min"], metadata["max"]) == limits


def test_choices_are_the_apis() -> None:
    assert sorted(LANGUAGES) == sorted(SERVICE.shape_for("ClarifyTextLanguage").enum)
    assert sorted(GRANULARITIES) == sorted(SERVICE.shape_for("ClarifyTextGranularity").enum)
    assert sorted(FEATURE_TYPES) == sorted(SERVICE.shape_for("ClarifyFeatureType").enum)
    assert SERVICE.shape_for("Url").metadata["max"] == MAX_URL


@pytest.mark.parametrize(
    "argument", ["features_attribute", "content_template", "probability_attribute", "label_attribute"]
)
def test_expressions_at_and_beyond_the_edge(argument: str) -> None:
    options: dict[str, Any]
    for length in (1, 64):
        options = {argument: "a" * length}
        assert ClarifyInference(**options)
    for length in (0, 65):
        options = {argument: "a" * length}
        with pytest.raises(ValueError, match=f"{argument} must have between 1 and 64 characters, got {length}"):
            ClarifyInference(**options)


@pytest.mark.parametrize(("argument", "most"), [("label_headers", 16), ("feature_headers", 256)])
def test_headers_at_and_beyond_the_edge(argument: str, most: int) -> None:
    options: dict[str, Any]
    for count in (1, most):
        options = {argument: ["a" * 64] * count}
        assert ClarifyInference(**options)
    for count in (0, most + 1):
        options = {argument: ["a"] * count}
        with pytest.raises(ValueError, match=f"{argument} must have between 1 and {most} members, got {count}"):
            ClarifyInference(**options)
    options = {argument: ["a" * 65]}
    with pytest.raises(ValueError, match=f"{argument} must have between 1 and 64 characters, got 65"):
        ClarifyInference(**options)


def test_numbers_at_and_beyond_the_edge() -> None:
    for megabytes in (1, 25):
        assert ClarifyInference(max_payload_mb=megabytes)
    for megabytes in (0, 26):
        with pytest.raises(ValueError, match=f"max_payload_mb must be between 1 and 25 MB, got {megabytes}"):
            ClarifyInference(max_payload_mb=megabytes)
    assert ClarifyInference(max_record_count=1, probability_index=0, label_index=0)
    for argument, wrong in (("max_record_count", 0), ("probability_index", -1), ("label_index", -1)):
        options: dict[str, Any] = {argument: wrong}
        with pytest.raises(ValueError, match=f"{argument} must be between .*, got {wrong}"):
            ClarifyInference(**options)
    assert ClarifyExplainer(baseline=ZEROS, samples=1, seed=-5)
    with pytest.raises(ValueError, match=r"samples must be between 1 and .*, got 0"):
        ClarifyExplainer(baseline=ZEROS, samples=0)


def test_baselines_at_and_beyond_the_edge(stack: Stack) -> None:
    assert ShapBaseline.inline("0" * 4096)
    with pytest.raises(ValueError, match="text must have between 1 and 4,096 characters, got 4,097"):
        ShapBaseline.inline("0" * 4097)
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-models")
    longest = "k" * (MAX_URL - len("s3://example-models/"))
    assert ShapBaseline.from_bucket(bucket, longest)
    with pytest.raises(ValueError, match="key must make a URL of at most 1,024 characters, got 1,025"):
        ShapBaseline.from_bucket(bucket, f"{longest}k")


def test_text_needs_language_and_granularity() -> None:
    with pytest.raises(
        ValueError, match="text_language and text_granularity must be given together, got 'en' and None"
    ):
        ClarifyExplainer(baseline=ZEROS, text_language="en")
    with pytest.raises(ValueError, match="feature_types must have at least one 'text', got numerical, categorical"):
        ClarifyInference(feature_types=["numerical", "categorical"])


def test_takes_tokens(app: App, stack: Stack) -> None:
    name, value = text(stack), number(stack)
    inference = ClarifyInference(
        features_attribute=name, max_payload_mb=value, label_headers=[name], feature_types=[name], label_index=value
    )
    baseline = ShapBaseline.inline(name)
    explainer = ClarifyExplainer(baseline=baseline, enable=name, inference=inference, samples=value, seed=value)
    made = rendered(stack, explainer)
    app.synth()
    assert made["EnableExplanations"] == {"Ref": "Text"}
    assert made["InferenceConfig"]["MaxPayloadInMB"] == {"Ref": "Number"}
    assert made["ShapConfig"]["NumberOfSamples"] == {"Ref": "Number"}
