"""Which labels, types and properties a change finds, and which it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

from alembic_neo4j.schema.changes.change import Change
from alembic_neo4j.schema.changes.elements import AddConstraint, AddIndex
from alembic_neo4j.schema.changes.nodes import AddLabel, RemoveLabel, RenameLabel
from alembic_neo4j.schema.changes.properties import (
    AddProperty,
    AlterProperty,
    RemoveProperty,
    RenameProperty,
)
from alembic_neo4j.schema.changes.refactorings import (
    BackfillProperty,
    ConvertProperty,
    CopyProperty,
    DeduplicateRelationships,
    ExtractProperty,
    InlineNode,
    JoinProperties,
    MergeNodes,
    NormalizeBoolean,
    Refactoring,
    SplitProperty,
)
from alembic_neo4j.schema.changes.relationships import (
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.elements import Constraint, EntityType, Index
from alembic_neo4j.schema.known_names import Name


@dataclass(frozen=True)
class OfProperties:
    """Properties of what has any of some labels, or is of one of some types."""

    entity: EntityType
    owners: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """What a change names: `sought` has to be there for an effect, `made` need not be.

    `properties` are those that are sought, `made_properties` the names of others.
    """

    sought: tuple[Name, ...] = ()
    made: tuple[Name, ...] = ()
    properties: tuple[OfProperties, ...] = ()
    made_properties: tuple[str, ...] = ()


@singledispatch
def named(_change: Change) -> Named:
    """Return what a change names; what it declares and no more is not among it."""
    return Named()


# Labels and types ----------------------------------------------------------------


@named.register
def _(change: AddLabel) -> Named:
    return Named(_nodes(change.label), _nodes(change.added))


@named.register
def _(change: RemoveLabel) -> Named:
    return Named(_nodes(change.label, change.removed))


@named.register
def _(change: RenameLabel) -> Named:
    return Named(_nodes(change.old), _nodes(change.new))


@named.register
def _(change: RenameRelationshipType) -> Named:
    return Named(
        (*_types(change.old), *_nodes(*change.source_labels)), _types(change.new)
    )


@named.register
def _(change: ReverseRelationships) -> Named:
    return Named((*_nodes(change.source, change.target), *_types(change.type)))


# Properties ----------------------------------------------------------------------


@named.register
def _(change: AddProperty) -> Named:
    owner = (change.entity, change.owner)
    return Named((owner,), made_properties=(change.property.name,))


@named.register(RemoveProperty)
@named.register(AlterProperty)
def _(change: RemoveProperty | AlterProperty) -> Named:
    owner = (change.entity, change.owner)
    return Named((owner,), properties=_of(*owner, change.name))


@named.register
def _(change: RenameProperty) -> Named:
    owner = (change.entity, change.owner)
    return Named(
        (owner,),
        properties=_of(*owner, change.old),
        made_properties=(change.new,),
    )


# Indexes and constraints ---------------------------------------------------------


@named.register
def _(change: AddIndex) -> Named:
    return _of_element(change.index)


@named.register
def _(change: AddConstraint) -> Named:
    return _of_element(change.constraint)


def _of_element(element: Index | Constraint) -> Named:
    owners = element.labels
    return Named(
        tuple((element.entity, owner) for owner in owners),
        properties=(OfProperties(element.entity, owners, element.properties),),
    )


# Refactorings --------------------------------------------------------------------


@named.register
def _(change: Refactoring) -> Named:
    found, made = _properties(change)
    return Named(change.sought, change.written, tuple(found), tuple(made))


@singledispatch
def _properties(_change: Refactoring) -> tuple[Iterable[OfProperties], Iterable[str]]:
    """Return the properties that a refactoring finds, and those that it makes."""
    return (), ()


@_properties.register
def _(change: CopyProperty) -> tuple[Iterable[OfProperties], Iterable[str]]:
    return _of(change.entity, change.owner, change.old), (change.new,)


@_properties.register(BackfillProperty)
@_properties.register(ConvertProperty)
@_properties.register(NormalizeBoolean)
def _(
    change: BackfillProperty | ConvertProperty | NormalizeBoolean,
) -> tuple[Iterable[OfProperties], Iterable[str]]:
    return _of(change.entity, change.owner, change.name), ()


@_properties.register
def _(change: SplitProperty) -> tuple[Iterable[OfProperties], Iterable[str]]:
    return _of(change.entity, change.owner, change.name), change.into


@_properties.register
def _(change: JoinProperties) -> tuple[Iterable[OfProperties], Iterable[str]]:
    return _of(change.entity, change.owner, *change.names), (change.into,)


@_properties.register
def _(change: ExtractProperty) -> tuple[Iterable[OfProperties], Iterable[str]]:
    # One that is called as what is sought is no proof that this is right.
    made = () if change.target_property is None else (change.target_property,)
    return _of(EntityType.NODE, change.label, change.name), made


@_properties.register
def _(change: InlineNode) -> tuple[Iterable[OfProperties], Iterable[str]]:
    if change.target_property is None:
        return _of(EntityType.NODE, change.target, change.name), ()
    return _of(EntityType.NODE, change.target, change.target_property), (change.name,)


@_properties.register
def _(change: MergeNodes) -> tuple[Iterable[OfProperties], Iterable[str]]:
    names = (name for name, _ in change.policies)
    return _of(EntityType.NODE, change.label, *names), ()


@_properties.register
def _(
    change: DeduplicateRelationships,
) -> tuple[Iterable[OfProperties], Iterable[str]]:
    return _of(EntityType.RELATIONSHIP, change.type, *(change.by or ())), ()


def _nodes(*labels: str) -> tuple[Name, ...]:
    return tuple((EntityType.NODE, label) for label in labels)


def _types(*types: str) -> tuple[Name, ...]:
    return tuple((EntityType.RELATIONSHIP, type_) for type_ in types)


def _of(entity: EntityType, owner: str, *names: str) -> tuple[OfProperties, ...]:
    return (OfProperties(entity, (owner,), names),)
