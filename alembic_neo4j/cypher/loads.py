"""Loading rows as a step: the rows checked, laid out as lists, and digested."""

from __future__ import annotations

import hashlib
import marshal
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeAlias

from alembic_neo4j.cypher.before_images import ensure_text
from alembic_neo4j.cypher.load_statements import Names, load_statements
from alembic_neo4j.cypher.load_targets import (
    Defaults,
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.quoting import commented, inline
from alembic_neo4j.cypher.steps import Atomicity, Step
from alembic_neo4j.errors import IngestError, OfflineError
from alembic_neo4j.identity import canonical_text, meaning
from alembic_neo4j.schema.known_names import Name
from alembic_neo4j.schema.storable import name_problem, storable, storable_column

# Rows on their way into statements: checked, laid out as lists, and digested ----------


Row: TypeAlias = "dict[str, Any]"

SHAPE = ("source", "target", "properties")
"""The keys of a row that becomes a relationship; the last may be left out."""


class RowsToLoad(Protocol):
    """What a load says of its rows (see loads.Load)."""

    @property
    def target(self) -> LoadTarget:
        """What they become."""
        ...

    @property
    def rows(self) -> Iterable[Any]:
        """The rows themselves."""
        ...

    @property
    def tag(self) -> str:
        """The property that none of them may have."""
        ...

    @property
    def allow_nan(self) -> bool:
        """Whether numbers may be NaN or infinite."""
        ...

    @property
    def judged(self) -> bool:
        """Whether their values are known to be storable."""
        ...


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
                self._hash.update(canonical_text(found).encode())
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
        # Dates, points and the like have a text, in a tuple of its own.
        known = tuple(v if type(v) in _PLAIN else (canonical_text(v),) for v in values)
        return marshal.dumps(known, 2)


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of which `marshal` writes the same in every version of Python."""


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
    load: RowsToLoad, rows: Sequence[Row], first: int
) -> tuple[Names, list[list[Any]]]:
    """Return the names that all rows have, and each row as a list of its values.

    `first` is the number of the first row. Raises IngestError for a row that can't be
    one of the target's and for a value that no property can hold.
    """
    if isinstance(load.target, RelationshipTarget):
        return _relationships(load, load.target, rows, first)
    return _nodes(load, load.target, rows, first)


def judge_rows(load: RowsToLoad) -> None:
    """Raise what `packed` does for any of the rows, which are gone through."""
    rows = (checked_row(row, number) for number, row in enumerate(load.rows, 1))
    first = 1
    while portion := list(islice(rows, _JUDGED_AT_ONCE)):
        packed(load, portion, first)
        first += len(portion)


_JUDGED_AT_ONCE = 1_000


def _nodes(
    load: RowsToLoad, target: NodeTarget, rows: Sequence[Row], first: int
) -> tuple[Names, list[list[Any]]]:
    names = _common(rows)
    keys = target.merge_keys or ()
    if names is not None:
        _check_names(names, load.tag, first)
        _check_keys(target, names, keys, first)
        lists = [list(row.values()) for row in rows]
        _judge(load, lists, names, first)
        for place in map(names.index, keys):
            for number, values in enumerate(lists, first):
                _check_key(number, names[place], values[place])
        return names, lists
    lists = []
    for number, row in enumerate(rows, first):
        _check_names(row, load.tag, number)
        _check_keys(target, row, keys, number)
        lists.append(_keys_and_rest(row, keys))
    _judge_apart(load, lists, keys, first)
    return None, lists


def _relationships(
    load: RowsToLoad, target: RelationshipTarget, rows: Sequence[Row], first: int
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
    found = [*_end_names("source", target.source), *_end_names("target", target.target)]
    if names is not None:
        _check_names(names, load.tag, first)
        _check_keys(target, names, keys, first)
        lists = [
            [*end, *row.values()] for end, row in zip(ends, properties, strict=True)
        ]
        _judge(load, lists, [*found, *names], first)
        for place in map(names.index, keys):
            for number, values in enumerate(lists, first):
                _check_key(number, names[place], values[len(found) + place])
        return names, lists
    lists = []
    for number, (end, row) in enumerate(zip(ends, properties, strict=True), first):
        _check_names(row, load.tag, number)
        _check_keys(target, row, keys, number)
        lists.append([*end, *_keys_and_rest(row, keys)])
    _judge_apart(load, lists, keys, first, ends=found)
    return None, lists


def _common(rows: Sequence[Row]) -> Names:
    """Return the names of the first row where every row has the same in this order."""
    names = tuple(rows[0])
    return names if all(tuple(row) == names for row in rows) else None


def _keys_and_rest(row: Row, keys: Sequence[str]) -> list[Any]:
    rest = {name: value for name, value in row.items() if name not in keys}
    return [*(row[key] for key in keys), rest]


def _end_names(which: str, end: Endpoint) -> list[str]:
    """Return how messages name the values of an end."""
    return [which] if len(end.keys) == 1 else [f"{which}.{key}" for key in end.keys]


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
        if problem := name_problem(name):
            raise IngestError(
                f"row {number:,}: expected names of properties, found {name!r}: "
                f"{problem}"
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


def _check_key(number: int, key: str, value: Any) -> None:
    if value is not None and not (isinstance(value, float) and math.isnan(value)):
        return
    found = "none" if value is None else "NaN, which equals nothing"
    raise IngestError(
        f"row {number:,}: expected a value of {key!r}, which is a merge key, found "
        f"{found}"
    )


# Values ------------------------------------------------------------------------------


def _judge(
    load: RowsToLoad, lists: list[list[Any]], names: Sequence[str], first: int
) -> None:
    """Make each value what is stored of it; `names` are those of the values.

    A column at a time, since most have values of one type, which are told at once.
    """
    if load.judged:
        return
    for place, column in enumerate(zip(*lists, strict=True)):
        if storable_column(column, allow_nan=load.allow_nan):
            continue
        for number, values in enumerate(lists, first):
            values[place] = _stored(load, values[place], names[place], number)


def _judge_apart(
    load: RowsToLoad,
    lists: list[list[Any]],
    keys: Sequence[str],
    first: int,
    *,
    ends: Sequence[str] = (),
) -> None:
    """Judge rows of which each has names of its own, those after `ends` and `keys`."""
    names = [*ends, *keys]
    for number, values in enumerate(lists, first):
        if not load.judged:
            for place, name in enumerate(names):
                values[place] = _stored(load, values[place], name, number)
            values[-1] = {
                name: _stored(load, value, name, number)
                for name, value in values[-1].items()
            }
        for place, key in enumerate(keys, len(ends)):
            _check_key(number, key, values[place])


def _stored(load: RowsToLoad, value: Any, name: str, number: int) -> Any:
    try:
        return storable(value, allow_nan=load.allow_nan)
    except ValueError as error:
        raise IngestError(
            f"row {number:,}: expected in {name!r} what a property can hold, found "
            f"{_shortened(value)}: {error}"
        ) from None


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


# Loading rows as a step, which is run by `graph.loading` ------------------------------


LOAD_BATCH_SIZE = 5_000
"""How many rows one transaction loads."""

MOST_ROWS = 1_000
"""How many rows are written into a script."""


@dataclass(frozen=True)
class Load(Step):
    """Rows become nodes or relationships of a batch, each exactly once.

    What a batch creates gets its name as the property `tag`. The rows are gone through
    once; when a run goes on, once more, past those that are loaded. `source` is what
    tells beforehand that they are the same, such as the SHA-256 of their file. What is
    created gets the `defaults` of properties of which its row has no value. Values that
    are `judged` were found to be storable as they were read; of all others
    `allow_nan` says whether they may be NaN or infinite.
    """

    target: LoadTarget
    rows: Iterable[Any]
    batch: str
    tag: str
    source: str = ""
    batch_size: int | None = None
    defaults: Defaults = field(default_factory=Defaults)
    allow_nan: bool = False
    judged: bool = False

    atomicity = Atomicity.MARKED_BATCHES

    @property
    def recorded_as(self) -> Any:
        """What the rows become, and of which batch."""
        return ["load", meaning(self, "target", "batch", "tag", "source")]

    @property
    def names(self) -> tuple[Name, ...]:
        """What its rows become: their labels, or their type."""
        entity = self.target.entity
        return tuple(name for name in self.target.names if name[0] is entity)

    @property
    def shown(self) -> str:
        """What its rows become."""
        return f"load of {self.target}"

    @property
    def script(self) -> str:
        """The statements with the rows in them.

        Raises OfflineError for rows that are no list, or too many for a script, and
        IngestError for those that can't be loaded.
        """
        texts = (f"{text};" for text in self._statements(self._listed_rows()))
        return "\n".join([commented(self.shown), *texts])

    def _statements(self, rows: Sequence[Row]) -> Iterator[str]:
        if not rows:
            return
        if self.target.merge_keys is not None:
            yield from ensure_text()
        names, lists = packed(self, rows, 1)
        defaults = self.defaults
        statements = load_statements(
            self.target, names, self.tag, self.batch, defaults.expressions
        )
        parameters = {**statements.parameters, **defaults.parameters, "rows": lists}
        for text in (*statements.images, statements.write):
            yield inline(text, parameters)

    def _listed_rows(self) -> list[Row]:
        if not isinstance(self.rows, Sequence):
            raise OfflineError(
                f"{self.shown}: its rows can't be written to a script, since they come "
                "from a file or an iterator. Run it with `alembic -c neo4j.ini "
                "upgrade`, or guard it with `if not op.get_context().as_sql:`"
            )
        if len(self.rows) > MOST_ROWS:
            raise OfflineError(
                f"{self.shown}: {len(self.rows):,} rows are too many for a script; "
                f"{MOST_ROWS:,} can be written. Run it with `alembic -c neo4j.ini "
                "upgrade`"
            )
        return [checked_row(row, number) for number, row in enumerate(self.rows, 1)]
