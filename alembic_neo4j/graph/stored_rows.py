"""Rows of Python's values, each value as the class of its property stores it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph.load_defaults import declared_properties
from alembic_neo4j.graph.load_targets import LoadTarget, RelationshipTarget
from alembic_neo4j.schema.elements import Schema
from alembic_neo4j.schema.property_classes import stored_form


def stored_rows(
    rows: Iterable[Any], target: LoadTarget, schema: Schema
) -> Iterable[Any]:
    """Return the rows with the values of formats as they are stored.

    A date becomes a DateProperty's text, a mapping that of a JSONProperty; what is
    stored so already stays. When iterated it raises IngestError for a value that the
    class could not read again. Rows that can be iterated again still can.
    """
    formats = {
        name: found.format
        for name, found in declared_properties(target, schema).items()
        if found.format is not None
    }
    if not formats:
        return rows
    found = _Stored(rows, formats, nested=isinstance(target, RelationshipTarget))
    return iter(found) if isinstance(rows, Iterator) else found


class _Stored:
    def __init__(
        self, rows: Iterable[Any], formats: Mapping[str, str], *, nested: bool
    ) -> None:
        self._rows = rows
        self._formats = formats
        self._nested = nested

    def __iter__(self) -> Iterator[Any]:
        for number, row in enumerate(self._rows, 1):
            inner = row.get("properties") if self._is_nested(row) else row
            # What is no row at all is told where rows are checked.
            if not isinstance(inner, Mapping) or self._formats.keys().isdisjoint(inner):
                yield row
            elif self._nested:
                yield {**row, "properties": self._stored(inner, number)}
            else:
                yield self._stored(inner, number)

    def _is_nested(self, row: Any) -> bool:
        return self._nested and isinstance(row, Mapping)

    def _stored(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        stored = dict(row)
        for name in self._formats.keys() & row.keys():
            value = row[name]
            if value is not None:
                try:
                    stored[name] = _in_form(value, self._formats[name])
                except (ValueError, OverflowError, OSError) as error:
                    raise IngestError(
                        f"row {number:,}: expected in {name!r} a value that its model "
                        f"can read again, found {str(value)[:80]!r}: {error}"
                    ) from None
        return stored


def _in_form(value: Any, format: str) -> Any:
    if hasattr(value, "to_native"):
        value = value.to_native()
    if isinstance(value, (list, tuple)) and format != "json":
        return [_in_form(item, format) for item in value]
    return stored_form(value, format)
