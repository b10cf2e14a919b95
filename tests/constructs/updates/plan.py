"""What CloudFormation does between two templates: with each resource, and in which order.

It compares properties, not attributes such as `DependsOn`. Which of them cannot be changed in place is read from the
schemas of the CloudFormation registry that cfn-lint ships, whose `createOnlyProperties` are what the template reference
calls "Update requires: Replacement". A resource that is replaced has another `Ref` and other attributes, which is a
change of whatever refers to it. Updates follow the dependencies of the new template. Whatever is no longer needed goes
afterwards, against the dependencies of the old one: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # ships no types

from tests.constructs.builders import creation_order, references

Template = Mapping[str, Any]
Action = Literal["created", "updated", "replaced", "deleted", "kept"]

ACTIONS: Final[tuple[Action, ...]] = ("created", "updated", "replaced", "deleted", "kept")
_REGION: Final = "us-east-1"  # which has every type
_RETAINED: Final = ("Retain", "RetainExceptOnCreate", "Snapshot")
_MISSING: Final = object()


@dataclass(frozen=True)
class Step:
    """One thing that CloudFormation does; what it deletes is of the old template."""

    what: Literal["create", "update", "delete"]
    id: str


@dataclass(frozen=True)
class Plan:
    """What happens to the resources of two templates; those that are left out stay as they are.

    Attributes:
        before: The old template.
        after: The new one.
        actions: What happens, by logical id. A resource is kept if it leaves the stack and still exists.
        steps: Everything in an order that CloudFormation may take.
    """

    before: Template
    after: Template
    actions: Mapping[str, Action]
    steps: Sequence[Step]

    def ids(self, action: Action, kind: str | None = None) -> list[str]:
        """The logical ids with which something happens, of one type if given, e.g. `SageMaker::Model`."""
        return sorted(key for key, what in self.actions.items() if what == action and kind in (None, self.kind(key)))

    def kind(self, logical_id: str) -> str:
        """The type of a resource without its vendor."""
        resources = self.after["Resources"] if logical_id in self.after["Resources"] else self.before["Resources"]
        return short(resources[logical_id]["Type"])

    def summary(self) -> dict[Action, Counter[str]]:
        """How many of each type something happens to."""
        counted = {action: Counter(map(self.kind, self.ids(action))) for action in ACTIONS}
        return {action: kinds for action, kinds in counted.items() if kinds}

    def surely(self, first: Step, then: Step) -> bool:
        """Whether CloudFormation must finish one step before it begins the other; False if it may do both at once.

        Raises:
            ValueError: a step is not part of the plan.
        """
        for step in (first, then):
            if step not in self.steps:
                raise ValueError(f"{step} is not planned")
        if (first.what == "delete") != (then.what == "delete"):
            return then.what == "delete"
        if first.what == "delete":
            return then.id in reached(self.before, first.id)
        return first.id in reached(self.after, then.id)

    def changed(self, logical_id: str) -> set[str]:
        """The names of the properties whose text differs between the templates."""
        old, new = (_properties(template, logical_id) for template in (self.before, self.after))
        return {name for name in {*old, *new} if old.get(name, _MISSING) != new.get(name, _MISSING)}


def plan(before: Template, after: Template) -> Plan:
    """Compare two templates.

    Raises:
        ValueError: a logical id is of another type than before, which CloudFormation refuses.
        KeyError: a type is in no schema.
    """
    old, new = before["Resources"], after["Resources"]
    actions: dict[str, Action] = {}
    order = creation_order(after)
    for key in order:
        if key not in old:
            create_only(new[key]["Type"])  # whose updates must be known as well
            actions[key] = "created"
            continue
        if old[key]["Type"] != new[key]["Type"]:
            raise ValueError(f"{key} must stay of type {old[key]['Type']}, got {new[key]['Type']}")
        other_value = {name for name, action in actions.items() if action == "replaced"}
        if _differs(_properties(before, key), _properties(after, key), other_value):
            actions[key] = "replaced" if _is_replaced(key, before, after, other_value) else "updated"
    removed = [key for key in creation_order(before) if key not in new]
    for key in removed:
        actions[key] = "kept" if old[key].get("DeletionPolicy") in _RETAINED else "deleted"
    return Plan(before, after, actions, list(_steps(actions, order, before)))


def reached(template: Template, logical_id: str) -> set[str]:
    """The resources that a resource depends on, directly or not."""
    resources = template["Resources"]
    found: set[str] = set()
    queue = [logical_id]
    while queue:
        for key in references(resources[queue.pop()]):
            if key in resources and key not in found:
                found.add(key)
                queue.append(key)
    return found


def short(kind: str) -> str:
    """A type without its vendor."""
    return kind.removeprefix("AWS::")


@cache
def create_only(kind: str) -> tuple[tuple[str, ...], ...]:
    """The paths of the properties of a type that CloudFormation cannot change in place."""
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, kind).schema
    except Exception as error:
        raise KeyError(f"{kind} is in no schema of {_REGION}") from error
    listed = [*schema.get("createOnlyProperties", ()), *schema.get("conditionalCreateOnlyProperties", ())]
    return tuple(tuple(pointer.removeprefix("/properties/").split("/")) for pointer in listed)


def _steps(actions: Mapping[str, Action], order: Sequence[str], before: Template) -> Iterator[Step]:
    for key in order:
        action = actions.get(key)
        if action in {"created", "replaced"}:
            yield Step("create", key)
        elif action == "updated":
            yield Step("update", key)
    for key in reversed(creation_order(before)):
        action = actions.get(key)
        retained = before["Resources"][key].get("UpdateReplacePolicy") in _RETAINED
        if action == "deleted" or (action == "replaced" and not retained):
            yield Step("delete", key)


def _is_replaced(key: str, before: Template, after: Template, other_value: set[str]) -> bool:
    old, new = _properties(before, key), _properties(after, key)
    paths = create_only(after["Resources"][key]["Type"])
    return any(_differs(_found(old, path), _found(new, path), other_value) for path in paths)


def _differs(old: object, new: object, other_value: set[str]) -> bool:
    return old != new or not other_value.isdisjoint(references(new))


def _found(value: object, path: Sequence[str]) -> list[object]:
    """All values at a path, whose `*` stands for each item of a list."""
    if not path:
        return [value]
    name, *rest = path
    if name == "*":
        return [found for item in value for found in _found(item, rest)] if isinstance(value, list) else []
    return _found(value[name], rest) if isinstance(value, Mapping) and name in value else []


def _properties(template: Template, key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = template["Resources"][key].get("Properties", {})
    return found
