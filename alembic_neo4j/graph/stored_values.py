"""Values on their way to the driver and back, and those that are kept as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from alembic_neo4j.errors import StatementError
from alembic_neo4j.sentences import ended

if TYPE_CHECKING:
    from neo4j.time import DateTime, Time

Moment: TypeAlias = "datetime | DateTime"
TimeOfDay: TypeAlias = "time | Time"


def point(coordinates: Sequence[float], *, geographic: bool) -> Any:
    """Return a point of WGS 84 (longitude, latitude[, height]) or of a plane.

    Raises ValueError unless there are two or three coordinates.
    """
    if len(coordinates) not in (2, 3):
        raise ValueError(f"a point has 2 or 3 coordinates, not {len(coordinates)}")
    from neo4j.spatial import CartesianPoint, WGS84Point

    kind = WGS84Point if geographic else CartesianPoint
    return kind(tuple(float(c) for c in coordinates))


def duration(months: int, days: int, seconds: int, nanoseconds: int) -> Any:
    """Return a duration; its parts are kept apart, as Neo4j does.

    Raises ValueError where a part is out of Neo4j's range.
    """
    from neo4j.time import Duration

    return Duration(months=months, days=days, seconds=seconds, nanoseconds=nanoseconds)


def moment(exact: datetime, nanosecond: int) -> Moment:
    """Return the date and time with this nanosecond of its second.

    It stays Python's own type where that can hold it. A time zone with a name stays
    one: the driver needs pytz's form of it.
    """
    zone = exact.tzinfo
    if nanosecond % 1000 == 0:
        return exact.replace(microsecond=nanosecond // 1000)
    from neo4j.time import DateTime

    exact = exact.replace(microsecond=0)
    if isinstance(zone, ZoneInfo) and zone.key:
        import pytz

        instant = exact.astimezone(timezone.utc)
        exact = instant.astimezone(pytz.timezone(zone.key))
    return DateTime.from_native(exact).replace(nanosecond=nanosecond)


def time_of_day(exact: time, nanosecond: int) -> TimeOfDay:
    """Return the time with this nanosecond of its second and its offset, if any.

    The offset is given in a form that the driver can send; Python's own `timezone`
    makes it fail. Raises ValueError for an offset with seconds.
    """
    zone = _sendable_offset(exact)
    if nanosecond % 1000 == 0:
        return exact.replace(microsecond=nanosecond // 1000, tzinfo=zone)
    from neo4j.time import Time

    return Time(exact.hour, exact.minute, exact.second, nanosecond, tzinfo=zone)


def _sendable_offset(exact: time) -> tzinfo | None:
    if exact.tzinfo is None:
        return None
    offset = exact.tzinfo.utcoffset(None)
    if offset is None:
        raise ValueError("a time of day has a fixed offset, no zone with a name")
    return fixed_offset(offset)


def fixed_offset(offset: timedelta) -> tzinfo:
    """Return an offset from UTC in the form in which the driver asks for it.

    Raises ValueError for one that is not of whole minutes.
    """
    minutes, rest = divmod(offset, timedelta(minutes=1))
    if rest:
        raise ValueError("an offset is made of whole minutes")
    import pytz

    fixed: tzinfo = pytz.FixedOffset(minutes)
    return fixed


# Parameters as the driver can send them without harm ----------------------------------


PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""The types whose values are sent as they are."""


class Sendable(list[Any]):
    """A list of which it is known that the driver can send all that is in it."""


def sendable(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters with every time zone in a form that the driver packs well.

    The driver asks a ZoneInfo about a datetime type of its own, which reads foreign
    memory (python/cpython#125318): a crash, or an instant that is hours off. Of a time
    of day it asks any zone but pytz's own in a way that is an error. Raises
    StatementError for a time of day in a zone whose offset depends on the date.
    """
    return {name: sendable_value(value) for name, value in (parameters or {}).items()}


def sendable_lists(lists: list[list[Any]]) -> Sendable:
    """Return lists of values in a form that the driver packs well."""
    kinds: set[type] = set()
    for values in lists:
        kinds.update(map(type, values))
    if kinds <= PLAIN:
        return Sendable(lists)
    return Sendable([[sendable_value(value) for value in row] for row in lists])


def sendable_value(value: Any) -> Any:
    """Return one value in a form that the driver packs well."""
    kind = type(value)
    if kind in PLAIN or kind is Sendable:
        return value
    zone = getattr(value, "tzinfo", None)
    if isinstance(value, datetime) and isinstance(zone, ZoneInfo):
        return _with_pytz(value, zone)
    if isinstance(value, time) and zone is not None:
        return _with_offset(value)
    if zone is not None and kind.__module__ == "neo4j.time":
        return _of_driver(value, zone)
    if isinstance(value, Mapping):
        return {key: sendable_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not _is_of_driver(value):
        return [sendable_value(item) for item in value]
    return value


def _is_of_driver(value: Any) -> bool:
    # A duration and a point of the driver are tuples, and no lists. The driver is
    # imported when it is needed: most verbs send nothing.
    from neo4j.spatial import Point
    from neo4j.time import Duration

    return isinstance(value, (Duration, Point))


def _of_driver(value: Any, zone: tzinfo) -> Any:
    """Return a moment or time of day of the driver's in a zone that it can ask."""
    if isinstance(zone, ZoneInfo) and hasattr(value, "year"):
        return sendable_value(moment(value.to_native(), value.nanosecond))
    if not hasattr(value, "year"):
        offset = zone.utcoffset(None)
        if offset is not None:
            return value.replace(tzinfo=fixed_offset(offset))
    return value


def _with_offset(value: time) -> Any:
    from neo4j.time import Time

    offset = value.utcoffset()
    if offset is None:
        raise StatementError(
            f"{value!r} is a time of day in a zone whose offset depends on the date; "
            "give it with a fixed offset, such as timezone(timedelta(hours=1))"
        )
    native = Time.from_native(value.replace(tzinfo=None))
    return native.replace(tzinfo=fixed_offset(offset))


def _with_pytz(value: datetime, zone: ZoneInfo) -> datetime:
    # pytz is the driver's own dependency, and what it expects.
    import pytz

    instant = value.astimezone(timezone.utc)
    return instant.astimezone(pytz.timezone(zone.key) if zone.key else timezone.utc)


# Rows as text and back, for a statement that must not run twice -----------------------


Row: TypeAlias = "dict[str, Any]"


class Rows(list[Row]):
    """The rows of a statement, how many entities it has created, and what it counts."""

    nodes_created = 0
    relationships_created = 0
    counts: Mapping[str, int] = MappingProxyType({})


LIMIT = 1_000_000
"""How many characters of rows a writing statement may return."""

_TYPES = ("Date", "Time", "DateTime", "Duration")


def rows_to_text(rows: Sequence[Row]) -> str:
    """Return the rows as text that is kept until the ledger knows of them.

    Raises StatementError when they are more than can be kept, or hold what has no
    text: nothing of the statement stays then.
    """
    try:
        text = json.dumps(rows, default=_tagged, ensure_ascii=False)
    except TypeError as error:
        raise StatementError(
            f"a writing statement returned what can't be recorded: {ended(error)} "
            "Return "
            "plain values, and read the rest with a statement of its own"
        ) from error
    if len(text) > LIMIT:
        raise StatementError(
            f"a writing statement returned {len(text):,} characters of rows; "
            f"{LIMIT:,} are recorded at most, so that it is never run twice. Return "
            "less, such as a count, and read the rest with a statement of its own"
        )
    return text


def rows_from_text(text: str) -> list[Row]:
    """Return the rows that `rows_to_text` wrote."""
    rows: list[Row] = json.loads(text, object_hook=_untagged)
    return rows


def _tagged(value: Any) -> Any:
    name = type(value).__name__
    if type(value).__module__.startswith("neo4j.time") and name in _TYPES:
        return {"$neo4j": name, "text": value.iso_format()}
    raise TypeError(f"a {name}")


def _untagged(value: Row) -> Any:
    if "$neo4j" not in value:
        return value
    from neo4j import time

    return getattr(time, value["$neo4j"]).from_iso_format(value["text"])
