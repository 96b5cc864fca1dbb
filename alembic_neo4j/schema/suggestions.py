"""Examples of the conversions that a person is asked to write, by pair of types."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_classes import DATE, EPOCH, JSON
from alembic_neo4j.schema.property_types import item_type, normal_type

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
