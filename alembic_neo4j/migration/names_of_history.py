"""The names that a history, its plan and the graph know, looked up when they matter."""

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
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.names_in_use import has_property, names_in_use
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.changes import Change, OfProperties
from alembic_neo4j.schema.definitions import EntityType, Node, RelationshipType, Schema
from alembic_neo4j.schema.known_names import KnownNames, Name, mistaken

log = logging.getLogger(__name__)


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
