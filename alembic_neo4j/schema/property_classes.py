"""What each property class of neomodel stores and reads again: one table.

A class writes values of one stored type, some of them in a `format`: text that is a
date, a number that is a moment, text that is JSON. Comparing, loading and verifying
ask this table and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from typing import Any, Literal, TypeAlias

from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_types import normal_type

DATE = "date"
"""Text such as 2024-12-31, that of a DateProperty."""

EPOCH = "epoch"
"""A number of seconds since 1970 in UTC, that of a DateTimeProperty."""

JSON = "json"
"""Text that is JSON, that of a JSONProperty."""

ISO_DATE = "%Y-%m-%d"
"""The format of `datetime.strptime` whose text is that of DATE as well."""

FileText: TypeAlias = Literal["plain", "date", "moment", "json", "list", "point"]
"""What the text of a file is read as before it becomes the stored value."""

Kind: TypeAlias = "tuple[str, str | None]"
"""A stored type and the format of its values, None where it has none."""

_MOMENTS = "LOCAL DATETIME | ZONED DATETIME"
_MIDNIGHT = "value % 86400 = 0"
_SINCE_1970 = "datetime({epochSeconds: toInteger(value)})"
_TO_SECONDS = (
    "toFloat(datetime({datetime: value, timezone: 'Z'}).epochSeconds)"
    " + datetime({datetime: value, timezone: 'Z'}).microsecond / 1000000.0"
)
_NO_TIME = "localtime(value) = localtime('00:00')"
_TO_STRING = "toString(value)"


@dataclass(frozen=True)
class PropertyClass:
    """A class of neomodel, by name: importing PointProperty needs shapely.

    Of ANY its values are not known. `format` is None also where each property has its
    own. `certain` has what converts into it without a doubt: from each kind the Cypher
    expression over ``value``.
    """

    name: str
    type: str = "STRING"
    format: str | None = None
    text: FileText = "plain"
    certain: Mapping[Kind, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The stored type and the format."""
        return (self.type, self.format)


_INTO_TEXT: Mapping[Kind, str] = {
    (name, None): _TO_STRING
    for name in (
        *("INTEGER", "FLOAT", "BOOLEAN", "DATE", "LOCAL DATETIME", "ZONED DATETIME"),
        *("LOCAL TIME", "ZONED TIME", "DURATION", _MOMENTS),
    )
}

_ROWS = (
    PropertyClass("NormalizedProperty", certain=_INTO_TEXT),
    PropertyClass("StringProperty", certain=_INTO_TEXT),
    PropertyClass("RegexProperty", certain=_INTO_TEXT),
    PropertyClass("EmailProperty", certain=_INTO_TEXT),
    PropertyClass("UniqueIdProperty", certain=_INTO_TEXT),
    PropertyClass(
        "IntegerProperty",
        "INTEGER",
        certain={
            ("STRING", None): "toInteger(value)",
            ("FLOAT", None): "toInteger(value)",
            ("FLOAT", EPOCH): "toInteger(value)",
            ("STRING", JSON): "CASE WHEN value =~ '-?[0-9]+' THEN toInteger(value) END",
        },
    ),
    PropertyClass(
        "FloatProperty",
        "FLOAT",
        certain={
            ("STRING", None): "toFloat(value)",
            ("INTEGER", None): "toFloat(value)",
            ("STRING", JSON): "toFloat(value)",
        },
    ),
    PropertyClass(
        "BooleanProperty",
        "BOOLEAN",
        certain={
            ("STRING", None): "toBoolean(value)",
            ("STRING", JSON): "CASE value WHEN 'true' THEN true "
            "WHEN 'false' THEN false END",
        },
    ),
    PropertyClass(
        "DateProperty",
        "STRING",
        DATE,
        "date",
        certain={
            ("DATE", None): _TO_STRING,
            ("LOCAL DATETIME", None): f"CASE WHEN {_NO_TIME} "
            "THEN toString(date(value)) END",
            (_MOMENTS, None): f"CASE WHEN {_NO_TIME} THEN toString(date(value)) END",
            ("FLOAT", EPOCH): f"CASE WHEN {_MIDNIGHT} "
            f"THEN toString(date({_SINCE_1970})) END",
        },
    ),
    PropertyClass(
        "DateTimeProperty",
        "FLOAT",
        EPOCH,
        "moment",
        certain={
            ("INTEGER", None): "toFloat(value)",
            ("STRING", DATE): "toFloat(datetime({date: date(value), "
            "timezone: 'Z'}).epochSeconds)",
            ("DATE", None): "toFloat(datetime({date: value, "
            "timezone: 'Z'}).epochSeconds)",
            # As neomodel has it, what names no time zone is UTC.
            ("LOCAL DATETIME", None): _TO_SECONDS,
            ("ZONED DATETIME", None): _TO_SECONDS,
            (_MOMENTS, None): _TO_SECONDS,
        },
    ),
    PropertyClass("DateTimeFormatProperty", "STRING", text="moment"),
    PropertyClass(
        "DateTimeNeo4jFormatProperty",
        _MOMENTS,
        text="moment",
        certain={
            ("STRING", None): "datetime(value)",
            ("STRING", DATE): "localdatetime(value)",
            ("FLOAT", EPOCH): "datetime({epochSeconds: 0}) + "
            "duration({microseconds: toInteger(round(value * 1000000))})",
        },
    ),
    PropertyClass(
        "JSONProperty",
        "STRING",
        JSON,
        "json",
        certain={
            ("INTEGER", None): _TO_STRING,
            ("FLOAT", None): _TO_STRING,
            ("BOOLEAN", None): _TO_STRING,
        },
    ),
    # The type and the format of its items are those of another row.
    PropertyClass("ArrayProperty", "LIST<ANY>", text="list"),
    PropertyClass("PointProperty", "POINT", text="point"),
)

ROWS: Mapping[str, PropertyClass] = {row.name: row for row in _ROWS}
"""The table, by the names of the classes; an alias stores nothing and is not there."""

_STORED_AS: Mapping[Kind, PropertyClass] = {row.kind: row for row in reversed(_ROWS)}

_NATIVE: Mapping[Kind, Mapping[Kind, str]] = {
    # What Neo4j can store and no class of neomodel writes.
    ("DATE", None): {
        ("STRING", None): "date(value)",
        ("STRING", DATE): "date(value)",
        ("FLOAT", EPOCH): f"CASE WHEN {_MIDNIGHT} THEN date({_SINCE_1970}) END",
    },
    ("LOCAL DATETIME", None): {
        ("STRING", None): "localdatetime(value)",
        ("STRING", DATE): "localdatetime(value)",
    },
    ("ZONED DATETIME", None): {
        ("STRING", None): "datetime(value)",
        ("STRING", DATE): "datetime(value)",
        ("FLOAT", EPOCH): ROWS["DateTimeNeo4jFormatProperty"].certain["FLOAT", EPOCH],
    },
    ("LOCAL TIME", None): {("STRING", None): "localtime(value)"},
    ("ZONED TIME", None): {("STRING", None): "time(value)"},
    ("DURATION", None): {("STRING", None): "duration(value)"},
}


def kind_of(declared: Property) -> Kind:
    """Return the stored type and the format; two formats of one text are the same."""
    format = DATE if declared.format == ISO_DATE else declared.format
    return (normal_type(declared.type), format)


def certain_conversion(before: Kind, after: Kind) -> str | None:
    """Return the Cypher that converts without a doubt, None where there is one."""
    row = _STORED_AS.get(after)
    into = row.certain if row is not None else _NATIVE.get(after, {})
    return into.get(before)


# Values --------------------------------------------------------------------------


def stored_form(value: Any, format: str) -> Any:
    """Return a value of Python's as the format stores it, texts as they are.

    Raises ValueError where it has no such form, or could not be read again.
    """
    stored: Any
    if format == JSON:
        stored = value if isinstance(value, str) else _as_json(value)
    elif format == EPOCH:
        stored = _seconds(value)
    elif isinstance(value, str):
        stored = value
    elif format == DATE:
        stored = _day(value).isoformat()
    else:
        stored = _in_format(value, format)
    check_form(stored, format)
    return stored


def check_form(stored: Any, format: str) -> None:
    """Raise ValueError for a stored value that a class of this format can't read."""
    if format == JSON:
        _parsed_json(stored)
    elif format == EPOCH:
        datetime.fromtimestamp(_number(stored), tz=timezone.utc)
    elif format == DATE:
        # As neomodel does: a time of day is cut off.
        datetime.strptime(stored.partition("T")[0], ISO_DATE)
    else:
        datetime.strptime(stored, format)


def unreadable(declared: Property, stored: Any) -> str | None:
    """Return why the class of a property can't read a value, None where it can.

    A value of another stored type than the declared one is not judged.
    """
    if isinstance(stored, (list, tuple)) and not hasattr(stored, "srid"):
        reasons = (unreadable(declared, item) for item in stored)
        return next((reason for reason in reasons if reason is not None), None)
    if hasattr(stored, "srid"):
        crs = _CRS.get(stored.srid)
        agrees = declared.crs is None or crs == declared.crs
        return None if agrees else f"it is in {crs}, not in {declared.crs}"
    if not isinstance(stored, float if declared.format == EPOCH else str):
        return None
    if declared.format is not None:
        try:
            check_form(stored, declared.format)
        except (ValueError, OverflowError, OSError, RecursionError) as error:
            return str(error) or type(error).__name__
    return _broken_rule(declared, stored) if isinstance(stored, str) else None


def judged_when_read(declared: Property) -> bool:
    """Tell whether the class refuses some values of the stored type when it reads."""
    rules = (declared.format, declared.crs, declared.choices)
    return any(rule is not None for rule in (*rules, declared.max_length)) or (
        declared.pattern is not None
    )


def _broken_rule(declared: Property, text: str) -> str | None:
    if declared.choices is not None and text not in declared.choices:
        return "it is none of the choices"
    if declared.max_length is not None and len(text) > declared.max_length:
        return f"it has {len(text):,} characters, at most {declared.max_length:,} fit"
    if declared.pattern is not None and not re.match(declared.pattern, text):
        return f"it does not match {declared.pattern}"
    return None


def not_in_form(format: str | None, operand: str) -> str | None:
    """Return the Cypher that tells that a stored value can't be read, where there is.

    Whether a text is JSON, or of a format of `datetime.strptime`, Cypher can't tell.
    """
    if format in (DATE, ISO_DATE):
        # Adding months and days never fails, and gives another date for 2024-02-31.
        day = (
            f"toString(date(left({operand}, 4)) + duration({{"
            f"months: toInteger(substring({operand}, 5, 2)) - 1, "
            f"days: toInteger(substring({operand}, 8, 2)) - 1}}))"
        )
        return (
            f"CASE WHEN {operand} =~ '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T.*)?' "
            f"THEN left({operand}, 4) = '0000' OR {day} <> left({operand}, 10) "
            "ELSE true END"
        )
    if format == EPOCH:
        return (
            f"NOT coalesce({operand} >= {_FIRST_SECOND} "
            f"AND {operand} < {_AFTER_LAST_SECOND}, false)"
        )
    return None


def described_format(format: str) -> str:
    """Return in words what values of a format are."""
    return _WORDS.get(format, f"text of the format {format}")


def described_kind(declared: Property) -> str:
    """Return the stored type of a property, and its format where it has one."""
    form = declared.format
    return declared.type + ("" if form is None else f" ({described_format(form)})")


_WORDS: Mapping[str, str] = {
    DATE: "text such as 2024-12-31",
    EPOCH: "seconds since 1970 (UTC)",
    JSON: "JSON",
}
_FIRST_SECOND, _AFTER_LAST_SECOND = -62135596800, 253402300800
_CRS = {4326: "wgs-84", 4979: "wgs-84-3d", 7203: "cartesian", 9157: "cartesian-3d"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _parsed_json(text: Any) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    except RecursionError:
        raise ValueError("it has too many arrays in one another") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"it is a {type(value).__name__}, no number of seconds")
    return float(value)


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return (aware - _EPOCH).total_seconds()
    if isinstance(value, date):
        return _seconds(datetime(value.year, value.month, value.day))
    return _number(value)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        if value.timetz() != time():
            kind = "a time of day" if value.tzinfo is None else "an offset"
            raise ValueError(f"it has {kind}, which a date can't hold")
        return value.date()
    if not isinstance(value, date):
        raise ValueError(f"it is a {type(value).__name__}, no date")
    return value


def _in_format(value: Any, format: str) -> str:
    if not isinstance(value, (date, time)):
        raise ValueError(f"it is a {type(value).__name__}, no date or time")
    return value.strftime(format)
