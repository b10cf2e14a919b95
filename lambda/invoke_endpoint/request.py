"""From a proxy event to the arguments of InvokeEndpoint, checked before the call.

Events: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
Limits: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from invoke_endpoint.problem import Problem

if TYPE_CHECKING:
    from invoke_endpoint.settings import Settings

_PREFIX: Final = "x-amzn-sagemaker-"
_TARGET_VARIANT: Final = _PREFIX + "target-variant"
_TARGET_MODEL: Final = _PREFIX + "target-model"
_TARGET_CONTAINER: Final = _PREFIX + "target-container-hostname"
_EXPLANATIONS: Final = _PREFIX + "enable-explanations"
_ASCII: Final = re.compile(r"[\t\x20-\x7e]{0,1024}")
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,63}")
_PRINTABLE_RULE: Final = "1 to 64 printable ASCII characters that do not begin with a space"
_NAME: Final = re.compile(r"(?=.{1,63}\Z)[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_NAME_RULE: Final = "1 to 63 letters, digits and inner hyphens"
# Header -> argument, pattern, and the pattern in words.
_HEADERS: Final = {
    "content-type": ("ContentType", _ASCII, "at most 1,024 printable ASCII characters"),
    "accept": ("Accept", _ASCII, "at most 1,024 printable ASCII characters"),
    _PREFIX + "custom-attributes": ("CustomAttributes", _ASCII, "at most 1,024 printable ASCII characters"),
    _PREFIX + "inference-id": ("InferenceId", _PRINTABLE, _PRINTABLE_RULE),
    _PREFIX + "prefix-aware-id": ("PrefixAwareId", _PRINTABLE, _PRINTABLE_RULE),
    _PREFIX + "session-id": (
        "SessionId",
        re.compile(r"(?=.{1,256}\Z)(NEW_SESSION|[a-zA-Z0-9](-*[a-zA-Z0-9])*)"),
        "NEW_SESSION, or 1 to 256 letters, digits and inner hyphens",
    ),
    _TARGET_VARIANT: ("TargetVariant", _NAME, _NAME_RULE),
    _TARGET_MODEL: (
        "TargetModel",
        re.compile(r"[\x21-\x7e][\x20-\x7e]{0,1023}"),
        "1 to 1,024 printable ASCII characters that do not begin with a space",
    ),
    _TARGET_CONTAINER: ("TargetContainerHostname", _NAME, _NAME_RULE),
    _EXPLANATIONS: ("EnableExplanations", re.compile(r"[\x20-\x7e]{1,64}"), "1 to 64 printable ASCII characters"),
}


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One checked request."""

    body: bytes
    parameters: dict[str, str]
    """The other arguments of InvokeEndpoint, except the endpoint's name."""


def request_id(event: object) -> str | None:
    """The id under which the API logs the request, if the event has one."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    value = context.get("requestId") if isinstance(context, dict) else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def parse(event: object, settings: Settings) -> Invocation:
    """Check an event of a proxy integration, or one with the same `body`, `headers` and `isBase64Encoded`.

    Raises:
        Problem: the event is of another form, or the request is not one that the endpoint would accept.
    """
    # What a caller of the function itself sends has a body, but perhaps no context.
    if not isinstance(event, dict) or not ("body" in event or isinstance(event.get("requestContext"), dict)):
        raise Problem("malformed-event", "The event is not that of an API Gateway proxy integration.")
    if event.get("httpMethod", "POST") != "POST":
        raise Problem("method-not-allowed", "Send the request with the method POST.")
    headers = _headers(event)
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise Problem("unsupported-encoding", "Send the body without content-encoding.")
    parameters = _parameters(headers, settings)
    return Invocation(body=_body(event, settings.max_body_bytes), parameters=parameters)


def _headers(event: dict[Any, Any]) -> dict[str, str]:
    """Headers by lower-case name; repeated ones are joined with commas, as RFC 9110 has it."""
    single = event.get("headers") or {}
    multiple = event.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise Problem("malformed-event", "The headers of the event are not an object.")
    headers: dict[str, str] = {}
    try:
        for name, value in single.items():
            headers[name.lower()] = "" + value
        for name, values in multiple.items():
            headers[name.lower()] = ", ".join(values)
    except (AttributeError, TypeError):
        raise Problem("malformed-event", "A header of the event is not text.") from None
    return headers


def _parameters(headers: dict[str, str], settings: Settings) -> dict[str, str]:
    parameters = {"ContentType": "application/json"}
    choices = {_TARGET_MODEL: settings.target_models, _TARGET_CONTAINER: settings.target_containers}
    for name, value in headers.items():
        known = name in _HEADERS and choices.get(name) != () and (name != _EXPLANATIONS or settings.allow_explanations)
        if not known:
            if name.startswith(_PREFIX):  # dropping it could answer from another model than the one that was asked for
                raise Problem("invalid-header", f"The header {name[:100]} is not supported here.")
            continue
        argument, pattern, rule = _HEADERS[name]
        if name == _TARGET_VARIANT and not settings.allow_target_variant:
            raise Problem("target-variant-not-allowed", f"Send the request without the header {name}.")
        if not pattern.fullmatch(value):
            raise Problem("invalid-header", f"The header {name} must be {rule}.")
        if name in choices and not any(_matches(value, choice) for choice in choices[name]):
            raise Problem("target-not-allowed", f"The header {name} names nothing that can be chosen here.")
        if value or name.startswith(_PREFIX):  # an empty content type or accept says nothing
            parameters[argument] = value
    for name, allowed in choices.items():
        if allowed and name not in headers:  # IAM would refuse it, which is no fault of the service
            raise Problem("invalid-header", f"Send the request with the header {name}.")
    return parameters


def _matches(name: str, choice: str) -> bool:
    """Whether a name is what IAM takes for the choice: `*` is any text, `?` any one character."""
    pattern = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in choice)
    return re.fullmatch(pattern, name) is not None


def _body(event: dict[Any, Any], limit: int) -> bytes:
    text = event.get("body")
    if text is None or text == "":
        raise Problem("missing-body", "Send the model's input as the body of the request.")
    if not isinstance(text, str):
        raise Problem("malformed-event", "The body of the event is not text.")
    too_large = Problem("body-too-large", f"The body may have at most {limit:,} bytes.")
    try:
        if event.get("isBase64Encoded") is True:
            if len(text) // 4 * 3 - 2 > limit:  # refuse before decoding
                raise too_large
            body = base64.b64decode(text, validate=True)
        else:
            body = text.encode()
    except binascii.Error:
        raise Problem("malformed-body", "The body is not valid base64.") from None
    except ValueError:  # characters that no encoding of Unicode has, or base64 beyond ASCII
        raise Problem("malformed-body", "The body is not valid text.") from None
    if len(body) > limit:
        raise too_large
    return body
