"""Clients of the emulator's own public API, and templates' properties as the arguments of its operations."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]  # ships no types
from botocore.model import ListShape, MapShape, Shape, StructureShape  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams

_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=600, proxies={})


def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """A client with the rights of the account's root, in the region of the request that is being answered."""
    return _client(service, seams.region())


@functools.cache
def _client(service: str, region: str) -> Any:  # noqa: ANN401
    return boto3.session.Session().client(
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}",
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # Our own service checks what it gets, with AWS's words.
        config=_CONFIG.merge(Config(parameter_validation=service != "sagemaker")),
    )


def arguments(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a template as arguments of an operation: its spelling, its types.

    Raises:
        ValueError: the operation has no such argument, needs another, or wants another type. Nothing is dropped in
            silence.
    """
    api = client(service)
    shape = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[operation]).input_shape
    converted: dict[str, Any] = _convert(shape, dict(properties), f"{service}:{operation}")
    return converted


_NUMBERS: Final[Mapping[str, tuple[Callable[[Any], Any], str]]] = {
    "integer": (int, "Integer"),
    "long": (int, "Long"),
    "float": (float, "Double"),
    "double": (float, "Double"),
}


def _convert(shape: Shape, value: Any, path: str) -> Any:  # noqa: ANN401, PLR0911
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _mistyped(path, "of type List")
        return [_convert(shape.member, item, f"{path}[]") for item in value]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            raise _mistyped(path, "an object")
        return {str(key): _convert(shape.value, item, f"{path}.{key}") for key, item in value.items()}
    if shape.type_name in _NUMBERS:
        convert, name = _NUMBERS[shape.type_name]
        try:
            return convert(value)
        except (TypeError, ValueError) as error:
            raise _mistyped(path, f"of type {name}") from error
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    if shape.type_name == "string":
        return json.dumps(value) if isinstance(value, dict | list) else str(value)
    return value


def _structure(shape: StructureShape, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(path, "an object")
    spelled = {name.lower(): name for name in shape.members}
    result = {}
    for name, item in value.items():
        if name.lower() not in spelled:
            raise ValueError(
                f"Encountered unsupported property {name}: {path} has no {name} that the local cloud knows"
            )
        member = spelled[name.lower()]
        result[member] = _convert(shape.members[member], item, f"{path}.{member}")
    for member in shape.required_members:
        if result.get(member) in (None, ""):
            raise ValueError(f"Property {member} cannot be empty. ({path})")
    return result


def _mistyped(path: str, kind: str) -> ValueError:
    return ValueError(f"Value of property {path.rpartition('.')[2]} must be {kind} ({path})")
