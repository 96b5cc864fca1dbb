"""Dates, times and durations: from text, and from Python's own values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from alembic_neo4j.graph import stored_values

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
_ZONE = r"(Z|z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?(?:\[([\w+\-/]+)\])?"
_ONLY_DATE = re.compile(_DATE, re.ASCII)
_ONLY_TIME = re.compile(_TIME + _ZONE, re.ASCII)
_MOMENT = re.compile(_DATE + r"(?:[T ]" + _TIME + r" ?" + _ZONE + r")?", re.ASCII)
_DURATION = re.compile(
    r"([+-])?P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?"
    r"(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:[.,](\d{1,9}))?S)?)?",
    re.ASCII,
)
_DATE_LENGTH = len("2024-12-31")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def to_date(value: Any, format: str | None) -> Any:
    """Return a date; of a date with a time only where that is midnight.

    Raises ValueError for anything else, as the functions below do.
    """
    if isinstance(value, str):
        if format is None and len(value) == _DATE_LENGTH and value[7] == "-":
            return date.fromisoformat(value)
        value = _parsed(value, format, _date)
    if isinstance(value, datetime):
        if value.timetz() != time():
            kind = "a time of day" if value.tzinfo is None else "an offset"
            raise ValueError(f"it has {kind}, which a DATE can't hold")
        return value.date()
    return _only(value, date)


def to_local_datetime(value: Any, format: str | None) -> Any:
    """Return a date with a time and no offset."""
    if isinstance(value, str):
        value = _parsed(value, format, parsed_moment)
    value = _with_time(value)
    if value.tzinfo is not None:
        raise ValueError("it has an offset or a time zone")
    return value


def to_zoned_datetime(value: Any, format: str | None, zone: tzinfo | None) -> Any:
    """Return a date with a time and an offset, that of `zone` where it has none."""
    if isinstance(value, str):
        value = _parsed(value, format, parsed_moment)
    value = _with_time(value)
    if value.tzinfo is None:
        if zone is None or not isinstance(value, datetime):
            raise ValueError("it has no offset: give a time_zone for such values")
        value = value.replace(tzinfo=zone)
    return value


def to_local_time(value: Any, format: str | None) -> Any:
    """Return a time of day without an offset."""
    value = _time_of_day(value, format)
    if value.tzinfo is not None:
        raise ValueError("it has an offset")
    return value


def to_zoned_time(value: Any, format: str | None) -> Any:
    """Return a time of day with an offset."""
    value = _time_of_day(value, format)
    if value.tzinfo is None:
        raise ValueError("it has no offset")
    return value


def to_duration(value: Any) -> Any:
    """Return a duration, of ISO 8601 or a `timedelta`."""
    if not isinstance(value, str):
        # The driver's own has months.
        return value if _is_ours(value, "Duration") else _only(value, timedelta)
    match = _DURATION.fullmatch(value.strip())
    if match is None or not any(match.groups()[1:]) or value.rstrip().endswith("T"):
        raise ValueError("a duration looks like P1Y2M3DT4H5M6.7S")
    sign, *parts, minus, seconds, fraction = match.groups()
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in parts)
    small = int(seconds or 0) * 10**9 + _nanosecond(fraction)
    small = (hours * 3600 + minutes * 60) * 10**9 + (-small if minus else small)
    turn = -1 if sign == "-" else 1
    # Towards zero, as the driver takes seconds and nanoseconds of one sign.
    whole, rest = divmod(abs(small), 10**9)
    side = turn if small >= 0 else -turn
    return stored_values.duration(
        turn * (years * 12 + months),
        turn * (weeks * 7 + days),
        side * whole,
        side * rest,
    )


def epoch_seconds(value: Any) -> float | None:
    """Return the seconds since 1970 of a date with a time, None where it is none.

    This is how neomodel's DateTimeProperty stores one; without an offset it is UTC.
    """
    if isinstance(value, str):
        if not value[:1].isdigit() or ":" not in value:
            return None
        value = parsed_moment(value)
    if not isinstance(value, datetime):
        return None
    aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
    return (aware - _EPOCH).total_seconds()


def as_text(value: Any) -> str | None:
    """Return a date or time as ISO 8601, None where it is none."""
    return value.isoformat() if isinstance(value, (date, time)) else None


def to_moment(value: Any, format: str | None, zone: tzinfo | None) -> datetime:
    """Return a date and time of Python's own, in `zone` where it names none.

    What is shorter than a microsecond is left out.
    """
    if isinstance(value, str):
        value = parsed(value, format) if format else parsed_moment(value)
    value = _with_time(value)
    if not isinstance(value, datetime):
        value = value.to_native()
    moment: datetime = value
    return moment.replace(tzinfo=zone) if zone and moment.tzinfo is None else moment


def fitting(value: datetime, zone: tzinfo | None, *, with_offset: bool) -> datetime:
    """Return a moment for a text with an offset, or for one without.

    One that has none is of `zone`; one that has one is told as it is there. Raises
    ValueError where an offset would be lost.
    """
    if with_offset:
        if value.tzinfo is not None:
            return value
        if zone is None:
            raise ValueError("it has no offset: give a time_zone for such values")
        return value.replace(tzinfo=zone)
    if value.tzinfo is None:
        return value
    if zone is None:
        raise ValueError(
            "it has an offset, which the stored format can't hold: give a time_zone "
            "in which it is told"
        )
    return value.astimezone(zone)


def parsed(text: str, format: str) -> datetime:
    """Return the date and time of a text in a format of `datetime.strptime`."""
    return datetime.strptime(text.strip(), format)


def time_as_sent(value: time) -> Any:
    """Return a time of day in the form that the driver can send."""
    return stored_values.time_of_day(value, value.microsecond * 1000)


def parsed_moment(text: str) -> Any:
    """Return the date and time of an ISO 8601 text; a date alone is its midnight."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError("a date and time look like 2024-12-31T23:59:59+01:00")
    year, month, day, hour, minute, second, fraction, offset, name = match.groups()
    exact = datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        tzinfo=_zone(offset, name),
    )
    if name and offset and exact.utcoffset() != _offset(offset):
        exact = exact.replace(fold=1)
        if exact.utcoffset() != _offset(offset):
            raise ValueError(f"{name} does not have the offset {offset} then")
    return stored_values.moment(exact, _nanosecond(fraction))


def zone_named(name: str) -> tzinfo:
    """Return the time zone of a name such as Europe/Berlin or of an offset."""
    if name[:1] in ("+", "-") or name in ("Z", "z"):
        return timezone(_offset(name))
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def _parsed(text: str, format: str | None, parse: Callable[[str], Any]) -> Any:
    return parse(text) if format is None else parsed(text, format)


def _date(text: str) -> date:
    match = _ONLY_DATE.fullmatch(text.strip())
    if match is None:
        if _MOMENT.fullmatch(text.strip()) is None:
            raise ValueError("a date looks like 2024-12-31")
        moment = parsed_moment(text)
        if isinstance(moment, datetime):
            return moment
        raise ValueError("it has a time of day, which a DATE can't hold")
    year, month, day = map(int, match.groups())
    return date(year, month, day)


def _time_of_day(value: Any, format: str | None) -> Any:
    if isinstance(value, str) and format is not None:
        value = datetime.strptime(value.strip(), format).timetz()
    if isinstance(value, str):
        match = _ONLY_TIME.fullmatch(value.strip())
        if match is None or match[6]:
            raise ValueError("a time looks like 23:59:59.5 or 23:59:59+01:00")
        hour, minute, second, fraction, offset, _ = match.groups()
        zone = timezone(_offset(offset)) if offset else None
        exact = time(int(hour), int(minute), int(second or 0), tzinfo=zone)
        return stored_values.time_of_day(exact, _nanosecond(fraction))
    if _is_ours(value, "Time"):
        return value
    return time_as_sent(_only(value, time))


def _with_time(value: Any) -> Any:
    if _is_ours(value, "DateTime"):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return _only(value, datetime)


def _only(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"it is a {type(value).__name__}")
    return value


def _is_ours(value: Any, name: str) -> bool:
    kind = type(value)
    return kind.__name__ == name and kind.__module__.startswith("neo4j.time")


def _zone(offset: str | None, name: str | None) -> tzinfo | None:
    if name:
        return zone_named(name)
    return timezone(_offset(offset)) if offset else None


def _offset(text: str) -> timedelta:
    if text in ("Z", "z"):
        return timedelta()
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = (int(digits[at : at + 2]) for at in (0, 2, 4))
    if minutes > 59 or seconds > 59 or hours > 18:
        raise ValueError(f"{text} is no offset")
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -offset if text[0] == "-" else offset


def _nanosecond(fraction: str | None) -> int:
    return int((fraction or "").ljust(9, "0"))
