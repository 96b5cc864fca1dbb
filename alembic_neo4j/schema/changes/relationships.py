"""Changes of relationships and their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.change import (
    NOTHING,
    UNWRITTEN,
    Alteration,
    Change,
    DataChange,
    Declaration,
    Element,
    Irreversible,
    TouchedNames,
    Values,
    direction_keyword,
    each_model,
    known,
    label_names,
    labels,
    move_elements,
    read_by_constraints,
    refuse_partial,
    relabelled,
    relationship_keywords,
    type_names,
    types,
    with_type,
    without,
)
from alembic_neo4j.schema.definitions import (
    Direction,
    EntityType,
    Node,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.known_names import Name


def start_labels(
    nodes: Mapping[str, Node], label: str, declared: Relationship
) -> list[tuple[str, ...]]:
    """Return the labels that the nodes carry at which a declared relationship begins.

    Without a direction it may begin at either end, and there are two of them.
    """
    target = nodes.get(declared.target)
    here = nodes[label].labels
    there = (declared.target,) if target is None else target.labels
    ends = {Direction.OUT: [here], Direction.IN: [there], Direction.ANY: [here, there]}
    return ends[declared.direction]


class _OfDeclaration(Change):
    label: str
    relationship: Relationship
    """No fields here: the subclasses have them."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The label, the type and the target."""
        return (self.label, self.relationship.type, self.relationship.target)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The label, without which nothing is declared, and the target where known."""
        target = self.relationship.target
        return label_names(self.label, *(() if target.startswith("?") else (target,)))


@dataclass(frozen=True)
class AddRelationship(Declaration, _OfDeclaration):
    """A model declares a further relationship; nothing in the graph changes."""

    words = "add_relationship"

    label: str
    relationship: Relationship
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def keywords(self) -> dict[str, Any]:
        """What it declares besides."""
        return {**relationship_keywords(self.relationship), **self.meant}

    def apply(self, schema: Schema) -> Schema:
        """Add the declaration to the label's models that lack it."""
        key = self.relationship.key
        return each_model(
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
        return RemoveRelationship(self.label, self.relationship, **self.meant)


@dataclass(frozen=True)
class RemoveRelationship(Declaration, _OfDeclaration):
    """A model no longer declares a relationship; those in the graph stay."""

    words = "remove_relationship"

    label: str
    relationship: Relationship
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def keywords(self) -> dict[str, Any]:
        """Which of them it is."""
        return {**direction_keyword(self.relationship), **self.meant}

    def apply(self, schema: Schema) -> Schema:
        """Remove the declaration from the label's models."""
        return each_model(
            schema,
            self.label,
            lambda node: node.without_relationship(self.relationship.key),
        )

    def reverse(self) -> AddRelationship:
        """Declare it again."""
        return AddRelationship(self.label, self.relationship, **self.meant)


@dataclass(frozen=True)
class AlterRelationship(_OfDeclaration):
    """What a model declares of a relationship changes, and no relationship does.

    `values` may name cardinality, exclusion_group, target and direction; what they
    forbid is looked for in the graph first.
    """

    words = "alter_relationship"

    label: str
    relationship: Relationship
    values: Values
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    @property
    def keywords(self) -> dict[str, Any]:
        """Which of them it is, and what it is to be."""
        values = dict(self.values)
        keywords = direction_keyword(self.relationship)
        if "target" in values:
            keywords["new_target"] = values.pop("target")
        if "direction" in values:
            keywords["new_direction"] = Direction(values.pop("direction")).value
        return {**keywords, **values, **self.meant}

    def apply(self, schema: Schema) -> Schema:
        """Set the values on the declaration of the label's models."""
        return each_model(schema, self.label, self._altered)

    def reverse(self) -> AlterRelationship:
        """Set the values back."""
        after = replace(self.relationship, **dict(self.values))
        existing = tuple(
            (name, getattr(self.relationship, name)) for name, _ in self.values
        )
        return AlterRelationship(self.label, after, existing, **self.meant)

    def reads(self, before: Schema) -> TouchedNames:
        """Return all ends and types that what is declared of them may name."""
        after = self.apply(before)
        own = [r for node in after.models_with(self.label) for r in node.relationships]
        group = dict(self.values).get("exclusion_group")
        members = [r for r in own if group is not None and r.exclusion_group == group]
        named = {self.relationship.type, *(r.type for r in members)}
        declared = [
            (node.label, r)
            for node in after.nodes.values()
            for r in node.relationships
            if r.type in named
        ]
        ends = {label for label, _ in declared} | {r.target for _, r in declared}
        return labels(self.label, self.relationship.target, *ends) | types(*named)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return nothing."""
        return NOTHING

    def _altered(self, node: Node) -> Node:
        found = [r for r in node.relationships if r.key == self.relationship.key]
        if not found:
            return node
        altered = replace(found[0], **dict(self.values))
        return node.without_relationship(found[0].key).with_relationship(altered)


@dataclass(frozen=True)
class ReverseRelationships(DataChange):
    """The relationships of a type between two labels change their direction.

    With a `where`, a predicate over ``r``, it is so for some of them only, and what is
    declared stays as it is. To `undo` a reversal leaves those that led so before.
    """

    words = "reverse_relationships"

    source: str
    type: str
    target: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels of both ends, and the type."""
        return (*label_names(self.source, self.target), *type_names(self.type))

    def apply(self, schema: Schema) -> Schema:
        """Turn the declarations of both ends round."""
        if self.where is not None:
            return schema
        nodes = {label: self._turned(node) for label, node in schema.nodes.items()}
        return replace(schema, nodes=nodes)

    def reverse(self) -> ReverseRelationships:
        """Turn them back."""
        refuse_partial(self.where)
        return ReverseRelationships(
            *(self.target, self.type, self.source),
            batch_size=self.batch_size,
            undo=not self.undo,
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return (
            isinstance(done, ReverseRelationships)
            and done.arguments[::-1] == self.arguments
        )

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return labels(self.source, self.target) | types(self.type)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return types(self.type)

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
class AddRelationshipType(Declaration):
    """A StructuredRel model declares the properties of a relationship type."""

    words = "add_relationship_type"

    relationship_type: RelationshipType

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The type and its properties."""
        return (self.relationship_type.type, *self.relationship_type.properties)

    @property
    def keywords(self) -> dict[str, Any]:
        """What else it declares."""
        kgid = self.relationship_type.kgid
        return {"kgid": kgid} if kgid else {}

    def apply(self, schema: Schema) -> Schema:
        """Add the type; it must not be there."""
        if self.relationship_type.type in schema.relationship_types:
            raise SchemaError(
                f"the type {self.relationship_type.type!r} is declared already"
            )
        return with_type(schema, self.relationship_type)

    def reverse(self) -> RemoveRelationshipType:
        """Take the declaration back."""
        declared = self.relationship_type
        return RemoveRelationshipType(declared.type, declared)


@dataclass(frozen=True)
class RemoveRelationshipType(Declaration):
    """A relationship type's properties are no longer declared; the values stay."""

    words = "remove_relationship_type"

    type: str
    relationship_type: RelationshipType | None = field(default=None, metadata=UNWRITTEN)

    def apply(self, schema: Schema) -> Schema:
        """Remove the type; it must be there."""
        if self.type not in schema.relationship_types:
            raise SchemaError(f"the type {self.type!r} is not declared")
        types = without(schema.relationship_types, self.type)
        return replace(schema, relationship_types=types)

    def reverse(self) -> AddRelationshipType:
        """Declare it again."""
        if self.relationship_type is None:
            raise Irreversible("the removed type's declaration is not known")
        return AddRelationshipType(self.relationship_type)


@dataclass(frozen=True)
class AlterRelationshipType(Declaration, Alteration):
    """What a model declares of a relationship type changes: its kgid."""

    words = "alter_relationship_type"

    type: str
    values: Values
    existing: Values | None = field(default=None, metadata=UNWRITTEN)

    def apply(self, schema: Schema) -> Schema:
        """Set the values; the type must be there."""
        declared = schema.relationship_types.get(self.type)
        if declared is None:
            raise SchemaError(f"the type {self.type!r} is not declared")
        return with_type(schema, replace(declared, **dict(self.values)))

    def reverse(self) -> AlterRelationshipType:
        """Set the values back."""
        return replace(self, values=known(self.existing), existing=self.values)


@dataclass(frozen=True)
class RenameRelationshipType(DataChange):
    """A relationship type gets another name; indexes and constraints move with it.

    With a `where`, a predicate over ``r``, it is so for some of them only, and what is
    declared stays as it is. With `source_labels` it is so for the relationships that
    begin at such nodes, and for what is declared of them; indexes and constraints
    stay. To `undo` a rename leaves the type to those that were of it before.
    """

    words = "rename_relationship_type"

    old: str
    new: str
    source_labels: tuple[str, ...] = field(default=(), kw_only=True)
    undo: bool = field(default=False, kw_only=True, metadata=UNWRITTEN)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The type, and the labels of where it begins if that is said."""
        return (*type_names(self.old), *label_names(*self.source_labels))

    @property
    def made(self) -> tuple[Name, ...]:
        """The new type."""
        return type_names(self.new)

    def apply(self, schema: Schema) -> Schema:
        """Rename the type wherever the schema names it."""
        if self.where is not None:
            return schema
        if self.source_labels:
            return self._renamed_in_part(schema)
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
        return move_elements(renamed, self.move)

    def move(self, element: Element) -> Element:
        """Return an index or constraint as it is on the new type."""
        relationship = element.entity is EntityType.RELATIONSHIP
        if not relationship or self.old not in element.labels:
            return element
        return relabelled(element, self.old, self.new)

    def reverse(self) -> RenameRelationshipType:
        """Rename it back."""
        refuse_partial(self.where)
        return replace(self, old=self.new, new=self.old, undo=not self.undo)

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return (
            isinstance(done, RenameRelationshipType)
            and done.arguments[::-1] == self.arguments
        )

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        if self.old == self.new:
            return NOTHING
        after = self.apply(before)
        checked = read_by_constraints(after, EntityType.RELATIONSHIP, self.new)
        return labels(*self.source_labels) | types(self.old, self.new) | checked

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        # The way back leaves alone what was of the other type before.
        found = types(self.old, self.new) if self.undo else types(self.old)
        return labels(*self.source_labels) | found

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return NOTHING if self.old == self.new else types(self.old, self.new)

    def _renamed_in_part(self, schema: Schema) -> Schema:
        """Rename it for the sources; what is declared of the type goes along.

        The old name goes where no model has it any more, so that two types with the
        same declaration can come together and part again.
        """
        nodes = {
            label: replace(
                node,
                relationships=tuple(
                    replace(r, type=self.new)
                    if r.type == self.old and self._is_from(schema, label, r)
                    else r
                    for r in node.relationships
                ),
            )
            for label, node in schema.nodes.items()
        }
        types = dict(schema.relationship_types)
        declared = types.get(self.old)
        if declared is not None:
            types.setdefault(self.new, replace(declared, type=self.new))
            used = (r.type for n in nodes.values() for r in n.relationships)
            if self.old not in used:
                del types[self.old]
        return replace(schema, nodes=nodes, relationship_types=types)

    def _is_from(self, schema: Schema, label: str, declared: Relationship) -> bool:
        return all(
            not set(self.source_labels).isdisjoint(labels)
            for labels in start_labels(schema.nodes, label, declared)
        )

    def _renamed(
        self, relationships: tuple[Relationship, ...]
    ) -> tuple[Relationship, ...]:
        return tuple(
            replace(r, type=self.new) if r.type == self.old else r
            for r in relationships
        )
