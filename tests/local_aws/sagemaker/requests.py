"""What callers of the runtime send, and what is wrong with it whatever the endpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.shapes import check_headers, model

PATH: Final = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)")
OPERATIONS: Final = {
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}
ACTIONS: Final = {
    "InvokeEndpoint": "sagemaker:InvokeEndpoint",
    "InvokeEndpointWithResponseStream": "sagemaker:InvokeEndpoint",  # so says the operation's documentation
    "InvokeEndpointAsync": "sagemaker:InvokeEndpointAsync",
}
PREFIX: Final = "x-amzn-sagemaker-"
CUSTOM_ATTRIBUTES: Final = f"{PREFIX}custom-attributes"
TARGET_MODEL: Final = f"{PREFIX}target-model"
TARGET_CONTAINER: Final = f"{PREFIX}target-container-hostname"
_FORWARDED: Final = {
    "CustomAttributes": CUSTOM_ATTRIBUTES,
    "InferenceId": f"{PREFIX}inference-id",
    "TargetModel": TARGET_MODEL,
    "TargetContainerHostname": TARGET_CONTAINER,
}


@dataclass(frozen=True)
class Request:
    """One call of the runtime: its members, by the names of the API, and the body."""

    operation: str
    endpoint: str
    members: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, kind: str, endpoint: str, headers: Mapping[str, str], body: bytes) -> Request:
        """Take a request apart; header names are in lower case."""
        operation = OPERATIONS[kind]
        names = _names(operation)
        return cls(operation, endpoint, {names[name]: value for name, value in headers.items() if name in names}, body)

    @property
    def action(self) -> str:
        """What IAM evaluates."""
        return ACTIONS[self.operation]

    def check(self, limit: int | None = None) -> None:
        """Refuse what the API refuses, and a body beyond `limit`.

        Raises:
            ApiError: ValidationError.
        """
        check_headers(self.operation, {"EndpointName": self.endpoint, **self.members})
        most = body_limit(self.operation) if limit is None else limit
        if len(self.body) > most:
            raise ApiError("ValidationError", f"Body is {len(self.body)} bytes long, more than the {most} allowed.")

    def for_container(self) -> dict[str, str]:
        """The headers that the container gets."""
        given = self.members
        headers = {
            "content-type": given.get("ContentType", "application/octet-stream"),
            "accept": given.get("Accept", "*/*"),
        }
        return headers | {header: given[member] for member, header in _FORWARDED.items() if member in given}


@functools.cache
def _names(operation: str) -> dict[str, str]:
    members = model("sagemaker-runtime").operation_model(operation).input_shape.members
    return {
        shape.serialization["name"].lower(): name
        for name, shape in members.items()
        if shape.serialization.get("location") == "header"
    }


@functools.cache
def body_limit(operation: str) -> int:
    """The maximum of Body in the API's model, in bytes."""
    return int(model("sagemaker-runtime").operation_model(operation).input_shape.members["Body"].metadata["max"])
