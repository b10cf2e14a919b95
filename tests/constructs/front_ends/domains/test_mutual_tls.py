"""A truststore is one object of S3."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.front_ends.domains.mutual_tls import MutualTls
from tests.constructs.refusals import refusals


def bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Truststore", "truststore")


@pytest.mark.parametrize("key", ["a", "a" * 1024, "authorities/2026 11.pem"])
def test_accepts_keys_of_objects(stack: Stack, key: str) -> None:
    assert MutualTls(truststore=bucket(stack), key=key).key == key


def test_takes_tokens(stack: Stack) -> None:
    key, version = (CfnParameter(stack, each).value_as_string for each in ("Key", "Version"))
    assert MutualTls(truststore=bucket(stack), key=key, version=version).version == version


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("truststore", (None, "bucket", 5)),
        ("key", (None, 5, "", "/a", "a" * 1025)),
        ("version", (5, "", "a b")),
        ("ownership_certificate", ("arn", 5)),
    ],
)
def test_refuses_the_rest(argument: str, values: tuple[object, ...]) -> None:
    def call(stack: Stack, bad: dict[str, Any]) -> object:
        valid: dict[str, Any] = {"truststore": bucket(stack), "key": "a"}
        return MutualTls(**(valid | bad))

    assert len(list(refusals(call, argument, values))) == len(values)
