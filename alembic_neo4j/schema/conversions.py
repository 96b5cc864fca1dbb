"""How stored values are converted when a property's type or format changes.

A conversion is a Cypher expression over ``value``. The table of `property_classes` has
what keeps the meaning of every value that the new type can hold; anything else is for
a person to write (FILL_IN). A value that can't be converted (``toInteger('x')``) gives
null: who runs a conversion has to look for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_classes import (
    certain_conversion,
    kind_of,
    not_in_form,
)
from alembic_neo4j.schema.property_types import alternatives, item_type, normal_type

Using: TypeAlias = "str | Placeholder | None"
"""An expression over ``value``, FILL_IN, or None: the values stay as they are."""


@dataclass(frozen=True)
class Conversion:
    """How values are converted on the way up and on the way back."""

    using: Using = None
    reverse_using: Using = None

    def __bool__(self) -> bool:
        return self.using is not None or self.reverse_using is not None


PHYSICAL = ("type", "format", "crs")
"""The fields of a property that say how its values are stored."""


def conversion(before: Property, after: Property) -> Conversion:
    """Return how the values of one declaration become those of another."""
    if not any(getattr(before, name) != getattr(after, name) for name in PHYSICAL):
        return Conversion()
    using = _using(before, after)
    # What the way up leaves alone, the way back leaves alone.
    return Conversion(using, using and _using(after, before))


def is_lossy(before: Property, after: Property) -> bool:
    """Tell whether the known conversion drops a part of some values."""
    old, new = normal_type(before.type), normal_type(after.type)
    return item_type(old) == new or (old, new) == ("FLOAT", "INTEGER")


def _using(before: Property, after: Property) -> Using:
    old, new = kind_of(before), kind_of(after)
    if old == new:
        known = before.crs is not None and after.crs is not None
        return Placeholder.FILL_IN if known and before.crs != after.crs else None
    if _declares_only(old[0], new[0]) or _declares_only(new[0], old[0]):
        return None
    if old[0] == new[0] and (after.format is None or _can_be_checked(before, after)):
        return None
    if old[1] == new[1]:
        if item_type(new[0]) == old[0]:
            return "[value]"
        if item_type(old[0]) == new[0]:
            return "value[0]"
    return certain_conversion(old, new) or Placeholder.FILL_IN


def _can_be_checked(before: Property, after: Property) -> bool:
    """Tell whether values without a format may be those of one, and can be looked at.

    They stay as they are; any that could not be read stop the upgrade before it writes.
    """
    return before.format is None and not_in_form(after.format, "value") is not None


def _declares_only(narrow: str, wide: str) -> bool:
    """Tell whether every value of the one type is one of the other."""
    if wide == "ANY":
        return True
    narrow_item, wide_item = item_type(narrow), item_type(wide)
    if narrow_item and wide_item:
        return _declares_only(narrow_item, wide_item)
    return set(alternatives(narrow)) < set(alternatives(wide))
