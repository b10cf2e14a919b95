"""Every failure as a problem detail, RFC 9457: https://www.rfc-editor.org/rfc/rfc9457."""

from __future__ import annotations

import json
from typing import Any, Final

TYPE_BASE: Final = "https://ml-constructs.example.com/problems/"

# Kind -> status and title. The kind ends the type URI and never changes its meaning; docs/guides/runtime.md lists them.
KINDS: Final = {
    "malformed-event": (400, "The event is not a request"),
    "method-not-allowed": (405, "Only POST is supported"),
    "missing-body": (400, "The request has no body"),
    "malformed-body": (400, "The request body cannot be decoded"),
    "body-too-large": (413, "The request body is too large"),
    "unsupported-encoding": (415, "The content encoding is not supported"),
    "invalid-header": (400, "A request header is invalid"),
    "target-variant-not-allowed": (400, "The production variant cannot be chosen"),
    "target-not-allowed": (400, "The model or container cannot be chosen"),
    "request-rejected": (400, "The endpoint rejected the request"),
    "rejected-by-model": (422, "The model rejected the request"),
    "throttled": (429, "Too many requests"),
    "model-overloaded": (503, "The model has no capacity right now"),
    "model-not-ready": (503, "The model is not ready yet"),
    "model-failed": (502, "The model failed"),
    "model-timed-out": (504, "The model did not answer in time"),
    "endpoint-not-found": (503, "The endpoint does not exist right now"),
    "endpoint-unavailable": (503, "The endpoint is unavailable right now"),
    "endpoint-unreachable": (503, "The endpoint cannot be reached"),
    "endpoint-failed": (502, "The endpoint failed"),
    "connection-lost": (502, "The connection to the endpoint was lost"),
    "response-too-large": (502, "The answer of the model is too large"),
    "misconfigured": (500, "The service is misconfigured"),
    "internal-error": (500, "Internal error"),
}

# The same request can end otherwise at another time.
_RETRYABLE: Final = frozenset(
    {
        "throttled",
        "model-overloaded",
        "model-not-ready",
        "model-failed",
        "model-timed-out",
        "endpoint-not-found",
        "endpoint-unavailable",
        "endpoint-unreachable",
        "endpoint-failed",
        "connection-lost",
        "misconfigured",
        "internal-error",
    }
)


class Problem(Exception):  # noqa: N818 - named after what RFC 9457 calls it
    """A failure that the caller is told about.

    Args:
        kind: One of `KINDS`.
        detail: One sentence for the caller, without anything internal.
        status: HTTP status. Default: the status of the kind.
        retry_after: Seconds after which another attempt makes sense. Default: no such advice.
        log: Facts for the log line that the caller must not see.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        log: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = KINDS[kind][0] if status is None else status
        self.retry_after = retry_after
        self.log = log or {}

    @property
    def retryable(self) -> bool:
        """Whether the same request can end otherwise at another time, if the model may see it twice."""
        return self.kind in _RETRYABLE

    def render(self, request_id: str) -> dict[str, Any]:
        """The answer that an API Gateway proxy integration expects."""
        headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.kind == "method-not-allowed":
            headers["allow"] = "POST"
        body = {
            "type": TYPE_BASE + self.kind,
            "title": KINDS[self.kind][1],
            "status": self.status,
            "detail": self.detail,
            "instance": request_id,
        }
        return {"statusCode": self.status, "headers": headers, "body": json.dumps(body), "isBase64Encoded": False}
