"""Refuses a malformed template before anything is made, in the words of CloudFormation; the emulator accepts most.

https://repost.aws/knowledge-center/cloudformation-template-validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams

Template = dict[str, Any]

_SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata", "Outputs",
        "Parameters", "Resources", "Rules", "Transform",
    }
)  # fmt: skip
_ATTRIBUTES: Final = frozenset(
    {
        "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "Metadata", "Properties", "Type",
        "UpdatePolicy", "UpdateReplacePolicy", "Version",
    }
)  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {
        "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAZs", "Fn::GetAtt", "Fn::If",
        "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub",
        "Fn::ToJsonString", "Fn::Transform", "Fn::GetStackOutput",
    }
)  # fmt: skip
_DEEPEST: Final = 100
_LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9]+")
_PLACEHOLDER: Final = re.compile(r"\$\{([^!}][^}]*)\}")


class _Misshapen(ValueError):  # noqa: N818 - the caller puts "Template format error" before it
    """The template cannot be read as one."""


def parse(text: str, theirs: Callable[[str], Template]) -> Template:
    """Read a template, and check that its parts are what the emulator takes them for.

    Raises:
        ValueError: it is malformed; the emulator puts "Template format error" before the text.
    """
    try:
        has_aliases = not text.lstrip().startswith("{") and any(
            isinstance(token, yaml.AliasToken) for token in yaml.scan(text)
        )
        template = {} if has_aliases else theirs(text)
    except json.JSONDecodeError as error:
        raise _Misshapen(f"JSON not well-formed. (line {error.lineno}, column {error.colno})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _Misshapen(f"YAML not well-formed.{place}") from error
    except (RecursionError, yaml.YAMLError, ValueError) as error:  # ValueError: no mapping
        raise _Misshapen("unsupported structure.") from error
    if has_aliases:  # a few lines of them can stand for more than any memory holds
        raise _Misshapen("YAML aliases are not allowed in CloudFormation templates")
    _check_depth(template)
    _check_shape(template)
    return template


def _check_depth(template: Template) -> None:
    """The emulator follows a template by recursion."""
    left: list[tuple[Any, int]] = [(template, 1)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            raise _Misshapen("unsupported structure.")
        if isinstance(value, dict | list):
            left += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]


def _check_shape(template: Template) -> None:
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        if not isinstance(template.get(section, {}), dict):
            raise _Misshapen(f"[/{section}] '{section}' must be an object")
    resources = template.get("Resources")
    if not resources:
        raise _Misshapen("At least one Resources member must be defined.")
    for name, resource in resources.items():
        if name.startswith("Fn::ForEach::"):
            continue
        if not _LOGICAL_ID.fullmatch(name):
            raise _Misshapen(f"Resource name {name} is non alphanumeric.")
        if not isinstance(resource, dict):
            raise _Misshapen(f"[/Resources/{name}] resource definition is malformed")
        if not isinstance(resource.get("Type"), str):
            raise _Misshapen(f"[/Resources/{name}] Every Resources object must contain a Type member.")
        if not isinstance(resource.get("Properties", {}), dict):
            raise _Misshapen(f"[/Resources/{name}/Properties] Properties must be an object")


def check(template: Template) -> None:
    """Check what the parts of a template say of each other, once transforms were applied.

    Raises:
        ValueError: with the message of CloudFormation.
    """
    if template.get("Transform"):  # a macro may yet make anything of it
        return
    unknown = sorted(template.keys() - _SECTIONS)
    if unknown:
        raise ValueError(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources: Mapping[str, Any] = template["Resources"]
    for resource in resources.values():
        for attribute in sorted(resource.keys() - _ATTRIBUTES):
            raise ValueError(f"Invalid template resource property '{attribute}'")
    _check_conditions(template)
    parameters = template.get("Parameters", {})
    _check_references(resources, resources, parameters, "Resources")
    _check_references(template.get("Outputs", {}), resources, parameters, "Outputs")
    _check_order(resources)


def _check_conditions(template: Template) -> None:
    known = template.get("Conditions", {})
    for section in ("Resources", "Outputs"):
        for item in template.get(section, {}).values():
            named = item.get("Condition")
            if isinstance(named, str) and named not in known:
                raise ValueError(
                    f"Template format error: Unresolved condition dependency {named} in the {section} block of the "
                    "template"
                )
        for function, value in _calls(template.get(section, {})):
            if function == "Fn::If" and isinstance(value, list) and value and value[0] not in known:
                raise ValueError(f"Template error: unresolved condition dependency {value[0]} in Fn::If")


def _check_references(
    part: Mapping[str, Any], resources: Mapping[str, Any], parameters: Mapping[str, Any], section: str
) -> None:
    unresolved: dict[str, None] = {}
    for function, value in _calls(part):
        if function.startswith("Fn::") and function not in _FUNCTIONS:
            supported = ", ".join(sorted(_FUNCTIONS))
            raise ValueError(
                f"Template error: Encountered unsupported function: {function} Supported functions are: [{supported}]"
            )
        if function == "Fn::GetAtt" and _owner(value) not in resources:
            raise ValueError(f"Template error: instance of Fn::GetAtt references undefined resource {_owner(value)}")
        for name in _names(function, value):
            if name not in resources and name not in parameters and not name.startswith("AWS::"):
                unresolved[name] = None
    for name in _depended(part) if section == "Resources" else ():
        if name not in resources:
            unresolved[name] = None
    if unresolved:
        raise ValueError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the {section} block "
            "of the template"
        )


def _check_order(resources: Mapping[str, Any]) -> None:
    graph = {
        name: {one for function, value in _calls(resource) for one in _names(function, value)}
        | set(_depended({name: resource}))
        for name, resource in resources.items()
    }
    try:
        TopologicalSorter({name: found & resources.keys() for name, found in graph.items()}).prepare()
    except CycleError as error:
        raise ValueError(f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]") from error


def _calls(value: object) -> Iterator[tuple[str, Any]]:
    """Each intrinsic function in a part of a template: its name and its argument."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                yield name, argument
        for key, item in value.items():
            if key != "Metadata":
                yield from _calls(item)
    elif isinstance(value, list):
        for item in value:
            yield from _calls(item)


def _names(function: str, value: object) -> Iterator[str]:
    """What a call refers to."""
    if function == "Ref" and isinstance(value, str):
        yield value
    elif function == "Fn::GetAtt":
        yield _owner(value)
    elif function == "Fn::Sub":
        text, local = value if isinstance(value, list) and len(value) == 2 else (value, {})
        for name in _PLACEHOLDER.findall(text) if isinstance(text, str) else ():
            if name.strip() not in local:
                yield name.strip().partition(".")[0]


def _owner(value: object) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return first.partition(".")[0] if isinstance(first, str) else ""


def _depended(resources: Mapping[str, Any]) -> Iterator[str]:
    for resource in resources.values():
        named = resource.get("DependsOn", [])
        yield from [named] if isinstance(named, str) else named


def install() -> None:
    """Check each template that the emulator is given."""
    seams.check_templates(parse, check)
