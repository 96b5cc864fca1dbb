"""Changes of models and labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes.change import (
    Change,
    Irreversible,
    Values,
    known,
    refuse_partial,
)
from alembic_neo4j.schema.changes.effects import (
    Element,
    declared_node,
    each_model,
    move_elements,
    relabelled,
    renamed,
    with_node,
    without,
)
from alembic_neo4j.schema.elements import (
    EntityType,
    Node,
    Schema,
)


@dataclass(frozen=True)
class AddNode(Change):
    """A model, with its properties and relationships, is declared."""

    node: Node

    def apply(self, schema: Schema) -> Schema:
        """Add the node; it must not be there."""
        if self.node.label in schema.nodes:
            raise SchemaError(f"the label {self.node.label!r} is declared already")
        return with_node(schema, self.node)

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
        return replace(schema, nodes=without(schema.nodes, self.label))

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
        node = declared_node(schema, self.label)
        return with_node(schema, replace(node, **dict(self.values)))

    def reverse(self) -> AlterNode:
        """Set the values back."""
        return replace(self, values=known(self.existing), existing=self.values)


@dataclass(frozen=True)
class AddLabel(Change):
    """Every node with a label gets a further one: a new concrete base class.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` a removal leaves those without it that had none.
    """

    label: str
    added: str
    where: str | None = None
    batch_size: int | None = None
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Add the base to every model whose nodes carry the label."""
        if self.where is not None:
            return schema
        return each_model(
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
        refuse_partial(self.where)
        return RemoveLabel(
            self.label, self.added, batch_size=self.batch_size, undo=not self.undo
        )


@dataclass(frozen=True)
class RemoveLabel(Change):
    """Every node with a label loses another: a base class became abstract.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` an addition takes it off those that got it.
    """

    label: str
    removed: str
    where: str | None = None
    batch_size: int | None = None
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Remove the base from every model whose nodes carry the label."""
        if self.where is not None:
            return schema
        return each_model(
            schema,
            self.label,
            lambda node: replace(
                node, bases=tuple(b for b in node.bases if b != self.removed)
            ),
        )

    def reverse(self) -> AddLabel:
        """Give the label back to the same nodes."""
        refuse_partial(self.where)
        return AddLabel(
            self.label, self.removed, batch_size=self.batch_size, undo=not self.undo
        )


@dataclass(frozen=True)
class RenameLabel(Change):
    """A label gets another name; indexes and constraints move with it.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` a rename leaves the label to those that had it
    before.
    """

    old: str
    new: str
    where: str | None = None
    batch_size: int | None = None
    undo: bool = False
    allow_unknown: bool = field(default=False, compare=False, kw_only=True)

    def apply(self, schema: Schema) -> Schema:
        """Rename the label wherever the schema names it."""
        if self.where is not None:
            return schema
        nodes = (self._node(node) for node in schema.nodes.values())
        renamed = replace(schema, nodes={node.label: node for node in nodes})
        return move_elements(renamed, self.move)

    def move(self, element: Element) -> Element:
        """Return an index or constraint as it is on the new label."""
        if element.entity is not EntityType.NODE or self.old not in element.labels:
            return element
        return relabelled(element, self.old, self.new)

    def reverse(self) -> RenameLabel:
        """Rename it back."""
        refuse_partial(self.where)
        return RenameLabel(
            self.new, self.old, batch_size=self.batch_size, undo=not self.undo
        )

    def _node(self, node: Node) -> Node:
        return replace(
            node,
            label=self.new if node.label == self.old else node.label,
            bases=renamed(node.bases, self.old, self.new),
            optional_labels=renamed(node.optional_labels, self.old, self.new),
            relationships=tuple(
                replace(r, target=self.new) if r.target == self.old else r
                for r in node.relationships
            ),
        )
