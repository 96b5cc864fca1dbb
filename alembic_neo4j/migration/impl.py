"""The impl that sends operations to the graph and version rows to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO, cast

from alembic.ddl.impl import DefaultImpl
from sqlalchemy import Connection, CursorResult, Executable

from alembic_neo4j.cypher.quoting import commented
from alembic_neo4j.migration.operations import GraphOperation, Runner, RunnerBind


class Neo4jImpl(DefaultImpl):
    """Runs our operations and raw Cypher on the graph.

    SQLAlchemy constructs, Alembic's version rows among them, go to `ledger`, the impl
    that Alembic chose for the ledger's database.
    """

    __dialect__ = "neo4j"
    transactional_ddl = False

    def __init__(self, ledger: DefaultImpl, runner: Runner) -> None:
        self.ledger = ledger
        self.runner = runner
        self.dialect = ledger.dialect
        self.as_sql = ledger.as_sql
        self.literal_binds = ledger.literal_binds
        self.output_buffer = ledger.output_buffer
        self.memo: dict[Any, Any] = {}
        if self.as_sql and ledger.output_buffer is not None:
            ledger.output_buffer = cast("TextIO", _Comments(ledger.output_buffer))

    @property
    def connection(self) -> Connection | None:  # type: ignore[override]
        """The connection to the ledger that is in use."""
        return self.ledger.connection

    @property
    def bind(self) -> RunnerBind:  # type: ignore[override]
        """The graph, with ``run``."""
        return RunnerBind(self.runner)

    def run(self, operation: GraphOperation) -> Any:
        """Run one of our operations and return its rows, if it has any."""
        return self.runner.invoke(operation)

    def execute(
        self, sql: Executable | str, execution_options: dict[str, Any] | None = None
    ) -> None:
        """Run what `op.execute` was given: Cypher text, or SQL for the ledger."""
        if isinstance(sql, str):
            self.runner.execute(sql)
            return
        self.runner.on_ledger(
            str(sql), lambda: self._discard(self._exec(sql, execution_options))
        )

    def _discard(self, result: CursorResult[Any] | None) -> None:
        if result is not None:
            result.close()

    def _exec(
        self,
        construct: Executable | str,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> CursorResult[Any] | None:
        if isinstance(construct, str):
            self.runner.execute(construct)
            return None
        return self.ledger._exec(
            construct, execution_options, multiparams, params or {}
        )

    def static_output(self, text: str) -> None:
        """Write a remark of Alembic's to the script: its ``--`` is no Cypher."""
        super().static_output(commented(text.removeprefix("--").strip()))

    def start_migrations(self) -> None:
        """Do nothing: a run of ours begins with its plan."""

    def emit_begin(self) -> None:
        """Do nothing: each statement of a script is its own transaction."""

    def emit_commit(self) -> None:
        """Do nothing: each statement of a script is its own transaction."""


class _Comments:
    """Writes the ledger's SQL into a script of Cypher as comments."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> None:
        lines = (line for line in text.splitlines() if line.strip())
        self._output.writelines(f"// ledger: {line}\n" for line in lines)

    def flush(self) -> None:
        self._output.write("\n")
        self._output.flush()
