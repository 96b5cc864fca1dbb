"""Changes of the data alone: what the models declare stays as it is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias

from alembic_neo4j.schema.changes.change import Change, Irreversible
from alembic_neo4j.schema.changes.effects import each_model
from alembic_neo4j.schema.changes.properties import OnConflict
from alembic_neo4j.schema.elements import EntityType, Node, Property, Schema
from alembic_neo4j.schema.known_names import Name

OnFailure: TypeAlias = Literal["fail", "keep", "remove", "archive"]
"""What becomes of values that a conversion gives nothing for."""

Unmatched: TypeAlias = Literal["keep", "remove"]
"""What becomes of values that stand neither for true nor for false."""

MergePolicy: TypeAlias = Literal["fail", "first", "last", "all"]
"""Which of the different values of merged nodes stay."""

TraversalDirection: TypeAlias = Literal["OUT", "IN"]


@dataclass(frozen=True)
class Refactoring(Change):
    """A change of data that nothing declares, and that is carried out in batches.

    `where` is a predicate over ``n``, or ``r`` for relationships, that narrows down
    what it is about. With `allow_unknown` it may name what no model has. `words` is how
    its function of `op` is called; where that has a twin for relationships, with ``{}``
    for which of them it is.
    """

    words: ClassVar[str]

    where: str | None = field(default=None, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    allow_unknown: bool = field(default=False, kw_only=True)

    @property
    def operation(self) -> str:
        """The function of `op` that makes it."""
        return self.words.format(_word(getattr(self, "entity", EntityType.NODE)))

    @property
    @abstractmethod
    def subject(self) -> tuple[EntityType, str]:
        """What is changed: nodes of a label, or relationships of a type."""

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types of what it finds."""
        return (self.subject,)

    @property
    def written(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return ()

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What is given to that function by position."""
        return tuple(
            getattr(self, f.name)
            for f in fields(self)
            if not f.kw_only and f.name != "entity"
        )

    @property
    def keywords(self) -> dict[str, Any]:
        """What is given to that function by name, defaults left out."""
        given = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.kw_only and getattr(self, f.name) != f.default
        }
        if "policies" in given:
            given["policies"] = dict(given["policies"])
        return given

    def apply(self, schema: Schema) -> Schema:
        """Return the schema as it is, unless the form of declared values changes."""
        return schema

    def reverse(self) -> Change:
        """Raise Irreversible, unless the data tell what was done."""
        raise Irreversible(f"op.{self.operation} has no reverse of itself")


@dataclass(frozen=True)
class _OfProperty(Refactoring):
    entity: EntityType
    owner: str

    @property
    def subject(self) -> tuple[EntityType, str]:
        """What carries the property."""
        return self.entity, self.owner


@dataclass(frozen=True)
class _OfNodes(Refactoring):
    label: str

    @property
    def subject(self) -> tuple[EntityType, str]:
        """The nodes with the label."""
        return EntityType.NODE, self.label


class _OfRelationships(Refactoring):
    type: str
    """No field here: it has another place in each of the subclasses."""

    @property
    def subject(self) -> tuple[EntityType, str]:
        """The relationships of the type."""
        return EntityType.RELATIONSHIP, self.type


def _word(entity: EntityType) -> str:
    return "node" if entity is EntityType.NODE else "relationship"


# Properties ----------------------------------------------------------------------


@dataclass(frozen=True)
class CopyProperty(_OfProperty):
    """The values of a property are written to another one as well."""

    words = "copy_{}_property"

    old: str
    new: str
    on_conflict: OnConflict = field(default="fail", kw_only=True)


@dataclass(frozen=True)
class BackfillProperty(_OfProperty):
    """A property is set by a Cypher expression where it is missing."""

    words = "backfill_{}_property"

    name: str
    expression: str


@dataclass(frozen=True)
class ConvertProperty(_OfProperty):
    """Each value of a property is replaced by what an expression over it gives."""

    words = "convert_{}_property"

    name: str
    using: str
    on_failure: OnFailure = field(default="fail", kw_only=True)


@dataclass(frozen=True)
class NormalizeBoolean(_OfProperty):
    """Values that stand for true and for false become these."""

    words = "normalize_{}_boolean"

    name: str
    true_values: tuple[Any, ...] = field(default=(), kw_only=True)
    false_values: tuple[Any, ...] = field(default=(), kw_only=True)
    unmatched: Unmatched = field(default="keep", kw_only=True)


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

    def reverse(self) -> JoinProperties:
        """Put the parts together again."""
        return JoinProperties(
            *(self.entity, self.owner, self.into or (self.name,)),
            *(self.name, self.separator),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )


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
    def written(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return ((EntityType.NODE, self.target), (EntityType.RELATIONSHIP, self.type))


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
        return (
            (EntityType.NODE, self.label),
            (EntityType.NODE, self.target),
            (EntityType.RELATIONSHIP, self.type),
        )


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
    def written(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return (
            (EntityType.NODE, self.label),
            (EntityType.RELATIONSHIP, self.source_type),
            (EntityType.RELATIONSHIP, self.target_type),
        )

    def reverse(self) -> NodeToRelationship:
        """Turn the nodes into relationships."""
        return NodeToRelationship(
            *(self.source, self.source_type, self.label, self.target_type),
            *(self.target, self.type),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )


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
    def subject(self) -> tuple[EntityType, str]:
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
    def written(self) -> tuple[Name, ...]:
        """The labels and types of what it makes."""
        return ((EntityType.RELATIONSHIP, self.type),)

    def reverse(self) -> RelationshipToNode:
        """Turn the relationships into nodes."""
        return RelationshipToNode(
            *(self.source, self.type, self.target, self.label),
            *(self.source_type, self.target_type),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
            undo=not self.undo,
        )


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
        ends = (self.source_label, self.target_label)
        labels = ((EntityType.NODE, label) for label in ends if label is not None)
        return ((EntityType.RELATIONSHIP, self.type), *labels)


REFACTORINGS: tuple[type[Refactoring], ...] = (
    CopyProperty,
    BackfillProperty,
    ConvertProperty,
    NormalizeBoolean,
    SplitProperty,
    JoinProperties,
    ExtractProperty,
    InlineNode,
    MergeNodes,
    DeleteNodes,
    RelationshipToNode,
    NodeToRelationship,
    DeduplicateRelationships,
    DeleteRelationships,
)
