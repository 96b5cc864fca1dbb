"""Values of a graph as JSON that keeps their types, in the form of Neo4j's Query API.

Each is an object with its ``$type`` and its ``_value``
(https://neo4j.com/docs/query-api/current/typed-json). So other programs read them, and
no value becomes another one: an integer is no float, -0.0 is no 0.0, NaN is one, and a
moment keeps its nanoseconds and the name of its zone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.stored_values import moment

Typed: TypeAlias = "dict[str, Any]"

_NANOSECONDS = 1_000_000_000
_DURATION = re.compile(r"P(-?\d+)M(-?\d+)DT(-?)(\d+)\.(\d{9})S")
_POINT = re.compile(r"SRID=(\d+);POINT(?: Z)? \((.+)\)")
_ZONED = re.compile(r"(.+)\[(.+)\]")
_GEOGRAPHIC = {4326, 4979}
_FLOATS = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def typed(value: Any) -> Typed:
    """Return a value that a graph can hold as its type and its text.

    Raises StatementError for one of a type that is not known here.
    """
    kind = type(value)
    write = _PLAIN.get(kind) or _OF_DRIVER.get(kind.__name__)
    if write is None or (kind not in _PLAIN and not _is_of_driver(kind)):
        raise StatementError(
            f"expected a value of a type that is known here, found {kind.__name__}; a "
            "later release of alembic-neo4j may know it"
        )
    name, text = write(value)
    return {"$type": name, "_value": text}


def untyped(value: Mapping[str, Any]) -> Any:
    """Return the value that `typed` was given.

    Raises ValueError where it is none, LookupError where its type is not known.
    """
    return _READ[value["$type"]](value["_value"])


def _is_of_driver(kind: type) -> bool:
    return kind.__module__.startswith(("neo4j.time", "neo4j.spatial", "neo4j._spatial"))


# Writing ------------------------------------------------------------------------------


def _float(value: float) -> str:
    text = repr(value)
    return _FLOATS.get(text, text)


def _datetime(value: Any) -> tuple[str, str]:
    text = value.iso_format()
    if value.tzinfo is None:
        return "LocalDateTime", text
    zone = getattr(value.tzinfo, "zone", None) or getattr(value.tzinfo, "key", None)
    return ("ZonedDateTime", f"{text}[{zone}]") if zone else ("OffsetDateTime", text)


def _time(value: Any) -> tuple[str, str]:
    return "LocalTime" if value.tzinfo is None else "Time", value.iso_format()


def _duration(value: Any) -> tuple[str, str]:
    rest = value.seconds * _NANOSECONDS + value.nanoseconds
    whole, part = divmod(abs(rest), _NANOSECONDS)
    sign = "-" if rest < 0 else ""
    return "Duration", f"P{value.months}M{value.days}DT{sign}{whole}.{part:09}S"


def _point(value: Any) -> tuple[str, str]:
    kind = "POINT Z" if len(value) == 3 else "POINT"
    return "Point", f"SRID={value.srid};{kind} ({' '.join(map(_float, value))})"


_PLAIN: Mapping[type, Callable[[Any], tuple[str, Any]]] = {
    type(None): lambda _: ("Null", None),
    bool: lambda value: ("Boolean", value),
    int: lambda value: ("Integer", str(value)),
    float: lambda value: ("Float", _float(value)),
    str: lambda value: ("String", value),
    bytes: lambda value: ("Base64", base64.b64encode(value).decode()),
    bytearray: lambda value: ("Base64", base64.b64encode(value).decode()),
    list: lambda value: ("List", [typed(item) for item in value]),
    dict: lambda value: ("Map", {name: typed(item) for name, item in value.items()}),
}
_OF_DRIVER: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "Date": lambda value: ("Date", value.iso_format()),
    "Time": _time,
    "DateTime": _datetime,
    "Duration": _duration,
    "WGS84Point": _point,
    "CartesianPoint": _point,
}


# Reading ------------------------------------------------------------------------------


def _temporal(kind: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        from neo4j import time

        return getattr(time, kind).from_iso_format(text)

    return read


def _zoned(text: str) -> Any:
    found = _ZONED.fullmatch(text)
    if found is None:
        raise ValueError(f"no zone in {text!r}")
    exact = _temporal("DateTime")(found[1])
    # The offset says which moment it is, where a clock shows an hour twice.
    return moment(exact.to_native().astimezone(ZoneInfo(found[2])), exact.nanosecond)


def _read_duration(text: str) -> Any:
    from neo4j.time import Duration

    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"no duration: {text!r}")
    sign = -1 if found[3] else 1
    return Duration(
        months=int(found[1]),
        days=int(found[2]),
        seconds=sign * int(found[4]),
        nanoseconds=sign * int(found[5]),
    )


def _read_point(text: str) -> Any:
    from neo4j.spatial import CartesianPoint, WGS84Point

    found = _POINT.fullmatch(text)
    if found is None:
        raise ValueError(f"no point: {text!r}")
    kind = WGS84Point if int(found[1]) in _GEOGRAPHIC else CartesianPoint
    return kind(tuple(map(float, found[2].split())))


_READ: Mapping[str, Callable[[Any], Any]] = {
    "Null": lambda _: None,
    "Boolean": bool,
    "Integer": int,
    "Float": float,
    "String": str,
    "Base64": base64.b64decode,
    "List": lambda items: [untyped(item) for item in items],
    "Map": lambda items: {name: untyped(item) for name, item in items.items()},
    "Date": _temporal("Date"),
    "Time": _temporal("Time"),
    "LocalTime": _temporal("Time"),
    "OffsetDateTime": _temporal("DateTime"),
    "ZonedDateTime": _zoned,
    "LocalDateTime": _temporal("DateTime"),
    "Duration": _read_duration,
    "Point": _read_point,
}
