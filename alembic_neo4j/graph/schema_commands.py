"""Creating and dropping indexes and constraints: each exactly once, and waited for."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from alembic_neo4j.cypher import catalogue
from alembic_neo4j.cypher.catalogue import Catalogue, read_catalogue
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.watchdog import schema_transaction
from alembic_neo4j.schema.definitions import Constraint, Element, Index
from alembic_neo4j.schema.descriptions import described
from alembic_neo4j.sentences import unended
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)


def live_catalogue(graph: Graph) -> Catalogue:
    """Return the indexes and constraints that the server has."""
    return read_catalogue(
        graph.read(catalogue.CONSTRAINTS), graph.read(catalogue.INDEXES)
    )


def create_elements(
    graph: Graph,
    elements: Sequence[Element],
    limits: Limits,
    *,
    resumed: bool,
) -> None:
    """Create indexes or constraints in one transaction and wait until they are online.

    `resumed` says that they may be there already, or in part. Raises StatementError
    where the server can't; none of them is left behind then.
    """
    missing = _not_created(graph, elements, limits) if resumed else elements
    for element in missing:
        log.info("Creating %s", described(element))
    statements: list[tuple[str, Mapping[str, Any]]]
    statements = [(create_text(element), {}) for element in missing]
    try:
        if statements:
            commanded(graph, statements, limits)
    except ServerRefused as error:
        raise StatementError(_why_not_created(graph, missing, error)) from error
    await_online(graph, elements, limits, withdrawn=elements)


def commanded(
    graph: Graph, statements: Sequence[tuple[str, Mapping[str, Any]]], limits: Limits
) -> list[list[Row]]:
    """Run schema commands in one transaction, which gives up in time."""
    return schema_transaction(
        graph,
        statements,
        timeout=limits.schema_timeout,
        interrupts=limits.interrupts,
    )


def _not_created(
    graph: Graph, elements: Sequence[Element], limits: Limits
) -> list[Element]:
    # A server that is killed while a constraint populates leaves its index behind
    # without an owner, which blocks the name for ever (neo4j/neo4j#13208).
    found = live_catalogue(graph)
    names = {e.name for e in elements if isinstance(e, Constraint)}
    orphans = [i for i in found.schema.indexes.values() if i.name in names]
    if orphans:
        commanded(graph, [(drop_text(orphan), {}) for orphan in orphans], limits)
    live = found.schema.elements
    return [element for element in elements if element.key not in live]


def _why_not_created(
    graph: Graph, elements: Sequence[Element], error: ServerRefused
) -> str:
    found = live_catalogue(graph)
    live = list(found.schema.elements.values())
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
    return f"{names} can't be created: {unended(error.server_message)} ({error.code})"


_STATES = (
    "SHOW INDEXES YIELD name, state, populationPercent, failureMessage "
    "WHERE name IN $names AND state <> 'ONLINE'"
)
_PAUSES = (*repeat(0.002, 20), 0.02, 0.1, 0.5)
"""A small index takes some milliseconds, and one that is late holds up all the rest."""


def await_online(
    graph: Graph,
    elements: Sequence[Element],
    limits: Limits,
    *,
    withdrawn: Sequence[Element],
) -> None:
    """Wait until the indexes among the elements are online.

    Raises StatementError where one fails or takes too long; those to be `withdrawn`
    are dropped before.
    """
    # A constraint's index is populated before its transaction commits. Asked by name,
    # since one foreign FAILED index breaks every wait for all of a database.
    names = [e.name for e in elements if isinstance(e, Index)]
    until = time.monotonic() + limits.schema_timeout
    pauses = iter(_PAUSES)
    late: list[Row] = []
    with waiting_for(lambda: _shown_states(late), limit=limits.schema_timeout):
        while names and (late := list(graph.stream(_STATES, {"names": names}))):
            timed_out = time.monotonic() > until
            if timed_out or any(row["state"] == "FAILED" for row in late):
                break
            # It is populated all the same: the run that goes on finds it there.
            limits.interrupts.check()
            time.sleep(next(pauses, _PAUSES[-1]))
    if late:
        _withdraw(graph, withdrawn, limits)
        raise StatementError(
            _why_not_online(late, timed_out=timed_out, dropped=bool(withdrawn))
        )


def _shown_states(late: Sequence[Row]) -> str:
    shown = (f"{row['name']!r} ({row['populationPercent']:.0f} %)" for row in late)
    return f"indexes to be populated: {', '.join(shown)}"


def _why_not_online(waiting: Sequence[Row], *, timed_out: bool, dropped: bool) -> str:
    states = "; ".join(
        f"{row['name']!r} is {row['state']}"
        + (f": {row['failureMessage']}" if row["failureMessage"] else "")
        for row in waiting
    )
    if timed_out:
        advice = "give it more time with neo4j.schema_timeout"
    else:
        advice = "mend the data and run the same command"
    what = "has been dropped again" if dropped else "was there before: drop it"
    return f"the index did not come online: {states}. It {what}; {advice}"


def _withdraw(graph: Graph, elements: Sequence[Element], limits: Limits) -> None:
    if elements:
        commanded(graph, [(drop_text(element), {}) for element in elements], limits)


def drop_elements(
    graph: Graph,
    elements: Sequence[Element],
    limits: Limits,
    *,
    resumed: bool,
) -> None:
    """Drop indexes or constraints in one transaction, whatever their names are.

    `resumed` says that they may be gone already. Raises StatementError where one is not
    there, or the server refuses; all of them stay then.
    """
    found = live_catalogue(graph)
    live = list(found.schema.elements.values())
    if resumed:
        keys = {element.key for element in live}
        elements = [element for element in elements if element.key in keys]
    statements: list[tuple[str, Mapping[str, Any]]] = []
    for element in elements:
        log.info("Dropping %s", described(element))
        statements.append((drop_text(_live_twin(element, live)), {}))
    try:
        if statements:
            commanded(graph, statements, limits)
    except ServerRefused as error:
        names = ", ".join(described(element) for element in elements)
        raise StatementError(
            f"{names} can't be dropped: {unended(error.server_message)} ({error.code})"
        ) from error


def _live_twin(element: Element, live: Sequence[Element]) -> Element:
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


def _same(element: Element, other: Element) -> bool:
    return type(element) is type(other) and element.key == other.key
