"""How stored values are converted when a property's type or format changes.

A conversion is a Cypher expression over ``value``. The table of `property_classes` has
what keeps the meaning of every value that the new type can hold; anything else is for
a person to write (FILL_IN). A value that can't be converted (``toInteger('x')``) gives
null: who runs a conversion has to look for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_classes import (
    DATE,
    EPOCH,
    JSON,
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


# Examples of the conversions that a person is asked to write, by pair of types --------


_LISTS: Mapping[str, str] = {
    "BOOLEAN": "toBooleanList",
    "FLOAT": "toFloatList",
    "INTEGER": "toIntegerList",
    "STRING": "toStringList",
}
_TEMPORAL: Mapping[str, str] = {
    "DATE": "date",
    "LOCAL DATETIME": "localdatetime",
    "ZONED DATETIME": "datetime",
    "LOCAL TIME": "localtime",
    "ZONED TIME": "time",
}
_DATED = ("DATE", "LOCAL DATETIME", "ZONED DATETIME")
_NUMBERS = ("INTEGER", "FLOAT")
_INTO: Mapping[str, str] = {
    "STRING": "toString({})",
    "INTEGER": "toInteger({})",
    "FLOAT": "toFloat({})",
    "BOOLEAN": "toBoolean({})",
    "DURATION": "duration({})",
}


def suggested_conversion(before: Property, after: Property) -> str:
    """Return an expression over ``value`` that gives values of the new type.

    It is one of several that may be meant; the declared formats are kept to where
    Cypher can write them.
    """
    old, new = normal_type(before.type), normal_type(after.type)
    old_item, new_item = item_type(old), item_type(new)
    if old_item and new_item:
        return _of_lists(old_item, new_item, before, after)
    if old_item:
        return _formatted("value[0]", old_item, new, before, after)
    if new_item:
        return f"[{_formatted('value', old, new_item, before, after)}]"
    return _formatted("value", old, new, before, after)


def _of_lists(old: str, new: str, before: Property, after: Property) -> str:
    one = _formatted("item", old, new, before, after)
    plain = _INTO.get(new, "").format("item")
    if new in _LISTS and one == plain:
        return f"{_LISTS[new]}(value)"
    return f"[item IN value | {one}]"


def _formatted(
    value: str, old: str, new: str, before: Property, after: Property
) -> str:
    if before.format == EPOCH:
        value = f"datetime({{epochMillis: toInteger({value} * 1000)}})"
        old = "ZONED DATETIME"
    if after.format == DATE:
        return f"toString({_one(value, old, 'DATE')})"
    if after.format == EPOCH:
        return f"{_one(value, old, 'ZONED DATETIME')}.epochMillis / 1000.0"
    if after.format == JSON and old == "STRING":
        return f"'\"' + {value} + '\"'"
    if after.crs is not None and old == "POINT":
        return f"point({{x: {value}.x, y: {value}.y, crs: '{after.crs}'}})"
    return _one(value, old, new)


def _one(value: str, old: str, new: str) -> str:
    """Return the expression for a single value."""
    new = "ZONED DATETIME" if "|" in new else new
    old = "ZONED DATETIME" if "|" in old else old
    if old == new:
        return f"substring({value}, 0, 10)" if old == "STRING" else value
    if new in _TEMPORAL:
        return _into_temporal(value, old, new)
    if new == "POINT":
        return f"point({{x: {_one(value, old, 'FLOAT')}, y: 0.0}})"
    if new == "DURATION" and old != "STRING":
        return f"duration({{seconds: {_one(value, old, 'INTEGER')}}})"
    if new == "BOOLEAN" and old not in ("STRING", "INTEGER", "ANY"):
        return f"{_one(value, old, 'INTEGER')} <> 0"
    if new in _NUMBERS:
        return _INTO[new].format(_number(value, old, new))
    return _INTO.get(new, "{}").format(value)


def _into_temporal(value: str, old: str, new: str) -> str:
    function = _TEMPORAL[new]
    timed, dated = new.endswith("TIME"), new in _DATED
    if old in ("STRING", "ANY"):
        return f"{function}({value})"
    if old in _DATED and dated:
        part = "date" if old == "DATE" else "datetime"
        return f"{function}({{{part}: {value}}})" if timed else f"date({value})"
    if old in _DATED and old != "DATE":
        return f"{function}({value})"
    if old in _TEMPORAL and not dated and old != "DATE":
        return f"{function}({value})"
    moment = f"datetime({{epochSeconds: {_one(value, old, 'INTEGER')}}})"
    return moment if new == "ZONED DATETIME" else f"{function}({moment})"


def _number(value: str, old: str, new: str) -> str:
    """Return what the function that makes a number takes."""
    if old == "POINT":
        return f"{value}.x"
    if old == "DURATION":
        return f"{value}.seconds"
    if old == "ZONED DATETIME":
        return f"{value}.epochSeconds"
    if old in _DATED:
        part = "date" if old == "DATE" else "datetime"
        return f"datetime({{{part}: {value}}}).epochSeconds"
    if old in _TEMPORAL:
        return f"{value}.hour * 3600 + {value}.minute * 60 + {value}.second"
    if old == "BOOLEAN" and new == "FLOAT":
        return f"toInteger({value})"
    return value
