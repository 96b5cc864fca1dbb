"""Schema commands, of a change or a person's own: each exactly once, and waited for."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from alembic_neo4j.cypher import catalogue
from alembic_neo4j.cypher.catalogue import INDEXES, Catalogue, read_catalogue
from alembic_neo4j.cypher.ddl import (
    SchemaCommand,
    create_text,
    drop_text,
    read_schema_command,
)
from alembic_neo4j.cypher.steps import Run
from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.watchdog import schema_transaction
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    described,
)
from alembic_neo4j.sentences import ended, unended
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


# Schema commands that a person wrote: the catalogue tells what they have done ---------
#
# An error code is no proof of an effect: the server refuses to create what somebody
# else made, and to drop what was never there. IF NOT EXISTS is none either, since it
# does nothing where the name is taken by something else.


class EffectUnknown(StatementError):
    """A statement that was begun before is refused now: it may have had its effect."""


@dataclass(frozen=True)
class _Found:
    """What the graph has: its indexes and constraints, and every name of them."""

    elements: tuple[Element, ...]
    index_names: frozenset[str]
    constraint_names: frozenset[str]
    lookups: Mapping[EntityType, str]

    def twins(self, element: Element) -> list[Element]:
        """Return what is the same by definition, whatever its name is."""
        return [other for other in self.elements if _same_definition(element, other)]

    def named(self, name: str) -> Element | None:
        """Return what has this name, as far as it can be described."""
        return next((other for other in self.elements if other.name == name), None)

    def has_name(self, name: str) -> bool:
        """Tell whether anything has this name."""
        return name in self.index_names or name in self.constraint_names


def run_schema(
    graph: Graph, runs: Sequence[Run], limits: Limits, *, resumed: bool
) -> list[Row]:
    """Run schema commands in one transaction and return the rows of the last one.

    What they create is there by definition afterwards, and online. `resumed` says that
    they may have had their effect: then nothing is done where the catalogue has it.
    Raises StatementError where the server refuses them or IF NOT EXISTS would pass over
    something else; nothing of them stays then. Raises EffectUnknown where that can't be
    told of what was begun before.
    """
    commands = [read_schema_command(run.text, run.parameters) for run in runs]
    before = None
    if resumed or any(c is not None and c.lenient for c in commands):
        before = _found(graph)
    if resumed and before is not None:
        if all(_has_effect(command, before) for command in commands):
            _await(graph, commands, limits, before)
            return []
        _drop_orphans(graph, commands, before, limits)
    _refuse_passed_over(runs, commands, before)
    try:
        texts = [(run.text, run.parameters) for run in runs]
        rows = commanded(graph, texts, limits)[-1]
    except ServerRefused as error:
        if resumed and any(map(_is_unreadable, commands)):
            raise _unknown(runs, error) from error
        raise
    _await(graph, commands, limits, before)
    return rows


def _found(graph: Graph) -> _Found:
    schema = live_catalogue(graph).schema
    constraints = graph.read("SHOW CONSTRAINTS YIELD name")
    indexes = graph.read(INDEXES)
    return _Found(
        tuple(schema.elements.values()),
        frozenset(row["name"] for row in indexes),
        frozenset(row["name"] for row in constraints),
        {
            EntityType(row["entityType"]): row["name"]
            for row in indexes
            if row["type"] == "LOOKUP"
        },
    )


def _same_definition(element: Element, other: Element) -> bool:
    if isinstance(element, Constraint) and isinstance(other, Constraint):
        return element == other
    # Options of an index are not read from the text: they make no second one.
    return type(element) is type(other) and element.key == other.key


def _is_unreadable(command: SchemaCommand | None) -> bool:
    return command is None or not (
        command.element or command.lookup or not command.creates
    )


def _has_effect(command: SchemaCommand | None, found: _Found) -> bool:
    """Whether the graph is as it is after the command."""
    if command is None:
        return False
    if not command.creates:
        names = found.index_names if command.of_index else found.constraint_names
        return command.name not in names
    if command.lookup is not None:
        there = found.lookups.get(command.lookup)
        by_any_name = command.name is None or command.lenient
        return there is not None and (by_any_name or there == command.name)
    if command.element is None:
        return False
    twins = found.twins(command.element)
    if command.name is None or command.lenient:
        return bool(twins)
    return any(twin.name == command.name for twin in twins)


def _drop_orphans(
    graph: Graph,
    commands: Iterable[SchemaCommand | None],
    found: _Found,
    limits: Limits,
) -> None:
    # A server that is killed while a constraint populates leaves its index behind
    # without an owner, which blocks the name for ever (neo4j/neo4j#13208).
    orphans = [
        other
        for other in found.elements
        if isinstance(other, Index)
        and any(_may_be_left_by(command, other) for command in commands)
    ]
    if orphans:
        commanded(graph, [(drop_text(orphan), {}) for orphan in orphans], limits)


def _may_be_left_by(command: SchemaCommand | None, index: Index) -> bool:
    if command is None or not isinstance(command.element, Constraint):
        return False
    # Without a name of its own it has one of the server's.
    named = index.name == command.name or (
        command.name is None and index.name.startswith("constraint_")
    )
    made_for = command.element
    return named and (made_for.entity, made_for.labels, made_for.properties) == (
        *(index.entity, index.labels, index.properties),
    )


def _refuse_passed_over(
    runs: Sequence[Run],
    commands: Sequence[SchemaCommand | None],
    found: _Found | None,
) -> None:
    """Raise StatementError where IF NOT EXISTS would do nothing and hide that."""
    made: list[Element] = []
    for run, command in zip(runs, commands, strict=True):
        if command is None or not command.creates:
            continue
        if command.lenient and command.name and found is not None:
            taken = found.named(command.name) or _named(made, command.name)
            is_taken = taken is not None or found.has_name(command.name)
            if is_taken and not _is_there(command, found, made):
                what = described(taken) if taken else "something else"
                raise StatementError(
                    f"{_placed(run)}{run.text.strip()}: does nothing, since its name "
                    f"is taken by {what}. Drop that before, or choose another name"
                )
        if command.element is not None:
            made.append(command.element)


def _is_there(command: SchemaCommand, found: _Found, made: Sequence[Element]) -> bool:
    """Whether IF NOT EXISTS does nothing because the very thing is there."""
    if command.lookup is not None:
        return command.lookup in found.lookups
    element = command.element
    return element is None or any(
        _same_definition(element, other) for other in (*found.elements, *made)
    )


def _named(elements: Iterable[Element], name: str) -> Element | None:
    return next((element for element in elements if element.name == name), None)


def _await(
    graph: Graph,
    commands: Sequence[SchemaCommand | None],
    limits: Limits,
    before: _Found | None,
) -> None:
    """Wait until what is created is online, and see that it is there at all."""
    created = [c for c in commands if c is not None and c.creates and c.element]
    if not created:
        return
    found = _found(graph)
    known = set(before.elements) if before else set()
    live: list[Element] = []
    for command in created:
        assert command.element is not None
        twins = found.twins(command.element)
        if not twins:
            raise StatementError(
                f"{described(command.element)} is not there after the command that "
                "creates it: another program has dropped it. Run the same command again"
            )
        live.append(_named(twins, command.name or "") or twins[0])
    ours = [element for element in live if element not in known]
    await_online(graph, live, limits, withdrawn=ours)


def _unknown(runs: Sequence[Run], error: ServerRefused) -> EffectUnknown:
    refused = [run for run in runs if run.text is error.statement] or list(runs)
    return EffectUnknown(
        f"{_placed(refused[0])}{refused[0].text.strip()}: this was begun before, may "
        f"have had its effect, and is refused now: {ended(error)} See whether the "
        "graph has "
        "it, and tell: `alembic-neo4j repair --unit-done` or `--unit-undone`"
    )


def _placed(run: Run) -> str:
    return f"{run.place}: " if run.place else ""
