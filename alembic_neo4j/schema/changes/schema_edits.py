"""How changes reach into a schema: its models, its types, what moves with a rename."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.touched import TouchedNames, properties
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.index_names import distinct_name

Element = TypeVar("Element", Index, Constraint)
Key = TypeVar("Key")
Owner = TypeVar("Owner", Node, RelationshipType)


def declared_node(schema: Schema, label: str) -> Node:
    """Return the node of a label; raises SchemaError where no model declares it."""
    try:
        return schema.nodes[label]
    except KeyError:
        raise SchemaError(f"the label {label!r} is not declared") from None


def with_node(schema: Schema, node: Node) -> Schema:
    """Return the schema with a node added or put in place of its namesake."""
    return replace(schema, nodes={**schema.nodes, node.label: node})


def with_type(schema: Schema, declared: RelationshipType) -> Schema:
    """Return the schema with a type added or put in place of its namesake."""
    types = {**schema.relationship_types, declared.type: declared}
    return replace(schema, relationship_types=types)


def without(mapping: Mapping[Key, Any], key: Key) -> dict[Key, Any]:
    """Return the mapping without a key."""
    return {k: v for k, v in mapping.items() if k != key}


def each_model(schema: Schema, label: str, change: Callable[[Node], Node]) -> Schema:
    """Return the schema with every model changed whose nodes carry the label."""
    # A data change on a label reaches the nodes of its subclasses too; a label that
    # no model declares is none of the schema's business.
    changed = {n.label: change(n) for n in schema.models_with(label)}
    return replace(schema, nodes={**schema.nodes, **changed})


def each_owner(
    schema: Schema,
    entity: EntityType,
    owner: str,
    change: Callable[[Any], Any],
) -> Schema:
    """Return the schema with a label's models, or a type, changed."""
    if entity is EntityType.NODE:
        return each_model(schema, owner, change)
    declared = schema.relationship_types.get(owner)
    return schema if declared is None else with_type(schema, change(declared))


def read_by_constraints(schema: Schema, entity: EntityType, owner: str) -> TouchedNames:
    """Return the properties that the constraints of a label, or a type, are on."""
    return properties(
        entity,
        *(
            name
            for constraint in schema.constraints.values()
            if constraint.entity is entity and constraint.label == owner
            for name in constraint.properties
        ),
    )


def renamed(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """Return the names with one of them exchanged."""
    return tuple(new if name == old else name for name in names)


def move_elements(schema: Schema, move: Callable[[Any], Any]) -> Schema:
    """Return the schema with its indexes and constraints moved, names kept apart."""
    moves = [(element, move(element)) for element in schema.elements.values()]
    standing = [element for element, moved in moves if moved is element]
    taken = {element.name for element in standing}
    keys = {element.key for element in standing}
    # Where one of the same schema stands already, that one stays.
    results = [
        _distinct(element, moved, taken)
        for element, moved in moves
        if moved is element or moved.key not in keys
    ]
    return replace(
        schema,
        indexes={e.key: e for e in results if isinstance(e, Index)},
        constraints={e.key: e for e in results if isinstance(e, Constraint)},
    )


def relabelled(element: Element, old: str, new: str) -> Element:
    """Return an index or constraint on another label."""
    if isinstance(element, Index):
        return renewed(element, labels=renamed(element.labels, old, new))
    return renewed(element, label=new)


def renewed(element: Element, **values: Any) -> Element:
    """Return an index or constraint with other values, and the name that follows."""
    # A name that a person chose stays; a generated one follows what it is made of,
    # and keeps its suffix: the name that the suffix gave way to may come back.
    moved = replace(element, **values, name="")
    if element.name == element.default_name:
        return moved
    if element.name == distinct_name(element.default_name, element.key):
        return replace(moved, name=distinct_name(moved.name, moved.key))
    return replace(moved, name=element.name)


def _distinct(
    element: Index | Constraint, moved: Index | Constraint, taken: set[str]
) -> Index | Constraint:
    if moved is not element:
        if moved.name in taken:
            moved = replace(moved, name=distinct_name(moved.name, moved.key))
        taken.add(moved.name)
    return moved
