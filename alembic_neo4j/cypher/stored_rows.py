"""Rows of Python's values, each value as the class of its property stores it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic_neo4j.cypher.load_defaults import declared_properties
from alembic_neo4j.cypher.load_targets import LoadTarget, RelationshipTarget
from alembic_neo4j.errors import IngestError
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.property_classes import stored_form


def stored_rows(
    rows: Iterable[Any], target: LoadTarget, schema: Schema
) -> Iterable[Any]:
    """Return the rows with the values of formats as they are stored.

    A date becomes a DateProperty's text, a mapping that of a JSONProperty; what is
    stored so already stays. When iterated it raises IngestError for a value that the
    class could not read again. Rows that can be iterated again still can, and a
    sequence stays one.
    """
    formats = {
        name: found.format
        for name, found in declared_properties(target, schema).items()
        if found.format is not None
    }
    if not formats:
        return rows
    nested = isinstance(target, RelationshipTarget)
    if isinstance(rows, Collection):
        known = rows if isinstance(rows, Sequence) else list(rows)
        return _StoredSequence(known, formats, nested=nested)
    found = _Stored(rows, formats, nested=nested)
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
            yield self._row(row, number)

    def _row(self, row: Any, number: int) -> Any:
        is_nested = self._nested and isinstance(row, Mapping)
        inner = row.get("properties") if is_nested else row
        # What is no row at all is told where rows are checked.
        if not isinstance(inner, Mapping) or self._formats.keys().isdisjoint(inner):
            return row
        stored = self._stored(inner, number)
        return {**row, "properties": stored} if is_nested else stored

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


class _StoredSequence(_Stored, Sequence[Any]):
    def __init__(
        self, rows: Sequence[Any], formats: Mapping[str, str], *, nested: bool
    ) -> None:
        super().__init__(rows, formats, nested=nested)
        self._sequence = rows

    def __len__(self) -> int:
        return len(self._sequence)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(self)[place]
        return self._row(self._sequence[place], range(len(self))[place] + 1)


def _in_form(value: Any, format: str) -> Any:
    if hasattr(value, "to_native"):
        value = value.to_native()
    if isinstance(value, (list, tuple)) and format != "json":
        return [_in_form(item, format) for item in value]
    return stored_form(value, format)
