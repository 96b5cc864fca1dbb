"""The call of `op` that makes a change: one table for rendering and reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import singledispatch
from typing import Any

from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    DropConstraint,
    DropIndex,
    Refactoring,
    RemoveLabel,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.elements import (
    Constraint,
    ConstraintKind,
    Direction,
    EntityType,
    Index,
    IndexKind,
    Property,
    Relationship,
)


@dataclass(frozen=True)
class Call:
    """A function of `op` and its arguments, as a revision file writes them."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@singledispatch
def call(change: Change) -> Call:
    """Return the call that makes the change."""
    raise TypeError(f"no operation makes a {type(change).__name__}")


def property_call(declared: Property) -> Call:
    """Return the call that builds the property."""
    keywords = property_keywords(declared)
    arguments: tuple[str, ...] = (declared.name,)
    if declared.type != "ANY":
        arguments = (declared.name, declared.type)
    return Call("Property", arguments, keywords)


def property_keywords(declared: Property) -> dict[str, Any]:
    """Return what a property declares beyond name and type, defaults left out."""
    keywords = {
        f.name: getattr(declared, f.name)
        for f in fields(declared)
        if f.name not in {"name", "type", "attribute"}
        and getattr(declared, f.name) != f.default
    }
    if declared.attribute != declared.name:
        keywords["attribute"] = declared.attribute
    return keywords


def relationship_call(declared: Relationship) -> Call:
    """Return the call that builds the declaration of a relationship."""
    return Call(
        "Relationship",
        (declared.type, declared.target),
        _relationship_keywords(declared),
    )


def _relationship_keywords(declared: Relationship) -> dict[str, Any]:
    keywords = {
        f.name: getattr(declared, f.name)
        for f in fields(declared)
        if f.name not in {"type", "target"} and getattr(declared, f.name) != f.default
    }
    if "direction" in keywords:
        keywords["direction"] = declared.direction.value
    return keywords


@call.register
def _(change: Refactoring) -> Call:
    return Call(change.operation, change.arguments, change.keywords)


def _narrowed(change: Change) -> dict[str, Any]:
    """Return the options of a change of data that were given."""
    names = ("where", "batch_size")
    given = {n: getattr(change, n) for n in names if getattr(change, n) is not None}
    return {**given, **_meant(change)}


def _undo(change: Change) -> dict[str, Any]:
    # That a rename leads back to the name before shows without a word.
    return {"undo": True} if getattr(change, "undo", False) else {}


def _meant(change: Change) -> dict[str, Any]:
    return {"allow_unknown": True} if change.allow_unknown else {}


@call.register
def _(change: AddNode) -> Call:
    node = change.node
    keywords = {
        name: getattr(node, name)
        for name in ("bases", "optional_labels", "open", "databases", "kgid")
        if getattr(node, name)
    }
    return Call(
        "add_node", (node.label, *node.properties, *node.relationships), keywords
    )


@call.register
def _(change: RemoveNode) -> Call:
    return Call("remove_node", (change.label,))


@call.register
def _(change: AlterNode) -> Call:
    return Call("alter_node", (change.label,), dict(change.values))


@call.register
def _(change: AddLabel) -> Call:
    options = {**_narrowed(change), **_undo(change)}
    return Call("add_label", (change.label, change.added), options)


@call.register
def _(change: RemoveLabel) -> Call:
    options = {**_narrowed(change), **_undo(change)}
    return Call("remove_label", (change.label, change.removed), options)


@call.register
def _(change: RenameLabel) -> Call:
    return Call("rename_label", (change.old, change.new), _narrowed(change))


@call.register
def _(change: AddProperty) -> Call:
    declared = change.property
    verb = "restore" if change.restore else "add"
    keywords = property_keywords(declared)
    # A default is backfilled unless the call says otherwise.
    implied = True if declared.default is not None and not change.restore else None
    if change.backfill != implied:
        backfill = False if change.backfill is None else change.backfill
        keywords["backfill"] = backfill
    keywords |= _meant(change)
    return Call(
        f"{verb}_{_entity(change.entity)}_property",
        (change.owner, declared.name, declared.type),
        keywords,
    )


@call.register
def _(change: RemoveProperty) -> Call:
    keywords: dict[str, dict[str, Any]] = {
        "archive": {},
        "delete": {"archive": False},
        "keep": {"keep": True},
        "undo": {"undo": True},
    }
    return Call(
        f"remove_{_entity(change.entity)}_property",
        (change.owner, change.name),
        {**keywords[change.values], **_meant(change)},
    )


@call.register
def _(change: AlterProperty) -> Call:
    keywords = dict(change.values)
    if change.using is not None:
        keywords["using"] = change.using
    keywords |= {**_undo(change), **_meant(change)}
    return Call(
        f"alter_{_entity(change.entity)}_property",
        (change.owner, change.name),
        keywords,
    )


@call.register
def _(change: RenameProperty) -> Call:
    keywords: dict[str, Any] = {}
    if change.on_conflict != "fail":
        keywords["on_conflict"] = change.on_conflict
    for name in ("where", "batch_size", "attribute"):
        if getattr(change, name) is not None:
            keywords[name] = getattr(change, name)
    keywords |= _meant(change)
    return Call(
        f"rename_{_entity(change.entity)}_property",
        (change.owner, change.old, change.new),
        keywords,
    )


@call.register
def _(change: AddRelationship) -> Call:
    declared = change.relationship
    return Call(
        "add_relationship",
        (change.label, declared.type, declared.target),
        _relationship_keywords(declared),
    )


@call.register
def _(change: RemoveRelationship) -> Call:
    declared = change.relationship
    return Call(
        "remove_relationship",
        (change.label, declared.type, declared.target),
        _direction(declared),
    )


@call.register
def _(change: AlterRelationship) -> Call:
    declared = change.relationship
    values = dict(change.values)
    keywords: dict[str, Any] = _direction(declared)
    if "target" in values:
        keywords["new_target"] = values.pop("target")
    if "direction" in values:
        keywords["new_direction"] = Direction(values.pop("direction")).value
    return Call(
        "alter_relationship",
        (change.label, declared.type, declared.target),
        {**keywords, **values},
    )


@call.register
def _(change: ReverseRelationships) -> Call:
    return Call(
        "reverse_relationships",
        (change.source, change.type, change.target),
        {**_narrowed(change), **_undo(change)},
    )


@call.register
def _(change: AddRelationshipType) -> Call:
    declared = change.relationship_type
    keywords = {"kgid": declared.kgid} if declared.kgid else {}
    return Call(
        "add_relationship_type", (declared.type, *declared.properties), keywords
    )


@call.register
def _(change: RemoveRelationshipType) -> Call:
    return Call("remove_relationship_type", (change.type,))


@call.register
def _(change: AlterRelationshipType) -> Call:
    return Call("alter_relationship_type", (change.type,), dict(change.values))


@call.register
def _(change: RenameRelationshipType) -> Call:
    keywords = _narrowed(change)
    if change.source_labels:
        keywords["source_labels"] = change.source_labels
    return Call("rename_relationship_type", (change.old, change.new), keywords)


@call.register
def _(change: AddIndex) -> Call:
    index = change.index
    arguments, keywords = _index_identity(index)
    options = dict(index.options)
    for name, option in _INDEX_OPTIONS[index.kind].items():
        if option in options:
            keywords[name] = options.pop(option)
    if options:
        keywords["config"] = options
    if index.name != index.default_name:
        keywords["name"] = index.name
    keywords |= _meant(change)
    return Call(f"add_{_index_noun(index)}", arguments, keywords)


@call.register
def _(change: DropIndex) -> Call:
    arguments, keywords = _index_identity(change.index)
    return Call(f"drop_{_index_noun(change.index)}", arguments, keywords)


@call.register
def _(change: AddConstraint) -> Call:
    constraint = change.constraint
    arguments = (constraint.label, *constraint.properties)
    if constraint.property_type is not None:
        arguments = (*arguments, constraint.property_type)
    keywords = _meant(change)
    if constraint.name != constraint.default_name:
        keywords["name"] = constraint.name
    return Call(f"add_{_constraint_noun(constraint)}", arguments, keywords)


@call.register
def _(change: DropConstraint) -> Call:
    constraint = change.constraint
    return Call(
        f"drop_{_constraint_noun(constraint)}",
        (constraint.label, *constraint.properties),
    )


_INDEX_OPTIONS: Mapping[IndexKind, Mapping[str, str]] = {
    IndexKind.RANGE: {},
    IndexKind.TEXT: {},
    IndexKind.POINT: {},
    IndexKind.FULLTEXT: {
        "analyzer": "fulltext.analyzer",
        "eventually_consistent": "fulltext.eventually_consistent",
    },
    IndexKind.VECTOR: {
        "dimensions": "vector.dimensions",
        "similarity_function": "vector.similarity_function",
    },
}
_CONSTRAINT_NOUNS = {
    (ConstraintKind.UNIQUE, EntityType.NODE): "unique_constraint",
    (ConstraintKind.UNIQUE, EntityType.RELATIONSHIP): "relationship_unique_constraint",
    (ConstraintKind.KEY, EntityType.NODE): "node_key_constraint",
    (ConstraintKind.KEY, EntityType.RELATIONSHIP): "relationship_key_constraint",
    (ConstraintKind.EXISTENCE, EntityType.NODE): "node_property_existence_constraint",
    (
        ConstraintKind.EXISTENCE,
        EntityType.RELATIONSHIP,
    ): "relationship_property_existence_constraint",
    (ConstraintKind.TYPE, EntityType.NODE): "property_type_constraint",
    (
        ConstraintKind.TYPE,
        EntityType.RELATIONSHIP,
    ): "relationship_property_type_constraint",
}


def _entity(entity: EntityType) -> str:
    return entity.value.lower()


def _direction(declared: Relationship) -> dict[str, Any]:
    if declared.direction is Direction.OUT:
        return {}
    return {"direction": declared.direction.value}


def _index_identity(index: Index) -> tuple[tuple[Any, ...], dict[str, Any]]:
    owner: Any = index.labels[0] if len(index.labels) == 1 else list(index.labels)
    return (owner, *index.properties), {}


def _index_noun(index: Index) -> str:
    words = [] if index.entity is EntityType.NODE else ["relationship"]
    if index.kind is not IndexKind.RANGE:
        words.append(index.kind.value.lower())
    return "_".join((*words, "index"))


def _constraint_noun(constraint: Constraint) -> str:
    return _CONSTRAINT_NOUNS[constraint.kind, constraint.entity]
