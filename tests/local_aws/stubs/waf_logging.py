"""The logging configurations of WAFv2 web ACLs. No request is inspected, so none is logged."""

from __future__ import annotations

from typing import Final

from tests.local_aws import seams
from tests.local_aws.stubs import json_service
from tests.local_aws.stubs.json_service import Message, ServiceError

_configurations: Final[dict[str, Message]] = {}  # by the ARN of the web ACL, which names account and region


def put(request: Message) -> Message:
    """PutLoggingConfiguration."""
    configuration: Message = request["LoggingConfiguration"]
    if not seams.web_acl_exists(configuration["ResourceArn"]):
        raise _absent()
    _configurations[configuration["ResourceArn"]] = configuration
    return {"LoggingConfiguration": configuration}


def get(request: Message) -> Message:
    """GetLoggingConfiguration."""
    try:
        return {"LoggingConfiguration": _configurations[request["ResourceArn"]]}
    except KeyError:
        raise _absent() from None


def delete(request: Message) -> Message:
    """DeleteLoggingConfiguration."""
    if _configurations.pop(request["ResourceArn"], None) is None:
        raise _absent()
    return {}


def list_all(_request: Message) -> Message:
    """ListLoggingConfigurations of the caller's account and region."""
    prefix = f":wafv2:{seams.region()}:{seams.account()}:"
    return {"LoggingConfigurations": [value for arn, value in _configurations.items() if prefix in arn]}


def install() -> None:
    """Add the four operations to WAFv2."""
    json_service.wrap(
        "wafv2",
        {
            "PutLoggingConfiguration": put,
            "GetLoggingConfiguration": get,
            "DeleteLoggingConfiguration": delete,
            "ListLoggingConfigurations": list_all,
        },
    )


def _absent() -> ServiceError:
    return ServiceError(
        "WAFNonexistentItemException",
        "AWS WAF couldn't perform the operation because your resource doesn't exist.",
    )
