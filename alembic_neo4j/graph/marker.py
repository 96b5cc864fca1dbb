"""The marker that tells, from inside the data's own transaction, what has been done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.errors import LedgerError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.connection import Run as RunStatement
from alembic_neo4j.graph.stored_values import Row, rows_from_text, rows_to_text

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
_PROGRESS = (
    f"MATCH (m:{LABEL} {{run: $run}}) RETURN m.revision AS revision, "
    "m.position AS position, m.rows AS rows, m.load AS load, m.progress AS progress"
)
_ADVANCE = (
    f"MERGE (m:{LABEL} {{run: $run}}) SET m.taken = timestamp() "
    "WITH m, CASE WHEN m.load = $load THEN m.cursor ELSE 0 END AS cursor "
    "SET m.load = $load, m.cursor = $to, m.progress = $progress "
    "RETURN coalesce(cursor, 0) AS cursor"
)
_RUNS = f"MATCH (m:{LABEL}) RETURN m.run AS run ORDER BY run"
_CLEAR = f"MATCH (m:{LABEL}) WHERE m.run <> $kept DETACH DELETE m"


@dataclass(frozen=True)
class Mark:
    """Which unit of which run a transaction is."""

    run: str
    revision: str
    position: int

    @property
    def load(self) -> str:
        """The unit's name, where it is done in several transactions."""
        return f"{self.position} of {self.revision}"


@dataclass(frozen=True)
class Progress:
    """How far a unit of several transactions is: its rows, once it is `done`.

    `text` is what the unit itself noted in its latest transaction, empty before that.
    """

    text: str = ""
    done: bool = False
    rows: Sequence[Row] = ()


def read_progress(graph: Graph, mark: Mark) -> Progress:
    """Return how far a unit is."""
    found = graph.read(_PROGRESS, {"run": mark.run})
    if not found:
        return Progress()
    (row,) = found
    text = row["progress"] if row["load"] == mark.load else ""
    if (row["revision"], row["position"]) == (mark.revision, mark.position):
        return Progress(text, done=True, rows=rows_from_text(row["rows"]))
    return Progress(text)


def advance(run: RunStatement, mark: Mark, *, from_: int, to: int, text: str) -> None:
    """Note in a unit's transaction how far it is by it: from a number to another.

    Raises LedgerError where it was elsewhere: the transaction must not be committed.
    """
    written = {"run": mark.run, "load": mark.load, "to": to, "progress": text}
    (found,) = run(_ADVANCE, written)
    if found["cursor"] != from_:
        raise LedgerError(
            f"unit {mark.load} was expected to be at row {from_:,}, found at "
            f"{found['cursor']:,}: another command has gone on with it. See "
            "`alembic-neo4j status`"
        )


def finish(run: RunStatement, mark: Mark, rows: Sequence[Row]) -> None:
    """Note in a unit's last transaction that it is done, and what it returns."""
    run(
        _SET,
        {
            "run": mark.run,
            "revision": mark.revision,
            "position": mark.position,
            "rows": rows_to_text(rows),
        },
    )


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
        finish(run, mark, rows)
        return rows


def marked_runs(graph: Graph) -> tuple[str, ...]:
    """Return the runs whose markers are in the graph."""
    return tuple(row["run"] for row in graph.read(_RUNS))


def clear_markers(graph: Graph, *, kept: str = "") -> None:
    """Remove the markers of every run but one: they are only garbage then."""
    graph.transaction([clearing(kept)])


def clearing(kept: str = "") -> tuple[str, Mapping[str, Any]]:
    """Return the statement that removes the markers of every run but one."""
    return _CLEAR, {"kept": kept}
