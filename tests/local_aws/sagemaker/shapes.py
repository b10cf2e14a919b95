"""Checks requests against botocore's model of the API, with the messages of the service.

botocore checks much on the client's side; other callers do not, and enumerations and patterns only the service checks.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Never

import botocore.session  # type: ignore[import-untyped]  # ships no types
from botocore.model import ServiceModel, Shape  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker.errors import ApiError, invalid

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
    "timestamp": (int, float, str),
}


@functools.cache
def model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def read_request(operation: str, body: bytes) -> dict[str, Any]:
    """Parse and check the body of a control-plane call.

    Raises:
        ApiError: SerializationException where a value has the wrong type, ValidationException for everything else.
    """
    try:
        request = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", "the body is not JSON") from error
    shape = model("sagemaker").operation_model(operation).input_shape
    if shape is None:
        return {}
    problems = list(_problems(shape, request, ""))
    if problems:
        count = len(problems)
        raise invalid(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}")
    return dict(request)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a number of JSON")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    expected = _TYPES.get(shape.type_name, (object,))
    is_expected = isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
    if not is_expected:
        raise ApiError("SerializationException", f"{path or 'the body'} must be of type {shape.type_name}")
    kind = shape.type_name
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind in {"list", "map"}:
        yield from _range_problems(shape, len(value), value, path, "length ")
        for part in _parts(shape, value, path):
            yield from _problems(*part)
    elif kind == "string":
        yield from _string_problems(shape, value, path)
    elif kind in {"integer", "long", "float", "double"}:
        if not math.isfinite(value):  # 1e999
            raise ApiError("SerializationException", f"{path} is out of the range of type {kind}")
        yield from _range_problems(shape, value, value, path, "value ")


def _parts(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, Any, str]]:  # noqa: ANN401 - JSON
    """What a list or a map holds."""
    if shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield shape.member, item, f"{path}.{number}.member"
        return
    for key, item in value.items():
        yield shape.key, key, f"{path}.{key}.key"
        yield shape.value, item, f"{path}.{key}.value"


def _structure_problems(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _join(path, name))


def _string_problems(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _range_problems(shape, len(value), value, path, "length ")
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{allowed}]"
        )
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(pattern).fullmatch(value):
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}"
        )


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    """Java's pattern in Python's words."""
    text = text.replace("\\p{ASCII}", "[\\x00-\\x7f]").replace("[\\p{Print}]", "[ -~]").replace("\\z", "\\Z")
    for java, python in (
        ("\\p{L}\\p{Z}\\p{N}", "\\w\\s"),
        ("\\p{L}", "^\\W\\d_"),
        ("\\p{P}", "!-/"),
        ("\\p{C}", "\\x00"),
    ):
        text = text.replace(java, python)
    try:
        return re.compile(text)
    except re.error:
        return re.compile(".*", re.DOTALL)


def _range_problems(shape: Shape, size: float, value: object, path: str, what: str) -> Iterator[str]:
    for bound, word, broken in (("min", "greater", size.__lt__), ("max", "less", size.__gt__)):
        limit = shape.metadata.get(bound)
        if limit is not None and broken(limit) is True:
            yield (
                f"Value '{value}' at '{path}' failed to satisfy constraint: "
                f"Member must have {what}{word} than or equal to {limit}"
            )


def check_headers(operation: str, values: dict[str, str]) -> None:
    """Check members of a runtime call that arrive as headers or in the path.

    Raises:
        ApiError: ValidationError.
    """
    members = model("sagemaker-runtime").operation_model(operation).input_shape.members
    problems = [
        problem for name, value in values.items() for problem in _header_problems(members[name], value, _join("", name))
    ]
    if problems:
        text = "; ".join(problems)
        raise ApiError("ValidationError", f"{len(problems)} validation error(s) detected: {text}")


def _header_problems(shape: Shape, value: str, path: str) -> Iterator[str]:
    if shape.type_name != "integer":
        yield from _string_problems(shape, value, path)
    elif re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
        yield from _range_problems(shape, int(value), value, path, "value ")
    else:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must be of type integer"


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name
