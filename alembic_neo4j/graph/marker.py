"""The marker that tells, from inside the data's own transaction, what has been done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.rows import Row, rows_from_text, rows_to_text

LABEL = "__AlembicNeo4jMarker"

# Written before it is read: the lock keeps a second runner out (read-committed
# isolation would let both read the same).
_TAKE = (
    f"MERGE (m:{LABEL} {{run: $run}}) SET m.taken = timestamp() "
    "RETURN m.revision AS revision, m.position AS position, m.rows AS rows"
)
_SET = (
    f"MATCH (m:{LABEL} {{run: $run}}) "
    "SET m.revision = $revision, m.position = $position, m.rows = $rows"
)
_CLEAR = f"MATCH (m:{LABEL}) WHERE m.run <> $kept DETACH DELETE m"


@dataclass(frozen=True)
class Mark:
    """Which unit of which run a transaction is."""

    run: str
    revision: str
    position: int


def run_marked(
    graph: Graph, mark: Mark, statements: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[Row]:
    """Run the statements exactly once and return the rows of the last one.

    They share a transaction with the marker; where the marker says that they have
    been committed, the rows of that time are returned and nothing runs.
    """
    with graph.begin() as run:
        (found,) = run(_TAKE, {"run": mark.run})
        if found["revision"] == mark.revision and found["position"] == mark.position:
            return rows_from_text(found["rows"])
        rows: list[Row] = []
        for text, parameters in statements:
            rows = run(text, parameters)
        written = {
            "run": mark.run,
            "revision": mark.revision,
            "position": mark.position,
            "rows": rows_to_text(rows),
        }
        run(_SET, written)
        return rows


def clear_markers(graph: Graph, *, kept: str = "") -> None:
    """Remove the markers of every run but one: they are only garbage then."""
    graph.transaction([(_CLEAR, {"kept": kept})])
