"""From the endpoint's answer to the answer of a proxy integration."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from invoke_endpoint.problem import Problem

if TYPE_CHECKING:
    from invoke_endpoint.endpoint import Answer, Stream

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for the answer with its JSON envelope
LAMBDA_LIMIT: Final = 6_291_456
_LARGEST_ESCAPE: Final = 6  # bytes that JSON can need for one byte of text: \u0000
_ENVELOPE: Final = 8_192  # the headers have at most 1,024 characters each

_TEXT: Final = ("application/json", "application/jsonlines", "application/x-jsonlines", "application/xml")


def render(answer: Answer) -> dict[str, Any]:
    """Text stays text; anything else travels as base64.

    Raises:
        Problem: the answer is larger than Lambda can return.
    """
    kind = media_type(answer.content_type)
    text: str | None = None
    if kind.startswith("text/") or kind.endswith("+json") or kind in _TEXT:
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            text = None
    response = {
        "statusCode": 200,
        "headers": headers_of(answer),
        "body": base64.b64encode(answer.body).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }
    if _ENVELOPE + len(answer.body) * _LARGEST_ESCAPE > LAMBDA_LIMIT and _rendered_size(response) > LAMBDA_LIMIT:
        raise Problem("response-too-large", "The model's answer is larger than 6 MB. Send smaller batches.")
    return response


def headers_of(answer: Answer | Stream) -> dict[str, str]:
    """The headers of the endpoint's answer, whole or in parts."""
    return {
        "content-type": answer.content_type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **{f"x-amzn-{name}": value for name, value in answer.attributes.items()},
    }


def media_type(content_type: str) -> str:
    """A content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _rendered_size(response: dict[str, Any]) -> int:
    return len(json.dumps(response, ensure_ascii=False).encode())
