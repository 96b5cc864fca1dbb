"""What a property of the graph can hold: one rule for all that write a value.

It is what Neo4j stores and gives back as it was, whoever hands it over. Nothing of the
driver is imported: its own types are told by the names of their modules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

Judge: TypeAlias = Callable[[Any, bool], Any]
"""Is given a value and `allow_nan`; returns what is stored, or raises ValueError."""

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_GEOGRAPHIC = (4326, 4979)


def storable(value: Any, *, allow_nan: bool = False) -> Any:
    """Return a value as a property holds it; raises ValueError that says why none can.

    What the driver sends as something else, such as a number of numpy's, becomes that;
    a list of whole numbers and others becomes one of floats, as on the server. NaN and
    infinite numbers, which Neo4j stores but which equal nothing or have no end, are
    refused unless `allow_nan`. None is no value and stays.
    """
    return _judge_of(type(value))(value, allow_nan)


def storable_column(values: Sequence[Any], *, allow_nan: bool = False) -> bool:
    """Tell whether all values can be stored as they are, if that is told quickly.

    Where it is False, each has to be asked about alone.
    """
    kinds = set(map(type, values))
    if type(None) in kinds:
        kinds.remove(type(None))
        values = [value for value in values if value is not None]
    if not kinds or kinds == {bool}:
        return True
    if kinds == {str}:
        return _are_encodable(values)
    if kinds == {int}:
        return bool(min(values) >= _SMALLEST and max(values) <= _LARGEST)
    return kinds == {float} and (allow_nan or all(map(math.isfinite, values)))


def check_default(value: Any, *, allow_nan: bool = False) -> None:
    """Raise ValueError for a value that can't be the default of a model's property.

    NaN can't: the model would never be equal to its history.
    """
    if _has_nan(storable(value, allow_nan=allow_nan)):
        raise ValueError("it is NaN, which equals nothing; a default is compared")


def check_parameter(value: Any) -> None:
    """Raise ValueError for a parameter of Cypher that can't be sent as it is.

    Lists and maps may hold each other, and numbers need not be finite.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the keys of a map are texts, not {key!r}")
            storable(key)
            check_parameter(item)
    elif _is_list(value):
        for item in value:
            check_parameter(item)
    elif type(value).__name__ != "DataFrame":
        # The driver sends that as a map of lists.
        storable(value, allow_nan=True)


def is_finite(value: Any) -> bool:
    """Tell whether a value needs no `allow_nan`."""
    if isinstance(value, (list, tuple)):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def name_problem(name: Any) -> str | None:
    """Return why Neo4j can't have a name of a property, label or type; None if it can.

    An empty one, one with a NUL character and one that is no Unicode text can't be.
    """
    if not isinstance(name, str):
        return f"it is a {_named(type(name))}"
    if not name:
        return "it is empty"
    if "\0" in name:
        return "it has a NUL character"
    return None if _are_encodable([name]) else _HALF


# ---------------------------------------------------------------------------------

_HALF = "it has half of a pair (a lone surrogate)"
_NOT_FINITE = "it is no finite number, and allow_nan is not given"


def _has_nan(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(item, float) and math.isnan(item) for item in values)


def _are_encodable(texts: Sequence[str]) -> bool:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_it_is(value: Any, _allow_nan: bool) -> Any:
    return value


def _integer(value: Any, _allow_nan: bool) -> int:
    number = int(value)
    if not _SMALLEST <= number <= _LARGEST:
        raise ValueError("it is not within 64 bits")
    return number


def _float(value: Any, allow_nan: bool) -> float:
    number = float(value)
    if not allow_nan and not math.isfinite(number):
        raise ValueError(_NOT_FINITE)
    return number


def _text(value: Any, _allow_nan: bool) -> str:
    # Of a subclass, such as an enumeration of texts, the driver sends the text.
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"character {error.start + 1} is half of a pair (a lone surrogate)"
            ) from None
    return text


def _bytes(value: Any, _allow_nan: bool) -> bytes:
    return bytes(value)


# Lists ---------------------------------------------------------------------------


def _list(values: Any, allow_nan: bool) -> list[Any]:
    items = [_item(value, allow_nan) for value in values]
    kinds = set(map(type, items))
    if len(kinds) == 1 and kinds <= _PLAIN:
        return items
    if kinds == {int, float}:
        return [_exact_float(item) for item in items]
    names = {_kind(item) for item in items}
    if len(names) > 1:
        raise ValueError(
            f"a list has one kind of items, not {' and '.join(sorted(names))}"
        )
    return items


def _item(value: Any, allow_nan: bool) -> Any:
    if isinstance(value, Mapping) or _is_list(value):
        raise ValueError("a list can't hold lists or maps")
    if isinstance(value, (bytes, bytearray)):
        raise ValueError("a list can't hold bytes")
    item = storable(value, allow_nan=allow_nan)
    if item is None:
        raise ValueError("a list can't hold null")
    return item


def _is_list(value: Any) -> bool:
    return _judge_of(type(value)) in (_list, _array)


def _exact_float(item: int | float) -> float:
    number = float(item)
    if number != item and item == item:
        raise ValueError(f"a list with fractions can't hold {item} exactly")
    return number


_PLAIN = frozenset({str, int, float, bool})


def _kind(item: Any) -> str:
    """Return the type that Neo4j has for an item of a list."""
    for kind, name in _NAMES.items():
        if isinstance(item, kind):
            return name
    if hasattr(item, "srid"):
        return f"POINT of {item.srid}"
    if isinstance(item, timedelta) or hasattr(item, "nanoseconds"):
        return "DURATION"
    if type(item).__name__ == "datetime64":
        return "LOCAL DATETIME"
    local = "LOCAL" if getattr(item, "tzinfo", None) is None else "ZONED"
    if hasattr(item, "year"):
        return f"{local} DATETIME" if hasattr(item, "hour") else "DATE"
    return f"{local} TIME"


_NAMES = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT", str: "STRING"}


# Types of others -------------------------------------------------------------------


def _point(value: Any, _allow_nan: bool) -> Any:
    if not hasattr(value, "srid"):
        raise ValueError("it is a point of no coordinate reference system")
    if not all(map(math.isfinite, value)):
        raise ValueError("a coordinate is a finite number")
    if value.srid in _GEOGRAPHIC and not (abs(value[0]) <= 180 and abs(value[1]) <= 90):
        raise ValueError("longitude is within 180, latitude within 90 degrees")
    return value


def _of_numpy(value: Any, allow_nan: bool) -> Any:
    """Judge a scalar of numpy's as what the driver sends for it."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind in _FROM_NUMPY:
        return storable(_FROM_NUMPY[kind](value), allow_nan=allow_nan)
    if kind == "M":
        return None if value != value else value
    return _refused(value, allow_nan)


_FROM_NUMPY: Mapping[str, Callable[[Any], Any]] = {
    "b": bool,
    "i": int,
    "u": int,
    "f": float,
}


def _array(value: Any, allow_nan: bool) -> Any:
    try:
        items = list(value)
    except TypeError:
        raise ValueError("it is an array without a dimension") from None
    return _list(items, allow_nan)


def _nothing(_value: Any, _allow_nan: bool) -> None:
    """Return null, as which the driver sends what is missing in pandas."""


def _refused(value: Any, _allow_nan: bool) -> Any:
    raise ValueError(f"a property can't hold a {_named(type(value))}{_advice(value)}")


def _advice(value: Any) -> str:
    if isinstance(value, Enum):
        return "; give its value"
    if isinstance(value, Decimal):
        return "; give a float or a text"
    if isinstance(value, (set, frozenset, range)):
        return "; give a list"
    return ""


def _named(kind: type) -> str:
    return kind.__name__


# Dates and times of day -------------------------------------------------------------

_MOST_OFFSET = timedelta(hours=18)
_MINUTE = timedelta(minutes=1)


def _datetime(value: datetime, _allow_nan: bool) -> datetime | None:
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


def _time(value: Any, _allow_nan: bool) -> Any:
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


def _date_of_driver(value: Any, _allow_nan: bool) -> Any:
    """Judge a date of the driver's, which has a year 0."""
    if not value.year:
        raise ValueError("it is before year 1")
    return value


def _moment_of_driver(value: Any, allow_nan: bool) -> Any:
    """Judge a date with a time of the driver's."""
    _date_of_driver(value, allow_nan)
    if value.tzinfo is not None:
        # A ZoneInfo that is asked about a value of the driver reads foreign memory
        # (python/cpython#125318): Python's own value is asked.
        _check_moment(value.to_native())
    return value


# --- which judge is whose ----------------------------------------------------------


def _judge_of(kind: type) -> Judge:
    judge = _JUDGES.get(kind)
    if judge is None:
        judge = _JUDGES[kind] = _found_judge(kind)
    return judge


def _found_judge(kind: type) -> Judge:
    package = kind.__module__.partition(".")[0]
    if kind.__module__ in _OF_DRIVER:
        return _judge_of_driver(kind)
    if package == "pandas" and kind.__name__ in ("NaTType", "NAType"):
        return _nothing
    is_array = package in ("numpy", "pandas") and hasattr(kind, "dtype")
    if is_array and not issubclass(kind, (str, bytes)):
        # An array goes as a list; a number has a dtype as well.
        return _array if hasattr(kind, "__len__") else _of_numpy
    for base, judge in _OF_BASES:
        if issubclass(kind, base):
            return judge
    return _refused


def _judge_of_driver(kind: type) -> Judge:
    for base in kind.__mro__:
        if base.__module__ in _OF_DRIVER and base.__name__ in _OF_DRIVER_NAMES:
            return _OF_DRIVER_NAMES[base.__name__]
    return _refused


_OF_DRIVER = ("neo4j.time", "neo4j.spatial", "neo4j._spatial")
_OF_DRIVER_NAMES: Mapping[str, Judge] = {
    "Date": _date_of_driver,
    "DateTime": _moment_of_driver,
    "Time": _time,
    "Duration": _as_it_is,
    "Point": _point,
}

# A bool is an int, a datetime a date.
_OF_BASES: tuple[tuple[type, Judge], ...] = (
    (bool, _as_it_is),
    (int, _integer),
    (float, _float),
    (str, _text),
    (bytes, _bytes),
    (bytearray, _bytes),
    (list, _list),
    (tuple, _list),
    (datetime, _datetime),
    (date, _as_it_is),
    (time, _time),
    (timedelta, _as_it_is),
)

_JUDGES: dict[type, Judge] = {type(None): _as_it_is}
