"""Reads templates in JSON and YAML, with the short forms of intrinsic functions, as CloudFormation does.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 1_048_576  # bytes; "Template size in an Amazon S3 object": cloudformation-limits.html


def read_template(path: Path) -> dict[str, Any]:
    """A template as CloudFormation sees it in JSON.

    Raises:
        ValueError: it cannot be read, is no mapping, is larger than CloudFormation takes, or expands beyond reason.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ValueError(f"template must have at most {LARGEST:,} bytes, got {size:,}")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"template cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"template must be text in UTF-8: byte {error.start} is not") from error
    try:
        template = _parse(text, path.suffix)
    except RecursionError as error:
        raise ValueError("template is nested too deeply") from error
    if not isinstance(template, dict):
        raise ValueError("template must be a mapping with a section Resources")  # noqa: TRY004 - about the file
    return template


def resources_of(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources that are well-formed enough to be looked at; the engine reports the others."""
    found = template.get("Resources")
    if not isinstance(found, Mapping):
        return {}
    return {
        name: resource
        for name, resource in found.items()
        if isinstance(name, str) and isinstance(resource, dict) and isinstance(resource.get("Type"), str)
    }


def mapping(value: object, *keys: str) -> Mapping[str, Any]:
    """What lies under these keys if it is a mapping, else an empty one: a template may hold anything anywhere."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _parse(text: str, suffix: str) -> Any:  # noqa: ANN401 - anything that JSON can say
    if suffix == ".json" or text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if suffix not in {".yaml", ".yml"}:
                raise ValueError(
                    f"template must be JSON: {error.msg} in line {error.lineno}, column {error.colno}"
                ) from error
    from ml_constructs.policy.yaml_template import parse_yaml  # noqa: PLC0415 - PyYAML, of the extra `review`

    return parse_yaml(text)
