"""Judging the labels, types, properties and rows of a plan before its first write.

A misspelt label of a load gives nodes that nobody finds, one of a refactoring finds
none and changes nothing. What is written needs a model at that point of the history;
what is only looked for may be left over from one that was removed, or be in the graph
though nothing declares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic_neo4j.cypher.events import BatchEvent, ChangeEvent, Event, Recording
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration.names_of_history import (
    EverNames,
    NamesInGraph,
    schemas_of,
)
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.changes import Change, Refactoring
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames, Name


def check_plan(
    planned: Sequence[PlannedStep],
    history: History,
    heads: Iterable[str],
    graph: Graph | None = None,
    *,
    begun: int = 0,
) -> None:
    """Raise CheckFailed for names that no model has and rows that can't be stored.

    `heads` are the applied ones. What the `graph` has is known as well, as far as it is
    only looked for; without a graph, for a script, near misses are not told. The first
    `begun` steps have been judged, and have changed the graph since. What the replay of
    a revision does not show is judged when it runs.
    """
    judge = _Judge(EverNames(history, tuple(heads), planned), NamesInGraph(graph))
    names = [
        f"  {item.script.revision}: {problem}"
        for item in planned[begun:]
        for problem in judge.problems(item)
    ]
    if names:
        lines = "\n".join(dict.fromkeys(names))
        raise CheckFailed(
            f"revisions name what no model has; nothing has run:\n{lines}\n{ALLOW}"
        )
    # Rows that come from reads, or only once, are judged when they are loaded.
    rows = [
        f"  {item.script.revision}: {event.text}: {event.problem}"
        for item in planned
        for event in item.recording.events
        if isinstance(event, BatchEvent) and event.problem
    ]
    if rows:
        lines = "\n".join(rows)
        raise CheckFailed(f"rows can't be loaded; nothing has run:\n{lines}")


class _Judge:
    def __init__(self, ever: EverNames, in_graph: NamesInGraph) -> None:
        self._ever = ever
        self._graph = in_graph

    def problems(self, item: PlannedStep) -> Iterator[str]:
        """Yield what is wrong with the names of a step, and where in its file."""
        recording = item.recording
        lines = recording.lines or (None,) * len(recording.events)
        for event, line in zip(recording.events, lines, strict=True):
            where = item.script.path + (f", line {line}" if line else "")
            for what, problem in self._of_event(event, recording):
                yield f"{what} ({where}): {problem}"

    def _of_event(
        self, event: Event, recording: Recording
    ) -> Iterator[tuple[str, str]]:
        found: Iterable[str] = ()
        what = ""
        if isinstance(event, BatchEvent):
            what = event.text
            found = [
                *KnownNames.of(event.schema).unknown(event.names),
                *self._missing(event.sought, event.schema),
            ]
        elif isinstance(event, ChangeEvent):
            change, before = event.change, event.before
            what = f"op.{change.operation}"
            if not change.allow_unknown:
                found = self._of_change(change, before, recording)
        yield from ((what, one) for one in dict.fromkeys(found))

    def _of_change(
        self, change: Change, before: Schema, recording: Recording
    ) -> Iterator[str]:
        if isinstance(change, Refactoring):
            here = KnownNames.of(before, *schemas_of(recording))
            yield from here.unknown(change.made)
            if any(here.unknown(change.sought)):
                yield from self._ever.names.unknown(self._not_there(change.sought))
        else:
            yield from self._missing(change.sought, before, change.made)
        if self._graph.is_there:
            yield from self._missing_properties(change, before)

    def _not_there(self, names: Iterable[Name]) -> Iterator[Name]:
        for name in names:
            if not self._graph.has(name) and not self._ever.is_made(name):
                yield name

    def _missing(
        self, sought: Iterable[Name], before: Schema, made: Iterable[Name] = ()
    ) -> Iterator[str]:
        """Yield what is neither known nor in the graph, and near to what is known."""
        if not self._graph.is_there:
            return
        here = KnownNames.of(before)
        if not any(here.unknown(sought)):
            return
        for name in sought:
            meant = self._ever.meant_by(name, before, made)
            if meant is not None and not self._graph.has(name):
                yield f"no model of the history has the {meant}"

    def _missing_properties(self, change: Change, before: Schema) -> Iterator[str]:
        for properties in change.sought_properties:
            for name in properties.names:
                meant = self._ever.property_meant_by(
                    properties, name, before, change.made_properties
                )
                if meant is None:
                    continue
                if not self._graph.has_property(properties, name):
                    yield f"no model of the history has the {meant}"
