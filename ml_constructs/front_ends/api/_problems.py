"""What a REST API refuses by itself, as problem details (RFC 9457) like those of the function behind it."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import aws_apigateway as apigateway

PROBLEMS: Final = "https://ml-constructs.example.com/problems/"
# Response type -> status where it is the type's own, end of the problem's URI, title, detail, further headers. API
# Gateway's own messages are not passed on: they name ARNs, and call an unknown path a missing token.
_RESPONSES: Final[tuple[tuple[str, int | None, str, str, str, dict[str, str]], ...]] = (
    ("DEFAULT_4XX", None, "request-refused", "The request was refused", "Check path, method and credentials.", {}),
    ("DEFAULT_5XX", None, "api-failed", "The API failed", "The request was not answered.", {}),
    ("BAD_REQUEST_BODY", 400, "invalid-body", "The body is invalid", "Send a body that matches the schema.", {}),
    (
        "BAD_REQUEST_PARAMETERS",
        400,
        "missing-content-type",
        "A header is missing",
        "Send the request with a content-type.",
        {},
    ),
    ("REQUEST_TOO_LARGE", 413, "body-too-large", "The request body is too large", "Send smaller batches.", {}),
    ("THROTTLED", 429, "throttled", "Too many requests", "Send the request again later.", {"Retry-After": "'1'"}),
    ("INTEGRATION_TIMEOUT", 504, "timed-out", "The answer took too long", "Send smaller batches.", {}),
)
# Only an API with keys has quotas.
_QUOTA_EXCEEDED: Final[tuple[str, int | None, str, str, str, dict[str, str]]] = (
    "QUOTA_EXCEEDED",
    429,
    "quota-exceeded",
    "The quota of the API key is used up",
    "Send the request again in the next period.",
    {},
)


def add_problems(api: apigateway.RestApi, *, api_keys: bool, answer_headers: dict[str, str]) -> None:
    """Make API Gateway refuse requests with a problem detail.

    Args:
        api: The API.
        api_keys: Whether callers send API keys.
        answer_headers: Further headers of each answer, with static values.
    """
    static = {name: f"'{value}'" for name, value in answer_headers.items()}
    for kind, status, problem, title, detail, headers in (*_RESPONSES, *([_QUOTA_EXCEEDED] if api_keys else [])):
        body = {
            "type": PROBLEMS + problem,
            "title": title,
            "status": status,
            "detail": detail,
            "instance": "$context.requestId",
        }
        api.add_gateway_response(
            "".join(part.capitalize() for part in kind.split("_")),
            type=apigateway.ResponseType.of(kind),
            status_code=None if status is None else str(status),
            response_headers={
                "Content-Type": "'application/problem+json'",
                "Cache-Control": "'no-store'",
                **headers,
                **static,
            },
            templates={
                "application/json": json.dumps({name: value for name, value in body.items() if value is not None})
            },
        )
