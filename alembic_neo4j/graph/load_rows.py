"""Rows on their way into statements: checked, laid out as lists, and digested."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol, TypeAlias

from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph.load_statements import Names
from alembic_neo4j.graph.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.graph.parameters import PLAIN, Sendable, sendable_value

Row: TypeAlias = "dict[str, Any]"

SHAPE = ("source", "target", "properties")
"""The keys of a row that becomes a relationship; the last may be left out."""


class Hash(Protocol):
    """What hashlib's constructors return, which has no public name."""

    def update(self, data: bytes, /) -> None:
        """Hash these bytes as well."""

    def hexdigest(self) -> str:
        """Return the digest of all bytes so far."""
        ...

    def copy(self) -> Hash:
        """Return one that goes on by itself."""
        ...


_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class RowDigest:
    """A digest of rows in their order, whatever the portions in which they come.

    `size` is how many bytes the values have that were added to it.
    """

    def __init__(self, before: RowDigest | None = None) -> None:
        self._hash: Hash = before.hashed() if before else hashlib.sha256()
        self._names: Names = before.last_names if before else None
        self.size = 0

    @property
    def last_names(self) -> Names:
        """The names of the last row."""
        return self._names

    def hashed(self) -> Hash:
        """Return a copy of what hashes, which goes on by itself."""
        return self._hash.copy()

    def update(self, rows: Sequence[Row]) -> None:
        """Add the rows that follow."""
        names, start = self._names, 0
        for place, row in enumerate(rows):
            if (found := tuple(row)) != names:
                self._add(rows[start:place])
                self._hash.update(repr(found).encode("utf-8", "surrogatepass"))
                names, start = found, place
        self._add(rows[start:])
        self._names = names

    def hexdigest(self) -> str:
        """Return the SHA-256 of all rows so far."""
        return self._hash.hexdigest()

    def _add(self, rows: Sequence[Row]) -> None:
        values = [tuple(row.values()) for row in rows]
        if not values:
            return
        try:
            # By far the quickest that Python has. The list's own five bytes are left
            # out, so that the portions don't count.
            text = marshal.dumps(values, 2)[5:]
        except ValueError:
            text = b"".join(map(_bytes, values))
        self._hash.update(text)
        self.size += len(text)


def _bytes(values: tuple[Any, ...]) -> bytes:
    try:
        return marshal.dumps(values, 2)
    except ValueError:
        # Dates, points and the like.
        return repr(values).encode("utf-8", "surrogatepass")


def checked_row(row: Any, number: int) -> Row:
    """Return a row as a dict; raises IngestError where it is none."""
    if type(row) is dict:
        return row
    if isinstance(row, Mapping):
        return dict(row)
    raise IngestError(
        f"row {number:,}: expected a mapping of properties to values, found a "
        f"{type(row).__name__}. Rows of a file are loaded by op.load_nodes and "
        "op.load_relationships"
    )


def packed(
    target: LoadTarget, rows: Sequence[Row], tag: str, first: int
) -> tuple[Names, Sendable]:
    """Return the names that all rows have, and each row as the list that is sent.

    `first` is the number of the first row. Raises IngestError for a row that can't be
    one of the target's.
    """
    if isinstance(target, RelationshipTarget):
        names, lists = _relationships(target, rows, tag, first)
    else:
        names, lists = _nodes(target, rows, tag, first)
    return names, _sendable(lists)


def _nodes(
    target: NodeTarget, rows: Sequence[Row], tag: str, first: int
) -> tuple[Names, list[list[Any]]]:
    names = _common(rows)
    keys = target.merge_keys or ()
    if names is not None:
        _check_names(names, tag, first)
        _check_keys(target, names, keys, first)
        lists = [list(row.values()) for row in rows]
        for place in map(names.index, keys):
            for number, values in enumerate(lists, first):
                if values[place] is None or values[place] != values[place]:
                    raise _no_key(number, names[place], values[place])
        return names, lists
    lists = []
    for number, row in enumerate(rows, first):
        _check_names(row, tag, number)
        _check_keys(target, row, keys, number)
        lists.append(_keys_and_rest(row, keys, number))
    return None, lists


def _relationships(
    target: RelationshipTarget, rows: Sequence[Row], tag: str, first: int
) -> tuple[Names, list[list[Any]]]:
    keys = target.merge_keys or ()
    ends: list[list[Any]] = []
    properties: list[Row] = []
    for number, row in enumerate(rows, first):
        ends.append(
            [
                *_end_values(row, "source", target.source, number),
                *_end_values(row, "target", target.target, number),
            ]
        )
        properties.append(_properties(row, number))
    names = _common(properties)
    if names is not None:
        _check_names(names, tag, first)
        _check_keys(target, names, keys, first)
    lists = []
    for number, (end, row) in enumerate(zip(ends, properties, strict=True), first):
        if names is None:
            _check_names(row, tag, number)
            _check_keys(target, row, keys, number)
        for key in keys:
            if row[key] is None or row[key] != row[key]:
                raise _no_key(number, key, row[key])
        rest = row.values() if names is not None else _keys_and_rest(row, keys, number)
        lists.append([*end, *rest])
    return names, lists


def _common(rows: Sequence[Row]) -> Names:
    """Return the names of the first row where every row has the same in this order."""
    names = tuple(rows[0])
    return names if all(tuple(row) == names for row in rows) else None


def _keys_and_rest(row: Row, keys: Sequence[str], number: int) -> list[Any]:
    for key in keys:
        if row[key] is None or row[key] != row[key]:
            raise _no_key(number, key, row[key])
    rest = {name: value for name, value in row.items() if name not in keys}
    return [*(row[key] for key in keys), rest]


def _end_values(row: Row, which: str, end: Endpoint, number: int) -> Iterable[Any]:
    try:
        value = row[which]
    except KeyError:
        raise _misshapen(row, number) from None
    if type(value) is dict or isinstance(value, Mapping):
        if set(value) != set(end.keys):
            raise IngestError(
                f"row {number:,}: expected in {which!r} the values of "
                f"{', '.join(end.keys)}, found those of {', '.join(value) or 'nothing'}"
            )
        return [value[key] for key in end.keys]
    if len(end.keys) == 1:
        return (value,)
    if value is None:
        return [None] * len(end.keys)
    raise IngestError(
        f"row {number:,}: expected in {which!r} a mapping with {', '.join(end.keys)}, "
        f"found {_shortened(value)}"
    )


def _properties(row: Row, number: int) -> Row:
    properties = row.get("properties")
    if properties is None:
        properties = {}
    if len(row) > 2 + ("properties" in row) or not isinstance(properties, Mapping):
        raise _misshapen(row, number)
    return properties if type(properties) is dict else dict(properties)


def _misshapen(row: Row, number: int) -> IngestError:
    other = [name for name in row if name not in SHAPE]
    lacking = [name for name in SHAPE[:2] if name not in row]
    found = "properties that are no mapping"
    if lacking:
        found = f"none of {' and '.join(lacking)}"
    elif other:
        found = ", ".join(map(_shortened, other))
    return IngestError(
        f"row {number:,}: expected the keys 'source' and 'target', and 'properties' "
        f"for a mapping of what the relationship has, found {found}"
    )


def _check_names(names: Iterable[str], tag: str, number: int) -> None:
    for name in names:
        if not isinstance(name, str) or not name:
            raise IngestError(
                f"row {number:,}: expected names of properties, found {name!r}"
            )
        if name == tag:
            raise IngestError(
                f"row {number:,}: the property {tag!r} tells which batch has created "
                "something; rename yours, or set neo4j.batch_property to another name"
            )


def _check_keys(
    target: LoadTarget, names: Iterable[str], keys: Sequence[str], number: int
) -> None:
    lacking = [key for key in keys if key not in names]
    if lacking:
        raise IngestError(
            f"row {number:,}: expected a value of {', '.join(lacking)}, by which "
            f"{target} is found, found only {', '.join(names) or 'nothing'}"
        )


def _no_key(number: int, key: str, value: Any) -> IngestError:
    found = "none" if value is None else "NaN, which equals nothing"
    return IngestError(
        f"row {number:,}: expected a value of {key!r}, which is a merge key, found "
        f"{found}"
    )


def _sendable(lists: list[list[Any]]) -> Sendable:
    kinds: set[type] = set()
    for row in lists:
        kinds.update(map(type, row))
    if kinds <= PLAIN:
        return Sendable(lists)
    return Sendable([[sendable_value(value) for value in row] for row in lists])


# Values ------------------------------------------------------------------------------


def unstorable(rows: Sequence[Row], first: int) -> IngestError | None:
    """Return the error for the first value that no property can hold, if there is one.

    Asked when something went wrong: looking at every value beforehand would take long.
    """
    for number, row in enumerate(rows, first):
        properties = row.get("properties")
        nested = properties if isinstance(properties, Mapping) else {}
        for name, value in chain(row.items(), nested.items()):
            if name in SHAPE and isinstance(value, Mapping):
                continue
            if reason := _why_not(value):
                return IngestError(
                    f"row {number:,}: expected in {name!r} what a property can hold, "
                    f"found {_shortened(value)}: {reason}"
                )
    return None


def _why_not(value: Any) -> str | None:
    if isinstance(value, (list, tuple)) and not _is_of_the_driver(value):
        return _why_no_list(value)
    return _why_no_scalar(value)


def _why_no_list(items: Sequence[Any]) -> str | None:
    kinds = {type(item) for item in items}
    if type(None) in kinds:
        return "a list can't hold null"
    if len(kinds - {int, float}) > 1 or (len(kinds) > 1 and kinds - {int, float}):
        return "a list has one kind of items"
    if any(isinstance(item, (list, tuple, Mapping)) for item in items):
        if not all(map(_is_of_the_driver, items)):
            return "a list can't hold lists or maps"
        return None
    reasons = filter(None, map(_why_no_scalar, items))
    return next(reasons, None)


def _why_no_scalar(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, float, bytes, bytearray)):
        return None
    if isinstance(value, int):
        return None if _SMALLEST <= value <= _LARGEST else "it is not within 64 bits"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "it has half of a surrogate pair"
        return None
    if type(value).__module__ == "datetime" or _is_of_the_driver(value):
        return None
    return f"it is a {type(value).__name__}"


def _is_of_the_driver(value: Any) -> bool:
    return type(value).__module__.startswith(("neo4j.time", "neo4j.spatial"))


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
