"""The stamp in the graph that says which ledger, and which heads, it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.quoting import literal

LABEL = "__AlembicNeo4jStamp"

_READ = f"MATCH (s:{LABEL} {{id: 1}}) RETURN s.ledger AS ledger, s.heads AS heads"
_WRITE = (
    f"MERGE (s:{LABEL} {{id: 1}}) SET s.ledger = $ledger, s.heads = $heads, "
    "s.written = datetime()"
)


@dataclass(frozen=True)
class Stamp:
    """What the graph says of itself; `ledger` is None after a script of ``--sql``."""

    ledger: str | None
    heads: tuple[str, ...]


def read_stamp(graph: Graph) -> Stamp | None:
    """Return the graph's stamp, None where there is none."""
    rows = graph.read(_READ)
    if not rows:
        return None
    return Stamp(rows[0]["ledger"], tuple(rows[0]["heads"] or ()))


def write_stamp(graph: Graph, stamp: Stamp) -> None:
    """Put the stamp into the graph in a transaction of its own."""
    parameters = {"ledger": stamp.ledger, "heads": sorted(stamp.heads)}
    graph.transaction([(_WRITE, parameters)])


def stamp_text(heads: Sequence[str]) -> str:
    """Return the statement that a script stamps the graph with."""
    return f"MERGE (s:{LABEL} {{id: 1}}) SET s.heads = {literal(sorted(heads))}"
