"""Reads YAML templates, with the short forms of intrinsic functions; needs PyYAML, of `ml-constructs[review]`."""

from __future__ import annotations

from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # ships no types

_MOST_NODES: Final = 1_000_000  # after aliases are followed; a template of the largest size has fewer
_DEEPEST: Final = 200  # libyaml's composer crashes the process on what is nested far deeper
_PLAIN: Final = {"bool", "float", "int", "null"}
# Python's own parser where libyaml is missing: slower, the same result.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - anything that JSON can say
    """What a YAML document says in JSON's terms.

    Raises:
        ValueError: it is no YAML, or expands beyond reason.
    """
    try:
        _check_depth(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ValueError(f"template must be YAML: {problem}{where}") from error
    return None if node is None else _Converter().value(node)


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError(f"template must be nested at most {_DEEPEST} deep, got more")


class _Converter:
    """Turns YAML nodes into values, without following more aliases than a template can need."""

    def __init__(self) -> None:
        self._nodes = 0
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node) -> Any:  # noqa: ANN401 - anything that JSON can say
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ValueError(f"template must hold at most {_MOST_NODES:,} values with its aliases followed, got more")
        plain = self._untagged(node)
        if not node.tag.startswith("!") or node.tag == "!":
            return plain
        name = node.tag[1:]
        if name == "GetAtt" and isinstance(plain, str):
            plain = plain.split(".", 1)
        return {name if name in {"Ref", "Condition"} else f"Fn::{name}": plain}

    def _untagged(self, node: yaml.Node) -> Any:  # noqa: ANN401 - anything that JSON can say
        if isinstance(node, yaml.MappingNode):
            return {_key(key): self.value(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each) for each in node.value]
        kind = node.tag.rsplit(":", 1)[-1]
        if kind not in _PLAIN:
            return node.value  # dates stay text: the version of a policy
        try:
            return self._scalars.construct_object(node)
        except ValueError:  # `!!int x`
            return node.value


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"template must have text as keys, got another in line {node.start_mark.line + 1}")  # noqa: TRY004
    return str(node.value)
