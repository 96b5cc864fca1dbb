"""What of the data something reads or writes: labels, types and properties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from alembic_neo4j.schema.definitions import EntityType


class Part(Enum):
    """What the name is of that is read or written."""

    LABEL = "label"
    TYPE = "type"
    NODE_PROPERTY = "property of nodes"
    RELATIONSHIP_PROPERTY = "property of relationships"


Name: TypeAlias = "tuple[Part, str | None]"
"""A name, None where it may be any of its part."""


@dataclass(frozen=True)
class TouchedNames:
    """The names that something reads, or that it writes.

    A label stands for which nodes carry it, a type for which relationships are of it
    and where they lead: what is created or deleted counts there alone, since whoever
    reads it finds it by these. A property stands for its values on what stays.
    """

    names: frozenset[Name] = frozenset()

    def __or__(self, other: TouchedNames) -> TouchedNames:
        """Return what either of them has."""
        return TouchedNames(self.names | other.names)

    def meets(self, other: TouchedNames) -> bool:
        """Tell whether they have a name in common."""
        return any(other.has(name) for name in self.names)

    def within(self, others: TouchedNames) -> TouchedNames:
        """Return it with those of the others where a name may be any of its part."""
        said = frozenset(name for name in self.names if name[1] is not None)
        open_ = {part for part, name in self.names if name is None}
        return TouchedNames(said | {name for name in others.names if name[0] in open_})

    def of(self, part: Part) -> frozenset[str]:
        """Return the names of one part that are said."""
        return frozenset(
            n for other, n in self.names if other is part and n is not None
        )

    def has(self, name: Name) -> bool:
        """Tell whether the name is, or may be, among them."""
        part, said = name
        if said is None:
            return any(part is other for other, _ in self.names)
        return name in self.names or (part, None) in self.names


NOTHING = TouchedNames()
EVERYTHING = TouchedNames(frozenset((part, None) for part in Part))


def labels(*names: str | None) -> TouchedNames:
    """Return labels; None is any."""
    return TouchedNames(frozenset((Part.LABEL, name) for name in names))


def types(*names: str | None) -> TouchedNames:
    """Return relationship types; None is any."""
    return TouchedNames(frozenset((Part.TYPE, name) for name in names))


def carriers(entity: EntityType, *names: str | None) -> TouchedNames:
    """Return labels, or types, of which nodes or relationships are."""
    return labels(*names) if entity is EntityType.NODE else types(*names)


def properties(entity: EntityType, *names: str | None) -> TouchedNames:
    """Return properties of nodes, or of relationships; None is any."""
    return TouchedNames(frozenset((property_part(entity), name) for name in names))


def carrier_part(entity: EntityType) -> Part:
    """Return what a name is by which nodes, or relationships, are found."""
    return Part.LABEL if entity is EntityType.NODE else Part.TYPE


def property_part(entity: EntityType) -> Part:
    """Return what the name of a property is."""
    if entity is EntityType.NODE:
        return Part.NODE_PROPERTY
    return Part.RELATIONSHIP_PROPERTY


def touched(names: Iterable[tuple[EntityType, str]]) -> TouchedNames:
    """Return these labels and types."""
    return TouchedNames(
        frozenset((carrier_part(entity), name) for entity, name in names)
    )
