"""The cells of a row as properties of the graph, each with its rules checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.typed_values import (
    Convert,
    ValueOptions,
    converter,
    text_format_of,
)
from alembic_neo4j.schema.property_classes import DATE, EPOCH, JSON
from alembic_neo4j.schema.property_types import alternatives
from alembic_neo4j.sentences import ended, shortened


class CellProblem(NamedTuple):
    """A rule that the value of one column breaks."""

    column: str
    rule: str
    value: Any
    message: str


_MOST_COLUMNS = 10_000

Check: TypeAlias = "tuple[str, Callable[[Any], bool], str]"


class _Cell(NamedTuple):
    """How the values of a column become those of a property."""

    name: str
    convert: Convert
    checks: tuple[Check, ...]


class Columns:
    """Converts rows and checks each of their values alone.

    Raises IngestError for rules that can't be: a type that no property has, a least
    value that is none of its type, two properties of one column.
    """

    def __init__(self, rules: Rules, options: ValueOptions | None = None) -> None:
        self._rules = rules
        self._options = options or ValueOptions()
        self._bound = False
        self._any = converter("ANY", self._options)
        self._by_column = self._named()
        self._cells: dict[str, _Cell | None] = {}
        self._required = tuple(p for p in rules.properties if p.required)

    def bind(self, columns: Iterable[str], *, name: str) -> None:
        """Compare the columns that every row of a file has with the rules.

        Raises IngestError where a column is missing that is required, where one is
        unknown and that is refused, where two are the same property, and for an option
        that says nothing of any column.
        """
        self._bound = True
        found: dict[str, str] = {}
        columns = tuple(columns)
        self.check_options(columns, name=name)
        for column in columns:
            cell = self._cell(column)
            if cell is _REFUSED:
                raise IngestError(f"{name}: {self._unknown(column)}")
            if cell is not None and found.setdefault(cell.name, column) != column:
                raise IngestError(
                    f"{name}: columns {found[cell.name]!r} and {column!r} are both the "
                    f"property {cell.name!r}. Give the column of one of them."
                )
        for rule in self._required:
            if rule.name not in found:
                raise IngestError(
                    f"{name}: expected a column for the required property "
                    f"{rule.name!r}, found {shortened(', '.join(found), 200)}."
                )

    def check_options(self, columns: Iterable[str] | None, *, name: str) -> None:
        """Raise IngestError for an option that says nothing of any column.

        Where these are not known beforehand, it is asked of all that rules name.
        """
        if columns is None:
            asked = [*self._rules.properties, PropertyRules("any")]
        else:
            asked = [self._by_column.get(c) or PropertyRules(c) for c in columns]
        check_options(self._options, asked, name=name)

    def convert(
        self, values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[CellProblem]]:
        """Return the properties of a row, and the rules that its values break.

        A value that is null stays one; a column that is ignored is left out.
        """
        properties: dict[str, Any] = {}
        problems: list[CellProblem] = []
        cells = self._cells
        for column, value in values.items():
            cell = cells[column] if column in cells else self._cell(column)
            if cell is None:
                continue
            if cell is _REFUSED:
                problems.append(
                    CellProblem(column, "unknown", value, self._unknown(column))
                )
            elif value is None:
                properties[cell.name] = None
            else:
                try:
                    value = properties[cell.name] = cell.convert(value)
                except ValueError as error:
                    problems.append(CellProblem(column, "type", value, str(error)))
                    continue
                for rule, holds, expected in cell.checks:
                    if not holds(value):
                        message = f"expected {expected}, found {shortened(value)}"
                        problems.append(CellProblem(column, rule, value, message))
        if not self._bound and len(properties) + len(problems) < len(values):
            problems += self._repeated(values)
        if self._required:
            problems += self._missing(properties, problems)
        return properties, problems

    def _repeated(self, values: Mapping[str, Any]) -> list[CellProblem]:
        """Return the columns that are the same property as one before them."""
        problems: list[CellProblem] = []
        known: dict[str, str] = {}
        for column in values:
            cell = self._cell(column)
            if cell is None or cell is _REFUSED:
                continue
            first = known.setdefault(cell.name, column)
            if first != column:
                message = (
                    f"columns {first!r} and {column!r} are both the property "
                    f"{cell.name!r}"
                )
                problems.append(CellProblem(column, "columns", values[column], message))
        return problems

    def _missing(
        self, properties: Mapping[str, Any], problems: Sequence[CellProblem]
    ) -> list[CellProblem]:
        """Return the required properties without a value, unless that was no value."""
        known = {cell.name for p in problems if (cell := self._cell(p.column))}
        return [
            CellProblem(
                rule.column or rule.name,
                "required",
                None,
                "expected a value, found none",
            )
            for rule in self._required
            if properties.get(rule.name) is None and rule.name not in known
        ]

    def _cell(self, column: str) -> _Cell | None:
        """Return how a column is converted; None for one that is ignored."""
        if column not in self._cells:
            rule = self._by_column.get(column)
            cell: _Cell | None = _Cell(column, self._any, ())
            if rule is not None:
                cell = _cell_of(rule, self._options)
            elif self._rules.unknown == "refuse":
                cell = _REFUSED
            elif self._rules.unknown == "ignore":
                cell = None
            if len(self._cells) >= _MOST_COLUMNS:
                # Rows may have names of their own each: they are not kept for ever.
                self._cells.clear()
            self._cells[column] = cell
        return self._cells[column]

    def _named(self) -> dict[str, PropertyRules]:
        found: dict[str, PropertyRules] = {}
        for rule in self._rules.properties:
            column = rule.column or rule.name
            if found.setdefault(column, rule) is not rule:
                raise IngestError(
                    f"Expected one property for each column, found "
                    f"{found[column].name!r} and {rule.name!r} for {column!r}."
                )
        for rule in self._rules.properties:
            if rule.column is None and rule.attribute:
                found.setdefault(rule.attribute, rule)
        return found

    def _unknown(self, column: str) -> str:
        close = get_close_matches(column, self._by_column, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        if any(part in self._by_column for part in re.split(r"[;\t|]", column)[:-1]):
            meant = " Another character seems to separate the columns (--delimiter)."
        return f"expected no column {shortened(column)}: nothing declares it.{meant}"


_REFUSED = _Cell("", lambda value: value, ())


def _cell_of(rule: PropertyRules, options: ValueOptions) -> _Cell:
    convert = converter(
        rule.type,
        options,
        format=rule.format,
        crs=rule.crs,
        text_format=rule.text_format,
    )
    return _Cell(rule.name, convert, tuple(_checks(rule, convert)))


def _checks(rule: PropertyRules, convert: Convert) -> Iterable[Check]:
    def bound(value: Any, key: str) -> Any:
        try:
            return convert(value)
        except ValueError as error:
            raise IngestError(
                f"The rule {key!r} of {rule.name!r} is no value of its type: "
                f"{ended(error)}"
            ) from None

    if rule.minimum is not None:
        least = bound(rule.minimum, "min")
        yield "min", lambda v: _compared(v, least) >= 0, f"at least {_shown(least)}"
    if rule.maximum is not None:
        most = bound(rule.maximum, "max")
        yield "max", lambda v: _compared(v, most) <= 0, f"at most {_shown(most)}"
    if (shortest := rule.min_length) is not None:
        text = f"a length of at least {shortest}"
        yield "min_length", lambda v: _length(v) >= shortest, text
    if (longest := rule.max_length) is not None:
        text = f"a length of at most {longest}"
        yield "max_length", lambda v: _length(v) <= longest, text
    if rule.pattern is not None:
        pattern = re.compile(rule.pattern)
        text = f"what matches {rule.pattern}"
        yield "pattern", lambda v: pattern.match(str(v)) is not None, text
    if rule.allowed is not None:
        allowed = [bound(value, "allowed") for value in rule.allowed]
        text = f"one of {shortened(', '.join(map(str, allowed)), 200)}"
        yield "allowed", lambda v: v in allowed, text


def _shown(bound: Any) -> str:
    """Return a bound for a message, a text and a number told apart."""
    return repr(bound) if isinstance(bound, (str, int, float)) else str(bound)


def _compared(value: Any, bound: Any) -> float:
    """Return less than 0, 0 or more as the value is less, equal or more."""
    try:
        return 0 if value == bound else 1 if value > bound else -1
    except TypeError:
        # Values that have no order, such as one with an offset and one without.
        return float("nan")


def _length(value: Any) -> float:
    return len(value) if isinstance(value, (str, list, bytes)) else float("nan")


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


def _types(column: PropertyRules) -> set[str]:
    """Return the types of a column's values, or of the items of its lists."""
    found = alternatives(column.type)
    return {one.name for part in found for one in alternatives(part.name)}


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
    return any(part.is_list for part in alternatives(column.type))


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
