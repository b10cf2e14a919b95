"""Who may call an API from a web page: cross-origin resource sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration

from ml_constructs._checks import check_each, check_length, check_pattern, check_seconds, check_type, is_token

# Browsers keep the answer for less: Chromium for 2 hours, Firefox for 24.
MAX_AGE_SECONDS: Final = (0, 86_400)

_ORIGIN: Final = r"\*|https?://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?"
_REQUEST_HEADERS: Final = (
    "Accept",
    "Authorization",
    "Content-Type",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Session-Id",
    "X-Amzn-SageMaker-Target-Variant",
    "X-Api-Key",
)
_RESPONSE_HEADERS: Final = (
    "Retry-After",
    "X-Amzn-Invoked-Production-Variant",
    "X-Amzn-RequestId",
    "X-Amzn-SageMaker-Closed-Session-Id",
    "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-New-Session-Id",
)


@dataclass(frozen=True, kw_only=True)
class Cors:
    """The web pages that may call an API.

    One origin, because API Gateway cannot choose between several in what it refuses by itself: a page of the second
    one could not read why.

    Args:
        origin: Scheme, host and perhaps port of the pages, e.g. `https://app.example.com`, or `*` for all pages.
        headers: Further request headers that a page may set, e.g. those of an authorizer. Default: none beyond what
            signatures, tokens, API keys and SageMaker need.
        allow_credentials: Whether a browser may add cookies and its own credentials. Not with `*`, which browsers
            refuse. Default: False; signatures, tokens and API keys are headers that a page sets itself.
        max_age: How long a browser may remember the answer to its question, 0 to 86,400 whole seconds.
            Default: 2 hours.

    Raises:
        ValueError: `origin` is none, credentials are allowed to `*`, or another argument is out of its range.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
    """

    origin: str
    headers: Sequence[str] = ()
    allow_credentials: bool = False
    max_age: Duration | None = None

    def __post_init__(self) -> None:
        check_type(str, origin=self.origin)
        check_type(bool, allow_credentials=self.allow_credentials)
        rule = "'*', or an origin without a path such as 'https://app.example.com'"
        check_pattern("origin", self.origin, _ORIGIN, rule)
        check_each("text", str, headers=self.headers)
        check_length("headers", self.headers, 0, 100)
        if is_token(self.headers):
            raise ValueError("headers must be known at synthesis, got a token list")
        for header in self.headers:
            check_pattern("headers", header, r"[a-zA-Z0-9!#$%&*+.^_|~-]+", "names of headers")
        check_seconds("max_age", self.max_age, *MAX_AGE_SECONDS)
        if self.allow_credentials and self.origin == "*":
            raise ValueError("origin must not be '*' with allow_credentials, which browsers refuse, got '*'")

    @property
    def of_answers(self) -> dict[str, str]:
        """The headers of every answer."""
        return {**self._of_both, "Access-Control-Expose-Headers": ",".join(_RESPONSE_HEADERS)}

    @property
    def of_preflight(self) -> dict[str, str]:
        """The headers of the answer to a browser that asks before it sends a request."""
        age = Duration.hours(2) if self.max_age is None else self.max_age
        return {
            **self._of_both,
            "Access-Control-Allow-Headers": ",".join((*_REQUEST_HEADERS, *self.headers)),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Max-Age": str(age.to_seconds()) if is_token(age) else f"{age.to_seconds():.0f}",
        }

    @property
    def _of_both(self) -> dict[str, str]:
        credentials = {"Access-Control-Allow-Credentials": "true"} if self.allow_credentials else {}
        return {"Access-Control-Allow-Origin": self.origin, **credentials}
