"""Judging the labels, types, properties and rows of a plan before its first write.

A misspelt label of a load gives nodes that nobody finds, one of a refactoring finds
none and changes nothing. What is written needs a model at that point of the history;
what is only looked for may be left over from one that was removed, or be in the graph
though nothing declares it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from alembic_neo4j.cypher.data_survey import OWN_PROPERTY_PREFIX
from alembic_neo4j.cypher.events import (
    BatchEvent,
    ChangeEvent,
    Event,
    Recording,
    StatementEvent,
    UnseenEvent,
)
from alembic_neo4j.cypher.patterns import Scope
from alembic_neo4j.errors import CheckFailed
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.data_survey import has_property, names_in_use
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.changes import Change, OfProperties, Refactoring
from alembic_neo4j.schema.definitions import EntityType, Node, RelationshipType, Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames, Name, mistaken

log = logging.getLogger(__name__)


# The names that a history, its plan and the graph know, looked up when they matter ----


class NamesInGraph:
    """What the graph has anything of; without a graph nobody knows."""

    def __init__(self, graph: Graph | None) -> None:
        self._graph = graph
        self.is_there = graph is not None

    def has(self, name: Name) -> bool:
        """Tell whether a label or type is in use, or can't be looked for."""
        entity, called = name
        in_use = self._in_use
        return in_use is None or called in in_use[entity]

    def has_property(self, properties: OfProperties, name: str) -> bool:
        """Tell whether any of the owners has a property, or can't be looked at."""
        assert self._graph is not None
        scope = Scope(properties.entity, properties.owners)
        try:
            return has_property(self._graph, scope, name)
        except ServerRefused as error:
            log.info("Not looked for %s of %s: %s", name, scope, error)
            return True

    @cached_property
    def _in_use(self) -> dict[EntityType, frozenset[str]] | None:
        if self._graph is None:
            return {entity: frozenset() for entity in EntityType}
        try:
            return names_in_use(self._graph)
        except ServerRefused as error:
            # Forbidden, say: then nothing is said to be missing.
            log.info("Not looked for labels and types: %s", error)
            return None


class EverNames:
    """The names that a history has had at any time, and that its plan will have."""

    def __init__(
        self, history: History, heads: tuple[str, ...], planned: Sequence[PlannedStep]
    ) -> None:
        self._history = history
        self._heads = heads
        self._planned = [item.recording for item in planned]

    @cached_property
    def names(self) -> KnownNames:
        """The labels and types of all schemas."""
        return KnownNames.of(*self._schemas)

    def is_made(self, name: Name) -> bool:
        """Tell whether a change, a load or a statement makes it, or may make it."""
        return name in self._made or self._is_mentioned(name[1])

    def meant_by(self, name: Name, before: Schema, made: Iterable[Name]) -> str | None:
        """Return what is not known, and what may be meant; None where nothing is.

        What the same change has `made` is not meant: it is another name.
        """
        entity, called = name
        if called in _names(entity, self._declared, KnownNames.of(before)):
            return None
        others = {other for of, other in made if of is entity}
        known = _names(entity, self._declared) - others
        meant = mistaken(called, known)
        if meant is None or self._is_unseen or self.is_made(name):
            return None
        what = "label" if entity is EntityType.NODE else "relationship type"
        return f"{what} {called!r}. Did you mean {meant!r}?"

    def property_meant_by(
        self, properties: OfProperties, name: str, before: Schema, made: Iterable[str]
    ) -> str | None:
        """Return what property is not known, and what may be meant, as `meant_by`."""
        if name.startswith(OWN_PROPERTY_PREFIX):
            return None
        if name in _properties([before], properties) | _of_elements(before, properties):
            return None
        owners = list(_owners(self._schemas, properties))
        if any(isinstance(owner, Node) and owner.open for owner in owners):
            return None
        known = _properties(self._schemas, properties)
        meant = None if name in known else mistaken(name, known - {*made})
        if meant is None or self._makes_property(name):
            return None
        owner = " or ".join(map(repr, properties.owners))
        return f"property {name!r} of {owner}. Did you mean {meant!r}?"

    def _makes_property(self, name: str) -> bool:
        made = {n for change in self._changes for n in _properties_made_by(change)}
        # What rows have is not seen before they are loaded.
        loads = any(isinstance(e, BatchEvent) and e.made != () for e in self._events)
        return loads or self._is_unseen or name in made or self._is_mentioned(name)

    def _is_mentioned(self, name: str) -> bool:
        raw = (event for event in self._ever if isinstance(event, StatementEvent))
        return any(name in event.text for event in raw)

    @cached_property
    def _is_unseen(self) -> bool:
        return any(
            isinstance(event, UnseenEvent)
            or (isinstance(event, BatchEvent) and event.made is None)
            for event in self._events
        )

    @cached_property
    def _declared(self) -> KnownNames:
        # An index is no proof that its label is written as it is meant.
        models = (replace(s, indexes={}, constraints={}) for s in self._schemas)
        return KnownNames.of(*models)

    @cached_property
    def _made(self) -> frozenset[Name]:
        loads = (e.made or () for e in self._ever if isinstance(e, BatchEvent))
        return frozenset().union(*map(_made_by, self._changes), *loads)

    @cached_property
    def _changes(self) -> list[Change]:
        return [event.change for event in self._ever if isinstance(event, ChangeEvent)]

    @property
    def _events(self) -> Iterator[Event]:
        """What the plan does."""
        return (event for recording in self._planned for event in recording.events)

    @property
    def _ever(self) -> Iterator[Event]:
        """What the history has done, and the plan does."""
        return (event for recording in self._recordings for event in recording.events)

    @cached_property
    def _recordings(self) -> list[Recording]:
        walked = [recording for _, recording in self._history.walk(self._heads)]
        return [*walked, *self._planned]

    @cached_property
    def _schemas(self) -> list[Schema]:
        return [s for recording in self._recordings for s in schemas_of(recording)]


def schemas_of(recording: Recording) -> list[Schema]:
    """Return the schemas that a revision passes through, the last one included."""
    return [*(event.before for event in recording.changes), recording.after]


def _made_by(change: Change) -> tuple[Name, ...]:
    """Return the labels and types that a change makes, or is meant to find."""
    return (*change.sought, *change.made) if change.allow_unknown else change.made


def _properties_made_by(change: Change) -> set[str]:
    """Return the properties that a change makes, or is meant to find."""
    sought = change.sought_properties if change.allow_unknown else ()
    return {*change.made_properties, *(name for of in sought for name in of.names)}


def _names(entity: EntityType, *known: KnownNames) -> frozenset[str]:
    return frozenset().union(
        *(one.labels if entity is EntityType.NODE else one.types for one in known)
    )


def _owners(
    schemas: Iterable[Schema], properties: OfProperties
) -> Iterator[Node | RelationshipType]:
    for schema in schemas:
        for owner in properties.owners:
            if properties.entity is EntityType.RELATIONSHIP:
                if owner in schema.relationship_types:
                    yield schema.relationship_types[owner]
                continue
            for node in schema.nodes.values():
                if owner in node.labels or owner in node.optional_labels:
                    yield node


def _properties(schemas: Iterable[Schema], properties: OfProperties) -> frozenset[str]:
    return frozenset(
        declared.name
        for owner in _owners(schemas, properties)
        for declared in owner.properties
    )


def _of_elements(schema: Schema, properties: OfProperties) -> frozenset[str]:
    return frozenset(
        name
        for element in schema.elements.values()
        if element.entity is properties.entity
        and not set(element.labels).isdisjoint(properties.owners)
        for name in element.properties
    )


# Judging the labels, types, properties and rows of a plan before its first write ------


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
