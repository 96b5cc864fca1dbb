"""Running steps on a server: by kind, strictly, in transactions of bounded size."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from alembic_neo4j.errors import CheckFailed, StatementError
from alembic_neo4j.graph import catalogue
from alembic_neo4j.graph.batch_steps import run_batch_step
from alembic_neo4j.graph.batches import REPORT_SECONDS, run_batches
from alembic_neo4j.graph.catalogue import Catalogue, read_catalogue
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.ddl import create_text, drop_text
from alembic_neo4j.graph.limits import Limits as Limits
from alembic_neo4j.graph.marker import Mark, run_marked
from alembic_neo4j.graph.statements import Kind
from alembic_neo4j.graph.steps import (
    Batched,
    Check,
    Create,
    Drop,
    Load,
    Run,
    Step,
    Stop,
    Undo,
)
from alembic_neo4j.graph.watchdog import schema_transaction
from alembic_neo4j.schema.elements import Constraint, Index
from alembic_neo4j.schema.words import described

log = logging.getLogger(__name__)


TOGETHER = 1_000
"""How many raw statements share a transaction at most, which the server has to hold."""


def units(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps in groups that may share one transaction, in their order."""
    pending: list[Step] = []
    for step in steps:
        full = len(pending) == TOGETHER and isinstance(step, Run)
        if pending and (full or not _may_share(pending[-1], step)):
            yield pending
            pending = []
        pending.append(step)
    if pending:
        yield pending


def _may_share(before: Step, step: Step) -> bool:
    if isinstance(before, Run) and isinstance(step, Run):
        return before.kind is step.kind and step.kind in {Kind.DATA, Kind.SCHEMA}
    # A create and a drop of one schema in one transaction break the index when it is
    # rolled back (neo4j/neo4j#13539).
    return isinstance(step, (Create, Drop)) and type(step) is type(before)


def ordered(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with each check ahead of the schema commands before it.

    What would be created only to be dropped again is not created at all.
    """
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Drop) and (made := Create(step.element)) in result:
            result.remove(made)
        elif isinstance(step, Check):
            position = len(result)
            while position and isinstance(result[position - 1], (Create, Drop)):
                position -= 1
            result.insert(position, step)
        else:
            result.append(step)
    return result


def kind_of(unit: Sequence[Step]) -> str:
    """Return what a group of steps is, as the journal and messages name it."""
    first = unit[0]
    return first.kind.value if isinstance(first, Run) else type(first).__name__.lower()


def digest_of(unit: Sequence[Step]) -> str:
    """Return the SHA-256 of what a group of steps runs, parameters left out."""
    texts = "\n".join(_text(step) for step in unit)
    return hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()


def _text(step: Step) -> str:
    if isinstance(step, Create):
        return create_text(step.element)
    if isinstance(step, Drop):
        return drop_text(step.element)
    if isinstance(step, Batched):
        return f"{step.select}\n{step.write}"
    if isinstance(step, Check):
        return step.query
    if isinstance(step, Load):
        return f"{step.target!r}\n{step.batch}\n{step.tag}\n{step.source}"
    if isinstance(step, Undo):
        return repr(step)
    return step.text if isinstance(step, Run) else step.message


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
        _create(graph, elements, limits, resumed=resumed)
    elif isinstance(first, Drop):
        elements = [s.element for s in unit if isinstance(s, Drop)]
        _drop(graph, elements, limits, resumed=resumed)
    elif isinstance(first, Batched):
        # Its selection finds what is left to do, so that it may be run again.
        size = limits.batch_size or first.batch_size
        run_batches(graph, first, size, between=limits.interrupts.check)
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


def live_catalogue(graph: Graph) -> Catalogue:
    """Return the indexes and constraints that the server has."""
    return read_catalogue(
        graph.read(catalogue.CONSTRAINTS), graph.read(catalogue.INDEXES)
    )


def _create(
    graph: Graph,
    elements: Sequence[Index | Constraint],
    limits: Limits,
    *,
    resumed: bool,
) -> None:
    missing = _not_created(graph, elements, limits) if resumed else elements
    for element in missing:
        log.info("Creating %s", described(element))
    statements: list[tuple[str, Mapping[str, Any]]]
    statements = [(create_text(element), {}) for element in missing]
    try:
        if statements:
            _commanded(graph, statements, limits)
    except ServerRefused as error:
        raise StatementError(_why_not_created(graph, missing, error)) from error
    _await_online(graph, elements, limits)


def _commanded(
    graph: Graph, statements: Sequence[tuple[str, Mapping[str, Any]]], limits: Limits
) -> list[list[Row]]:
    return schema_transaction(
        graph,
        statements,
        timeout=limits.schema_timeout,
        interrupts=limits.interrupts,
    )


def _not_created(
    graph: Graph, elements: Sequence[Index | Constraint], limits: Limits
) -> list[Index | Constraint]:
    # A server that is killed while a constraint populates leaves its index behind
    # without an owner, which blocks the name for ever (neo4j/neo4j#13208).
    found = live_catalogue(graph)
    names = {e.name for e in elements if isinstance(e, Constraint)}
    orphans = [i for i in found.schema.indexes.values() if i.name in names]
    if orphans:
        _commanded(graph, [(drop_text(orphan), {}) for orphan in orphans], limits)
    live = {*found.schema.indexes, *found.schema.constraints}
    return [element for element in elements if element.key not in live]


def _why_not_created(
    graph: Graph, elements: Sequence[Index | Constraint], error: ServerRefused
) -> str:
    found = live_catalogue(graph)
    live: list[Index | Constraint]
    live = [*found.schema.indexes.values(), *found.schema.constraints.values()]
    for element in elements:
        for other in live:
            if _same(element, other):
                return (
                    f"{described(element)} can't be created: the graph has it already, "
                    f"and the history does not know it. Run {drop_text(other)}; or "
                    "stamp the revision, where it makes nothing else"
                )
            if element.name == other.name:
                return (
                    f"{described(element)} can't be created: its name is taken by "
                    f"{described(other)}, which the history does not know"
                )
    names = ", ".join(described(element) for element in elements)
    return f"{names} can't be created: {error.server_message} ({error.code})"


_STATES = (
    "SHOW INDEXES YIELD name, state, populationPercent, failureMessage "
    "WHERE name IN $names AND state <> 'ONLINE'"
)
_PAUSES = (*repeat(0.002, 20), 0.02, 0.1, 0.5)
"""A small index takes some milliseconds, and one that is late holds up all the rest."""


def _await_online(
    graph: Graph, elements: Sequence[Index | Constraint], limits: Limits
) -> None:
    # A constraint's index is populated before its transaction commits. Asked by name,
    # since one foreign FAILED index breaks every wait for all of a database.
    names = [e.name for e in elements if isinstance(e, Index)]
    began = reported = time.monotonic()
    pauses = iter(_PAUSES)
    while names and (waiting := list(graph.stream(_STATES, {"names": names}))):
        now = time.monotonic()
        timed_out = now - began > limits.schema_timeout
        if timed_out or any(row["state"] == "FAILED" for row in waiting):
            _withdraw(graph, elements, limits)
            raise StatementError(_why_not_online(waiting, timed_out=timed_out))
        if now - reported > REPORT_SECONDS:
            for row in waiting:
                log.info(
                    "Index %s: %.0f %% populated", row["name"], row["populationPercent"]
                )
            reported = now
        # It is populated all the same: the run that goes on finds it there.
        limits.interrupts.check()
        time.sleep(next(pauses, _PAUSES[-1]))


def _why_not_online(waiting: Sequence[Row], *, timed_out: bool) -> str:
    states = "; ".join(
        f"{row['name']!r} is {row['state']}"
        + (f": {row['failureMessage']}" if row["failureMessage"] else "")
        for row in waiting
    )
    if timed_out:
        advice = "give it more time with neo4j.schema_timeout"
    else:
        advice = "mend the data and run the same command"
    return (
        f"the index did not come online: {states}. It has been dropped again; {advice}"
    )


def _withdraw(
    graph: Graph, elements: Sequence[Index | Constraint], limits: Limits
) -> None:
    _commanded(graph, [(drop_text(element), {}) for element in elements], limits)


def _drop(
    graph: Graph,
    elements: Sequence[Index | Constraint],
    limits: Limits,
    *,
    resumed: bool,
) -> None:
    found = live_catalogue(graph)
    live: list[Index | Constraint]
    live = [*found.schema.indexes.values(), *found.schema.constraints.values()]
    if resumed:
        keys = {element.key for element in live}
        elements = [element for element in elements if element.key in keys]
    statements: list[tuple[str, Mapping[str, Any]]] = []
    for element in elements:
        log.info("Dropping %s", described(element))
        statements.append((drop_text(_live_twin(element, live)), {}))
    try:
        if statements:
            _commanded(graph, statements, limits)
    except ServerRefused as error:
        names = ", ".join(described(element) for element in elements)
        raise StatementError(
            f"{names} can't be dropped: {error.server_message} ({error.code})"
        ) from error


def _live_twin(
    element: Index | Constraint, live: Sequence[Index | Constraint]
) -> Index | Constraint:
    # Found by what it is, not by its name: another tool may have made it.
    for other in live:
        if _same(element, other):
            return other
    named = [other for other in live if other.name == element.name]
    found = f"{described(named[0])} has its name" if named else "there is none"
    raise StatementError(
        f"{described(element)} can't be dropped: the graph does not have it, "
        f"{found}. The graph was changed outside of the history"
    )


def _same(element: Index | Constraint, other: Index | Constraint) -> bool:
    return type(element) is type(other) and element.key == other.key


def _check(graph: Graph, step: Check) -> None:
    rows = graph.read(step.query, step.parameters)
    if rows:
        found = "\n".join(
            f"  {row['value']!r}: {row['count']:,}, such as {', '.join(row['ids'])}"
            for row in rows
        )
        raise CheckFailed(
            f"the data stand in the way: {step.expected}. Found:\n{found}\n"
            f"{step.advice}"
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
            raise StatementError(
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
    try:
        if first.kind is Kind.SCHEMA:
            return _commanded(graph, statements, limits)[-1]
        return graph.transaction(statements)[-1]
    except ServerRefused as error:
        # One transaction: where its effect is there, it was committed the first time.
        if resumed and error.code in _HAD_ITS_EFFECT:
            return []
        raise


def _placed(error: ServerRefused, runs: Sequence[Run]) -> ServerRefused:
    """Return the error with the place of the statement, or of all of them."""
    # The same text may stand in a file twice, each a string of its own.
    refused = [run for run in runs if run.text is error.statement]
    places = [run.place for run in refused or runs if run.place]
    if not places:
        return error
    place = places[0] if len(places) == 1 else f"{places[0]} to {places[-1]}"
    return ServerRefused(error.code, f"{place}: {error.server_message}")


_HAD_ITS_EFFECT = {
    "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
    "Neo.ClientError.Schema.IndexAlreadyExists",
    "Neo.ClientError.Schema.ConstraintAlreadyExists",
    "Neo.DatabaseError.Schema.IndexDropFailed",
    "Neo.DatabaseError.Schema.ConstraintDropFailed",
}
