"""Values of a file as values of the property types of the graph."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest import points, temporal
from alembic_neo4j.ingest.json_files import each_once
from alembic_neo4j.schema.property_classes import DATE, EPOCH, JSON, stored_form
from alembic_neo4j.schema.property_types import (
    SCALARS,
    Alternative,
    alternatives,
    normal_type,
)
from alembic_neo4j.schema.storable import storable
from alembic_neo4j.sentences import ended, shortened

Convert: TypeAlias = Callable[[Any], Any]
"""Gives the stored value of one that is not None; raises ValueError where none is."""

_INTEGER = re.compile(r"\s*([+-]?\d+)(?:\.0*)?\s*", re.ASCII)
_SURE_DIGITS, _MOST_DIGITS = 19, 4_300
_EITHER_MOMENT = "LOCAL DATETIME | ZONED DATETIME"
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_TIME_OF_DAY = re.compile(r"%[HIpMSfzZcX]")
_WHOLE_DIGITS = 20


@dataclass(frozen=True)
class ValueOptions:
    """How values are written in the file.

    The formats are those of `datetime.strptime`; None means ISO 8601. A `time_zone`
    (Europe/Berlin, +01:00) is for a ZONED DATETIME that names none. A list in a text is
    split at `list_separator`; None means that it is a JSON array. The words of a
    boolean are compared without regard to case. NaN and infinite numbers, which Neo4j
    stores but which equal nothing, are errors unless `allow_nan`.
    """

    date_format: str | None = None
    datetime_format: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    list_separator: str | None = ";"
    true_words: tuple[str, ...] = ("true",)
    false_words: tuple[str, ...] = ("false",)
    allow_nan: bool = False


def converter(
    type: str,
    options: ValueOptions | None = None,
    *,
    format: str | None = None,
    crs: str | None = None,
    text_format: str | None = None,
) -> Convert:
    """Return what makes values of a property's type, ``ANY`` as they are.

    `format` of a STRING or a FLOAT is that in which values are stored, see
    `property_classes`; of a temporal type it is that of the file, as `text_format` is
    of both. Only what keeps a value's meaning is converted; texts are read by Neo4j's
    rules. Raises IngestError for a type that no property has and for options that
    can't be.
    """
    options = _of_one_format(options or ValueOptions(), text_format)
    name = _meant(normal_type(type), options)
    convert = _of_type(name, options, format, crs)

    def checked(value: Any) -> Any:
        try:
            return convert(value)
        except (ValueError, OverflowError, ArithmeticError, TypeError) as error:
            reason = str(error)
            raise ValueError(
                f"expected {name}, found {shortened(value)}"
                + (f": {reason[:200]}" if reason else "")
            ) from None

    return checked


def _of_type(
    name: str, options: ValueOptions, format: str | None, crs: str | None
) -> Convert:
    kinds = [_kind(one, options, format, crs) for one in alternatives(name)]
    return kinds[0] if len(kinds) == 1 else _first_of(kinds)


def _meant(name: str, options: ValueOptions) -> str:
    # What names no time zone is of the one that is given.
    has_zone = name == _EITHER_MOMENT and options.time_zone is not None
    return "ZONED DATETIME" if has_zone else name


def _kind(
    one: Alternative, options: ValueOptions, format: str | None, crs: str | None
) -> Convert:
    name = str(one)
    if one.is_list and not any(item.is_list for item in alternatives(one.name)):
        item = _of_type(_meant(one.name, options), options, format, crs)
        return _list_of(item, options)
    makers: Mapping[str, Callable[[], Convert]] = {
        "ANY": lambda: _any(options),
        "BOOLEAN": lambda: _boolean(options),
        "INTEGER": lambda: _integer,
        "FLOAT": lambda: _epoch(options) if format == EPOCH else _float(options),
        "STRING": lambda: _text(format, options),
        "POINT": lambda: lambda value: storable(points.to_point(value, crs)),
    }
    if name in makers:
        return makers[name]()
    if name in SCALARS:
        return _temporal(name, options, format)
    raise IngestError(
        f"Expected a property type ({', '.join(SCALARS)}, LIST<…> of one, or several "
        f"joined by |), found {name!r}."
    )


def _temporal(name: str, options: ValueOptions, format: str | None) -> Convert:
    on_date = format or options.date_format
    on_moment = format or options.datetime_format
    on_time = format or options.time_format
    if name == "DATE":
        return lambda value: storable(temporal.to_date(value, on_date))
    if name == "LOCAL DATETIME":
        return lambda value: storable(temporal.to_local_datetime(value, on_moment))
    if name == "ZONED DATETIME":
        zone = _zone(options.time_zone)
        return lambda value: storable(
            temporal.to_zoned_datetime(value, on_moment, zone)
        )
    if name == "LOCAL TIME":
        return lambda value: storable(temporal.to_local_time(value, on_time))
    if name == "ZONED TIME":
        return lambda value: storable(temporal.to_zoned_time(value, on_time))
    return lambda value: storable(temporal.to_duration(value))


def _of_one_format(options: ValueOptions, text_format: str | None) -> ValueOptions:
    if text_format is None:
        return options
    return replace(
        options,
        date_format=text_format,
        datetime_format=text_format,
        time_format=text_format,
    )


def _zone(name: str | None) -> Any:
    if name is None:
        return None
    try:
        return temporal.zone_named(name)
    except ValueError as error:
        raise IngestError(
            f"Expected a time zone such as Europe/Berlin: {ended(error)}"
        ) from None


def _first_of(kinds: Sequence[Convert]) -> Convert:
    def convert(value: Any) -> Any:
        reasons = []
        for kind in kinds:
            try:
                return kind(value)
            except (ValueError, OverflowError, TypeError) as error:
                reasons.append(str(error))
        raise ValueError("; ".join(dict.fromkeys(filter(None, reasons))))

    return convert


def _integer(value: Any) -> int:
    if type(value) is str:
        if len(value) < _SURE_DIGITS and value.isascii() and value.isdigit():
            return int(value)
        match = _INTEGER.fullmatch(value)
        if match is None or len(value) > _MOST_DIGITS:
            raise ValueError
        value = int(match[1])
    elif type(value) is not int:
        if not isinstance(value, (float, Decimal)) or isinstance(value, bool):
            raise ValueError(f"it is a {type(value).__name__}")
        # Compared before it is made an int: 1e999999999 would take all memory.
        if not abs(value) < 10**_WHOLE_DIGITS or value != int(value):
            raise ValueError("it is not whole, or not within 64 bits")
        value = int(value)
    return storable(value)  # type: ignore[no-any-return]


def _float(options: ValueOptions) -> Convert:
    def convert(value: Any) -> float:
        if type(value) is str:
            try:
                number = float(value)
            except ValueError:
                seconds = temporal.epoch_seconds(value)
                if seconds is None:
                    raise ValueError from None
                return seconds
            # Python takes 1_000 and the digits of every script for numbers.
            if "_" in value or not value.isascii():
                raise ValueError
            return finite(number)
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            seconds = temporal.epoch_seconds(value)
            if seconds is None:
                raise ValueError(f"it is a {type(value).__name__}")
            return seconds
        return finite(float(value))

    def finite(number: float) -> float:
        return storable(number, allow_nan=options.allow_nan)  # type: ignore[no-any-return]

    return convert


def _boolean(options: ValueOptions) -> Convert:
    words = {word.lower(): True for word in options.true_words}
    for word in options.false_words:
        if words.setdefault(word.lower(), False):
            raise IngestError(
                f"Expected each word to mean true or false, found {word!r} in both."
            )
    known = ", ".join(words)

    def convert(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, (str, int)):
            text = str(value)
            meant = words.get(text)
            if meant is None:
                meant = words.get(text.strip().lower())
            if meant is not None:
                return meant
        raise ValueError(f"the words are {known}")

    return convert


def _text(format: str | None, options: ValueOptions) -> Convert:
    if format is None:
        return _string
    if format == DATE:
        return lambda value: stored_form(
            temporal.to_date(value, options.date_format), DATE
        )
    if format == JSON:
        return lambda value: _encodable(stored_form(value, JSON))
    return _formatted(format, options)


def _string(value: Any) -> str:
    if type(value) is str:
        return _encodable(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, (Mapping, list, tuple)):
        # What neomodel's JSONProperty stores.
        return json.dumps(value, allow_nan=False)
    text = temporal.as_text(value)
    if text is None:
        raise ValueError(f"it is a {type(value).__name__}")
    return text


def _formatted(format: str, options: ValueOptions) -> Convert:
    """Return what gives the text of a date or time in a format of its own."""
    zone, text_format = _zone(options.time_zone), text_format_of(format, options)

    def convert(value: Any) -> Any:
        if type(value) is str:
            if text_format is None:
                return _encodable(stored_form(value, format))
            value = temporal.parsed(value, text_format)
        if isinstance(value, datetime):
            value = temporal.fitting(value, zone, with_offset="%z" in format)
        return stored_form(value, format)

    return convert


def text_format_of(format: str, options: ValueOptions) -> str | None:
    """Return how a file writes what is stored in a format of `datetime.strptime`.

    A format without a time of day may be that of dates; None is the format itself.
    """
    if options.datetime_format is None and not _TIME_OF_DAY.search(format):
        return options.date_format
    return options.datetime_format


def _epoch(options: ValueOptions) -> Convert:
    """Return what gives the seconds since 1970 of a moment, or takes their number."""
    number, zone = _float(options), _zone(options.time_zone)
    text_format = options.datetime_format

    def convert(value: Any) -> Any:
        if type(value) is str and text_format is None and _NUMBER.fullmatch(value):
            value = number(value)
        if isinstance(value, Decimal):
            value = number(value)
        if isinstance(value, (int, float)):
            return stored_form(value, EPOCH)
        return stored_form(temporal.to_moment(value, text_format, zone), EPOCH)

    return convert


def _any(options: ValueOptions) -> Convert:
    number = _float(options)

    def item(value: Any) -> Any:
        if isinstance(value, Decimal):
            return number(value)
        return temporal.time_as_sent(value) if isinstance(value, time) else value

    def convert(value: Any) -> Any:
        if type(value) is str:
            return _encodable(value)
        if type(value) in (list, tuple):
            value = [item(part) for part in value]
        return storable(item(value), allow_nan=options.allow_nan)

    return convert


def _list_of(item: Convert, options: ValueOptions) -> Convert:
    separator = options.list_separator

    def convert(value: Any) -> Any:
        if type(value) is str:
            value = _split(value, separator)
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"it is a {type(value).__name__}")
        items = [None if part is None else item(part) for part in value]
        return storable(items, allow_nan=options.allow_nan)

    return convert


def _split(text: str, separator: str | None) -> Any:
    if separator is None:
        try:
            return json.loads(text, object_pairs_hook=each_once)
        except RecursionError:
            raise ValueError("it has too many arrays in one another") from None
    return text.split(separator) if text else []


def _encodable(text: str) -> str:
    return text if text.isascii() else storable(text)
