"""How API Gateway maps requests and answers of integrations that are no proxies.

https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\{([^}]+)\}")
_JSON: Final = "application/json"


class ConversionError(Exception):
    """A body cannot be converted as the integration says."""


@dataclass(frozen=True)
class Source:
    """Where mapping expressions look: a request, or an integration's answer to it."""

    kind: str
    """`method.request` or `integration.response`, with which its expressions begin."""
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)

    def value(self, expression: str) -> str | None:
        """What a mapping expression gives; nothing where the source lacks it."""
        if len(expression) > 1 and expression[0] == expression[-1] == "'":
            return expression[1:-1]
        root, _, rest = expression.partition(".")
        if root == "context":
            return _text(_walk(self.context, rest.split(".")))
        if root == "stageVariables":
            return self.stage_variables.get(rest)
        if not expression.startswith(f"{self.kind}."):
            raise ValueError(f"Invalid mapping expression specified: {expression}")
        where, _, name = expression.removeprefix(f"{self.kind}.").partition(".")
        found: dict[str, Callable[[], str | None]] = {
            "header": lambda: self.header(name),
            "querystring": lambda: self.query.get(name),
            "path": lambda: self.path.get(name),
            "body": lambda: self._of_body(name),
        }
        if where not in found:
            raise ValueError(f"Invalid mapping expression specified: {expression}")
        return found[where]()

    def header(self, name: str) -> str | None:
        """A header, whatever its case."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def _of_body(self, name: str) -> str | None:
        text = self.body.decode(errors="replace")
        if not name:
            return text
        try:
            return _text(_walk(json.loads(text), name.split(".")))
        except ValueError:
            return None


def parameters(mapping: Mapping[str, Any], prefix: str, source: Source) -> dict[str, str]:
    """What the parameters with a prefix are set to; those whose source is missing are not sent."""
    found = {}
    for target, expression in mapping.items():
        if target.startswith(prefix):
            value = source.value(str(expression))
            if value is not None:
                found[target.removeprefix(prefix)] = value
    return found


def filled(path: str, values: Mapping[str, str]) -> str:
    """A path with its placeholders filled in."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), path)


def template_for(templates: Mapping[str, str], behaviour: str, content_type: str | None) -> str | None:
    """The template of a content type; nothing where the body passes through.

    Raises:
        LookupError: this content type is not supported.
    """
    wanted = media_type(content_type) or _JSON
    for name, template in templates.items():
        if media_type(name) == wanted:
            return template
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        raise LookupError(wanted)
    return None


def media_type(header: str | None) -> str:
    """The media type of a Content-Type or of the first of an Accept header."""
    return (header or "").split(",")[0].partition(";")[0].strip().lower()


def is_binary(header: str | None, binary: list[str]) -> bool:
    """Whether a media type is one of the API's binary ones; only the first of several counts."""
    given = media_type(header)
    for pattern in map(str.lower, binary):
        if given and (pattern in {given, "*/*"} or (pattern.endswith("/*") and given.startswith(pattern[:-1]))):
            return True
    return False


def converted(body: bytes, handling: str | None, *, binary: bool) -> bytes:
    """A body after the conversion of its representation: binary, or text.

    Raises:
        ConversionError: it is text that is no base64, and should become binary.
    """
    if handling == "CONVERT_TO_TEXT" and binary:
        return base64.b64encode(body)
    if handling == "CONVERT_TO_BINARY" and not binary:
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise ConversionError(str(error)) from None
    return body if binary else body.decode(errors="replace").encode()


def response_for(responses: Mapping[str, Mapping[str, Any]], status: int) -> Mapping[str, Any] | None:
    """The integration response whose pattern matches the status, or else the one without a pattern."""
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if pattern and re.fullmatch(pattern, str(status)):
            return response
    return next((response for response in responses.values() if not response.get("selectionPattern")), None)


def _walk(value: Any, names: list[str]) -> Any:  # noqa: ANN401 - JSON
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _text(value: Any) -> str | None:  # noqa: ANN401 - JSON
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
