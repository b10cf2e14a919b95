"""Every way in which InvokeEndpoint and its streaming variant can fail, as a problem that the caller can act on.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html#API_runtime_InvokeEndpointWithResponseStream_Errors
https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

# botocore ships no types, and no stub package is worth a dependency for a handful of exceptions.
from botocore.eventstream import ParserError as EventParserError  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]
from urllib3.exceptions import HTTPError as RawHTTPError
from urllib3.exceptions import ReadTimeoutError as RawReadTimeoutError

from invoke_endpoint.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

# No connection was made, so no model has seen the request.
UNCONNECTED: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
# botocore lets the errors of its own parsers out when an answer is not what the protocol says.
_MISUNDERSTOOD: Final = (
    ResponseParserError,
    EventParserError,
    SSLError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
# While it reads a stream of events, botocore lets the errors of its HTTP library out.
FAILURES: Final = (ClientError, BotoCoreError, RawHTTPError, *_MISUNDERSTOOD)

_THROTTLED: Final = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
_SOON: Final = 1  # seconds
_LATER: Final = 5
_WAKING: Final = 60  # a component without copies takes minutes to start one
_MODEL_STATUSES: Final = (400, 406, 413, 415)  # those mean the same to the caller as to the endpoint
_LONGEST_DETAIL: Final = 200

# Error code -> kind, detail, and the advice when to try again.
_CODES: Final[Mapping[str, tuple[str, str, int | None]]] = {
    "ModelNotReadyException": ("model-not-ready", "The model is still being loaded.", _LATER),
    "InternalDependencyException": ("endpoint-unavailable", "A service behind the endpoint failed.", _LATER),
    "ServiceUnavailable": ("endpoint-unavailable", "The endpoint cannot take requests.", _LATER),
    "ServiceUnavailableException": ("endpoint-unavailable", "The endpoint cannot take requests.", _LATER),
    "RequestTimeoutException": ("endpoint-unavailable", "The endpoint did not receive the whole request.", _SOON),
    "InternalFailure": ("endpoint-failed", "The endpoint failed for an unknown reason.", None),
    "InternalStreamFailure": ("endpoint-failed", "The endpoint failed while it answered.", None),
    "InternalServerException": ("endpoint-failed", "The endpoint failed for an unknown reason.", None),
    "RequestEntityTooLargeException": ("body-too-large", "The body is larger than the endpoint accepts.", None),
    **dict.fromkeys(_THROTTLED, ("throttled", "The endpoint receives more requests than it can take.", _SOON)),
}
# Status of an error whose code is none of the above -> the same.
_STATUSES: Final[Mapping[int, tuple[str, str, int | None]]] = {
    401: ("misconfigured", "The service may not call its endpoint.", None),
    403: ("misconfigured", "The service may not call its endpoint.", None),
    413: _CODES["RequestEntityTooLargeException"],
    429: _CODES["ThrottlingException"],
    503: _CODES["ServiceUnavailable"],
}
_FORBIDDEN: Final = (
    "AccessDenied",
    "NotAuthorized",
    "UnrecognizedClient",
    "ExpiredToken",
    "RequestExpired",
    "Signature",
)


def explain(error: BaseException, *, target_variant: str | None = None) -> Problem:  # noqa: PLR0911 - one for each kind
    """The problem that a failed call amounts to.

    Args:
        error: One of `FAILURES`.
        target_variant: The variant that the caller asked for, which the endpoint may not have.
    """
    if isinstance(error, ClientError):
        return _explain_answer(error.response, target_variant)
    log: dict[str, object] = {"aws_error": type(error).__name__}
    if isinstance(error, UNCONNECTED):
        return Problem("endpoint-unreachable", "No connection to the endpoint.", retry_after=_SOON, log=log)
    if isinstance(error, ParamValidationError):  # every limit was checked, so this SDK is older than the argument
        return Problem("request-rejected", "A header of the request is not supported here.", log=log)
    if isinstance(error, (ReadTimeoutError, RawReadTimeoutError)):
        return Problem("model-timed-out", "The endpoint did not answer in time.", log=log)
    if isinstance(error, (HTTPClientError, IncompleteReadError, RawHTTPError)):
        return Problem("connection-lost", "The endpoint closed the connection before it had answered.", log=log)
    if isinstance(error, _MISUNDERSTOOD):
        return Problem("endpoint-failed", "The endpoint's answer was not understood.", log=log)
    return Problem("misconfigured", "The service cannot call its endpoint.", log=log)


def is_throttled(error: ClientError) -> bool:
    """Whether the service turned the request away before any model saw it."""
    return error.response.get("Error", {}).get("Code") in _THROTTLED


def _explain_answer(response: Mapping[str, Any], target_variant: str | None) -> Problem:
    error = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    code, message = str(error.get("Code", "")), str(error.get("Message") or "").lower()
    log: dict[str, object] = {"aws_error": code, "sagemaker_request_id": metadata.get("RequestId")}
    if code == "ModelError":
        return _explain_model(response, log)
    if code == "ModelStreamError":
        return _explain_stream(response, message, log)
    if code in {"ValidationError", "ValidationException"}:
        return _explain_validation(message, target_variant, log)
    if code in _CODES:
        kind, detail, retry_after = _CODES[code]
    elif any(word in code for word in _FORBIDDEN):
        kind, detail, retry_after = _STATUSES[403]
    else:
        unknown = ("endpoint-failed", "The endpoint's answer was not understood.", None)
        kind, detail, retry_after = _STATUSES.get(metadata.get("HTTPStatusCode"), unknown)
    return Problem(kind, detail, retry_after=retry_after, log=log)


def _explain_validation(message: str, target_variant: str | None, log: dict[str, object]) -> Problem:
    if target_variant is not None and "variant" in message:
        return Problem("request-rejected", "The endpoint has no such production variant.", log=log)
    if "endpoint" in message and "not found" in message:
        return Problem("endpoint-not-found", "Try again later.", retry_after=_LATER, log=log)
    if "no capacity" in message:
        return Problem("model-not-ready", "The model is being started.", retry_after=_WAKING, log=log)
    return Problem("request-rejected", "The endpoint does not accept this request.", log=log)


def _explain_model(response: Mapping[str, Any], log: dict[str, object]) -> Problem:
    """An answer of the container: the caller's fault if it says 4xx."""
    original = response.get("OriginalStatusCode")
    status = original if isinstance(original, int) else 0
    log |= {"model_status": status, "model_log_stream": response.get("LogStreamArn")}
    message = str(response.get("OriginalMessage") or "")
    if status == 429:  # noqa: PLR2004 - HTTP statuses
        return Problem("model-overloaded", "The model is busy.", status=429, retry_after=_SOON, log=log)
    if 400 <= status < 500:  # noqa: PLR2004
        detail = _first_line(message) or "The model does not accept this input."
        return Problem("rejected-by-model", detail, status=status if status in _MODEL_STATUSES else 422, log=log)
    if status == 503:  # noqa: PLR2004
        return Problem("model-overloaded", "The model is busy.", retry_after=_SOON, log=log)
    # The service reports a container that did not answer within its limit as status 0 or 5xx with this wording.
    if "timed out" in message.lower() or "timed out" in str(response.get("Error", {}).get("Message")).lower():
        return Problem("model-timed-out", "The model did not answer in time.", log=log)
    return Problem("model-failed", "The model failed on this request.", log=log)


def _explain_stream(response: Mapping[str, Any], message: str, log: dict[str, object]) -> Problem:
    """The model's answer broke off, after the service had begun to pass it on."""
    reason = response.get("ErrorCode")  # which botocore drops inside a stream
    log["stream_error"] = reason
    if reason == "ModelInvocationTimeExceeded" or "timeout" in message:
        return Problem("model-timed-out", "The model did not finish its answer in time.", log=log)
    return Problem("model-failed", "The model broke off its answer.", log=log)


def _first_line(message: str) -> str:
    """What the model says about the caller's input, without what its server adds: a stack trace, a JSON envelope."""
    if message.lstrip().startswith("{"):
        try:
            message = str(json.loads(message).get("message", ""))
        except (ValueError, RecursionError):
            return ""
    line = message.strip().partition("\n")[0]
    if "Traceback" in line or 'File "' in line:
        return ""
    return "".join(character for character in line if character.isprintable())[:_LONGEST_DETAIL]
