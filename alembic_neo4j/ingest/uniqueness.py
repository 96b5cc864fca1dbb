"""Values that were seen before, in bounded memory however many there are."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from datetime import date, time
from typing import Any

from alembic_neo4j.errors import IngestError
from alembic_neo4j.sentences import ended

IN_MEMORY = 100_000
"""How many values are held before they go to the disk: about 16 MB."""

_CACHE_KB = 32_768


class SeenValues:
    """The rows that values were first seen in; to be closed.

    A value is known by 16 bytes of a hash, in a dictionary at first, then in a
    temporary SQLite database, which goes with its process whatever ends that.
    """

    def __init__(self, *, in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._rows: dict[bytes, int] = {}
        self._database: sqlite3.Connection | None = None

    def first_row(self, key: bytes) -> int | None:
        """Return the row that added the key, or None."""
        row = self._rows.get(key)
        if row is not None or self._database is None:
            return row
        found = self._database.execute("SELECT row FROM seen WHERE key = ?", (key,))
        return next((number for (number,) in found), None)

    def add(self, key: bytes, row: int) -> None:
        """Remember the row of a key that has none yet."""
        self._rows[key] = row
        if len(self._rows) >= self._limit:
            self._spill()

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()
        if self._database is not None:
            self._database.close()

    def _spill(self) -> None:
        if self._database is None:
            self._database = _temporary_database()
        # In order, they fill the pages of the tree one after the other.
        rows = sorted(self._rows.items())
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO seen VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise IngestError(
                "The values that have to be unique can't be kept on the disk: "
                f"{ended(error)}"
                " Make room, or name another directory in SQLITE_TMPDIR."
            ) from error
        self._rows.clear()


def key_of(values: Iterable[Any]) -> bytes | None:
    """Return what values that Neo4j holds for equal have in common; None with a null.

    An integer and a float of the same value are equal, a text and a number never.
    """
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        if value is None:
            return None
        text = _canonical(value).encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(text))
        digest.update(text)
    return digest.digest()


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, bool):
        return "b" + str(value)
    if isinstance(value, int):
        return f"n{value}"
    if isinstance(value, float):
        return f"n{int(value)}" if value.is_integer() else f"n{value!r}"
    if isinstance(value, (list, tuple)):
        items = [_canonical(item) for item in value]
        return "l" + "".join(f"{len(item)}:{item}" for item in items)
    if isinstance(value, (date, time)):
        return f"{type(value).__name__} {value.isoformat()}"
    return f"{type(value).__name__} {value!r}"


def _temporary_database() -> sqlite3.Connection:
    # A name of no characters means a file that nobody sees and that goes when closed.
    database = sqlite3.connect("", isolation_level=None)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    database.execute(
        "CREATE TABLE seen (key BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID"
    )
    return database
