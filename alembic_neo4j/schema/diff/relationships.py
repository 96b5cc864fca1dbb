"""Relationships that come, go, change and turn round, and their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from alembic_neo4j.schema.changes import (
    AddRelationship,
    AddRelationshipType,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    RemoveRelationship,
    RemoveRelationshipType,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.definitions import (
    Direction,
    EntityType,
    Node,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff.intermediate import (
    Move,
    Refusal,
    Working,
    quoted,
    run_cypher,
    shown,
)
from alembic_neo4j.schema.diff.properties import (
    Declarations,
    Demands,
    compare_type_properties,
)
from alembic_neo4j.schema.diff.renames import (
    Ends,
    in_order,
    sources,
    used_types,
    why_not_one,
)

# Relationship types that get another name, alone or several the same one --------------


def rename_types(working: Working, wanted: Mapping[str, str]) -> list[Change]:
    """Rename the relationship types, as far as it is certain which ones move."""
    if not wanted:
        return []
    models = models_by_type(working.nodes.values())
    old_types = models.keys() | working.types.keys()
    new_types = used_types(working.after)
    fitting = {
        old: new
        for old, new in sorted(wanted.items())
        if old != new and old in old_types and new in new_types
    }
    staying = _staying(working, fitting, new_types)
    moving = {old: new for old, new in fitting.items() if old not in staying}
    steps, refused = in_order(moving, old_types)
    changes: list[Change] = []
    for old, new in steps:
        change = RenameRelationshipType(old, new)
        models[new] = models.pop(old, [])
        working.apply(change, models[new])
        if old in working.types:
            working.types[new] = replace(working.types.pop(old), type=new)
        working.moves.append(Move(change, frozenset({old, new})))
        changes.append(change)
    for new in sorted({new for _, new in refused}):
        changes += _bring_together(working, [o for o, n in refused if n == new], new)
    return changes


def models_by_type(nodes: Iterable[Node]) -> dict[str, list[str]]:
    """Return the labels of the models that declare each relationship type."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for type_ in sorted({r.type for r in node.relationships}):
            found.setdefault(type_, []).append(node.label)
    return found


def _staying(
    working: Working, fitting: Mapping[str, str], new_types: set[str]
) -> set[str]:
    """Return the types that are in use afterwards too, and refuse their renames."""
    staying = {o for o in fitting if o in new_types and o not in fitting.values()}
    using = models_by_type(working.after.nodes.values()) if staying else {}
    for old in sorted(staying):
        users = ", ".join(map(shown, sorted(using.get(old, [])))) or "the schema"
        why = (
            f"{users} still has {shown(old)}, so which relationships move "
            "is for a person to write"
        )
        working.refuse(Refusal(EntityType.RELATIONSHIP, None, old, fitting[old], why))
    return staying


def _bring_together(working: Working, olds: list[str], new: str) -> list[Change]:
    """Give several types the same name, each for the nodes at which it begins."""
    in_use = models_by_type(working.nodes.values())
    there = [new] if new in in_use or new in working.types else []
    merged = [*olds, *there]
    before = Schema(nodes=working.nodes, relationship_types=working.types)
    why = why_not_one(before, working.after, merged)
    changes: list[Change] = []
    for old in olds:
        if why:
            working.refuse(Refusal(EntityType.RELATIONSHIP, None, old, new, why))
            continue
        begins = sources(working.nodes, old) or ()
        change = RenameRelationshipType(old, new, source_labels=begins)
        schema = change.apply(
            Schema(nodes=working.nodes, relationship_types=working.types)
        )
        for node in schema.nodes.values():
            working.replace(node)
        working.types = dict(schema.relationship_types)
        changes.append(change)
    return changes


# Relationships that come, go, change and turn round, and their types ------------------


Key: TypeAlias = "tuple[str, str, str]"


def reverse_relationships(working: Working) -> list[Change]:
    """Turn relationships round where the models of both ends agree on it.

    They agree where nobody had the new direction before and nobody has the old one
    afterwards: a model may declare both ends of a relationship to its own kind.
    """
    changes: list[Change] = []
    before, after = Ends(working.nodes), Ends(working.after.nodes)
    for label in working.kept():
        wanted = working.after.nodes[label]
        if working.nodes[label].relationships == wanted.relationships:
            continue
        keys = {r.key for r in wanted.relationships}
        for declared in working.nodes[label].relationships:
            turned = replace(declared, direction=declared.direction.reversed)
            if turned.key not in keys:
                continue
            if before.declare(label, turned) or after.declare(label, declared):
                continue
            change = _reversal(working, label, declared)
            if change is not None:
                working.changed |= {change.source, change.target}
                working.apply(change, _ends(working, change))
                changes.append(change)
    return changes


class NodeRelationships(Declarations[Key, Relationship]):
    """The relationships of the models, by key."""

    def __init__(self, working: Working) -> None:
        super().__init__(working)
        self._pairs: set[tuple[str, str, str]] | None = None

    def declared(self, node: Node, key: Key) -> Relationship | None:
        """Return the model's relationship of this key."""
        return next((r for r in node.relationships if r.key == key), None)

    def added(self, label: str, declared: Relationship) -> Change:
        """Return the change that declares a relationship."""
        return AddRelationship(label, declared)

    def removed(self, label: str, declared: Relationship) -> Change:
        """Return the change that declares a relationship no more."""
        return RemoveRelationship(label, declared)

    def visit(self, label: str) -> None:
        """Alter, remove and add the relationships of a model."""
        old = {r.key: r for r in self.working.nodes[label].relationships}
        new = {r.key: r for r in self.working.after.nodes[label].relationships}
        if old == new:
            return
        gone = [r for key, r in old.items() if key not in new]
        come = [r for key, r in new.items() if key not in old]
        for known, declared in _same(gone, come, old.values(), new.values()):
            gone.remove(known)
            come.remove(declared)
            self._turn_to(label, known, declared)
        for declared in gone:
            self._remark_removed(label, declared, come)
            self._remove(label, declared)
        for declared in come:
            self._add(label, declared)
        for key, declared in new.items():
            if key in old and old[key] != declared:
                self._alter(label, old[key], declared)

    def _add(self, label: str, declared: Relationship) -> None:
        self.align(label, declared.key, None)
        self.emit(label, AddRelationship(label, declared))

    def _remove(self, label: str, declared: Relationship) -> None:
        self.remember_wanted_below(label, declared.key)
        self.align(label, declared.key, declared)
        self.emit(label, RemoveRelationship(label, declared))

    def _alter(self, label: str, old: Relationship, new: Relationship) -> None:
        values = _changed(old, new)
        for other in self.working.below(label):
            found = self.find(other, old.key)
            if found is not None and not _alike(found, old, values):
                self.clear(other, old.key)
        self.emit(label, AlterRelationship(label, old, values))

    def _turn_to(self, label: str, old: Relationship, new: Relationship) -> None:
        """Give a declaration another target or direction."""
        values = tuple((n, v) for n, v in _changed(old, new) if n not in _KEY_FIELDS)
        for other in self.working.reached(label):
            found = self.find(other, old.key)
            taken = self.find(other, new.key) is not None
            if taken or (found is not None and not _alike(found, old, values)):
                self._remove(label, old)
                self._add(label, new)
                return
        self.emit(label, AlterRelationship(label, old, _changed(old, new)))

    def _remark_removed(
        self, label: str, declared: Relationship, come: Iterable[Relationship]
    ) -> None:
        for other in come:
            if other.attribute and other.attribute == declared.attribute:
                self.working.note(
                    f"{shown(label, other.attribute)} is no rename: relationships "
                    f"stay {_arrow(label, declared)} and do not become "
                    f"{_arrow(label, other)}; write op.run_cypher(…) to change them",
                    label,
                )
                return
        if not self._still_declared(label, declared):
            pattern = _pattern(label, declared)
            delete = run_cypher(f"MATCH {pattern} DELETE r")
            self.working.note(
                f"relationships {_arrow(label, declared)} stay; to delete them:",
                label,
                delete,
            )

    def _still_declared(self, label: str, declared: Relationship) -> bool:
        if self._pairs is None:
            nodes = self.working.after.nodes.values()
            self._pairs = {_ends_of(n.label, r) for n in nodes for r in n.relationships}
        type_, start, end = _ends_of(label, declared)
        both = {(type_, start, end)}
        if declared.direction is Direction.ANY:
            both.add((type_, end, start))
        return not self._pairs.isdisjoint(both)


def compare_types(working: Working, demands: Demands) -> list[Change]:
    """Return the changes of the relationship types with a model of their own."""
    wanted = working.after.relationship_types
    changes: list[Change] = []
    in_use: dict[str, list[str]] | None = None
    for type_ in sorted(working.types.keys() | wanted.keys()):
        old, new = working.types.get(type_), wanted.get(type_)
        if old == new:
            continue
        if new is None:
            changes.append(RemoveRelationshipType(type_, old))
            working.note(
                f"relationships of the type {shown(type_)} keep their properties",
                type_,
            )
        elif old is None:
            if in_use is None:
                in_use = models_by_type(working.nodes.values())
            changes += _added_type(working, demands, new, type_ in in_use)
        else:
            changes += _altered_type(working, demands, old, new)
    return changes


_KEY_FIELDS = ("direction", "target")
_FIELDS = ("cardinality", "direction", "exclusion_group", "target")


def _reversal(
    working: Working, label: str, declared: Relationship
) -> ReverseRelationships | None:
    """Return the reversal that a declaration asks for, when everything agrees."""
    if declared.direction is Direction.OUT:
        change = ReverseRelationships(label, declared.type, declared.target)
    else:
        change = ReverseRelationships(declared.target, declared.type, label)
    before = {label: working.nodes[label] for label in _ends(working, change)}
    after = change.apply(Schema(nodes=before)).nodes
    if change.reverse().apply(Schema(nodes=after)).nodes != before:
        return None
    agreed = all(
        _agreed(before[other], after[other], working.after.nodes[other])
        for other in before
    )
    return change if agreed else None


def _agreed(before: Node, turned: Node, wanted: Node) -> bool:
    old, new = ({r.key for r in n.relationships} for n in (before, turned))
    keys = {r.key for r in wanted.relationships}
    return new - old <= keys and keys.isdisjoint(old - new)


def _ends(working: Working, change: ReverseRelationships) -> list[str]:
    reached = {*working.reached(change.source), *working.reached(change.target)}
    return working.ordered(reached)


def _same(
    gone: list[Relationship],
    come: list[Relationship],
    old: Iterable[Relationship],
    new: Iterable[Relationship],
) -> list[tuple[Relationship, Relationship]]:
    """Return which declarations of one type are each other's successor.

    An attribute that stays on the model has a successor of its own.
    """
    stays = {r.attribute for r in old} & {r.attribute for r in new} - {""}
    pairs: list[tuple[Relationship, Relationship]] = []
    for alike in (_by_attribute, _by_target, _by_direction):
        olds = [r for r in gone if all(r is not known for known, _ in pairs)]
        news = [r for r in come if all(r is not known for _, known in pairs)]
        if alike is not _by_attribute:
            olds = [r for r in olds if r.attribute not in stays]
            news = [r for r in news if r.attribute not in stays]
        for known in olds:
            successors = [r for r in news if alike(known, r)]
            rivals = [r for r in olds if successors and alike(r, successors[0])]
            if len(successors) == 1 and len(rivals) == 1:
                pairs.append((known, successors[0]))
    return pairs


def _by_attribute(old: Relationship, new: Relationship) -> bool:
    named = old.attribute != "" and old.attribute == new.attribute
    return named and old.type == new.type and _turnable(old, new)


def _by_target(old: Relationship, new: Relationship) -> bool:
    ends = (old.type, old.target) == (new.type, new.target)
    return ends and _turnable(old, new)


def _by_direction(old: Relationship, new: Relationship) -> bool:
    return (old.type, old.direction) == (new.type, new.direction)


def _turnable(old: Relationship, new: Relationship) -> bool:
    """Tell whether no relationship has to turn round for the other direction."""
    return old.direction is new.direction or Direction.ANY in (
        old.direction,
        new.direction,
    )


def _changed(old: Relationship, new: Relationship) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, getattr(new, name))
        for name in _FIELDS
        if getattr(old, name) != getattr(new, name)
    )


def _alike(
    first: Relationship, second: Relationship, values: Iterable[tuple[str, Any]]
) -> bool:
    return all(getattr(first, name) == getattr(second, name) for name, _ in values)


def _ends_of(label: str, declared: Relationship) -> tuple[str, str, str]:
    if declared.direction is Direction.IN:
        return (declared.type, declared.target, label)
    return (declared.type, label, declared.target)


def _arrow(label: str, declared: Relationship) -> str:
    type_, start, end = _ends_of(label, declared)
    head = "-" if declared.direction is Direction.ANY else "->"
    return f"({shown(start)})-[{shown(type_)}]{head}({shown(end)})"


def _pattern(label: str, declared: Relationship) -> str:
    type_, start, end = _ends_of(label, declared)
    head = "-" if declared.direction is Direction.ANY else "->"
    return f"({_node(start)})-[r:{quoted(type_)}]{head}({_node(end)})"


def _node(label: str) -> str:
    # The other end of a relationship may be a text that names no label.
    return "" if label.startswith("?") else f":{quoted(label)}"


def _added_type(
    working: Working, demands: Demands, new: RelationshipType, in_use: bool
) -> list[Change]:
    """Return the changes that declare a type's properties.

    Relationships of a type in use get what a new property gives them.
    """
    if not in_use:
        return [AddRelationshipType(new)]
    later = [
        declared.name
        for declared in new.properties
        if demands.backfill(EntityType.RELATIONSHIP, [new.type], declared) is not None
    ]
    first = new
    for name in later:
        first = first.without_property(name)
    filled = compare_type_properties(working, demands, first, new)
    return [AddRelationshipType(first), *filled]


def _altered_type(
    working: Working, demands: Demands, old: RelationshipType, new: RelationshipType
) -> list[Change]:
    changes = compare_type_properties(working, demands, old, new)
    if old.kgid == new.kgid:
        return changes
    values = (("kgid", new.kgid),)
    return [AlterRelationshipType(new.type, values, (("kgid", old.kgid),)), *changes]
