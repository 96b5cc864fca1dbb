"""Reading and writing the stamp in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_neo4j.cypher.stamp import LABEL, Stamp
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.marker import clearing

_READ = (
    f"MATCH (s:{LABEL} {{id: 1}}) "
    "RETURN s.ledger AS ledger, s.heads AS heads, s.run AS run, "
    "s.auditSequence AS sequence, s.auditHash AS hash"
)
_WRITE = (
    f"MERGE (s:{LABEL} {{id: 1}}) SET s.ledger = $ledger, s.heads = $heads, "
    "s.written = datetime()"
)
_NOTE = f"MATCH (s:{LABEL} {{id: 1}}) SET s.run = $run"
_REMOVE = f"MATCH (s:{LABEL}) DETACH DELETE s"
_ANCHOR = ", s.auditSequence = $sequence, s.auditHash = $hash"


def read_stamp(graph: Graph) -> Stamp | None:
    """Return the graph's stamp, None where there is none."""
    rows = graph.read(_READ)
    if not rows:
        return None
    (row,) = rows
    audit = (row["sequence"], row["hash"]) if row["sequence"] and row["hash"] else None
    return Stamp(row["ledger"], tuple(row["heads"] or ()), row["run"], audit)


def write_stamp(graph: Graph, stamp: Stamp) -> None:
    """Put ledger and heads into the graph's stamp, in a transaction of its own.

    The event of the audit trail that it names stays where there is none to be written.
    """
    written = {"ledger": stamp.ledger, "heads": sorted(stamp.heads)}
    graph.transaction([_anchored(_WRITE, written, stamp.audit)])


def note_run(graph: Graph, run: str, audit: tuple[int, str] | None) -> None:
    """Put into the graph's stamp which run is going to change the data.

    With it goes the event of the audit trail by which that begins.
    """
    graph.transaction([_anchored(_NOTE, {"run": run}, audit)])


def remove_stamp(graph: Graph) -> None:
    """Take the stamp away, and with it the markers of all runs, in one transaction."""
    graph.transaction([(_REMOVE, {}), clearing()])


def _anchored(
    text: str, parameters: Mapping[str, Any], audit: tuple[int, str] | None
) -> tuple[str, Mapping[str, Any]]:
    if audit is None:
        return text, parameters
    sequence, digest = audit
    return text + _ANCHOR, {**parameters, "sequence": sequence, "hash": digest}
