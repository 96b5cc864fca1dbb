"""Reading and writing the stamp in the graph."""

from __future__ import annotations

from alembic_neo4j.cypher.stamp import LABEL, Stamp
from alembic_neo4j.graph.connection import Graph

_READ = (
    f"MATCH (s:{LABEL} {{id: 1}}) "
    "RETURN s.ledger AS ledger, s.heads AS heads, s.run AS run"
)
_WRITE = (
    f"MERGE (s:{LABEL} {{id: 1}}) SET s.ledger = $ledger, s.heads = $heads, "
    "s.written = datetime()"
)
_NOTE = f"MATCH (s:{LABEL} {{id: 1}}) SET s.run = $run"


def read_stamp(graph: Graph) -> Stamp | None:
    """Return the graph's stamp, None where there is none."""
    rows = graph.read(_READ)
    if not rows:
        return None
    (row,) = rows
    return Stamp(row["ledger"], tuple(row["heads"] or ()), row["run"])


def write_stamp(graph: Graph, stamp: Stamp) -> None:
    """Put ledger and heads into the graph's stamp, in a transaction of its own."""
    parameters = {"ledger": stamp.ledger, "heads": sorted(stamp.heads)}
    graph.transaction([(_WRITE, parameters)])


def note_run(graph: Graph, run: str) -> None:
    """Put into the graph's stamp which run is going to change the data."""
    graph.transaction([(_NOTE, {"run": run})])
