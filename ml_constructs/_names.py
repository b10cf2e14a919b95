"""The name and the ARN of an endpoint, literal and owned or given and imported."""

from __future__ import annotations

from typing import Final

from aws_cdk import Names
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs._environment import environment_of

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
ENDPOINT_NAME_LENGTH: Final = 63


def literal_name(construct: Construct) -> str:
    """A name derived from the construct's path: stable, legal, and known before the endpoint exists."""
    return Names.unique_resource_name(
        construct, max_length=ENDPOINT_NAME_LENGTH, separator="-", allowed_special_characters="-"
    ).lower()


def arn_of_endpoint(scope: Construct, name: str) -> str:
    """The ARN of an endpoint of this account and region, in which SageMaker writes the name in lower case."""
    return environment_of(scope).arn("sagemaker", f"endpoint/{name if is_token(name) else name.lower()}")


def lower_case_arn(arn: str) -> str:
    """An ARN with its name in lower case; only the name, since what precedes it may hold tokens."""
    before, slash, last = arn.rpartition("/")
    return arn if is_token(last) else f"{before}{slash}{last.lower()}"
