"""The schema between two others, on its way to the second, and remarks on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic_neo4j.schema.changes import (
    Change,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
)
from alembic_neo4j.schema.definitions import EntityType, Node, RelationshipType, Schema

# Remarks of a difference for the person who reviews the revision ----------------------


@dataclass(frozen=True)
class Note:
    """A remark on a label or a type, to stand as a comment in the revision.

    `text` is one line, whatever the names in it are; `code` is what could be written
    into the revision for it.
    """

    text: str
    subject: str
    code: str = ""


def shown(*names: str) -> str:
    """Return names for a remark, joined by dots and never more than one line."""
    return ".".join(n if n.isidentifier() else repr(n) for n in names)


def run_cypher(statement: str) -> str:
    """Return the call of the operation that runs a statement."""
    return f"op.run_cypher({statement!r})"


def quoted(name: str) -> str:
    """Return a name as it is written in the Cypher of a remark."""
    if name.isascii() and name.isidentifier():
        return name
    return "`" + name.replace("\\", "\\u005C").replace("`", "``") + "`"


# The schema between two others, on its way from the one to the other ------------------


@dataclass(frozen=True)
class Move:
    """A rename, and the labels or types on which it moves indexes and constraints."""

    change: RenameLabel | RenameRelationshipType | RenameProperty
    labels: frozenset[str]


@dataclass(frozen=True)
class Refusal:
    """A rename that is not made, and why; a property has an owner."""

    entity: EntityType
    owner: str | None
    old: str
    new: str
    why: str

    def __str__(self) -> str:
        of = () if self.owner is None else (self.owner,)
        old, new = shown(*of, self.old), shown(self.new)
        return f"{old} is not renamed to {new}: {self.why}"


class Working:
    """The declarations that the changes so far have led to.

    A change is applied to the models that it reaches only, so that a thousand
    changes of a thousand models stay cheap.

    `moves` are the renames so far, `refusals` those that are not made, `touched` the
    properties whose values change, `changed` the labels a change of which reaches every
    model below them.
    """

    def __init__(self, before: Schema, after: Schema) -> None:
        self.after = after
        self.nodes: dict[str, Node] = dict(before.nodes)
        self.types: dict[str, RelationshipType] = dict(before.relationship_types)
        self.notes: list[Note] = []
        self.moves: list[Move] = []
        self.refusals: list[Refusal] = []
        self.touched: set[tuple[EntityType, str, str]] = set()
        self.changed: set[str] = set()
        self._below: dict[str, set[str]] = {}
        self._heights: Mapping[str, int] = {}
        for node in self.nodes.values():
            self._register(node)

    def order_like(self, nodes: Mapping[str, Node]) -> None:
        """Take bases before what is below them, as they stand in these models."""
        self._heights = heights(nodes)

    def kept(self) -> list[str]:
        """Return the labels that stay, a base before what is below it."""
        return self.ordered(label for label in self.nodes if label in self.after.nodes)

    def below(self, label: str) -> list[str]:
        """Return the other models whose nodes carry the label, bases first."""
        return self.ordered(self._below.get(label, set()) - {label})

    def reached(self, label: str) -> list[str]:
        """Return the models that a change on the label reaches."""
        own = [label] if label in self.nodes else []
        return [*own, *self.below(label)]

    def ordered(self, labels: Iterable[str]) -> list[str]:
        """Return labels in an order that depends on nothing but the schema."""
        found = self._heights
        return sorted(labels, key=lambda label: (found.get(label, 0), label))

    def apply(self, change: Change, labels: Iterable[str]) -> None:
        """Apply a change, knowing the models that it reaches."""
        reached = {label: self.nodes[label] for label in labels}
        result = change.apply(Schema(nodes=reached))
        for label in reached.keys() - result.nodes.keys():
            self.remove(label)
        for node in result.nodes.values():
            self.replace(node)

    def apply_below(self, change: Change, label: str) -> None:
        """Apply a change on a label, which reaches the models below it."""
        self.changed.add(label)
        self.apply(change, self.reached(label))

    def replace(self, node: Node) -> None:
        """Put a model in place of its namesake."""
        known = self.nodes.get(node.label)
        if known is None or known.bases != node.bases:
            for base in known.bases if known else ():
                self._below[base].discard(node.label)
            self._register(node)
        self.nodes[node.label] = node

    def remove(self, label: str) -> None:
        """Forget a model."""
        for base in self.nodes.pop(label).bases:
            self._below[base].discard(label)

    def note(self, text: str, subject: str, code: str = "") -> None:
        """Remember a remark."""
        self.notes.append(Note(text, subject, code))

    def refuse(self, refusal: Refusal) -> None:
        """Remember a rename that is not made, and remark on it."""
        self.refusals.append(refusal)
        self.note(str(refusal), refusal.owner or refusal.old)

    def _register(self, node: Node) -> None:
        for base in node.bases:
            self._below.setdefault(base, set()).add(node.label)


def heights(nodes: Mapping[str, Node]) -> dict[str, int]:
    """Return how many models stand above each model at most."""
    found: dict[str, int] = {}
    for label in nodes:
        _height(label, nodes, found)
    return found


def _height(label: str, nodes: Mapping[str, Node], found: dict[str, int]) -> int:
    if label not in found:
        found[label] = 0  # Ends the walk where bases name one another.
        bases = [b for b in nodes[label].bases if b in nodes]
        found[label] = 1 + max((_height(b, nodes, found) for b in bases), default=-1)
    return found[label]
