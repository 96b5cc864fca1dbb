"""Running steps on a server: by kind, strictly, in transactions of bounded size."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from alembic_neo4j.cypher.statements import Kind
from alembic_neo4j.cypher.steps import (
    DEFAULT_BATCH_SIZE,
    Batched,
    Check,
    Create,
    Drop,
    Load,
    Merge,
    Report,
    Run,
    Step,
    Stop,
    Undo,
)
from alembic_neo4j.errors import CheckFailed, StatementError
from alembic_neo4j.graph.batch_steps import run_batch_step
from alembic_neo4j.graph.batches import run_batches
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.marker import Mark, run_marked
from alembic_neo4j.graph.merging import run_merge
from alembic_neo4j.graph.schema_commands import create_elements, drop_elements
from alembic_neo4j.graph.schema_runs import EffectUnknown, run_schema

log = logging.getLogger(__name__)


def run_unit(
    graph: Graph,
    unit: Sequence[Step],
    limits: Limits,
    *,
    mark: Mark | None = None,
    resumed: bool = False,
) -> list[Row]:
    """Run one group of steps and return the rows of the last statement.

    With a `mark` raw statements have their effect exactly once. `resumed` says that
    the unit was begun before and may have had its effect: schema commands that did are
    left alone. Raises CheckFailed, or StatementError with the server's message; the
    transaction that failed leaves nothing behind.
    """
    first = unit[0]
    if isinstance(first, Create):
        elements = [s.element for s in unit if isinstance(s, Create)]
        create_elements(graph, elements, limits, resumed=resumed)
    elif isinstance(first, Drop):
        elements = [s.element for s in unit if isinstance(s, Drop)]
        drop_elements(graph, elements, limits, resumed=resumed)
    elif isinstance(first, Batched):
        # Its selection finds what is left to do, so that it may be run again.
        size = first.chosen_size or limits.batch_size or first.batch_size
        run_batches(graph, first, size, between=limits.between)
    elif isinstance(first, Merge):
        size = first.batch_size or limits.batch_size or DEFAULT_BATCH_SIZE
        run_merge(graph, first, size, between=limits.between)
    elif isinstance(first, Report):
        _report(graph, first)
    elif isinstance(first, (Load, Undo)):
        return [run_batch_step(graph, first, limits, mark)]
    elif isinstance(first, Check):
        _check(graph, first)
    elif isinstance(first, Stop):
        raise CheckFailed(first.message)
    else:
        runs = [step for step in unit if isinstance(step, Run)]
        try:
            return _run(graph, runs, limits, mark, resumed=resumed)
        except ServerRefused as error:
            raise _placed(error, runs) from error
    return []


def left_nothing(step: Step, error: BaseException) -> bool:
    """Tell whether a group of steps, the first of them given, surely had no effect.

    That is so where the server refused its only transaction. What was cut off, and what
    it is not known of, may be in the graph.
    """
    if isinstance(error, CheckFailed):
        return not isinstance(step, (Batched, Merge))
    if isinstance(step, (Batched, Merge, Load, Undo)) or not isinstance(
        error, StatementError
    ):
        return False
    if isinstance(error, EffectUnknown):
        return False
    refused = error if isinstance(error, ServerRefused) else error.__cause__
    if isinstance(step, Run) and step.kind is Kind.AUTOCOMMIT:
        return isinstance(refused, ServerRefused) and refused.code == _UNREADABLE
    if isinstance(refused, ServerRefused):
        return bool(refused.statement) or not refused.code.startswith(_AT_COMMIT)
    return True


_UNREADABLE = "Neo.ClientError.Statement.SyntaxError"
_AT_COMMIT = ("Neo.TransientError.", "Neo.DatabaseError.")
"""What of a commit that is answered so became, the answer does not tell."""


def _check(graph: Graph, step: Check) -> None:
    rows = graph.read(step.query, step.parameters)
    if rows:
        raise CheckFailed(
            f"the data stand in the way: {step.expected}. Found:\n{_found(rows)}\n"
            f"{step.advice}"
        )


def _report(graph: Graph, step: Report) -> None:
    rows = graph.read(step.query, step.parameters)
    if rows:
        log.warning("%s:\n%s\n%s", step.text, _found(rows), step.advice)


def _found(rows: Sequence[Row]) -> str:
    return "\n".join(
        f"  {row['value']!r}: {row['count']:,}, such as {', '.join(row['ids'])}"
        for row in rows
    )


def _run(
    graph: Graph,
    runs: Sequence[Run],
    limits: Limits,
    mark: Mark | None,
    *,
    resumed: bool,
) -> list[Row]:
    first = runs[0]
    if first.kind is Kind.AUTOCOMMIT:
        if resumed and not first.repeatable:
            where = f"{first.place}: " if first.place else ""
            raise EffectUnknown(
                f"{where}this auto-commit statement was begun and may have run in "
                f"part, so that it is not run again: {first.text.strip()}. Say "
                "op.run_cypher(…, repeatable=True) or `alembic-neo4j run --repeatable` "
                "where running it twice does no harm; else see what it has done, and "
                "tell: `alembic-neo4j repair --unit-done` or `--unit-undone`"
            )
        return graph.autocommit(first.text, first.parameters)
    if first.kind is Kind.READ:
        return graph.read(first.text, first.parameters)
    statements = [(run.text, run.parameters) for run in runs]
    if mark is not None and first.kind is Kind.DATA:
        return run_marked(graph, mark, statements)
    if first.kind is Kind.SCHEMA:
        return run_schema(graph, runs, limits, resumed=resumed)
    return graph.transaction(statements)[-1]


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
