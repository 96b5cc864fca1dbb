"""Values that Neo4j stores and Python's own types can't hold, in the driver's types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

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
