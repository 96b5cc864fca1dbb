"""Running a revision's operations on the graph, buffered and by kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic_neo4j.errors import IrreversibleError
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.graph.cypher import steps
from alembic_neo4j.graph.execute import Limits, ordered, run_unit, units
from alembic_neo4j.graph.lexer import classify
from alembic_neo4j.graph.statements import Kind
from alembic_neo4j.graph.steps import Run, Step
from alembic_neo4j.migration.operations import (
    ChangeOp,
    GraphOperation,
    IrreversibleOp,
    RunCypherOp,
)
from alembic_neo4j.schema.elements import Schema


class GraphRunner:
    """Runs the operations of one revision after another.

    Operations that return nothing are buffered; one that returns rows runs at once,
    after what is in the buffer. `schema` is the history's, up to the last operation.
    """

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self._graph = graph
        self._limits = limits
        self._buffer: list[Step] = []
        self._autocommit = False
        self.revision = ""
        self.schema = Schema()

    def begin(self, revision: str, schema: Schema) -> None:
        """Start a revision upon the schema of the history before it."""
        self.revision, self.schema = revision, schema
        self._buffer.clear()

    def invoke(self, operation: GraphOperation) -> Any:
        """Buffer the operation, or run it and return its rows."""
        if isinstance(operation, ChangeOp):
            change = operation.change
            self._buffer += steps(change, self.schema, revision=self.revision)
            self.schema = change.apply(self.schema)
        elif isinstance(operation, RunCypherOp):
            return self._run_now(operation)
        elif isinstance(operation, IrreversibleOp):
            raise IrreversibleError(operation.reason)
        return None

    def execute(self, cypher: str) -> None:
        """Buffer a raw statement."""
        self._buffer.append(Run(cypher, self._kind(cypher)))

    def flush(self) -> list[Row]:
        """Run what is buffered; return the rows of the last statement."""
        rows: list[Row] = []
        waiting, self._buffer = ordered(self._buffer), []
        for unit in units(waiting):
            rows = run_unit(self._graph, unit, self._limits)
        return rows

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Run the block's raw statements outside of explicit transactions."""
        self.flush()
        self._autocommit = True
        try:
            yield
            self.flush()
        finally:
            self._autocommit = False

    def _run_now(self, operation: RunCypherOp) -> list[Row]:
        kind = self._kind(operation.text)
        self._buffer.append(Run(operation.text, kind, operation.parameters))
        return self.flush()

    def _kind(self, cypher: str) -> Kind:
        return Kind.AUTOCOMMIT if self._autocommit else classify(cypher)
