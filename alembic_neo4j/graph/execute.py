"""Running steps on a server: by kind, strictly, in transactions of bounded size."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch

from alembic_neo4j.cypher.batch_rollback import Undo
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import (
    DEFAULT_BATCH_SIZE,
    Atomicity,
    Batched,
    Check,
    Create,
    Merge,
    Report,
    Run,
    SchemaStep,
    Step,
    Stop,
)
from alembic_neo4j.errors import CheckFailed, Neo4jMigrationError, StatementError
from alembic_neo4j.graph.batch_rollback import run_undo
from alembic_neo4j.graph.batches import run_batches
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.loading import has_loaded, run_load
from alembic_neo4j.graph.marker import Mark, run_marked
from alembic_neo4j.graph.merging import run_merge
from alembic_neo4j.graph.schema_commands import (
    EffectUnknown,
    create_elements,
    drop_elements,
    run_schema,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """An attempt to run a unit: a group of steps of a kind.

    With a `mark` raw statements and loads have their effect exactly once. `resumed`
    says that the unit was begun before and may have had its effect: schema commands
    that did are left alone.
    """

    graph: Graph
    unit: Sequence[Step]
    limits: Limits
    mark: Mark | None = None
    resumed: bool = False

    def run(self) -> list[Row]:
        """Run the unit and return the rows of its last statement.

        Raises CheckFailed, or StatementError with the server's message; the transaction
        that failed leaves nothing behind.
        """
        return _run(self.unit[0], self)

    def left_nothing(self, error: BaseException) -> bool:
        """Tell whether the unit surely had no effect, when it ended in an error.

        That is so where the server refused its only transaction. What was cut off, and
        what it is not known of, may be in the graph.
        """
        atomicity = self.unit[0].atomicity
        if atomicity is Atomicity.MARKED_BATCHES:
            return not self.resumed and not self._has_loaded()
        if isinstance(error, CheckFailed):
            return atomicity is not Atomicity.BATCHES
        if not isinstance(error, StatementError) or isinstance(error, EffectUnknown):
            return False
        refused = error if isinstance(error, ServerRefused) else error.__cause__
        if atomicity is Atomicity.AUTOCOMMIT:
            return isinstance(refused, ServerRefused) and refused.code == _UNREADABLE
        if atomicity in (Atomicity.BATCHES, Atomicity.CHECKED_BATCHES):
            return False
        if isinstance(refused, ServerRefused):
            return bool(refused.statement) or not refused.code.startswith(_AT_COMMIT)
        return True

    def _has_loaded(self) -> bool:
        try:
            return self.mark is None or has_loaded(self.graph, self.mark)
        except Neo4jMigrationError:
            return True


_UNREADABLE = "Neo.ClientError.Statement.SyntaxError"
_AT_COMMIT = ("Neo.TransientError.", "Neo.DatabaseError.")
"""What of a commit that is answered so became, the answer does not tell."""


# How each kind of step is run --------------------------------------------------------


@singledispatch
def _run(first: Step, _attempt: Attempt) -> list[Row]:
    """Run a unit of which the first step is given; return its rows."""
    raise TypeError(f"expected a step that the server can run, found {first!r}")


@_run.register(SchemaStep)
def _(first: SchemaStep, attempt: Attempt) -> list[Row]:
    command = create_elements if isinstance(first, Create) else drop_elements
    elements = [s.element for s in attempt.unit if isinstance(s, SchemaStep)]
    command(attempt.graph, elements, attempt.limits, resumed=attempt.resumed)
    return []


@_run.register(Batched)
def _(step: Batched, attempt: Attempt) -> list[Row]:
    # Its selection finds what is left to do, so that it may be run again.
    limits = attempt.limits
    size = step.chosen_size or limits.batch_size or step.batch_size
    run_batches(attempt.graph, step, size, between=limits.between)
    return []


@_run.register(Merge)
def _(step: Merge, attempt: Attempt) -> list[Row]:
    limits = attempt.limits
    size = step.batch_size or limits.batch_size or DEFAULT_BATCH_SIZE
    run_merge(attempt.graph, step, size, between=limits.between)
    return []


@_run.register(Load)
def _(step: Load, attempt: Attempt) -> list[Row]:
    return [asdict(run_load(attempt.graph, step, attempt.limits, attempt.mark))]


@_run.register(Undo)
def _(step: Undo, attempt: Attempt) -> list[Row]:
    return [asdict(run_undo(attempt.graph, step, attempt.limits))]


@_run.register(Report)
def _(step: Report, attempt: Attempt) -> list[Row]:
    rows = attempt.graph.read(step.query, step.parameters)
    if rows:
        log.warning("%s:\n%s\n%s", step.text, _found(rows), step.advice)
    return []


@_run.register(Check)
def _(step: Check, attempt: Attempt) -> list[Row]:
    rows = attempt.graph.read(step.query, step.parameters)
    if rows:
        raise CheckFailed(
            f"the data stand in the way: {step.expected}. Found:\n{_found(rows)}\n"
            f"{step.advice}"
        )
    return []


def _found(rows: Sequence[Row]) -> str:
    return "\n".join(
        f"  {row['value']!r}: {row['count']:,}, such as {', '.join(row['ids'])}"
        for row in rows
    )


@_run.register(Stop)
def _(step: Stop, _attempt: Attempt) -> list[Row]:
    raise CheckFailed(step.message)


@_run.register(Run)
def _(first: Run, attempt: Attempt) -> list[Row]:
    runs = [step for step in attempt.unit if isinstance(step, Run)]
    try:
        return _run_statements(first.kind, runs, attempt)
    except ServerRefused as error:
        raise _placed(error, runs) from error


def _run_statements(kind: Kind, runs: Sequence[Run], attempt: Attempt) -> list[Row]:
    graph, first = attempt.graph, runs[0]
    if kind is Kind.AUTOCOMMIT:
        if attempt.resumed and not first.repeatable:
            where = f"{first.place}: " if first.place else ""
            raise EffectUnknown(
                f"{where}this auto-commit statement was begun and may have run in "
                f"part, so that it is not run again: {first.text.strip()}. Say "
                "op.run_cypher(…, repeatable=True) or `alembic-neo4j run --repeatable` "
                "where running it twice does no harm; else see what it has done, and "
                "tell: `alembic-neo4j repair --unit-done` or `--unit-undone`"
            )
        return graph.autocommit(first.text, first.parameters)
    if kind is Kind.READ:
        return graph.read(first.text, first.parameters)
    if kind is Kind.SCHEMA:
        return run_schema(graph, runs, attempt.limits, resumed=attempt.resumed)
    statements = [(run.text, run.parameters) for run in runs]
    if attempt.mark is None:
        return graph.transaction(statements)[-1]
    return run_marked(graph, attempt.mark, statements)


def _placed(error: ServerRefused, runs: Sequence[Run]) -> ServerRefused:
    """Return the error with the place of the statement, or of all of them."""
    # The same text may stand in a file twice, each a string of its own.
    refused = [run for run in runs if run.text is error.statement]
    places = [run.place for run in refused or runs if run.place]
    if not places:
        return error
    place = places[0] if len(places) == 1 else f"{places[0]} to {places[-1]}"
    return ServerRefused(
        error.code, f"{place}: {error.server_message}", error.statement
    )
