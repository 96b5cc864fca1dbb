"""Changes of the data alone: what the models declare stays as it is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from alembic_neo4j.schema.changes.change import (
    EVERYTHING,
    NOTHING,
    Change,
    DataChange,
    Irreversible,
    OfProperties,
    Part,
    TouchedNames,
    carriers,
    each_model,
    given,
    label_names,
    labels,
    properties,
    properties_of,
    read_by_constraints,
    touched,
    type_names,
    types,
)
from alembic_neo4j.schema.changes.properties import OnConflict
from alembic_neo4j.schema.definitions import EntityType, Node, Property, Schema
from alembic_neo4j.schema.known_names import Name

OnFailure: TypeAlias = Literal["fail", "keep", "remove", "archive"]
"""What becomes of values that a conversion gives nothing for."""

Unmatched: TypeAlias = Literal["keep", "remove"]
"""What becomes of values that stand neither for true nor for false."""

MergePolicy: TypeAlias = Literal["fail", "first", "last", "all"]
"""Which of the different values of merged nodes stay."""

TraversalDirection: TypeAlias = Literal["OUT", "IN"]


@dataclass(frozen=True)
class Refactoring(DataChange):
    """A change of data that nothing declares."""

    allow_unknown: bool = field(default=False, kw_only=True)

    @property
    @abstractmethod
    def subject(self) -> Name:
        """What is changed: nodes of a label, or relationships of a type."""

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (self.subject,)

    def apply(self, schema: Schema) -> Schema:
        """Return the schema as it is, unless the form of declared values changes."""
        return schema

    def reverse(self) -> Change:
        """Raise Irreversible, unless the data tell what was done."""
        raise Irreversible(f"op.{self.operation} has no reverse of itself")

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return touched(self.sought)


@dataclass(frozen=True)
class _OfProperty(Refactoring):
    entity: EntityType
    owner: str

    @property
    def subject(self) -> Name:
        """What carries the property."""
        return self.entity, self.owner

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that it reads: what is given behind the owner."""
        read = self.arguments[1]
        names = (read,) if isinstance(read, str) else read
        return properties_of(self.entity, self.owner, *names)

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return self.writes(before) | carriers(self.entity, self.owner)


@dataclass(frozen=True)
class _OfNodes(Refactoring):
    label: str

    @property
    def subject(self) -> Name:
        """The nodes with the label."""
        return EntityType.NODE, self.label


class _OfRelationships(Refactoring):
    type: str
    """No field here: it has another place in each of the subclasses."""

    @property
    def subject(self) -> Name:
        """The relationships of the type."""
        return EntityType.RELATIONSHIP, self.type


# Properties ----------------------------------------------------------------------


@dataclass(frozen=True)
class CopyProperty(_OfProperty):
    """The values of a property are written to another one as well."""

    words = "copy_{}_property"

    old: str
    new: str
    on_conflict: OnConflict = field(default="fail", kw_only=True)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The other property."""
        return (self.new,)

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return super().reads(before) | properties(self.entity, self.old)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.new)


@dataclass(frozen=True)
class BackfillProperty(_OfProperty):
    """A property is set by a Cypher expression where it is missing."""

    words = "backfill_{}_property"

    name: str
    expression: str

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.name)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where, self.expression)


@dataclass(frozen=True)
class ConvertProperty(_OfProperty):
    """Each value of a property is replaced by what an expression over it gives."""

    words = "convert_{}_property"

    name: str
    using: str
    on_failure: OnFailure = field(default="fail", kw_only=True)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.name)

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where, self.using)


@dataclass(frozen=True)
class NormalizeBoolean(_OfProperty):
    """Values that stand for true and for false become these."""

    words = "normalize_{}_boolean"

    name: str
    true_values: tuple[Any, ...] = field(default=(), kw_only=True)
    false_values: tuple[Any, ...] = field(default=(), kw_only=True)
    unmatched: Unmatched = field(default="keep", kw_only=True)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.name)


@dataclass(frozen=True)
class SplitProperty(_OfProperty):
    """A text becomes a list of its parts, or several properties.

    To `undo` a joining leaves texts that were there before, and brings the very parts
    back where the text has not changed since.
    """

    words = "split_{}_property"

    name: str
    separator: str
    into: tuple[str, ...] = field(default=(), kw_only=True)
    undo: bool = field(default=False, kw_only=True)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """What the parts are written to."""
        return self.into

    def reverse(self) -> JoinProperties:
        """Put the parts together again."""
        return JoinProperties(
            *(self.entity, self.owner, self.into or (self.name,)),
            *(self.name, self.separator),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that joined these very parts."""
        return (
            isinstance(done, JoinProperties)
            and (done.entity, done.owner) == (self.entity, self.owner)
            and (done.names, done.into) == (self.into or (self.name,), self.name)
        )

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.name, *self.into)


@dataclass(frozen=True)
class JoinProperties(_OfProperty):
    """Several properties, or the parts of a list, become one text.

    To `undo` a splitting leaves parts that were there before.
    """

    words = "join_{}_properties"

    names: tuple[str, ...]
    into: str
    separator: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The text."""
        return (self.into,)

    def reverses(self, done: Change) -> bool:
        """Tell whether that made these very parts."""
        return (
            isinstance(done, SplitProperty)
            and (done.entity, done.owner) == (self.entity, self.owner)
            and (done.into or (done.name,), done.name) == (self.names, self.into)
        )

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return properties(self.entity, self.into, *self.names)


# Nodes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ExtractProperty(_OfNodes):
    """A property's value becomes a node, and a relationship leads to it."""

    words = "extract_property_to_node"

    name: str
    target: str
    type: str
    target_property: str | None = field(default=None, kw_only=True)
    direction: TraversalDirection = field(default="OUT", kw_only=True)
    merge: bool = field(default=True, kw_only=True)

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return (*label_names(self.target), *type_names(self.type))

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The property."""
        return properties_of(EntityType.NODE, self.label, self.name)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """The new node's property."""
        # One that is called as what is sought is no proof that this is right.
        return () if self.target_property is None else (self.target_property,)

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        named = (self.name, self.target_property or self.name)
        return labels(self.label, self.target) | properties(EntityType.NODE, *named)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return labels(self.label) | properties(EntityType.NODE, self.name)

    def writes(self, before: Schema) -> TouchedNames:
        """Return what it changes."""
        made = labels(*before.labels_of(self.target)) | types(self.type)
        return made | properties(EntityType.NODE, self.name)


@dataclass(frozen=True)
class InlineNode(_OfNodes):
    """A property of the node at the other end is taken over, its relationship goes."""

    words = "inline_property_from_node"

    name: str
    target: str
    type: str
    target_property: str | None = field(default=None, kw_only=True)
    direction: TraversalDirection = field(default="OUT", kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (*label_names(self.label, self.target), *type_names(self.type))

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The property of the other node."""
        name = self.name if self.target_property is None else self.target_property
        return properties_of(EntityType.NODE, self.target, name)

    @property
    def made_properties(self) -> tuple[str, ...]:
        """What it is taken over to, if that has another name."""
        return () if self.target_property is None else (self.name,)

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        named = (self.name, self.target_property or self.name)
        return touched(self.sought) | properties(EntityType.NODE, *named)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return touched(self.sought)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return types(self.type) | properties(EntityType.NODE, self.name)


@dataclass(frozen=True)
class MergeNodes(_OfNodes):
    """Nodes for which an expression over them is the same become one.

    `policies` names what becomes of different values of a property, `policy` what does
    of all others. The first by `order_by` is the one that stays.
    """

    words = "merge_nodes"

    by: str
    policies: tuple[tuple[str, MergePolicy], ...] = field(default=(), kw_only=True)
    policy: MergePolicy = field(default="fail", kw_only=True)
    order_by: str | None = field(default=None, kw_only=True)

    @property
    def keywords(self) -> dict[str, Any]:
        """The options, with the policies as a mapping."""
        keywords = super().keywords
        if self.policies:
            keywords["policies"] = dict(self.policies)
        return keywords

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that have a policy."""
        names = (name for name, _ in self.policies)
        return properties_of(EntityType.NODE, self.label, *names)

    @property
    def listed(self) -> tuple[str, ...]:
        """The properties of which every node gets a list of all values."""
        return tuple(name for name, policy in self.policies if policy == "all")

    def apply(self, schema: Schema) -> Schema:
        """Declare lists where all nodes get them: not where `where` leaves some out."""
        if self.where is not None:
            return schema
        return each_model(schema, self.label, self._of_lists)

    def _of_lists(self, node: Node) -> Node:
        for declared in node.properties:
            if declared.name in self.listed and not declared.type.startswith("LIST"):
                node = node.with_property(_list_of(declared))
        return node

    def takes_away(self) -> str:
        """Return the label of the nodes that go."""
        return self.label

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return labels(self.label) | properties(EntityType.NODE, None)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return labels(self.label)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return everything: what goes may have any label and any relationship."""
        return EVERYTHING

    def expressions(self) -> tuple[str, ...]:
        """Return what a person wrote in Cypher."""
        return given(self.where, self.by, self.order_by)


def _list_of(declared: Property) -> Property:
    """Return the property as a list of what it was; no list is limited to choices."""
    default = declared.default
    return Property(
        declared.name,
        f"LIST<{declared.type}>",
        required=declared.required,
        default=None if default is None else (default,),
        format=declared.format,
        attribute=declared.attribute,
    )


@dataclass(frozen=True)
class DeleteNodes(_OfNodes):
    """Nodes are deleted."""

    words = "delete_nodes"

    detach: bool = field(default=False, kw_only=True)

    def takes_away(self) -> str:
        """Return the label of the nodes that go."""
        return self.label

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return labels(self.label) | types(None)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return labels(self.label) | (types(None) if self.detach else NOTHING)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes: what goes may have any label besides."""
        return labels(None) | (types(None) if self.detach else NOTHING)


# Relationships -------------------------------------------------------------------


@dataclass(frozen=True)
class RelationshipToNode(_OfRelationships):
    """Each relationship becomes a node between its ends, with its properties.

    To `undo` the opposite leaves relationships that were there before.
    """

    words = "relationship_to_node"

    source: str
    type: str
    target: str
    label: str
    source_type: str
    target_type: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (
            (EntityType.NODE, self.source),
            (EntityType.RELATIONSHIP, self.type),
            (EntityType.NODE, self.target),
        )

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        types = type_names(self.source_type, self.target_type)
        return (*label_names(self.label), *types)

    def reverse(self) -> NodeToRelationship:
        """Turn the nodes into relationships."""
        return NodeToRelationship(
            *(self.source, self.source_type, self.label, self.target_type),
            *(self.target, self.type),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return isinstance(done, NodeToRelationship) and done.opposite == self.arguments

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        found = touched(self.sought) | labels(self.label)
        for label in before.labels_of(self.label):
            found |= read_by_constraints(before, EntityType.NODE, label)
            found |= labels(label)
        of_nodes = (n for part, n in found.names if part is Part.NODE_PROPERTY)
        return found | properties(EntityType.RELATIONSHIP, *of_nodes)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return touched(self.sought)

    def writes(self, before: Schema) -> TouchedNames:
        """Return what it changes."""
        # On the way back each gets the labels that it had.
        given_labels = (None,) if self.undo else before.labels_of(self.label)
        made = types(self.type, self.source_type, self.target_type)
        return made | labels(*given_labels)


@dataclass(frozen=True)
class NodeToRelationship(Refactoring):
    """Each node between two others becomes a relationship, with its properties.

    To `undo` the opposite leaves nodes that were there before.
    """

    words = "node_to_relationship"

    source: str
    source_type: str
    label: str
    target_type: str
    target: str
    type: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def subject(self) -> Name:
        """The nodes with the label."""
        return EntityType.NODE, self.label

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (
            (EntityType.NODE, self.source),
            (EntityType.RELATIONSHIP, self.source_type),
            (EntityType.NODE, self.label),
            (EntityType.RELATIONSHIP, self.target_type),
            (EntityType.NODE, self.target),
        )

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return type_names(self.type)

    @property
    def opposite(self) -> tuple[str, ...]:
        """What the opposite is given by position."""
        return (
            *(self.source, self.type, self.target),
            *(self.label, self.source_type, self.target_type),
        )

    def reverse(self) -> RelationshipToNode:
        """Turn the relationships into nodes."""
        return RelationshipToNode(
            *self.opposite,
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return isinstance(done, RelationshipToNode) and done.arguments == self.opposite

    def takes_away(self) -> str:
        """Return the label of the nodes that go."""
        return self.label

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return touched(self.sought) | types(None)

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return touched(self.sought)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes: what goes may have any label besides."""
        return labels(None) | types(self.type, self.source_type, self.target_type)


@dataclass(frozen=True)
class DeduplicateRelationships(_OfRelationships):
    """Of parallel relationships that are alike one stays.

    They are alike where the properties in `by` are the same; None is all of them.
    """

    words = "deduplicate_relationships"

    source: str
    type: str
    target: str
    by: tuple[str, ...] | None = field(default=None, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (
            (EntityType.NODE, self.source),
            (EntityType.RELATIONSHIP, self.type),
            (EntityType.NODE, self.target),
        )

    @property
    def sought_properties(self) -> tuple[OfProperties, ...]:
        """The properties that are compared."""
        return properties_of(EntityType.RELATIONSHIP, self.type, *(self.by or ()))

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        by = (None,) if self.by is None else self.by
        return touched(self.sought) | properties(EntityType.RELATIONSHIP, *by)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return types(self.type)


@dataclass(frozen=True)
class DeleteRelationships(_OfRelationships):
    """Relationships are deleted."""

    words = "delete_relationships"

    type: str
    source_label: str | None = field(default=None, kw_only=True)
    target_label: str | None = field(default=None, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        ends = filter(None, (self.source_label, self.target_label))
        return (*type_names(self.type), *label_names(*ends))

        ends = (self.source_label, self.target_label)
        labels = ((EntityType.NODE, label) for label in ends if label is not None)
        return ((EntityType.RELATIONSHIP, self.type), *labels)

    def writes(self, _before: Schema) -> TouchedNames:
        """Return what it changes."""
        return types(self.type)
