from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.encryption import EncryptionKey
from ml_constructs.models._image_table import _options
from ml_constructs.models._location import MAX_URL
from ml_constructs.models.multi_model_data import MULTI_MODEL_GPU_TYPES, MULTI_MODEL_IMAGES, MultiModelData
from tests.constructs.builders import text


def bucket(stack: Stack, **options: Any) -> s3.IBucket:  # noqa: ANN401
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="example-models", **options)


def actions(stack: Stack, data: MultiModelData) -> list[Any]:
    resolved: list[Any] = stack.resolve([each.document() for each in data.bind(stack).permissions])
    return resolved


@pytest.mark.parametrize(("cache", "setting"), [(True, "Enabled"), (False, "Disabled")])
def test_a_prefix_of_archives(stack: Stack, *, cache: bool, setting: str) -> None:
    properties = MultiModelData.from_bucket(bucket(stack), "tenants", cache=cache).bind(stack).properties
    assert set(properties) == {"mode", "model_data_url", "multi_model_config"}
    assert (properties["mode"], properties["model_data_url"]) == ("MultiModel", "s3://example-models/tenants/")
    assert properties["multi_model_config"].model_cache_setting == setting


def test_caching_is_the_default(stack: Stack) -> None:
    here = bucket(stack)
    assert MultiModelData.from_bucket(here, "a") == MultiModelData.from_bucket(here, "a", cache=True)


def test_the_role_finds_and_reads_the_prefix_alone(stack: Stack) -> None:
    read, find = actions(stack, MultiModelData.from_bucket(bucket(stack), "tenants"))
    assert read["Action"] == ["s3:GetObject"]
    assert read["Resource"][0]["Fn::Join"][1][-1] == ":s3:::example-models/tenants/*"
    assert find["Action"] == ["s3:ListBucket"]
    assert find["Resource"][0]["Fn::Join"][1][-1] == ":s3:::example-models"
    assert find["Condition"] == {"StringLike": {"s3:prefix": ["tenants/*"]}}


def test_the_whole_bucket(stack: Stack) -> None:
    data = MultiModelData.from_bucket(bucket(stack), "")
    assert data.bind(stack).url == "s3://example-models/"
    read, find = actions(stack, data)
    assert read["Resource"][0]["Fn::Join"][1][-1] == ":s3:::example-models/*"
    assert "Condition" not in find


def test_the_key_of_the_bucket(stack: Stack) -> None:
    here = bucket(stack, encryption_key=EncryptionKey(stack, "Key"))
    assert [each["Action"] for each in actions(stack, MultiModelData.from_bucket(here, "tenants"))] == [
        ["s3:GetObject"],
        ["s3:ListBucket"],
        ["kms:Decrypt"],
    ]


def test_the_url_at_and_beyond_the_edge(stack: Stack) -> None:
    here = bucket(stack)
    room = MAX_URL - len("s3://example-models//")
    assert len(MultiModelData.from_bucket(here, "1" * room).bind(stack).url) == MAX_URL
    with pytest.raises(ValueError, match="prefix must make a URL of at most 1,024 characters, got 1,025"):
        MultiModelData.from_bucket(here, "1" * (room + 1))


def test_a_prefix_may_be_a_token_and_begins_with_no_slash(stack: Stack) -> None:
    here = bucket(stack)
    assert MultiModelData.from_bucket(here, text(stack)).bind(stack).url.endswith("/")
    with pytest.raises(ValueError, match="prefix must be the beginning of a key, without a slash in front, got '/a'"):
        MultiModelData.from_bucket(here, "/a")


def test_another_region_is_refused(app: App) -> None:
    there, here = (
        Stack(app, name, env={"region": region}) for name, region in (("T", "eu-west-1"), ("H", "us-east-1"))
    )
    with pytest.raises(
        ValueError, match="bucket must be in the region of what uses it, us-east-1, got one in eu-west-1"
    ):
        MultiModelData.from_bucket(s3.Bucket(there, "Bucket"), "a").bind(here)


def test_names_images_that_aws_publishes() -> None:
    for name in MULTI_MODEL_IMAGES:
        with pytest.raises(ValueError, match="version must be one that AWS publishes"):
            _options(name, "0")


def test_names_twelve_types_with_one_gpu() -> None:
    assert len(MULTI_MODEL_GPU_TYPES) == 12
    assert {"ml.g4dn.xlarge", "ml.g5.16xlarge", "ml.p2.xlarge", "ml.p3.2xlarge"} < MULTI_MODEL_GPU_TYPES
