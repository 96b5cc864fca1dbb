"""The changes of a schema as reversible values, each knowing its effect on a schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal, TypeAlias, TypeVar

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.elements import (
    Constraint,
    Direction,
    Entity,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.names import distinct_name

Values: TypeAlias = "tuple[tuple[str, Any], ...]"
"""Fields of an element and what they are to be, as sorted pairs."""

Element = TypeVar("Element", Index, Constraint)
Key = TypeVar("Key")


class Placeholder(Enum):
    """Stands where a person has to write something before the revision can run."""

    FILL_IN = "FILL_IN"


class Irreversible(SchemaError):
    """A change that has no reverse; the message says why."""


class Change(ABC):
    """One difference between two schemas."""

    @abstractmethod
    def apply(self, schema: Schema) -> Schema:
        """Return the schema after this change.

        Raises SchemaError when the change does not fit the schema.
        """

    @abstractmethod
    def reverse(self) -> Change:
        """Return the change that undoes this one; raises Irreversible."""


# Nodes --------------------------------------------------------------------------


@dataclass(frozen=True)
class AddNode(Change):
    """A model, with its properties and relationships, is declared."""

    node: Node

    def apply(self, schema: Schema) -> Schema:
        """Add the node; it must not be there."""
        if self.node.label in schema.nodes:
            raise SchemaError(f"the label {self.node.label!r} is declared already")
        return _with_node(schema, self.node)

    def reverse(self) -> RemoveNode:
        """Take the declaration back."""
        return RemoveNode(self.node.label, self.node)


@dataclass(frozen=True)
class RemoveNode(Change):
    """A model is no longer declared; its nodes stay in the graph."""

    label: str
    node: Node | None = None

    def apply(self, schema: Schema) -> Schema:
        """Remove the node; it must be there."""
        if self.label not in schema.nodes:
            raise SchemaError(f"the label {self.label!r} is not declared")
        return replace(schema, nodes=_without(schema.nodes, self.label))

    def reverse(self) -> AddNode:
        """Declare the model again."""
        if self.node is None:
            raise Irreversible("the removed model's declaration is not known")
        return AddNode(self.node)


@dataclass(frozen=True)
class AlterNode(Change):
    """What a model declares of its nodes changes, and no node does.

    `values` may name optional_labels, open, databases and kgid.
    """

    label: str
    values: Values
    existing: Values | None = None

    def apply(self, schema: Schema) -> Schema:
        """Set the values; the node must be there."""
        node = _node(schema, self.label)
        return _with_node(schema, replace(node, **dict(self.values)))

    def reverse(self) -> AlterNode:
        """Set the values back."""
        return replace(self, values=_known(self.existing), existing=self.values)


@dataclass(frozen=True)
class AddLabel(Change):
    """Every node with a label gets a further one: a new concrete base class."""

    label: str
    added: str

    def apply(self, schema: Schema) -> Schema:
        """Add the base to every model whose nodes carry the label."""
        return _each_model(
            schema,
            self.label,
            lambda node: (
                node
                if self.added in node.labels
                else replace(node, bases=(*node.bases, self.added))
            ),
        )

    def reverse(self) -> RemoveLabel:
        """Take the label off the same nodes."""
        return RemoveLabel(self.label, self.added)


@dataclass(frozen=True)
class RemoveLabel(Change):
    """Every node with a label loses another: a base class became abstract."""

    label: str
    removed: str

    def apply(self, schema: Schema) -> Schema:
        """Remove the base from every model whose nodes carry the label."""
        return _each_model(
            schema,
            self.label,
            lambda node: replace(
                node, bases=tuple(b for b in node.bases if b != self.removed)
            ),
        )

    def reverse(self) -> AddLabel:
        """Give the label back to the same nodes."""
        return AddLabel(self.label, self.removed)


@dataclass(frozen=True)
class RenameLabel(Change):
    """A label gets another name; indexes and constraints move with it."""

    old: str
    new: str

    def apply(self, schema: Schema) -> Schema:
        """Rename the label wherever the schema names it."""
        nodes = (self._node(node) for node in schema.nodes.values())
        renamed = replace(schema, nodes={node.label: node for node in nodes})
        return _move_elements(renamed, self.move)

    def move(self, element: Element) -> Element:
        """Return an index or constraint as it is on the new label."""
        if element.entity is not Entity.NODE or self.old not in element.labels:
            return element
        return _relabelled(element, self.old, self.new)

    def reverse(self) -> RenameLabel:
        """Rename it back."""
        return RenameLabel(self.new, self.old)

    def _node(self, node: Node) -> Node:
        return replace(
            node,
            label=self.new if node.label == self.old else node.label,
            bases=_renamed(node.bases, self.old, self.new),
            optional_labels=_renamed(node.optional_labels, self.old, self.new),
            relationships=tuple(
                replace(r, target=self.new) if r.target == self.old else r
                for r in node.relationships
            ),
        )


# Properties ---------------------------------------------------------------------

Removal: TypeAlias = Literal["archive", "delete", "keep"]
"""What becomes of the values of a removed property."""


@dataclass(frozen=True)
class AddProperty(Change):
    """A property is declared on a label or a relationship type.

    `backfill` says what those that lack it get: None nothing, True the property's
    default, a text that Cypher expression over ``n`` (``r``), FILL_IN stops the
    upgrade until a person has written it. With `restore` the values that the same
    revision archived come back.
    """

    entity: Entity
    owner: str
    property: Property
    backfill: bool | str | Placeholder | None = None
    restore: bool = False

    def apply(self, schema: Schema) -> Schema:
        """Add the property to the owner and to its subclasses that lack it."""
        return _each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: (
                owner
                if owner.property(self.property.name)
                else owner.with_property(self.property)
            ),
        )

    def reverse(self) -> RemoveProperty:
        """Remove what this change wrote; values that it did not write are kept."""
        values: Removal = "keep"
        if self.restore:
            values = "archive"
        elif self.backfill is not None:
            values = "delete"
        return RemoveProperty(
            self.entity, self.owner, self.property.name, values, self.property
        )


@dataclass(frozen=True)
class RemoveProperty(Change):
    """A property is no longer declared; its values are archived unless told."""

    entity: Entity
    owner: str
    name: str
    values: Removal = "archive"
    property: Property | None = None

    def apply(self, schema: Schema) -> Schema:
        """Remove the property from the owner and its subclasses."""
        return _each_owner(
            schema,
            self.entity,
            self.owner,
            lambda owner: owner.without_property(self.name),
        )

    def reverse(self) -> AddProperty:
        """Declare it again and bring archived values back."""
        if self.property is None:
            raise Irreversible("the removed property's declaration is not known")
        if self.values == "delete":
            raise Irreversible(f"the values of {self.owner}.{self.name} are deleted")
        return AddProperty(
            self.entity, self.owner, self.property, restore=self.values == "archive"
        )


@dataclass(frozen=True)
class AlterProperty(Change):
    """What is declared of a property changes.

    `using` is a Cypher expression over ``value`` that gives the new stored value of
    each old one, or FILL_IN; None leaves the values as they are. `reverse_using` is
    the same for the way back.
    """

    entity: Entity
    owner: str
    name: str
    values: Values
    existing: Values | None = None
    using: str | Placeholder | None = None
    reverse_using: str | Placeholder | None = None

    def apply(self, schema: Schema) -> Schema:
        """Set the values on the owner's property and on its subclasses'."""
        return _each_owner(schema, self.entity, self.owner, self._altered)

    def reverse(self) -> AlterProperty:
        """Set the values back."""
        return replace(
            self,
            values=_known(self.existing),
            existing=self.values,
            using=self.reverse_using,
            reverse_using=self.using,
        )

    def altered(self, declared: Property) -> Property:
        """Return the property as it is after this change."""
        return replace(declared, **dict(self.values))

    def _altered(self, owner: Owner) -> Owner:
        declared = owner.property(self.name)
        if declared is None:
            return owner
        return owner.with_property(self.altered(declared))


OnConflict: TypeAlias = Literal["fail", "overwrite", "keep"]


@dataclass(frozen=True)
class RenameProperty(Change):
    """A property gets another name; indexes and constraints move with it.

    `attribute` is the model's name for it from then on; without one it follows the
    property's name where it was the same, and stays where it was another.
    """

    entity: Entity
    owner: str
    old: str
    new: str
    on_conflict: OnConflict = "fail"
    where: str | None = None
    batch_size: int | None = None
    attribute: str | None = None

    def apply(self, schema: Schema) -> Schema:
        """Rename the property on the owner and on its subclasses."""
        labels = {self.owner}
        if self.entity is Entity.NODE:
            labels |= {node.label for node in schema.models_with(self.owner)}
        renamed = _each_owner(schema, self.entity, self.owner, self.renamed)
        return _move_elements(renamed, lambda e: self.move(e, labels))

    def move(self, element: Element, labels: set[str]) -> Element:
        """Return an index or constraint as it is on the new property.

        `labels` are the owner and its subclasses; an element that covers a label
        besides stays where it is.
        """
        if element.entity is not self.entity or self.old not in element.properties:
            return element
        if not labels.issuperset(element.labels):
            return element
        properties = _renamed(element.properties, self.old, self.new)
        return _renewed(element, properties=properties)

    def reverse(self) -> RenameProperty:
        """Rename it back."""
        return replace(self, old=self.new, new=self.old, attribute=None)

    def renamed(self, owner: Owner) -> Owner:
        """Return a node or type with the property renamed, where it has it."""
        declared = owner.property(self.old)
        if declared is None:
            return owner
        follows = self.new if declared.attribute == self.old else declared.attribute
        attribute = self.attribute or follows
        kept = owner.property(self.new) or replace(
            declared, name=self.new, attribute=attribute
        )
        return owner.without_property(self.old).with_property(kept)


# Relationships ------------------------------------------------------------------


@dataclass(frozen=True)
class AddRelationship(Change):
    """A model declares a further relationship; nothing in the graph changes."""

    label: str
    relationship: Relationship

    def apply(self, schema: Schema) -> Schema:
        """Add the declaration to the label's models that lack it."""
        key = self.relationship.key
        return _each_model(
            schema,
            self.label,
            lambda node: (
                node
                if any(r.key == key for r in node.relationships)
                else node.with_relationship(self.relationship)
            ),
        )

    def reverse(self) -> RemoveRelationship:
        """Take the declaration back."""
        return RemoveRelationship(self.label, self.relationship)


@dataclass(frozen=True)
class RemoveRelationship(Change):
    """A model no longer declares a relationship; those in the graph stay."""

    label: str
    relationship: Relationship

    def apply(self, schema: Schema) -> Schema:
        """Remove the declaration from the label's models."""
        return _each_model(
            schema,
            self.label,
            lambda node: node.without_relationship(self.relationship.key),
        )

    def reverse(self) -> AddRelationship:
        """Declare it again."""
        return AddRelationship(self.label, self.relationship)


@dataclass(frozen=True)
class AlterRelationship(Change):
    """What a model declares of a relationship changes, and no relationship does.

    `values` may name cardinality, exclusion_group, target and direction; what they
    forbid is looked for in the graph first.
    """

    label: str
    relationship: Relationship
    values: Values

    def apply(self, schema: Schema) -> Schema:
        """Set the values on the declaration of the label's models."""
        return _each_model(schema, self.label, self._altered)

    def reverse(self) -> AlterRelationship:
        """Set the values back."""
        after = replace(self.relationship, **dict(self.values))
        existing = tuple(
            (name, getattr(self.relationship, name)) for name, _ in self.values
        )
        return AlterRelationship(self.label, after, existing)

    def _altered(self, node: Node) -> Node:
        found = [r for r in node.relationships if r.key == self.relationship.key]
        if not found:
            return node
        altered = replace(found[0], **dict(self.values))
        return node.without_relationship(found[0].key).with_relationship(altered)


@dataclass(frozen=True)
class ReverseRelationships(Change):
    """The relationships of a type between two labels change their direction."""

    source: str
    type: str
    target: str

    def apply(self, schema: Schema) -> Schema:
        """Turn the declarations of both ends round."""
        nodes = {label: self._turned(node) for label, node in schema.nodes.items()}
        return replace(schema, nodes=nodes)

    def reverse(self) -> ReverseRelationships:
        """Turn them back."""
        return ReverseRelationships(self.target, self.type, self.source)

    def _turned(self, node: Node) -> Node:
        turned = []
        for declared in node.relationships:
            outgoing = (
                declared.direction is Direction.OUT
                and self.source in node.labels
                and declared.target == self.target
            )
            incoming = (
                declared.direction is Direction.IN
                and self.target in node.labels
                and declared.target == self.source
            )
            if declared.type == self.type and (outgoing or incoming):
                reversed_ = declared.direction.reversed
                turned.append(replace(declared, direction=reversed_))
            else:
                turned.append(declared)
        return replace(node, relationships=tuple(turned))


@dataclass(frozen=True)
class AddRelationshipType(Change):
    """A StructuredRel model declares the properties of a relationship type."""

    relationship_type: RelationshipType

    def apply(self, schema: Schema) -> Schema:
        """Add the type; it must not be there."""
        if self.relationship_type.type in schema.relationship_types:
            raise SchemaError(
                f"the type {self.relationship_type.type!r} is declared already"
            )
        return _with_type(schema, self.relationship_type)

    def reverse(self) -> RemoveRelationshipType:
        """Take the declaration back."""
        declared = self.relationship_type
        return RemoveRelationshipType(declared.type, declared)


@dataclass(frozen=True)
class RemoveRelationshipType(Change):
    """A relationship type's properties are no longer declared; the values stay."""

    type: str
    relationship_type: RelationshipType | None = None

    def apply(self, schema: Schema) -> Schema:
        """Remove the type; it must be there."""
        if self.type not in schema.relationship_types:
            raise SchemaError(f"the type {self.type!r} is not declared")
        types = _without(schema.relationship_types, self.type)
        return replace(schema, relationship_types=types)

    def reverse(self) -> AddRelationshipType:
        """Declare it again."""
        if self.relationship_type is None:
            raise Irreversible("the removed type's declaration is not known")
        return AddRelationshipType(self.relationship_type)


@dataclass(frozen=True)
class AlterRelationshipType(Change):
    """What a model declares of a relationship type changes: its kgid."""

    type: str
    values: Values
    existing: Values | None = None

    def apply(self, schema: Schema) -> Schema:
        """Set the values; the type must be there."""
        declared = schema.relationship_types.get(self.type)
        if declared is None:
            raise SchemaError(f"the type {self.type!r} is not declared")
        return _with_type(schema, replace(declared, **dict(self.values)))

    def reverse(self) -> AlterRelationshipType:
        """Set the values back."""
        return replace(self, values=_known(self.existing), existing=self.values)


@dataclass(frozen=True)
class RenameRelationshipType(Change):
    """A relationship type gets another name; indexes and constraints move with it."""

    old: str
    new: str

    def apply(self, schema: Schema) -> Schema:
        """Rename the type wherever the schema names it."""
        nodes = {
            label: replace(node, relationships=self._renamed(node.relationships))
            for label, node in schema.nodes.items()
        }
        types = (
            replace(t, type=self.new) if t.type == self.old else t
            for t in schema.relationship_types.values()
        )
        renamed = replace(
            schema, nodes=nodes, relationship_types={t.type: t for t in types}
        )
        return _move_elements(renamed, self.move)

    def move(self, element: Element) -> Element:
        """Return an index or constraint as it is on the new type."""
        relationship = element.entity is Entity.RELATIONSHIP
        if not relationship or self.old not in element.labels:
            return element
        return _relabelled(element, self.old, self.new)

    def reverse(self) -> RenameRelationshipType:
        """Rename it back."""
        return RenameRelationshipType(self.new, self.old)

    def _renamed(
        self, relationships: tuple[Relationship, ...]
    ) -> tuple[Relationship, ...]:
        return tuple(
            replace(r, type=self.new) if r.type == self.old else r
            for r in relationships
        )


# Indexes and constraints --------------------------------------------------------


@dataclass(frozen=True)
class AddIndex(Change):
    """An index is created."""

    index: Index

    def apply(self, schema: Schema) -> Schema:
        """Add the index; its schema and its name must be free."""
        if self.index.key in schema.indexes:
            raise SchemaError(f"{_named(self.index)} exists already")
        _refuse_taken_name(schema, self.index)
        return schema.with_element(self.index)

    def reverse(self) -> DropIndex:
        """Drop it."""
        return DropIndex(self.index)


@dataclass(frozen=True)
class DropIndex(Change):
    """An index is dropped; it is found by its schema, not by its name."""

    index: Index

    def apply(self, schema: Schema) -> Schema:
        """Remove the index; it must be there."""
        if self.index.key not in schema.indexes:
            raise SchemaError(f"the history has no {_named(self.index)}")
        return replace(schema, indexes=_without(schema.indexes, self.index.key))

    def reverse(self) -> AddIndex:
        """Create it again."""
        return AddIndex(self.index)


@dataclass(frozen=True)
class AddConstraint(Change):
    """A constraint is created."""

    constraint: Constraint

    def apply(self, schema: Schema) -> Schema:
        """Add the constraint; its schema and its name must be free."""
        if self.constraint.key in schema.constraints:
            raise SchemaError(f"{_named(self.constraint)} exists already")
        _refuse_taken_name(schema, self.constraint)
        return schema.with_element(self.constraint)

    def reverse(self) -> DropConstraint:
        """Drop it."""
        return DropConstraint(self.constraint)


@dataclass(frozen=True)
class DropConstraint(Change):
    """A constraint is dropped; it is found by its schema, not by its name."""

    constraint: Constraint

    def apply(self, schema: Schema) -> Schema:
        """Remove the constraint; it must be there."""
        if self.constraint.key not in schema.constraints:
            raise SchemaError(f"the history has no {_named(self.constraint)}")
        constraints = _without(schema.constraints, self.constraint.key)
        return replace(schema, constraints=constraints)

    def reverse(self) -> AddConstraint:
        """Create it again."""
        return AddConstraint(self.constraint)


# ---------------------------------------------------------------------------------


Owner = TypeVar("Owner", Node, RelationshipType)


def _node(schema: Schema, label: str) -> Node:
    try:
        return schema.nodes[label]
    except KeyError:
        raise SchemaError(f"the label {label!r} is not declared") from None


def _with_node(schema: Schema, node: Node) -> Schema:
    return replace(schema, nodes={**schema.nodes, node.label: node})


def _with_type(schema: Schema, declared: RelationshipType) -> Schema:
    types = {**schema.relationship_types, declared.type: declared}
    return replace(schema, relationship_types=types)


def _without(mapping: Mapping[Key, Any], key: Key) -> dict[Key, Any]:
    return {k: v for k, v in mapping.items() if k != key}


def _each_model(schema: Schema, label: str, change: Callable[[Node], Node]) -> Schema:
    # A data change on a label reaches the nodes of its subclasses too; a label that
    # no model declares is none of the schema's business.
    changed = {n.label: change(n) for n in schema.models_with(label)}
    return replace(schema, nodes={**schema.nodes, **changed})


def _each_owner(
    schema: Schema,
    entity: Entity,
    owner: str,
    change: Callable[[Any], Any],
) -> Schema:
    if entity is Entity.NODE:
        return _each_model(schema, owner, change)
    declared = schema.relationship_types.get(owner)
    return schema if declared is None else _with_type(schema, change(declared))


def _known(existing: Values | None) -> Values:
    if existing is None:
        raise Irreversible("what was declared before is not known")
    return existing


def _renamed(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def _move_elements(schema: Schema, move: Callable[[Any], Any]) -> Schema:
    elements: list[Index | Constraint]
    elements = [*schema.indexes.values(), *schema.constraints.values()]
    moves = [(element, move(element)) for element in elements]
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


def _distinct(
    element: Index | Constraint, moved: Index | Constraint, taken: set[str]
) -> Index | Constraint:
    if moved is not element:
        if moved.name in taken:
            moved = replace(moved, name=distinct_name(moved.name, moved.key))
        taken.add(moved.name)
    return moved


def _relabelled(element: Element, old: str, new: str) -> Element:
    if isinstance(element, Index):
        return _renewed(element, labels=_renamed(element.labels, old, new))
    return _renewed(element, label=new)


def _renewed(element: Element, **values: Any) -> Element:
    # A name that a person chose stays; a generated one follows what it is made of,
    # and keeps its suffix: the name that the suffix gave way to may come back.
    moved = replace(element, **values, name="")
    if element.name == element.default_name:
        return moved
    if element.name == distinct_name(element.default_name, element.key):
        return replace(moved, name=distinct_name(moved.name, moved.key))
    return replace(moved, name=element.name)


def _refuse_taken_name(schema: Schema, element: Index | Constraint) -> None:
    other = schema.by_name.get(element.name)
    if other is not None:
        raise SchemaError(
            f"the name {element.name!r} of {_named(element)} is taken by "
            f"{_named(other)}; give one of them another name"
        )


def _named(element: Index | Constraint) -> str:
    noun = "index" if isinstance(element, Index) else "constraint"
    on = f"{'|'.join(element.labels)}({', '.join(element.properties)})"
    return f"{element.kind.value} {noun} {element.name!r} on {on}"
