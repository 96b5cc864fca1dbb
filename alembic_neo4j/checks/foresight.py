"""What can be asked of the data before a run, since nothing in it changes the answer.

A check of a change judges the data that the steps before it leave behind. It is asked
beforehand where those steps leave alone what it reads, or where they only give it other
names: then it is asked for the names that the data have now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from itertools import takewhile
from typing import TypeAlias

from alembic_neo4j.cypher.data_checks import constraint_checks
from alembic_neo4j.cypher.events import ChangeEvent, Event
from alembic_neo4j.cypher.index_sizes import Large, large, size_checks
from alembic_neo4j.cypher.patterns import Scope, one_of
from alembic_neo4j.cypher.steps import Check, Step
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddProperty,
    AlterProperty,
    AlterRelationship,
    Change,
    Refactoring,
    RemoveLabel,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.elements import Constraint, EntityType, Index, Schema

Name: TypeAlias = "tuple[EntityType, str]"
"""A label, a relationship type or a property, and what carries it."""


@dataclass(frozen=True)
class Foreseen:
    """What a revision is going to do, in its order.

    Without `rules` those that only the models have do not stand in its way.
    """

    revision: str
    events: tuple[Event, ...]
    rules: bool = True

    def steps(self, event: Event) -> list[Step]:
        """Return the steps of an event that have an effect on the run."""
        return [s for s in event.steps if self.rules or s.lenient is s]


@dataclass(frozen=True)
class Question:
    """A check that can be asked before the run.

    Nothing answers it where none of `names`, labels or types, is in use, nor where
    nothing is `large`, if that is said.
    """

    revision: str
    check: Check
    entity: EntityType
    names: frozenset[str]
    large: Large | None = None


def questions(run: Sequence[Foreseen]) -> list[Question]:
    """Return what can be asked of the data before the first write of a run, once each.

    What is left out depends on what the run itself does before it.
    """
    asked: dict[str, Question] = {}
    for question in _questions(run):
        text = f"{question.check.query}\n{dict(question.check.parameters)!r}"
        asked.setdefault(text, question)
    return list(asked.values())


def _questions(run: Sequence[Foreseen]) -> Iterator[Question]:
    now = _Now()
    for revision in run:
        for event in revision.events:
            left: _Now | None = now
            if isinstance(event, ChangeEvent):
                yield from _asked(revision, event, now)
                left = _left(event, now)
            elif event.touches_data:
                left = None
            if left is None:
                return
            now = left


# The data as they are now, for the data as they will be -----------------------------


@dataclass(frozen=True)
class _Now:
    """How the data that are there stand for those that a change is going to meet.

    `names` has the labels that the nodes of a label carry now, and the types that its
    relationships are of; `values` the expression for what a property will hold. None is
    what can't be told, and what is not there has not changed. `turned` are the types
    whose relationships have been turned round.
    """

    names: Mapping[Name, frozenset[str] | None] = field(default_factory=dict)
    values: Mapping[Name, str | None] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()

    def any_of(self, entity: EntityType, names: Iterable[str]) -> frozenset[str] | None:
        """Return what any of the names stands for; there may be nothing."""
        found = [self.names.get((entity, n), frozenset({n})) for n in names]
        known = [names for names in found if names is not None]
        return frozenset().union(*known) if len(known) == len(found) else None

    def scope(self, entity: EntityType, names: Iterable[str]) -> Scope | None:
        """Return what carries any of the names, None where there is no telling."""
        found = self.any_of(entity, names)
        return Scope(entity, tuple(sorted(found))) if found else None

    def value(self, scope: Scope, name: str) -> str | None:
        return self.values.get((scope.entity, name), scope.value(name))

    def renamed(
        self, entity: EntityType, names: Mapping[str, frozenset[str] | None]
    ) -> _Now:
        changed = {(entity, name): now for name, now in names.items()}
        return replace(self, names={**self.names, **changed})

    def revalued(self, entity: EntityType, values: Mapping[str, str | None]) -> _Now:
        changed = {(entity, name): value for name, value in values.items()}
        return replace(self, values={**self.values, **changed})


def _left(event: ChangeEvent, now: _Now) -> _Now | None:
    """Return how the data stand after a change, None where that can't be told."""
    return _after(event.change, now) if event.touches_data else now


@singledispatch
def _after(_change: Change, _now: _Now) -> _Now | None:
    return None


@_after.register
def _(change: RenameLabel, now: _Now) -> _Now:
    some = change.where is not None
    return _after_rename(EntityType.NODE, change.old, change.new, now, some=some)


@_after.register
def _(change: RenameRelationshipType, now: _Now) -> _Now:
    some = change.where is not None or bool(change.source_labels)
    return _after_rename(
        EntityType.RELATIONSHIP, change.old, change.new, now, some=some
    )


def _after_rename(
    entity: EntityType, old: str, new: str, now: _Now, *, some: bool
) -> _Now:
    if some:
        return now.renamed(entity, {new: None, old: None})
    both = now.any_of(entity, (old, new))
    return now.renamed(entity, {new: both, old: frozenset()})


@_after.register
def _(change: AddLabel, now: _Now) -> _Now:
    both = now.any_of(EntityType.NODE, (change.label, change.added))
    return now.renamed(EntityType.NODE, {change.added: both})


@_after.register
def _(change: RemoveLabel, now: _Now) -> _Now:
    return now.renamed(EntityType.NODE, {change.removed: None})


@_after.register
def _(change: ReverseRelationships, now: _Now) -> _Now:
    return replace(now, turned=now.turned | {change.type})


@_after.register
def _(change: AddProperty, now: _Now) -> _Now:
    return now.revalued(change.entity, {change.declared.name: None})


@_after.register(RemoveProperty)
@_after.register(AlterProperty)
def _(change: RemoveProperty | AlterProperty, now: _Now) -> _Now:
    return now.revalued(change.entity, {change.name: None})


@_after.register
def _(change: RenameProperty, now: _Now) -> _Now:
    unknown = now.revalued(change.entity, {change.old: None, change.new: None})
    scope = now.scope(change.entity, (change.owner,))
    if scope is None or change.where is not None:
        return unknown
    old, new = now.value(scope, change.old), now.value(scope, change.new)
    if old is None or new is None or len(old + new) > _LONGEST:
        return unknown
    among = f"{scope.variable}:{one_of(scope.names)}"
    order = (new, old) if change.on_conflict == "keep" else (old, new)
    moved = f"CASE WHEN {among} THEN coalesce({', '.join(order)}) ELSE {new} END"
    emptied = f"CASE WHEN {among} THEN null ELSE {old} END"
    return now.revalued(change.entity, {change.new: moved, change.old: emptied})


_LONGEST = 2_000
"""How long the expressions for values that are renamed again and again may become."""


# What a change asks ------------------------------------------------------------------


@dataclass(frozen=True)
class _Reads:
    """What the checks of a change look at: labels or types, and properties.

    `ends` says that they follow relationships, `anything` that a person's expression
    is in them.
    """

    entity: EntityType
    names: frozenset[str]
    properties: frozenset[str] = frozenset()
    ends: bool = False
    anything: bool = False

    def are_as_now(self, now: _Now) -> bool:
        """Tell whether the run has changed nothing of it so far."""
        if self.anything:
            return not (now.names or now.values or now.turned)
        if self.ends:
            return not (now.names or now.turned)
        renamed = any((self.entity, name) in now.names for name in self.names)
        return not renamed and not any(
            (self.entity, name) in now.values for name in self.properties
        )


def _asked(foreseen: Foreseen, event: ChangeEvent, now: _Now) -> Iterator[Question]:
    revision, change = foreseen.revision, event.change
    if isinstance(change, AddIndex):
        yield from _asked_to_create(revision, change.index, now)
    elif isinstance(change, AddConstraint):
        yield from _asked_to_create(revision, change.constraint, now)
    else:
        # What follows the first write is asked of what that leaves behind.
        steps = foreseen.steps(event)
        checks = list(takewhile(lambda step: isinstance(step, Check), steps))
        reads = _reads(change, event.before) if checks else None
        if reads is not None and reads.are_as_now(now):
            for check in checks:
                assert isinstance(check, Check)
                yield Question(revision, check, reads.entity, reads.names)


def _asked_to_create(
    revision: str, element: Index | Constraint, now: _Now
) -> Iterator[Question]:
    scope = now.scope(element.entity, element.labels)
    if scope is None:
        return
    values = {name: now.value(scope, name) for name in element.properties}
    known = {name: value for name, value in values.items() if value is not None}
    if len(known) < len(values):
        return
    names = frozenset(scope.names)
    if isinstance(element, Constraint):
        checks = constraint_checks(element, scope, known)
        for check in _meant(checks, constraint_checks(element)):
            yield Question(revision, check, element.entity, names)
    sizes = size_checks(element, scope, known)
    as_now = names == {*element.labels} and not any(
        (element.entity, name) in now.values for name in element.properties
    )
    for check in _meant(sizes, size_checks(element)):
        sought = large(element) if as_now else None
        yield Question(revision, check, element.entity, names, sought)


def _meant(checks: Sequence[Check], meant: Sequence[Check]) -> list[Check]:
    # The message tells of the names that the constraint will have.
    pairs = zip(checks, meant, strict=True)
    return [replace(check, expected=other.expected) for check, other in pairs]


@singledispatch
def _reads(_change: Change, _before: Schema) -> _Reads | None:
    """Return what the checks of a change look at, None where that is not known."""
    return None


@_reads.register
def _(change: RenameLabel, before: Schema) -> _Reads:
    return _read_by_constraints(
        EntityType.NODE, {change.old, change.new}, change.new, change.apply(before)
    )


@_reads.register
def _(change: RenameRelationshipType, before: Schema) -> _Reads:
    return _read_by_constraints(
        EntityType.RELATIONSHIP,
        {change.old, change.new},
        change.new,
        change.apply(before),
    )


@_reads.register
def _(change: AddLabel, before: Schema) -> _Reads:
    return _read_by_constraints(
        EntityType.NODE, {change.label, change.added}, change.added, before
    )


def _read_by_constraints(
    entity: EntityType, names: set[str], label: str, schema: Schema
) -> _Reads:
    properties = {
        name
        for constraint in schema.constraints.values()
        if constraint.entity is entity and constraint.label == label
        for name in constraint.properties
    }
    return _Reads(entity, frozenset(names), frozenset(properties))


@_reads.register
def _(change: AddProperty, _before: Schema) -> _Reads:
    return _Reads(
        change.entity,
        frozenset({change.owner}),
        frozenset({change.declared.name}),
        anything=isinstance(change.backfill, str),
    )


@_reads.register
def _(change: AlterProperty, _before: Schema) -> _Reads:
    return _Reads(
        change.entity,
        frozenset({change.owner}),
        frozenset({change.name}),
        anything=change.using is not None,
    )


@_reads.register
def _(change: RenameProperty, before: Schema) -> _Reads:
    concerned = [
        constraint
        for constraint in change.apply(before).constraints.values()
        if constraint.entity is change.entity and change.new in constraint.properties
    ]
    properties = {change.old, change.new}
    return _Reads(
        change.entity,
        frozenset({change.owner, *(c.label for c in concerned)}),
        frozenset(properties.union(*(c.properties for c in concerned))),
        anything=change.where is not None,
    )


@_reads.register
def _(change: Refactoring, _before: Schema) -> _Reads:
    entity, name = change.subject
    return _Reads(entity, frozenset({name}), anything=True)


@_reads.register
def _(change: AlterRelationship, _before: Schema) -> _Reads:
    return _Reads(EntityType.NODE, frozenset({change.label}), ends=True)
