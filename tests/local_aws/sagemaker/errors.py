"""Errors that callers of the service see."""

from __future__ import annotations

import json

from tests.local_aws.seams import Reply

ERROR_TYPE = "application/x-amz-json-1.1"


class ApiError(Exception):
    """An error with a code that botocore turns into a ClientError."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.members = members

    def reply(self) -> Reply:
        """The error on the wire, in a form that both protocols of SageMaker read."""
        body = {"__type": self.code, "Message": str(self), **self.members}
        return self.status, {"Content-Type": ERROR_TYPE, "x-amzn-errortype": self.code}, json.dumps(body).encode()


def invalid(message: str) -> ApiError:
    """What the control plane answers to nearly every mistake."""
    return ApiError("ValidationException", message)


def unsupported(feature: str) -> ApiError:
    """A feature of SageMaker that this service does not have: loud, so that nobody trusts a silent gap."""
    return ApiError("UnsupportedByLocalCloud", f"the local cloud does not serve {feature} yet", status=501)
