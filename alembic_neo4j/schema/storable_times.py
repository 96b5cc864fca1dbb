"""Dates and times of day as a property of the graph can hold them.

Each function is a `Judge`: it returns what is stored, or raises ValueError.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

_MOST_OFFSET = timedelta(hours=18)
_MINUTE = timedelta(minutes=1)


def judge_datetime(value: datetime, _allow_nan: bool) -> datetime | None:
    """Judge a date with a time of Python's, and pandas' missing one as null."""
    if value != value:
        # pandas' NaT, which the driver sends as null.
        return None
    if value.tzinfo is not None:
        _check_moment(value)
    return value


def _check_moment(value: datetime) -> None:
    zone = value.tzinfo
    # A zone with a name tells its own offset, also one with seconds of long ago.
    if isinstance(zone, ZoneInfo):
        _check_zone(zone)
    else:
        _check_offset(value.utcoffset())
    try:
        value.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("in UTC it is before year 1 or after 9999") from None


def _check_zone(zone: ZoneInfo) -> None:
    # pytz is the driver's own dependency, and what it sends zones by.
    import pytz

    try:
        pytz.timezone(zone.key or "UTC")
    except pytz.UnknownTimeZoneError:
        raise ValueError(f"there is no time zone {zone.key!r}") from None


def _check_offset(offset: timedelta | None) -> None:
    if offset is None:
        raise ValueError("its offset from UTC is not known")
    if offset % _MINUTE:
        raise ValueError("its offset from UTC is not of whole minutes")
    # The server cuts the connection for a larger one, with no word of why.
    if abs(offset) > _MOST_OFFSET:
        raise ValueError("its offset from UTC is more than 18 hours")


def judge_time(value: Any, _allow_nan: bool) -> Any:
    """Judge a time of day, Python's or the driver's."""
    if value.tzinfo is not None:
        offset = value.tzinfo.utcoffset(None)
        if offset is None:
            raise ValueError(
                "a time of day has a fixed offset, no zone whose offset depends on "
                "the date"
            )
        _check_offset(offset)
    return value


def judge_date_of_driver(value: Any, _allow_nan: bool) -> Any:
    """Judge a date of the driver's, which has a year 0."""
    if not value.year:
        raise ValueError("it is before year 1")
    return value


def judge_moment_of_driver(value: Any, allow_nan: bool) -> Any:
    """Judge a date with a time of the driver's."""
    judge_date_of_driver(value, allow_nan)
    if value.tzinfo is not None:
        # A ZoneInfo that is asked about a value of the driver reads foreign memory
        # (python/cpython#125318): Python's own value is asked.
        _check_moment(value.to_native())
    return value
