"""Mapping templates of API Gateway, in the Velocity Template Language.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

# Installed beside the emulator alone.
_velocity: Final[Any] = import_module("airspeed.operators")


# Of java.lang.String, where the library lacks them.
_OF_STRINGS: Final[Mapping[str, Callable[..., object]]] = {
    "endsWith": lambda text, end: text.endswith(end),
    "equals": lambda text, other: text == other,
    "isEmpty": lambda text: not text,
    "split": lambda text, by: text.split(by),
    "toLowerCase": lambda text: text.lower(),
    "toString": lambda text: text,
    "toUpperCase": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
}
_velocity.__additional_methods__[str].update(_OF_STRINGS)


class TemplateError(Exception):
    """The template cannot be rendered."""


@dataclass
class Overrides:
    """What a template sets beside its text."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def render(
    template: str, body: str, parameters: Mapping[str, Mapping[str, str]], context: Mapping[str, Any]
) -> tuple[str, Overrides]:
    """The text of a template, and what it overrides; `parameters` are those of `path`, `querystring` and `header`.

    Raises:
        TemplateError: it is malformed, or fails.
    """
    overridden: dict[str, dict[str, Any]] = {
        "requestOverride": {"header": {}, "path": {}, "querystring": {}},
        "responseOverride": {"header": {}},
    }
    namespace = {"input": _Input(body, parameters), "util": _Util(), "context": {**context, **overridden}}
    try:
        text = _velocity.Template(template).merge(namespace)
    except Exception as error:
        raise TemplateError(str(error)) from error
    response = overridden["responseOverride"]
    status = response.get("status")
    headers = overridden["requestOverride"]["header"] | response["header"]
    return text, Overrides(None if status is None else int(status), {name: str(headers[name]) for name in headers})


class _Input:
    """`$input`."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self.body = body
        self._parameters = parameters

    def params(self, name: str | None = None) -> object:
        """One parameter, wherever it is, or all."""
        if name is None:
            return self._parameters
        found = (self._parameters[place] for place in ("path", "querystring", "header"))
        return next((values[name] for values in found if name in values), "")

    def path(self, expression: str) -> object:
        """What a JSONPath leads to: `$`, names and indices."""
        node = _parsed(self.body)
        for step in expression.removeprefix("$").strip(".").replace("[", ".").replace("]", "").split("."):
            if isinstance(node, list) and step.isdigit() and int(step) < len(node):
                node = node[int(step)]
            elif step:
                node = node.get(step.strip("'\"")) if isinstance(node, dict) else None
        return node

    def json(self, expression: str) -> str:
        """The same as JSON."""
        return json.dumps(self.path(expression), separators=(",", ":"))


class _Util:
    """`$util`."""

    def base64Decode(self, text: str) -> str:  # noqa: N802 - API Gateway's names
        """Text from base64."""
        return base64.b64decode(text).decode(errors="replace")

    def base64Encode(self, text: str) -> str:  # noqa: N802
        """Text to base64."""
        return base64.b64encode(text.encode()).decode()

    def escapeJavaScript(self, text: object) -> str:  # noqa: N802
        """A string as it stands between quotes."""
        return json.dumps(str(text))[1:-1].replace("'", "\\'")

    def parseJson(self, text: str) -> object:  # noqa: N802
        """What JSON says."""
        return _parsed(text)

    def urlDecode(self, text: str) -> str:  # noqa: N802
        """A form's text."""
        return urllib.parse.unquote_plus(text)

    def urlEncode(self, text: str) -> str:  # noqa: N802
        """Text for a form."""
        return urllib.parse.quote_plus(text)


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError:
        return None
