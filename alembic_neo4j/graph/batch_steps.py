"""The steps of batches on a server: rows are loaded, what they became is undone."""

from __future__ import annotations

from dataclasses import asdict

from alembic_neo4j.cypher.steps import Load, Undo
from alembic_neo4j.graph.batch_rollback import run_undo
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.loading import run_load
from alembic_neo4j.graph.marker import Mark


def run_batch_step(
    graph: Graph, step: Load | Undo, limits: Limits, mark: Mark | None
) -> Row:
    """Carry out a step and return what it has done, as `Loaded` or `Undone` has it.

    Raises what `run_load` and `run_undo` raise.
    """
    if isinstance(step, Load):
        return asdict(run_load(graph, step, limits, mark))
    return asdict(run_undo(graph, step, limits))
