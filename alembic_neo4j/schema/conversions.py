"""How stored values are converted when a property's type changes: one table.

A conversion is a Cypher expression over ``value``. The table has what keeps the
meaning of every value that the new type can hold; anything else is for a person to
write (FILL_IN). A value that can't be converted (``toInteger('x')``) gives null: who
runs a conversion has to look for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.elements import Property, normal_type

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

_ISO_DATE = "%Y-%m-%d"
_TO_STRING = "toString(value)"
_CASTS: Mapping[tuple[str, str], str] = {
    ("STRING", "INTEGER"): "toInteger(value)",
    ("INTEGER", "STRING"): _TO_STRING,
    ("STRING", "FLOAT"): "toFloat(value)",
    ("FLOAT", "STRING"): _TO_STRING,
    ("STRING", "BOOLEAN"): "toBoolean(value)",
    ("BOOLEAN", "STRING"): _TO_STRING,
    ("INTEGER", "FLOAT"): "toFloat(value)",
    ("FLOAT", "INTEGER"): "toInteger(value)",
}
_TEMPORAL: Mapping[str, str] = {
    "DATE": "date(value)",
    "LOCAL DATETIME": "localdatetime(value)",
    "ZONED DATETIME": "datetime(value)",
    "LOCAL DATETIME | ZONED DATETIME": "datetime(value)",
    "LOCAL TIME": "localtime(value)",
    "ZONED TIME": "time(value)",
    "DURATION": "duration(value)",
}


def conversion(before: Property, after: Property) -> Conversion:
    """Return how the values of one declaration become those of another."""
    if not any(getattr(before, name) != getattr(after, name) for name in PHYSICAL):
        return Conversion()
    return Conversion(_using(before, after), _using(after, before))


def is_lossy(before: Property, after: Property) -> bool:
    """Tell whether the known conversion drops a part of some values."""
    old, new = normal_type(before.type), normal_type(after.type)
    return _item(old) == new or (old, new) == ("FLOAT", "INTEGER")


def _using(before: Property, after: Property) -> Using:
    old, new = normal_type(before.type), normal_type(after.type)
    if old == new:
        return _restored(before, after)
    if _declares_only(old, new) or _declares_only(new, old):
        return None
    if _item(new) == old:
        return "[value]"
    if _item(old) == new:
        return "value[0]"
    if old == "STRING" and new in _TEMPORAL:
        # Python's formats are not Cypher's; only the ISO date is read by both.
        iso = before.format in (None, _ISO_DATE)
        return _TEMPORAL[new] if iso else Placeholder.FILL_IN
    if new == "STRING" and old in _TEMPORAL:
        iso = after.format is None or (after.format, old) == (_ISO_DATE, "DATE")
        return _TO_STRING if iso else Placeholder.FILL_IN
    if before.format != after.format:
        return Placeholder.FILL_IN
    return _CASTS.get((old, new), Placeholder.FILL_IN)


def _restored(before: Property, after: Property) -> Using:
    """Return the conversion between two forms of one type: a format or a crs."""
    if before.format != after.format:
        return Placeholder.FILL_IN
    known = before.crs is not None and after.crs is not None
    return Placeholder.FILL_IN if known and before.crs != after.crs else None


def _declares_only(narrow: str, wide: str) -> bool:
    """Tell whether every value of the one type is one of the other."""
    if wide == "ANY":
        return True
    narrow_item, wide_item = _item(narrow), _item(wide)
    if narrow_item and wide_item:
        return _declares_only(narrow_item, wide_item)
    return set(narrow.split(" | ")) < set(wide.split(" | "))


def _item(type_: str) -> str | None:
    """Return the type of a list's items, None where it is no list."""
    if type_.startswith("LIST<") and type_.endswith(">"):
        return type_[len("LIST<") : -1].removesuffix(" NOT NULL")
    return None
