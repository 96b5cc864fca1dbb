"""A SQLite database that graphs are transferred from: only read, as of one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.transfer_mapping import (
    GraphsMapping,
    LeftOut,
    LeftOutCount,
    NodeMapping,
    Part,
    PropertyMapping,
    TransferMapping,
)
from alembic_neo4j.ingest.typed_values import Convert, ValueOptions, converter
from alembic_neo4j.sentences import ended, shortened

_SCHEME = "sqlite:///"
_BUSY_SECONDS = 30.0
_AT_ONCE = 500


@dataclass(frozen=True)
class SourceGraph:
    """A graph of a source; `scope` is what its nodes have in the scope's property."""

    id: str
    key: Any
    scope: Any = None


class TransferSource:
    """An open source. What is read in one `snapshot` is of one moment.

    Every method raises IngestError where the database can't be read.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read in the block what was there when it began, whoever writes meanwhile.

        In a database without a write-ahead log a writer waits for the end of it.
        """
        with self._reading("the database"):
            self._connection.execute("BEGIN")
            # The moment is that of the first read.
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        try:
            yield
        finally:
            self._connection.rollback()

    def columns(self) -> dict[str, set[str]]:
        """Return the columns of each table and view."""
        tables = self._rows(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')", "tables"
        )
        return {
            name: {row[1] for row in self._rows(_COLUMNS.format(_quoted(name)), name)}
            for (name,) in tables
        }

    def graphs(self, mapping: TransferMapping) -> list[SourceGraph]:
        """Return the graphs that there are, in the order of the mapping's query.

        Raises IngestError where two have the same id.
        """
        if mapping.graphs is None:
            return [SourceGraph(self.path.stem, None)]
        found: dict[str, SourceGraph] = {}
        for graph in self._graphs(mapping.graphs):
            if graph.id in found:
                raise IngestError(f"{self.path}: two graphs have the id {graph.id!r}.")
            found[graph.id] = graph
        return list(found.values())

    def _graphs(self, mapping: GraphsMapping) -> Iterator[SourceGraph]:
        names, rows = self._selected(mapping.query, {}, "graphs")
        wanted = [mapping.id, *([mapping.scope_column] if mapping.scope_column else [])]
        places = [self._place(names, name, "graphs") for name in wanted]
        for row in rows:
            key = row[places[0]]
            if key is None:
                raise IngestError(f"{self.path}, graphs: found a graph without an id.")
            yield SourceGraph(str(key), key, row[places[1]] if places[1:] else None)

    def left_out(
        self, mapping: TransferMapping, graph: SourceGraph | None = None
    ) -> tuple[LeftOutCount, ...]:
        """Return what a mapping leaves out of a graph; without one, of every graph.

        Raises IngestError where a query of it does not count.
        """
        of = "source" if graph is None else "graph"
        return tuple(
            counted
            for left_out in mapping.left_out
            if left_out.of == of
            for counted in self._counted(left_out, graph)
            if counted.count
        )

    def _counted(
        self, left_out: LeftOut, graph: SourceGraph | None
    ) -> Iterator[LeftOutCount]:
        where = f"left_out, {left_out.what}"
        parameters = {"graph": graph.key} if graph else {}
        _, rows = self._selected(left_out.query, parameters, where)
        for row in rows:
            # A sum of nothing is NULL.
            count = 0 if row[-1] is None else row[-1]
            if len(row) > 2 or not isinstance(count, int):
                raise IngestError(
                    f"{self.path}, {where}: expected a number, or rows with a name and "
                    f"a number, found {shortened(repr(tuple(row)))}."
                )
            name = ("NULL" if row[0] is None else str(row[0])) if row[1:] else None
            yield LeftOutCount(left_out.what, name, count)

    def row_count(self, part: Part, graph: SourceGraph) -> int:
        """Return how many rows a part of a mapping has."""
        query = f"SELECT count(*) FROM ({part.query})"
        _, rows = self._selected(query, {"graph": graph.key}, str(part))
        return int(next(rows)[0])

    def filled_tables(self) -> list[str]:
        """Return the tables that have rows."""
        tables = self._rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
            "tables",
        )
        first = "SELECT EXISTS (SELECT 1 FROM {})"
        return [
            name
            for (name,) in tables
            if self._rows(first.format(_quoted(name)), name)[0][0]
        ]

    def rows(
        self, part: Part, graph: SourceGraph, options: ValueOptions
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of a part as a load takes them, one by one.

        Raises IngestError, with row and column, for a value that is none of its type.
        """
        parameters = {"graph": graph.key}
        names, rows = self._selected(part.query, parameters, str(part))
        layout = self._layout(part, names, options)
        for number, row in enumerate(rows, 1):
            try:
                yield layout(row)
            except _NoValue as error:
                raise IngestError(
                    f"{self.path}, {part}, row {number}, column {error.column!r}: "
                    f"{ended(error)}"
                ) from None

    def distinct_keys(
        self, part: Part, graph: SourceGraph, options: ValueOptions
    ) -> Iterator[list[Any]]:
        """Yield the values by which each entity of a part is found, each list once."""
        cells = self._key_cells(part, options)
        columns = ", ".join(_quoted(cell.column) for cell in cells)
        query = f"SELECT DISTINCT {columns} FROM ({part.query})"
        _, rows = self._selected(query, {"graph": graph.key}, str(part))
        for row in rows:
            yield [cell.value(row[place]) for place, cell in enumerate(cells)]

    def _key_cells(self, part: Part, options: ValueOptions) -> list[_Cell]:
        known = {said.name: said for said in part.properties}
        own = [known.get(n, PropertyMapping(n, n)) for n in part.key]
        if not isinstance(part, NodeMapping):
            own = [*part.source.keys, *part.target_end.keys, *own]
        return [_cell(said, 0, options) for said in own if said.column is not None]

    def _layout(
        self, part: Part, names: Sequence[str], options: ValueOptions
    ) -> Callable[[Sequence[Any]], dict[str, Any]]:
        properties = self._cells(part, names, options)
        if isinstance(part, NodeMapping):
            return lambda row: {c.name: c.value(row[c.place]) for c in properties}
        ends = [
            [self._named_cell(said, names, part, options) for said in end.keys]
            for end in (part.source, part.target_end)
        ]

        def relationship(row: Sequence[Any]) -> dict[str, Any]:
            source, target = (
                {c.name: c.value(row[c.place]) for c in cells} for cells in ends
            )
            values = {c.name: c.value(row[c.place]) for c in properties}
            return {"source": source, "target": target, "properties": values}

        return relationship

    def _cells(
        self, part: Part, names: Sequence[str], options: ValueOptions
    ) -> list[_Cell]:
        said = {p.name: p for p in part.properties}
        used = {p.column for p in part.properties}
        if not isinstance(part, NodeMapping):
            used |= {k.column for k in (*part.source.keys, *part.target_end.keys)}
        others = part.other_columns
        if others != "ignore":
            ignored = set() if others == "keep" else set(others)
            for name in names:
                if name not in used | ignored:
                    said.setdefault(name, PropertyMapping(name, name))
        return [self._named_cell(p, names, part, options) for p in said.values()]

    def _named_cell(
        self,
        said: PropertyMapping,
        names: Sequence[str],
        part: Part,
        options: ValueOptions,
    ) -> _Cell:
        place = -1
        if said.column is not None:
            place = self._place(names, said.column, str(part))
        return _cell(said, place, options)

    def _place(self, names: Sequence[str], name: str, where: str) -> int:
        found = [place for place, known in enumerate(names) if known == name]
        if len(found) != 1:
            known = shortened(", ".join(names), 200)
            what = f"two columns {name!r}" if found else known
            raise IngestError(
                f"{self.path}, {where}: expected a column {name!r}, found {what}."
            )
        return found[0]

    def _selected(
        self, query: str, parameters: Mapping[str, Any], where: str
    ) -> tuple[list[str], Iterator[Sequence[Any]]]:
        with self._reading(where):
            cursor = self._connection.execute(query, parameters)
        if cursor.description is None:
            raise IngestError(f"{self.path}, {where}: expected a query, found {query}.")
        return [column[0] for column in cursor.description], self._fetched(
            cursor, where
        )

    def _fetched(self, cursor: sqlite3.Cursor, where: str) -> Iterator[Sequence[Any]]:
        while True:
            with self._reading(where):
                rows = cursor.fetchmany(_AT_ONCE)
            if not rows:
                return
            yield from rows

    def _rows(self, query: str, where: str) -> list[Sequence[Any]]:
        return list(self._selected(query, {}, where)[1])

    @contextmanager
    def _reading(self, where: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise IngestError(
                f"{self.path}, {where}: {ended(_explained(error))}"
            ) from error


@contextmanager
def open_source(source: str | Path) -> Iterator[TransferSource]:
    """Open the database of a path or of a ``sqlite:///`` URL to be read only.

    Raises IngestError where there is none, or it can't be opened.
    """
    path = source_path(source)
    if not path.is_file():
        raise IngestError(f"Expected a SQLite database, found no file {path}.")
    # Opened by a URI: only that can say that nothing may be written.
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield TransferSource(path, connection)
    except sqlite3.Error as error:
        raise IngestError(f"{path}: {ended(_explained(error))}") from error


def source_path(source: str | Path) -> Path:
    """Return the file of a source; raises IngestError for another kind of URL."""
    text = str(source)
    if text.startswith(_SCHEME):
        return Path(unquote(text.removeprefix(_SCHEME)))
    if "://" in text:
        raise IngestError(
            f"Expected a SQLite database, as a path or sqlite:///path, found {text!r}."
        )
    return Path(text)


def fits(mapping: TransferMapping, columns: Mapping[str, set[str]]) -> bool:
    """Tell whether a source has the tables and columns that a mapping requires."""
    return bool(mapping.requires) and all(
        set(needed) <= columns.get(table, set())
        for table, needed in mapping.requires.items()
    )


_COLUMNS = "PRAGMA table_xinfo({})"


class _NoValue(ValueError):
    """A value that is none of its property's type."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class _Cell:
    """How a property gets its value from a row."""

    name: str
    column: str
    place: int
    constant: Any
    convert: Convert

    def value(self, found: Any) -> Any:
        if self.place < 0:
            return self.constant
        if found is None:
            return None
        try:
            return self.convert(found)
        except ValueError as error:
            raise _NoValue(self.column, str(error)) from error


def _cell(said: PropertyMapping, place: int, options: ValueOptions) -> _Cell:
    convert = converter(said.type, options, format=said.format, crs=said.crs)
    constant = said.value
    if place < 0 and constant is not None:
        constant = convert(constant)
    return _Cell(said.name, said.column or said.name, place, constant, convert)


def _quoted(name: str) -> str:
    # In double quotes, a name that is no column's would be a string.
    return f"`{name.replace('`', '``')}`"


def _explained(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return f"{text} by another program for {_BUSY_SECONDS:g} seconds"
    if "readonly" in text or "unable to open" in text:
        return (
            f"{text}. It can't be read without writing to it, as after a crash of the "
            "program that wrote it: open it once with that program"
        )
    return text
