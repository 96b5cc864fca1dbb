"""How much memory a server gives to transactions, as far as it tells."""

from __future__ import annotations

import re

from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph

_SETTINGS = (
    "db.memory.transaction.max",
    "dbms.memory.transaction.total.max",
    "server.memory.heap.max_size",
)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[KMGTP]?)(?:i?B)?", re.I)
_UNITS = ("", "K", "M", "G", "T", "P")


def transaction_memory(graph: Graph) -> int | None:
    """Return the bytes that one transaction may take, None where it is not told.

    A user without the privilege to see the settings is not told, nor is that an error.
    """
    try:
        rows = graph.read(
            "SHOW SETTINGS YIELD name, value WHERE name IN $names "
            "RETURN name, toString(value) AS value",
            {"names": list(_SETTINGS)},
        )
    except Neo4jMigrationError:
        return None
    # A limit of 0 is none.
    return min(filter(None, (read_size(row["value"]) for row in rows)), default=None)


def read_size(text: str | None) -> int | None:
    """Return a size that Neo4j writes, such as ``512.00MiB``, in bytes."""
    found = _SIZE.fullmatch((text or "").strip())
    if found is None:
        return None
    power = _UNITS.index(found["unit"].upper())
    return int(float(found["number"]) * 1024**power)
