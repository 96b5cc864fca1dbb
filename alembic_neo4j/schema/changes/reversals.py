"""Which changes of a downgrade undo what the upgrade of the same revision has done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch

from alembic_neo4j.schema.changes.change import Change
from alembic_neo4j.schema.changes.nodes import AddLabel, RemoveLabel, RenameLabel
from alembic_neo4j.schema.changes.properties import (
    AddProperty,
    AlterProperty,
    RemoveProperty,
    RenameProperty,
)
from alembic_neo4j.schema.changes.refactorings import (
    JoinProperties,
    NodeToRelationship,
    RelationshipToNode,
    SplitProperty,
)
from alembic_neo4j.schema.changes.relationships import (
    RenameRelationshipType,
    ReverseRelationships,
)


def undoing(change: Change, done: Iterable[Change]) -> Change:
    """Return a change of a downgrade as the undoing of what the upgrade has `done`.

    It stays as it is where it reverses none of that, or undoes already. So a downgrade
    that a person has written takes back no more than one that was generated.
    """
    return _undoing(change, tuple(done))


@singledispatch
def _undoing(change: Change, _done: tuple[Change, ...]) -> Change:
    return change


@_undoing.register
def _(change: AddLabel, done: tuple[Change, ...]) -> Change:
    undone = any(
        isinstance(other, RemoveLabel)
        and (other.label, other.removed) == (change.label, change.added)
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: RemoveLabel, done: tuple[Change, ...]) -> Change:
    undone = any(
        isinstance(other, AddLabel)
        and (other.label, other.added) == (change.label, change.removed)
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: RenameLabel, done: tuple[Change, ...]) -> Change:
    undone = any(
        isinstance(other, RenameLabel)
        and (other.old, other.new) == (change.new, change.old)
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: RenameRelationshipType, done: tuple[Change, ...]) -> Change:
    undone = any(
        isinstance(other, RenameRelationshipType)
        and (other.old, other.new) == (change.new, change.old)
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: ReverseRelationships, done: tuple[Change, ...]) -> Change:
    ends = (change.target, change.type, change.source)
    undone = any(
        isinstance(other, ReverseRelationships)
        and (other.source, other.type, other.target) == ends
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: RenameProperty, done: tuple[Change, ...]) -> Change:
    names = (change.entity, change.owner, change.new, change.old)
    undone = any(
        isinstance(other, RenameProperty)
        and (other.entity, other.owner, other.old, other.new) == names
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: AlterProperty, done: tuple[Change, ...]) -> Change:
    of = (change.entity, change.owner, change.name)
    undone = any(
        isinstance(other, AlterProperty)
        and other.using is not None
        and (other.entity, other.owner, other.name) == of
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: RemoveProperty, done: tuple[Change, ...]) -> Change:
    of = (change.entity, change.owner, change.name)
    undone = any(
        isinstance(other, AddProperty)
        and other.backfill not in (None, False)
        and (other.entity, other.owner, other.property.name) == of
        for other in done
    )
    return replace(change, values="undo") if undone else change


@_undoing.register
def _(change: SplitProperty, done: tuple[Change, ...]) -> Change:
    of = (change.entity, change.owner, change.into or (change.name,), change.name)
    undone = any(
        isinstance(other, JoinProperties)
        and (other.entity, other.owner, other.names, other.into) == of
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register
def _(change: JoinProperties, done: tuple[Change, ...]) -> Change:
    of = (change.entity, change.owner, change.names, change.into)
    undone = any(
        isinstance(other, SplitProperty)
        and (other.entity, other.owner, other.into or (other.name,), other.name) == of
        for other in done
    )
    return replace(change, undo=change.undo or undone)


@_undoing.register(RelationshipToNode)
@_undoing.register(NodeToRelationship)
def _(
    change: RelationshipToNode | NodeToRelationship, done: tuple[Change, ...]
) -> Change:
    undone = any(
        isinstance(other, (RelationshipToNode, NodeToRelationship))
        and not isinstance(other, type(change))
        and _ends(other) == _ends(change)
        for other in done
    )
    return replace(change, undo=change.undo or undone)


def _ends(change: RelationshipToNode | NodeToRelationship) -> tuple[str, ...]:
    return (
        *(change.source, change.type, change.target),
        *(change.label, change.source_type, change.target_type),
    )
