"""An asynchronous endpoint for the tests of its front ends, cheaper than one of the stack's own."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from ml_constructs.endpoint_config.asynchronous import AsyncStorage
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.storage import CaptureBucket


def an_async_endpoint(stack: Stack, *, bucket: s3.IBucket | None = None, key: kms.IKey | None = None) -> IEndpoint:
    """The endpoint `slow`, whose requests are in a bucket of the stack."""
    if bucket is None:
        made = kms.Key.from_key_arn(stack, "BucketKey", "arn:aws:kms:eu-west-1:111122223333:key/1")
        bucket = CaptureBucket(stack, "Documents", encryption_key=made if key is None else key)
    storage = AsyncStorage(
        input_bucket=bucket,
        input_prefix="requests/slow",
        output_bucket=bucket,
        output_prefix="responses/slow",
        failure_prefix="failures/slow",
    )
    return Endpoint.from_endpoint_attributes(
        stack, "Slow", endpoint_name="slow", asynchronous=True, async_storage=storage
    )


def allowed(policy: dict[str, Any]) -> dict[str, list[Any]]:
    """The resources of each allowed action of a managed policy."""
    found: dict[str, list[Any]] = {}
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                resources = statement["Resource"]
                found.setdefault(action, []).extend(resources if isinstance(resources, list) else [resources])
    return found
