"""Which options on values say something of a file's columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.conversion import ValueOptions, text_format_of
from alembic_neo4j.ingest.rules import PropertyRules
from alembic_neo4j.schema.elements import normal_type
from alembic_neo4j.schema.property_classes import DATE, EPOCH, JSON

_LIST = re.compile(r"LIST ?< ?(?P<item>.+?)(?: NOT NULL)? ?>")


def check_options(
    options: ValueOptions, columns: Iterable[PropertyRules], *, name: str
) -> None:
    """Raise IngestError for an option that says nothing of any of the columns.

    Its values would be stored as they are, which is not what was asked for.
    """
    default, known = ValueOptions(), list(columns)
    for option in (field.name for field in fields(ValueOptions)):
        given = getattr(options, option)
        if given == getattr(default, option):
            continue
        kinds, uses = _USES[option]
        if not any(uses(column, options) for column in known):
            raise IngestError(
                f"{name}: expected a column that {option} = {given!r} is for, "
                f"{kinds}, found none. Leave the option out, or say what the column "
                "is: declare the property in the model and apply the revision, or give "
                "its type in a file of rules."
            )


def _types(column: PropertyRules) -> list[str]:
    parts = normal_type(column.type).split(" | ")
    return [m["item"] if (m := _LIST.fullmatch(part)) else part for part in parts]


def _is(*types: str) -> Callable[[PropertyRules, ValueOptions], bool]:
    return lambda column, _options: not set(types).isdisjoint(_types(column))


def _own_format(column: PropertyRules) -> str | None:
    """Return the format of `datetime.strptime` in which values are stored."""
    stored_text = "STRING" in _types(column)
    own = column.format not in (None, DATE, EPOCH, JSON)
    return column.format if stored_text and own else None


def _is_date(column: PropertyRules, options: ValueOptions) -> bool:
    if column.text_format is not None:
        return False
    own = _own_format(column)
    if own is not None:
        only = ValueOptions(date_format=options.date_format)
        return text_format_of(own, only) is not None
    if column.format is None:
        return "DATE" in _types(column)
    return column.format == DATE


def _is_moment(column: PropertyRules, options: ValueOptions) -> bool:
    if column.text_format is not None:
        return False
    native = _is("LOCAL DATETIME", "ZONED DATETIME")(column, options)
    return (
        column.format == EPOCH
        or (native and column.format is None)
        or (_own_format(column) is not None)
    )


def _has_zone(column: PropertyRules, options: ValueOptions) -> bool:
    own = _own_format(column)
    if own is not None:
        written = column.text_format or text_format_of(own, options) or own
        return "%z" in own or "%z" in written
    return column.format == EPOCH or "ZONED DATETIME" in _types(column)


def _is_list(column: PropertyRules, _options: ValueOptions) -> bool:
    return column.type.strip().upper().startswith("LIST")


def _is_number(column: PropertyRules, _options: ValueOptions) -> bool:
    return not {"FLOAT", "ANY"}.isdisjoint(_types(column))


_USES: Mapping[str, tuple[str, Callable[[PropertyRules, ValueOptions], bool]]] = {
    "date_format": ("a date", _is_date),
    "datetime_format": ("a date with a time", _is_moment),
    "time_format": ("a time of day", _is("LOCAL TIME", "ZONED TIME")),
    "time_zone": ("a moment that may have a time zone", _has_zone),
    "list_separator": ("a list", _is_list),
    "true_words": ("a boolean", _is("BOOLEAN")),
    "false_words": ("a boolean", _is("BOOLEAN")),
    "allow_nan": ("a number with a fraction, or of no type", _is_number),
}
