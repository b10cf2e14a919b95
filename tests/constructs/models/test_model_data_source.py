from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.encryption import EncryptionKey
from ml_constructs.models._location import MAX_URL
from ml_constructs.models.model_data_source import MAX_FILE_NAME, MAX_HUB_CONTENT_ARN, ModelDataSource
from tests.constructs.builders import text

HUB = "arn:aws:sagemaker:eu-west-1:111122223333:hub-content/hub/ModelReference/llama/1.0.0"
PARTITION = {"Ref": "AWS::Partition"}
REGION = {"Ref": "AWS::Region"}


def bucket(stack: Stack, **options: Any) -> s3.IBucket:  # noqa: ANN401
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="example-models", **options)


def rendered(stack: Stack, data: ModelDataSource) -> dict[str, Any]:
    (name, value), *others = data.bind(stack).properties.items()
    assert (name, others) == ("model_data_source", [])
    source = value.s3_data_source
    found = {name: getattr(source, name) for name in ("s3_uri", "s3_data_type", "compression_type")}
    resolved: dict[str, Any] = stack.resolve(found)
    return resolved


def permissions(stack: Stack, data: ModelDataSource) -> list[Any]:
    resolved: list[Any] = stack.resolve([each.document() for each in data.bind(stack).permissions])
    return resolved


# Prefixes.


@pytest.mark.parametrize("prefix", ["llm/v1", "llm/v1/"])
def test_a_prefix_ends_with_a_slash(stack: Stack, prefix: str) -> None:
    assert rendered(stack, ModelDataSource.from_prefix(bucket(stack), prefix, version="v1")) == {
        "s3_uri": "s3://example-models/llm/v1/",
        "s3_data_type": "S3Prefix",
        "compression_type": "None",
    }


def test_a_prefix_is_listed_and_read_to_its_slash(stack: Stack) -> None:
    arn = ["arn:", PARTITION, ":s3:::example-models"]
    assert permissions(stack, ModelDataSource.from_prefix(bucket(stack), "llm/v1", version="v1")) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [{"Fn::Join": ["", [*arn[:-1], f"{arn[-1]}/llm/v1/*"]]}],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [{"Fn::Join": ["", arn]}],
            "Condition": {"StringLike": {"s3:prefix": ["llm/v1/*"]}},
        },
    ]


def test_an_encrypted_prefix_is_decrypted_only_through_s3_and_only_there(stack: Stack) -> None:
    here = bucket(stack, encryption_key=EncryptionKey(stack, "Key"))
    *_, decrypt = permissions(stack, ModelDataSource.from_prefix(here, "llm/v1", version="v1"))
    assert decrypt["Action"] == ["kms:Decrypt"]
    assert set(decrypt["Condition"]) == {"StringEquals", "ArnLike"}
    contexts = decrypt["Condition"]["ArnLike"]["kms:EncryptionContext:aws:s3:arn"]
    assert [each["Fn::Join"][1][-1] for each in contexts] == [":s3:::example-models", ":s3:::example-models/llm/v1/*"]


def test_the_prefix_names_its_version(stack: Stack) -> None:
    with pytest.raises(ValueError, match="prefix must contain its version, 'v2', got 'llm/v1/'"):
        ModelDataSource.from_prefix(bucket(stack), "llm/v1", version="v2")


def test_a_prefix_begins_with_no_slash(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"prefix must be the beginning of a key, without a slash .*, got '/llm/v1'"):
        ModelDataSource.from_prefix(bucket(stack), "/llm/v1", version="v1")


def test_the_url_of_a_prefix_at_and_beyond_the_edge(stack: Stack) -> None:
    here = bucket(stack)
    room = MAX_URL - len("s3://example-models//")
    assert len(ModelDataSource.from_prefix(here, "1" * room, version="1").bind(stack).url) == MAX_URL
    with pytest.raises(ValueError, match="prefix must make a URL of at most 1,024 characters, got 1,025"):
        ModelDataSource.from_prefix(here, "1" * (room + 1), version="1")


def test_prefix_and_version_may_be_tokens(stack: Stack) -> None:
    here, token = bucket(stack), text(stack)
    for prefix in (token, f"llm/{token}", f"llm/{token}/"):
        url = rendered(stack, ModelDataSource.from_prefix(here, prefix, version=token))["s3_uri"]
        assert url["Fn::Join"][1][-1] == "/"


# Objects.


def test_an_object_is_copied_or_unpacked(stack: Stack) -> None:
    here = bucket(stack)
    found = [
        rendered(stack, ModelDataSource.from_object(here, "v1/model.bin", version="v1", compressed=compressed))
        for compressed in (False, True)
    ]
    assert [each["compression_type"] for each in found] == ["None", "Gzip"]
    assert {each["s3_data_type"] for each in found} == {"S3Object"}


def test_an_object_is_read_and_nothing_listed(stack: Stack) -> None:
    found = permissions(stack, ModelDataSource.from_object(bucket(stack), "v1/model.bin", version="v1"))
    assert [each["Action"] for each in found] == [["s3:GetObject"]]


@pytest.mark.parametrize("name", ["m", "m" * MAX_FILE_NAME, "ü" * (MAX_FILE_NAME // 2), "..m"])
def test_accepts_names_of_files(stack: Stack, name: str) -> None:
    assert ModelDataSource.from_object(bucket(stack), f"v1/{name}", version="v1").bind(stack).url.endswith(name)


@pytest.mark.parametrize("name", ["", ".", "..", "m" * (MAX_FILE_NAME + 1), "ü" * (MAX_FILE_NAME // 2 + 1), "a\0"])
def test_refuses_names_of_files(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="key must end with the name of a file of at most 255 bytes, got 'v1/"):
        ModelDataSource.from_object(bucket(stack), f"v1/{name}", version="v1")


def test_an_object_in_another_region_is_refused(app: App) -> None:
    there, here = (
        Stack(app, name, env={"region": region}) for name, region in (("T", "eu-west-1"), ("H", "us-east-1"))
    )
    data = ModelDataSource.from_object(s3.Bucket(there, "Bucket"), "v1/m", version="v1")
    with pytest.raises(
        ValueError, match="bucket must be in the region of what uses it, us-east-1, got one in eu-west-1"
    ):
        data.bind(here)


# Licences, JumpStart and hubs.


@pytest.mark.parametrize("accepted", [False, True])
def test_a_licence_is_accepted_only_when_said(stack: Stack, *, accepted: bool) -> None:
    data = ModelDataSource.from_prefix(bucket(stack), "llm/v1", version="v1", accept_eula=accepted)
    config = data.bind(stack).properties["model_data_source"].s3_data_source.model_access_config
    assert (config is None) is not accepted
    assert config is None or config.accept_eula is True


@pytest.mark.parametrize(("gated", "name"), [(False, "jumpstart-cache-prod-"), (True, "jumpstart-private-cache-prod-")])
def test_jumpstarts_bucket_is_the_regions(stack: Stack, *, gated: bool, name: str) -> None:
    found = rendered(stack, ModelDataSource.from_jumpstart("llm/artifacts/v1.0.0/", gated=gated))
    assert found["s3_uri"] == {"Fn::Join": ["", [f"s3://{name}", REGION, "/llm/artifacts/v1.0.0/"]]}
    assert found["s3_data_type"] == "S3Prefix"


def test_jumpstarts_objects(stack: Stack) -> None:
    archive = ModelDataSource.from_jumpstart("llm/v1.0.0.tar.gz", compressed=True, hub_content_arn=HUB)
    found = rendered(stack, archive)
    assert (found["s3_data_type"], found["compression_type"]) == ("S3Object", "Gzip")
    source = archive.bind(stack).properties["model_data_source"].s3_data_source
    assert source.hub_access_config.hub_content_arn == HUB


def test_in_every_partition(app: App) -> None:
    there = Stack(app, "There", env={"region": "cn-north-1"})
    bound = ModelDataSource.from_jumpstart("llm/v1/").bind(there)
    assert bound.url == "s3://jumpstart-cache-prod-cn-north-1/llm/v1/"
    assert "arn:aws:" not in str(there.resolve([each.document() for each in bound.permissions]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": ""}, "key must be the key of an object or a prefix, .*, got ''"),
        ({"key": "/llm/"}, "key must be the key of an object or a prefix, without a slash in front, got '/llm/'"),
        ({"key": "s3://jumpstart-cache-prod-eu-west-1/llm/"}, "key must be a key without its bucket, got 's3:"),
        ({"key": "llm/", "compressed": True}, "compressed must not be True for a prefix, got key='llm/'"),
        (
            {"key": "llm/", "hub_content_arn": "llama"},
            "hub_content_arn must be the ARN of content of a hub, got 'llama'",
        ),
        (
            {"key": "llm/", "hub_content_arn": HUB + "0" * (MAX_HUB_CONTENT_ARN + 1 - len(HUB))},
            "hub_content_arn must be at most 255 characters, got 256",
        ),
    ],
)
def test_refuses_of_jumpstart(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelDataSource.from_jumpstart(**arguments)


def test_the_url_of_jumpstart_at_and_beyond_the_edge(app: App, stack: Stack) -> None:
    there = Stack(app, "There", env={"region": "eu-west-1"})
    room = MAX_URL - len("s3://jumpstart-cache-prod-eu-west-1//")
    assert len(ModelDataSource.from_jumpstart("1" * room + "/").bind(there).url) == MAX_URL
    over = ModelDataSource.from_jumpstart("1" * (room + 1) + "/")
    assert over.bind(stack).url
    with pytest.raises(ValueError, match="key must make a URL of at most 1,024 characters, got 1,025"):
        over.bind(there)
    with pytest.raises(ValueError, match="key must make a URL of at most 1,024 characters, got 1,025 or more"):
        ModelDataSource.from_jumpstart("1" * (room + 1 + len("eu-west-1")) + "/")


def test_accepts_of_jumpstart(stack: Stack) -> None:
    longest = HUB + "0" * (MAX_HUB_CONTENT_ARN - len(HUB))
    for arn in (longest, HUB.replace("111122223333", "aws"), text(stack, "Hub")):
        assert ModelDataSource.from_jumpstart("llm/", hub_content_arn=arn).bind(stack).url
    assert ModelDataSource.from_jumpstart(text(stack)).bind(stack).url
