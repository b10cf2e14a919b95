"""The environment of the function, read once."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Body and EndpointName of https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
BODY_LIMIT: Final = 6_291_456
_NAME: Final = re.compile(r"(?=.{1,63}\Z)[a-zA-Z0-9](-*[a-zA-Z0-9])*\Z")
_LONGEST_FUNCTION: Final = 900  # seconds, https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the function needs to know; each field is the environment variable of the same name in capitals."""

    endpoint_name: str
    """The one endpoint to call. Required."""
    inference_component_name: str | None = None
    """The one inference component to call on it. Default: none, for an endpoint without components."""
    connect_timeout_seconds: float = 1.0
    """Waiting time for a connection to each address of the service, above 0 to 900 seconds. Default: 1."""
    read_timeout_seconds: float = 25.0
    """Longest silence of the endpoint, above 0 to 900 seconds. Default: 25, below the 29 seconds of a REST API."""
    max_attempts: int = 3
    """How often a request that no model has seen is sent, 1 to 10. Default: 3."""
    max_body_bytes: int = BODY_LIMIT
    """Largest decoded request body, 1 to 6,291,456 bytes. Default: 6,291,456, the limit of InvokeEndpoint."""
    allow_target_variant: bool = False
    """Whether the caller may choose the production variant. Default: no, the weights of the endpoint decide."""
    target_models: tuple[str, ...] = ()
    """The models of a multi-model endpoint that the caller may choose, and must: a JSON list in which `*` and `?` are
    wildcards. Default: none, the endpoint has but one."""
    target_containers: tuple[str, ...] = ()
    """The same of an endpoint's containers, by hostname, where the caller chooses one. Default: none."""
    allow_explanations: bool = False
    """Whether the caller may turn explanations on or off. Default: no, the endpoint's configuration decides."""
    answer_headers: tuple[tuple[str, str], ...] = ()
    """Further headers of every answer, e.g. for web pages of another origin: a JSON object of texts. Default: none."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Parse the environment variables; one that is absent has its default.

        Raises:
            ValueError: a variable is missing or has a value out of range. The function then fails while it starts.
        """
        name = environ.get("ENDPOINT_NAME", "")
        if not _NAME.match(name):
            raise ValueError(
                f"ENDPOINT_NAME must be the name of an endpoint, 1 to 63 letters, digits, '-', got {name!r}"
            )
        component = environ.get("INFERENCE_COMPONENT_NAME")
        if component is not None and not _NAME.match(component):
            raise ValueError(
                "INFERENCE_COMPONENT_NAME must be the name of an inference component, 1 to 63 letters, digits, '-', "
                f"got {component!r}"
            )
        return cls(
            endpoint_name=name,
            inference_component_name=component,
            connect_timeout_seconds=_seconds(environ, "CONNECT_TIMEOUT_SECONDS", cls.connect_timeout_seconds),
            read_timeout_seconds=_seconds(environ, "READ_TIMEOUT_SECONDS", cls.read_timeout_seconds),
            max_attempts=_whole(environ, "MAX_ATTEMPTS", cls.max_attempts, 10),
            max_body_bytes=_whole(environ, "MAX_BODY_BYTES", cls.max_body_bytes, BODY_LIMIT),
            answer_headers=_headers(environ, "ANSWER_HEADERS"),
            allow_target_variant=_switch(environ, "ALLOW_TARGET_VARIANT", default=cls.allow_target_variant),
            target_models=_names(environ, "TARGET_MODELS"),
            target_containers=_names(environ, "TARGET_CONTAINERS"),
            allow_explanations=_switch(environ, "ALLOW_EXPLANATIONS", default=cls.allow_explanations),
        )


def _seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= _LONGEST_FUNCTION:  # also refuses nan
        raise ValueError(f"{variable} must be above 0 and at most {_LONGEST_FUNCTION} seconds, got {text!r}")
    return value


def _whole(environ: Mapping[str, str], variable: str, default: int, high: int) -> int:
    text = environ.get(variable)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= high:
        raise ValueError(f"{variable} must be a whole number between 1 and {high:,}, got {text!r}")
    return int(text)


def _switch(environ: Mapping[str, str], variable: str, *, default: bool) -> bool:
    text = environ.get(variable)
    if text is None:
        return default
    if text not in {"true", "false"}:
        raise ValueError(f"{variable} must be 'true' or 'false', got {text!r}")
    return text == "true"


def _names(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    text = environ.get(variable)
    if text is None:
        return ()
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{variable} must be a JSON list of names, got {text!r}")
    return tuple(names)


def _headers(environ: Mapping[str, str], variable: str) -> tuple[tuple[str, str], ...]:
    text = environ.get(variable)
    if text is None:
        return ()
    try:
        headers = json.loads(text)
    except (ValueError, RecursionError):
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise ValueError(f"{variable} must be a JSON object of texts, got {text!r}")
    return tuple((name.lower(), value) for name, value in headers.items())
