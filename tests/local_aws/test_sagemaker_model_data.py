"""Model data that is no archive: one file, all objects below a prefix, and further sources beside the model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_aws.sagemaker_harness import READ, WRITE_LOGS, Emulator, archive, refusal, variant

# Answers with the files that it finds, relative to /opt/ml.
FILES = b"""
import json, os, pathlib
def model_fn(model_dir): return pathlib.Path(model_dir)
def input_fn(body, content_type): return body
def predict_fn(body, model):
    files = [path for path in model.parent.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = {str(path.relative_to(model.parent)): path.read_text() for path in files if path.suffix != ".py"}
    return {"files": found, "draft": os.environ.get("DRAFT", "")}
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""
LIST = {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::models",
    "Condition": {"StringLike": {"s3:prefix": ["plain/*", "extra/*", "odd-*"]}},
}
Source = dict[str, Any]


def source(key: str, kind: str = "S3Prefix", compression: str = "None") -> Source:
    return {"S3Uri": f"s3://models/{key}", "S3DataType": kind, "CompressionType": compression}


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    s3 = cloud.client("s3")
    cloud.put_model("anything.tar.gz")  # makes the bucket
    for key, body in {
        "plain/1/code/inference.py": FILES,
        "plain/1/weights/part one.txt": b"first",
        "plain/1/weights/deeper/two.txt": b"second",
        "plain/10/other.txt": b"of another model",
        "extra/draft/tiny.txt": b"tiny",
        "extra/adapter.tar.gz": archive({"adapter.txt": b"adapter"}),
        "odd-file/code/inference.py": FILES,
        "odd-file/code/inference.py/x.txt": b"a directory of that name",
        "odd-folder/code/inference.py": FILES,
        "odd-folder/weights/": b"",
        "odd-dots/code/inference.py": FILES,
        "odd-dots/../model.txt": b"outside",
    }.items():
        s3.put_object(Bucket="models", Key=key, Body=body)
    return cloud.role("plain", READ, LIST, WRITE_LOGS)


def make(cloud: Emulator, role: str, name: str, data: Source, **members: Any) -> None:  # noqa: ANN401 - as boto3
    container = {"Image": "image:1", "ModelDataSource": {"S3DataSource": data}, **members}
    cloud.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)


def test_all_objects_below_a_prefix_are_files(cloud: Emulator, role: str) -> None:
    make(cloud, role, "plain", source("plain/1/"))
    with cloud.serving("plain", variant("A", "plain")):
        assert cloud.invoke("plain")["Body"]["files"] == {
            "model/weights/part one.txt": "first",
            "model/weights/deeper/two.txt": "second",
        }


def test_further_sources_are_beside_the_model(cloud: Emulator, role: str) -> None:
    more = [
        {"ChannelName": "draft", "S3DataSource": source("extra/draft/")},
        {"ChannelName": "adapter", "S3DataSource": source("extra/adapter.tar.gz", "S3Object", "Gzip")},
        {"ChannelName": "file", "S3DataSource": source("extra/draft/tiny.txt", "S3Object")},
    ]
    draft = {"DRAFT": "/opt/ml/additional-model-data-sources/draft"}
    make(cloud, role, "speculative", source("plain/1/"), AdditionalModelDataSources=more, Environment=draft)
    with cloud.serving("speculative", variant("A", "speculative")):
        found = cloud.invoke("speculative")["Body"]
    assert {path: text for path, text in found["files"].items() if not path.startswith("model/")} == {
        "additional-model-data-sources/draft/tiny.txt": "tiny",
        "additional-model-data-sources/adapter/adapter.txt": "adapter",
        "additional-model-data-sources/file/tiny.txt": "tiny",
    }
    assert found["draft"].endswith("/opt/ml/additional-model-data-sources/draft")


def test_a_single_object_is_a_file_of_its_name(cloud: Emulator, role: str) -> None:
    """The container here needs code, which a single file is not: it must fail by that, and not for want of the file."""
    make(cloud, role, "single", source("extra/draft/tiny.txt", "S3Object"))
    cloud.config("single", variant("A", "single"))
    cloud.client("sagemaker").create_endpoint(EndpointName="single", EndpointConfigName="single")
    assert "did not pass the ping health check" in cloud.settle("single")["FailureReason"]
    cloud.remove("single")


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("odd-file/", "is both a file and a directory"),
        ("odd-folder/", "'' is no name of a file"),
        ("odd-dots/", "'..' is no name of a file"),
    ],
)
def test_keys_that_are_no_paths_fail_the_endpoint(cloud: Emulator, role: str, prefix: str, reason: str) -> None:
    name = prefix.strip("/")
    make(cloud, role, name, source(prefix))
    cloud.config(name, variant("A", name))
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = cloud.settle(name)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        f'Failed to download model data for container "container_1" from URL: "s3://models/{prefix}".'
    )
    assert reason in described["FailureReason"]
    cloud.remove(name)


def test_more_than_the_limit_fails_the_endpoint(cloud: Emulator, role: str) -> None:
    cloud.client("s3").put_object(Bucket="models", Key="odd-size/large.bin", Body=b"x" * 1_000_001)
    make(cloud, role, "large", source("odd-size/"))
    cloud.config("large", variant("A", "large"))
    cloud.client("sagemaker").create_endpoint(EndpointName="large", EndpointConfigName="large")
    assert "it holds more than 1000000 bytes" in cloud.settle("large")["FailureReason"]
    cloud.remove("large")


UNSOUND: dict[str, tuple[dict[str, Any], str]] = {
    "a prefix without a slash": ({"ModelDataSource": source("plain/1")}, "must end with a forward slash"),
    "a compressed prefix": (
        {"ModelDataSource": source("plain/1/", compression="Gzip")},
        "CompressionType Gzip requires S3DataType S3Object",
    ),
    "nothing below": ({"ModelDataSource": source("plain/9/")}, "Could not find model data at s3://models/plain/9/."),
    "a prefix that may not be listed": ({"ModelDataSource": source("private/")}, '"s3:ListBucket" permission'),
    "both": (
        {"ModelDataSource": source("plain/1/"), "ModelDataUrl": "s3://models/anything.tar.gz"},
        "Both ModelDataUrl and ModelDataSource were specified",
    ),
    "a further source that is missing": (
        {"AdditionalModelDataSources": [{"ChannelName": "a", "S3DataSource": source("extra/none/")}]},
        "Could not find model data at s3://models/extra/none/.",
    ),
    "a channel twice": (
        {"AdditionalModelDataSources": [{"ChannelName": "a", "S3DataSource": source("extra/draft/")}] * 2},
        "must be unique",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_sources_that_make_no_sense_are_refused(cloud: Emulator, role: str, name: str) -> None:
    members, expected = UNSOUND[name]
    if "ModelDataSource" in members:
        members = {**members, "ModelDataSource": {"S3DataSource": members["ModelDataSource"]}}
    arguments = {"ModelName": "unsound", "ExecutionRoleArn": role, "PrimaryContainer": {"Image": "i", **members}}
    error = refusal(lambda: cloud.client("sagemaker").create_model(**arguments))["Error"]
    assert error["Code"] == "ValidationException"
    assert expected in error["Message"]


@pytest.mark.parametrize(
    "member",
    [
        {"ManifestS3Uri": "s3://models/manifest.json"},
        {"HubAccessConfig": {"HubContentArn": "arn:aws:sagemaker:us-east-1:aws:hub-content/x"}},
        {"ETag": "x"},
    ],
    ids=lambda member: next(iter(member)),
)
def test_what_is_not_served_is_refused_loudly(cloud: Emulator, role: str, member: dict[str, Any]) -> None:
    error = refusal(lambda: make(cloud, role, "unserved", {**source("plain/1/"), **member}))["Error"]
    assert error["Code"] == "UnsupportedByLocalCloud"


def test_the_answer_says_what_was_asked(cloud: Emulator, role: str) -> None:
    make(cloud, role, "described", source("plain/1/"))
    described = cloud.client("sagemaker").describe_model(ModelName="described")
    assert json.loads(json.dumps(described["PrimaryContainer"]["ModelDataSource"]["S3DataSource"])) == source(
        "plain/1/"
    )
