"""Changes of models and labels."""

from __future__ import annotations

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
    declared_node,
    each_model,
    known,
    label_names,
    labels,
    move_elements,
    read_by_constraints,
    refuse_partial,
    relabelled,
    renamed,
    with_node,
    without,
)
from alembic_neo4j.schema.definitions import EntityType, Node, Schema
from alembic_neo4j.schema.known_names import Name


@dataclass(frozen=True)
class AddNode(Declaration):
    """A model, with its properties and relationships, is declared."""

    words = "add_node"

    node: Node

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The label, its properties and its relationships."""
        return (self.node.label, *self.node.properties, *self.node.relationships)

    @property
    def keywords(self) -> dict[str, Any]:
        """What else it declares."""
        names = ("bases", "optional_labels", "open", "databases", "kgid")
        declared = {name: getattr(self.node, name) for name in names}
        return {name: value for name, value in declared.items() if value}

    def apply(self, schema: Schema) -> Schema:
        """Add the node; it must not be there."""
        if self.node.label in schema.nodes:
            raise SchemaError(f"the label {self.node.label!r} is declared already")
        return with_node(schema, self.node)

    def reverse(self) -> RemoveNode:
        """Take the declaration back."""
        return RemoveNode(self.node.label, self.node)


@dataclass(frozen=True)
class RemoveNode(Declaration):
    """A model is no longer declared; its nodes stay in the graph."""

    words = "remove_node"

    label: str
    node: Node | None = field(default=None, metadata=UNWRITTEN)

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
class AlterNode(Declaration, Alteration):
    """What a model declares of its nodes changes, and no node does.

    `values` may name optional_labels, open, databases and kgid.
    """

    words = "alter_node"

    label: str
    values: Values
    existing: Values | None = field(default=None, metadata=UNWRITTEN)

    def apply(self, schema: Schema) -> Schema:
        """Set the values; the node must be there."""
        node = declared_node(schema, self.label)
        return with_node(schema, replace(node, **dict(self.values)))

    def reverse(self) -> AlterNode:
        """Set the values back."""
        return replace(self, values=known(self.existing), existing=self.values)


@dataclass(frozen=True)
class AddLabel(DataChange):
    """Every node with a label gets a further one: a new concrete base class.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` a removal leaves those without it that had none.
    """

    words = "add_label"

    label: str
    added: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels of the nodes that it finds."""
        return label_names(self.label)

    @property
    def made(self) -> tuple[Name, ...]:
        """The label that they get."""
        return label_names(self.added)

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

    def reverses(self, done: Change) -> bool:
        """Tell whether that took the same label off."""
        return isinstance(done, RemoveLabel) and done.arguments == self.arguments

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        added = self._added(before)
        checked = read_by_constraints(before, EntityType.NODE, self.added)
        return labels(self.label, *added) | checked

    def finds(self, before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        return labels(self.label, *self._added(before))

    def writes(self, before: Schema) -> TouchedNames:
        """Return what it changes."""
        return labels(*self._added(before))

    def _added(self, before: Schema) -> tuple[str, ...]:
        # Of some nodes another model's are made, with its bases.
        some = self.where is not None and not self.undo
        return before.labels_of(self.added) if some else (self.added,)


@dataclass(frozen=True)
class RemoveLabel(DataChange):
    """Every node with a label loses another: a base class became abstract.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` an addition takes it off those that got it.
    """

    words = "remove_label"

    label: str
    removed: str
    undo: bool = field(default=False, kw_only=True)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels of the nodes that it finds."""
        return label_names(self.label, self.removed)

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

    def reverses(self, done: Change) -> bool:
        """Tell whether that gave the same label."""
        return isinstance(done, AddLabel) and done.arguments == self.arguments

    def reads(self, _before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        return labels(self.label, self.removed)

    def writes(self, before: Schema) -> TouchedNames:
        """Return what it changes."""
        bases = before.labels_of(self.removed) if self.undo else ()
        return labels(self.removed, *bases)


@dataclass(frozen=True)
class RenameLabel(DataChange):
    """A label gets another name; indexes and constraints move with it.

    With a `where`, a predicate over ``n``, it is so for some of them only, and what is
    declared stays as it is. To `undo` a rename leaves the label to those that had it
    before.
    """

    words = "rename_label"

    old: str
    new: str
    undo: bool = field(default=False, kw_only=True, metadata=UNWRITTEN)

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels of the nodes that it finds."""
        return label_names(self.old)

    @property
    def made(self) -> tuple[Name, ...]:
        """The label that they get."""
        return label_names(self.new)

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

    def reverses(self, done: Change) -> bool:
        """Tell whether that was the opposite."""
        return isinstance(done, RenameLabel) and done.arguments[::-1] == self.arguments

    def reads(self, before: Schema) -> TouchedNames:
        """Return what its checks and its steps look at."""
        if self.old == self.new:
            return NOTHING
        after = self.apply(before)
        checked = read_by_constraints(after, EntityType.NODE, self.new)
        return labels(self.old, self.new) | checked

    def finds(self, _before: Schema) -> TouchedNames:
        """Return what tells what is left to do."""
        # The way back leaves alone what had the other label before.
        return labels(self.old, self.new) if self.undo else labels(self.old)

    def writes(self, before: Schema) -> TouchedNames:
        """Return what it changes."""
        if self.old == self.new:
            return NOTHING
        bases = before.labels_of(self.new)
        if self.undo:
            gone = before.labels_of(self.old)
            # Those that had come with the label go; the marks know which.
            bases = (*bases, *((None,) if len(gone) > 1 else ()))
        return labels(self.old, *bases)

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
