from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.data_capture import MAX_URI, DataCapture
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.storage import CaptureBucket
from tests.constructs.builders import model, number, only, properties, resources, statements, text, variant


def config(stack: Stack, capture: DataCapture | None, **options: Any) -> dict[str, Any] | None:  # noqa: ANN401
    Endpoint(stack, "Endpoint", variants=[variant()], data_capture=capture, **options)
    found: dict[str, Any] | None = properties(stack, "AWS::SageMaker::EndpointConfig").get("DataCaptureConfig")
    return found


def an_existing_bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Existing", "example-capture")


def test_captures_nothing_unless_asked(stack: Stack) -> None:
    assert config(stack, None) is None
    assert not resources(stack, "AWS::S3::Bucket")


def test_default_keeps_everything_encrypted(stack: Stack) -> None:
    rendered = config(stack, DataCapture(), encryption_key=EncryptionKey(stack, "Key"))
    (bucket,) = resources(stack, "AWS::S3::Bucket")
    (key,) = resources(stack, "AWS::KMS::Key")
    assert rendered == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": {"Fn::Join": ["", ["s3://", {"Ref": bucket}, "/capture"]]},
        "KmsKeyId": {"Fn::GetAtt": [key, "Arn"]},
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    assert only(stack, "AWS::S3::Bucket")["DeletionPolicy"] == "Retain"


def test_into_a_bucket_of_the_user(stack: Stack) -> None:
    rendered = config(stack, DataCapture(bucket=an_existing_bucket(stack), prefix="team/a", responses=False))
    assert rendered is not None
    assert rendered["DestinationS3Uri"] == "s3://example-capture/team/a"
    assert rendered["CaptureOptions"] == [{"CaptureMode": "Input"}]
    assert "KmsKeyId" not in rendered
    assert not resources(stack, "AWS::S3::Bucket")


def test_with_the_key_of_the_bucket(stack: Stack) -> None:
    key, other = EncryptionKey(stack, "BucketKey"), EncryptionKey(stack, "EndpointKey")
    rendered = config(
        stack, DataCapture(bucket=CaptureBucket(stack, "Bucket", encryption_key=key)), encryption_key=other
    )
    assert rendered is not None
    assert rendered["KmsKeyId"] == stack.resolve(key.key_arn)


@pytest.mark.parametrize("percentage", [0, 1, 100])
def test_accepts_sampling(percentage: int) -> None:
    assert DataCapture(sampling_percentage=percentage).sampling_percentage == percentage


@pytest.mark.parametrize("percentage", [-1, 101])
def test_refuses_sampling(percentage: int) -> None:
    with pytest.raises(ValueError, match=f"sampling_percentage must be between 0 and 100 percent, got {percentage}"):
        DataCapture(sampling_percentage=percentage)


def test_refuses_half_a_percent() -> None:
    with pytest.raises(ValueError, match=r"sampling_percentage must be a whole number .*, got 0\.5"):
        DataCapture(sampling_percentage=0.5)  # type: ignore[arg-type]


def test_keeps_requests_or_responses() -> None:
    with pytest.raises(ValueError, match="requests or responses must be kept, got requests=False and responses=False"):
        DataCapture(requests=False, responses=False)


@pytest.mark.parametrize("prefix", ["a", "a/b", "a b"])
def test_accepts_prefixes(prefix: str) -> None:
    assert DataCapture(prefix=prefix).prefix == prefix


@pytest.mark.parametrize("prefix", ["", "/", "/a", "a/"])
def test_refuses_prefixes(prefix: str) -> None:
    with pytest.raises(ValueError, match=f"prefix must be a key prefix without slashes at its ends, got '{prefix}'"):
        DataCapture(prefix=prefix)


def test_the_uri_at_and_beyond_the_edge(stack: Stack) -> None:
    bucket = an_existing_bucket(stack)
    room = MAX_URI - len("s3://example-capture/")
    assert DataCapture(bucket=bucket, prefix="p" * room)
    with pytest.raises(ValueError, match="prefix must make a URI of at most 512 characters, got 513"):
        DataCapture(bucket=bucket, prefix="p" * (room + 1))


LISTS = ["csv_content_types", "json_content_types"]


@pytest.mark.parametrize("argument", LISTS)
def test_content_types_at_and_beyond_the_edge(argument: str) -> None:
    longest = "a/" + "b" * 254
    for values in ([longest], [f"text/x{index}" for index in range(10)]):
        assert DataCapture(**{argument: values})  # type: ignore[arg-type]
    for values in ([], [f"text/x{index}" for index in range(11)]):
        with pytest.raises(ValueError, match=f"{argument} must have between 1 and 10 members, got {len(values)}"):
            DataCapture(**{argument: values})  # type: ignore[arg-type]
    for value in (longest + "b", "json", "text/", "/csv", "text/csv; charset=utf-8", "a b/c"):
        with pytest.raises(ValueError, match=f"{argument} must be a content type of at most 256 .*, got '{value}'"):
            DataCapture(**{argument: [value]})  # type: ignore[arg-type]


def test_every_argument_takes_a_token(stack: Stack) -> None:
    name = text(stack)
    many = CfnParameter(stack, "Many", type="CommaDelimitedList").value_as_list
    rendered = config(
        stack,
        DataCapture(prefix=name, sampling_percentage=number(stack), csv_content_types=many, json_content_types=[name]),
    )
    assert rendered is not None
    assert rendered["DestinationS3Uri"]["Fn::Join"][1][-1] == {"Ref": "Text"}
    assert rendered["InitialSamplingPercentage"] == {"Ref": "Number"}
    assert rendered["CaptureContentTypeHeader"] == {
        "CsvContentTypes": {"Ref": "Many"},
        "JsonContentTypes": [{"Ref": "Text"}],
    }


def test_a_key_of_an_imported_bucket_is_named(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    capture = DataCapture(bucket=an_existing_bucket(stack), encryption_key=key)
    Endpoint(stack, "Endpoint", variants=[variant(model(stack))], data_capture=capture)
    captured = properties(stack, "AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert captured["KmsKeyId"] == stack.resolve(key.key_arn)
    (policy,) = (each for name, each in resources(stack, "AWS::IAM::ManagedPolicy").items() if "onlyPolicy" in name)
    (use,) = (each for each in statements(policy) if "kms:GenerateDataKey" in each["Action"])
    assert use["Resource"] == [stack.resolve(key.key_arn)]
