"""What a CloudFormation resource type is to the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.local_aws import seams
from tests.local_aws.seams import Attributes, Properties

Created = tuple[str, Attributes]
Create = Callable[[str, Properties, str], Created]
Update = Callable[[str, Properties, Properties, str], Created]
Delete = Callable[[str, Properties], None]


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A type that MiniStack lacks.

    `create` gets logical id, resolved properties and stack name, and returns physical id (what `Ref` gives) and
    attributes (what `Fn::GetAtt` gives). A change of a property in `create_only` makes a new resource, and deletes the
    old one after the update has succeeded; any other change calls `update`.
    """

    name: str
    create: Create
    delete: Delete
    update: Update | None = None
    create_only: tuple[str, ...] = ()

    def install(self) -> None:
        """Register the type."""
        handlers: dict[str, Any] = {"create": self.create, "delete": self.delete}
        if self.update is not None:
            handlers["update"] = self.update
        seams.register_type(self.name, handlers, self.create_only)


def extend(
    name: str, after: Callable[[str, Properties], Attributes | None], *, gone: Callable[[str], None] | None = None
) -> None:
    """Call `after` with physical id and properties once MiniStack has created or updated a resource of this type.

    It sets through the public API what MiniStack drops, and may return attributes that MiniStack forgets. `gone` is
    called with the physical id once MiniStack has deleted one.
    """
    theirs = seams.registered_type(name)

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        physical_id, attributes = theirs["create"](logical_id, properties, stack)
        return physical_id, attributes | (after(physical_id, properties) or {})

    def update(physical_id: str, old: Properties, new: Properties, stack: str, *logical_id: str) -> Created:
        changed_id, attributes = theirs["update"](physical_id, old, new, stack, *logical_id)
        return changed_id, attributes | (after(changed_id, new) or {})

    def delete(physical_id: str, properties: Properties) -> None:
        theirs["delete"](physical_id, properties)
        if gone is not None:
            gone(physical_id)

    ours = {"create": create, "delete": delete} | ({"update": update} if "update" in theirs else {})
    seams.register_type(name, theirs | ours, None)


def changed(old: Properties, new: Properties) -> set[str]:
    """The names of the properties that differ."""
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
