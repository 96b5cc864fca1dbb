"""Parameters as the driver can send them without harm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.stored_values import fixed_offset, moment

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
