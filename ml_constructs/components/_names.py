"""The name and the ARN of an inference component, and what tells one from its successor."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from aws_cdk import Names, Stack
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs._environment import environment_of

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html
COMPONENT_NAME_LENGTH: Final = 63
_DIGEST_LENGTH: Final = 8
_RESOURCE: Final = ":endpoint/"


def identity(scope: Construct, *parts: str) -> str:
    """What a component is made of and cannot change: where it runs.

    CloudFormation believes that it can update all of a component in place, but UpdateInferenceComponent takes neither
    another endpoint nor another variant. Another identity is another logical id, and so another component.
    """
    known = [Stack.of(scope).resolve(part) if is_token(part) else part for part in parts]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


def literal_component_name(construct: Construct, where: str) -> str:
    """A name derived from the construct's path and from where it runs, so that a successor has another one."""
    name = Names.unique_resource_name(
        construct,
        max_length=COMPONENT_NAME_LENGTH - _DIGEST_LENGTH - 1,
        separator="-",
        allowed_special_characters="-",
    )
    return f"{name}-{where}".lower()


def arn_of_component(scope: Construct, endpoint_arn: str, name: str) -> str:
    """The ARN of a component, in which SageMaker writes the name in lower case, where its endpoint is."""
    resource = f"inference-component/{name if is_token(name) else name.lower()}"
    before, found, _ = endpoint_arn.rpartition(_RESOURCE)
    return f"{before}:{resource}" if found else environment_of(scope).arn("sagemaker", resource)
