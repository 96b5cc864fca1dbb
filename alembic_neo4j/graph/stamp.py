"""The stamp in the graph: its ledger, its heads, and the latest run of its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.quoting import literal

LABEL = "__AlembicNeo4jStamp"

_READ = (
    f"MATCH (s:{LABEL} {{id: 1}}) "
    "RETURN s.ledger AS ledger, s.heads AS heads, s.run AS run"
)
_WRITE = (
    f"MERGE (s:{LABEL} {{id: 1}}) SET s.ledger = $ledger, s.heads = $heads, "
    "s.written = datetime()"
)
_NOTE = f"MATCH (s:{LABEL} {{id: 1}}) SET s.run = $run"


@dataclass(frozen=True)
class Stamp:
    """What the graph says of itself; `ledger` is None after a script of ``--sql``.

    `run` is the latest one by which a verb changed the data, None before the first. It
    tells a graph from an older copy of it at the same heads.
    """

    ledger: str | None
    heads: tuple[str, ...]
    run: str | None = None


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


def stamp_text(heads: Sequence[str]) -> str:
    """Return the statement that a script stamps the graph with."""
    return f"MERGE (s:{LABEL} {{id: 1}}) SET s.heads = {literal(sorted(heads))}"
