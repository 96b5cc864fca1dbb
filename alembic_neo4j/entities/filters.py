"""Filters and facets: by type, by status, and by what is in an entity's data."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from alembic_neo4j.entities.entity import Entity, checked_status
from alembic_neo4j.entities.json_values import json_text, read_only
from alembic_neo4j.entities.tables import entities
from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

_COLUMNS = {"type": entities.c.type, "status": entities.c.status}

Filters = Mapping[str, Any]
"""What each name has to be: a value, or a list of values of which it has to be one."""


def conditions(filters: Filters, dialect: str) -> Iterator[ColumnElement[bool]]:
    """Yield what the filters ask of a row of `entities`.

    Raises ValidationError where a name is neither type, status nor data.<key>, or a
    value is none that it may have.
    """
    for name, asked in filters.items():
        values = _values(asked)
        if name in _COLUMNS:
            checked = [_checked(name, value) for value in values]
            yield _COLUMNS[name].in_(checked)
        else:
            keys = _keys(name)
            each = (read_only(value, f"the filter {name}") for value in values)
            yield or_(false(), *(_has(keys, value, dialect) for value in each))


def check_filters(filters: Filters) -> None:
    """Raise ValidationError where a filter is none that a store would take."""
    for _ in conditions(filters, "sqlite"):
        pass


def check_facet(name: str) -> None:
    """Raise ValidationError where a facet is none that a store would count by."""
    if name not in _COLUMNS:
        _keys(name)


def takes(filters: Filters, entity: Entity) -> bool:
    """Tell whether an entity is one that a store would find by these filters."""
    return all(_fits(name, _values(asked), entity) for name, asked in filters.items())


def values_of(name: str, entity: Entity) -> list[Any]:
    """Return the values of a facet that an entity has, each of them once.

    Raises ValidationError where the name is neither type, status nor data.<key>.
    """
    if name in _COLUMNS:
        return [getattr(entity, name)]
    found: list[Any] = []
    for value in _those_at(_keys(name), entity):
        scalar = value is not None and not isinstance(value, (Mapping, list, tuple))
        if scalar and not any(_same(value, other) for other in found):
            found.append(value)
    return found


def _fits(name: str, values: Collection[Any], entity: Entity) -> bool:
    if name in _COLUMNS:
        return getattr(entity, name) in values
    there = _those_at(_keys(name), entity)
    return any(_same(value, found) for value in values for found in there)


def _those_at(keys: list[str], entity: Entity) -> Sequence[Any]:
    """Return what is at a place of the data: one value, or each of a list.

    What is missing is null, and an object has no value.
    """
    found: Any = entity.data
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping):
        return ()
    return found if isinstance(found, (list, tuple)) else (found,)


def _same(value: Any, other: Any) -> bool:
    """Tell whether two values of JSON are the same: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    return bool(value == other)


def ordered(counts: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    """Return how many there are of each value, added up, the most frequent first."""
    added: dict[Any, int] = {}
    for value, count in counts:
        added[value] = added.get(value, 0) + count
    most_first = sorted(added.items(), key=lambda item: (-item[1], str(item[0])))
    return dict(most_first)


def _values(asked: Any) -> Collection[Any]:
    if isinstance(asked, (list, tuple, set, frozenset)):
        return asked
    return [asked]


def _checked(name: str, value: Any) -> str:
    if name == "status":
        return checked_status(value)
    if not isinstance(value, str):
        raise ValidationError(
            f"expected text for the filter {name}, found {shortened(value)}"
        )
    return read_only(value, f"the filter {name}")  # type: ignore[no-any-return]


def _keys(name: object) -> list[str]:
    """Return the keys that lead to a value of the data."""
    first, *keys = name.split(".") if isinstance(name, str) else [""]
    if first != "data" or not all(keys) or not keys or '"' in str(name):
        raise ValidationError(
            "expected type, status or data.<key> for a filter or a facet, such as "
            "data.owner or data.author.name, found "
            f"{shortened(name)}; keys with a dot or a quote in them can't be looked for"
        )
    return [str(read_only(key, "a key")) for key in keys]


def _has(keys: list[str], value: Any, dialect: str) -> ColumnElement[bool]:
    """Return whether the data have the value: there, or in a list that is there."""
    if isinstance(value, (dict, list)):
        raise ValidationError(
            "expected text, a number, true, false or None for a filter on data, or a "
            f"list of these, found {shortened(value)}"
        )
    if dialect == "postgresql":
        there = _postgresql_value(keys)
        has = there.op("@>")(cast(literal(json_text(value)), JSONB))
        return (
            or_(there.is_(None), has) if value is None else func.coalesce(has, false())
        )
    return _sqlite_has(keys, value)


def _sqlite_path(keys: list[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _sqlite_has(keys: list[str], value: Any) -> ColumnElement[bool]:
    path = _sqlite_path(keys)
    each = _sqlite_each(path)
    same: ColumnElement[bool] = each.c.type.in_(_kinds(value))
    if not isinstance(value, bool) and value is not None:
        same = and_(same, each.c.value == _sqlite_value(value))
    kind = func.json_type(entities.c.data, path)
    # An object would be asked for each of its values.
    has = and_(
        func.coalesce(kind != "object", True),
        select(literal(1)).select_from(each).where(same).exists(),
    )
    return or_(kind.is_(None), has) if value is None else has


def _sqlite_value(value: Any) -> Any:
    """Return a text or number as SQLite has it: a large integer is a float."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        with suppress(OverflowError):
            return float(value)
        return math.inf if value > 0 else -math.inf
    return value


def _kinds(value: Any) -> tuple[str, ...]:
    """Return SQLite's names of the types that a value may have."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return (json.dumps(value),)
    return ("text",) if isinstance(value, str) else ("integer", "real")


def _sqlite_each(path: str) -> Any:
    return func.json_each(entities.c.data, path).table_valued(
        "value", "type", name="each_value"
    )


def _postgresql_value(keys: list[str]) -> ColumnElement[Any]:
    path = cast(literal(keys, ARRAY(Text)), ARRAY(Text))
    return cast(entities.c.data, JSONB).op("#>", return_type=JSONB)(path)


def facet_counts(
    connection: Connection,
    name: str,
    source: FromClause,
    where: Collection[ColumnElement[bool]],
) -> dict[Any, int]:
    """Return how many of the rows have each value, the most frequent first.

    `source` has to have the rows of `entities`. What is in a list counts for each of
    its values; what is missing, null or an object does not count.
    """
    if name in _COLUMNS:
        column = _COLUMNS[name]
        query = select(column, func.count()).select_from(source).where(*where)
        rows = connection.execute(query.group_by(column)).all()
        return ordered((row[0], row[1]) for row in rows)
    keys = _keys(name)
    if connection.dialect.name == "postgresql":
        return ordered(_postgresql_counts(connection, keys, source, where))
    return ordered(_sqlite_counts(connection, keys, source, where))


def _sqlite_counts(
    connection: Connection,
    keys: list[str],
    source: FromClause,
    where: Collection[ColumnElement[bool]],
) -> Iterator[tuple[Any, int]]:
    path = _sqlite_path(keys)
    each = _sqlite_each(path)
    query: Select[Any] = (
        select(
            each.c.type,
            each.c.value,
            func.count(entities.c.number.distinct()),
        )
        .select_from(source)
        .join(each, true())
        .where(*where, each.c.type.not_in(("null", "array", "object")))
        .where(func.json_type(entities.c.data, path) != "object")
        .group_by(each.c.type, each.c.value)
    )
    for kind, value, count in connection.execute(query):
        yield kind == "true" if kind in ("true", "false") else value, count


def _postgresql_counts(
    connection: Connection,
    keys: list[str],
    source: FromClause,
    where: Collection[ColumnElement[bool]],
) -> Iterator[tuple[Any, int]]:
    there = _postgresql_value(keys)
    # Of what is no list, this is the value itself.
    found = func.jsonb_path_query(there, literal_column("'$[*]'"))
    column_of = column("value", JSONB)
    values = found.table_valued(column_of, name="each_value").render_derived()
    each = values.c.value
    query = (
        select(cast(each, Text), func.count(entities.c.number.distinct()))
        .select_from(source)
        .join(values, true())
        .where(*where)
        .where(func.jsonb_typeof(each).not_in(("null", "array", "object")))
        .group_by(each)
    )
    for text, count in connection.execute(query):
        yield json.loads(text), count
