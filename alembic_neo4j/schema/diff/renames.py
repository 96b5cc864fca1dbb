"""Which labels, types and properties of two schemas are the same under other names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TypeAlias

from alembic_neo4j.schema.definitions import (
    Direction,
    EntityType,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff.intermediate import shown

# Which models declare the relationships between two labels, seen from either end ------


class Ends:
    """The relationships that models declare, to be asked for by both of their ends."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._declared: dict[str, list[tuple[str, Relationship]]] = {}
        self._together: dict[str, set[str]] = {}
        for node in nodes.values():
            for label in node.labels:
                self._together.setdefault(label, set()).update(node.labels)
            for declared in node.relationships:
                owners = self._declared.setdefault(declared.type, [])
                owners.append((node.label, declared))

    def declare(self, label: str, wanted: Relationship) -> bool:
        """Tell whether a model declares what the label would declare by `wanted`.

        It may do so on nodes that carry the label or are the other end, and without
        a direction.
        """
        return any(
            self._from_here(label, wanted, owner, declared)
            or self._from_there(label, wanted, owner, declared)
            for owner, declared in self._declared.get(wanted.type, ())
        )

    def meet(self, first: str, second: str) -> bool:
        """Tell whether a node may carry both labels."""
        return first == second or second in self._together.get(first, ())

    def _from_here(
        self, label: str, wanted: Relationship, owner: str, declared: Relationship
    ) -> bool:
        return (
            declared.direction in (wanted.direction, Direction.ANY)
            and self.meet(label, owner)
            and self.meet(wanted.target, declared.target)
        )

    def _from_there(
        self, label: str, wanted: Relationship, owner: str, declared: Relationship
    ) -> bool:
        if declared.direction not in (wanted.direction.reversed, Direction.ANY):
            return False
        if self.meet(label, wanted.target):
            # Where both ends are of a kind, the one declaration is not the other's.
            other = (wanted.target, label)
            return label != wanted.target and (owner, declared.target) == other
        return self.meet(wanted.target, owner) and self.meet(label, declared.target)


# When several relationship types can become one, and part again on the way back -------


def sources(nodes: Mapping[str, Node], type_: str) -> tuple[str, ...] | None:
    """Return the labels at which the relationships of a type begin.

    None where a model declares one whose beginning is not known.
    """
    found: set[str] = set()
    for node in nodes.values():
        for declared in node.relationships:
            if declared.type != type_:
                continue
            if declared.direction is not Direction.IN:
                found.add(node.label)
            if declared.direction is not Direction.OUT:
                found.add(declared.target)
    if not found or any(label.startswith("?") for label in found):
        return None
    return tuple(
        sorted(
            label
            for label in found
            if label not in nodes or found.isdisjoint(nodes[label].bases)
        )
    )


def why_not_one(before: Schema, after: Schema, merged: Iterable[str]) -> str:
    """Return why the types can't become one, nothing where they can.

    They can where every relationship tells by its beginning which of them it was, and
    what is declared of them is the same.
    """
    names = sorted(merged)
    begins: dict[str, tuple[str, ...]] = {}
    for name in names:
        found = sources(before.nodes, name)
        if found is None:
            return f"at which nodes {shown(name)} begins is not known"
        begins[name] = found
    ends = (Ends(before.nodes), Ends(after.nodes))
    for first, second in combinations(names, 2):
        for label in begins[first]:
            others = begins[second]
            if any(e.meet(label, other) for e in ends for other in others):
                return (
                    f"both {shown(first)} and {shown(second)} begin at {shown(label)}, "
                    "and a downgrade could not tell them apart"
                )
    declared = (before.relationship_types.get(name) for name in names)
    if len({d and replace(d, type="") for d in declared}) > 1:
        return f"{', '.join(map(shown, names))} declare different properties"
    return ""


# Which labels, types and properties of two schemas are the same under other names -----


Owner: TypeAlias = "tuple[EntityType, str]"


@dataclass(frozen=True)
class Renames:
    """What is taken for a rename, old name to new.

    `properties` are keyed by the entity and the label or type that owns them, under
    the name that it has afterwards.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[Owner, Mapping[str, str]] = field(default_factory=dict)

    def label(self, old: str) -> str:
        """Return what a label is called afterwards."""
        return self.labels.get(old, old)

    def type(self, old: str) -> str:
        """Return what a relationship type is called afterwards."""
        return self.types.get(old, old)


def certain_renames(
    before: Schema, after: Schema, *, given: Renames | None = None
) -> Renames:
    """Return the renames that the models leave no doubt about, and the given ones.

    A label or type is renamed where a kgid moved, a relationship type also where an
    attribute has another one, a property where an attribute has another one; by
    attribute only when the old name disappears and the new one appears.
    """
    given = given or Renames()
    identified = _by_kgid(before.nodes, after.nodes)
    labels = _merged(_possible(identified, before.nodes), given.labels)
    by_attribute = _types_by_attribute(before, after, Renames(labels=labels))
    identified = _by_kgid(before.relationship_types, after.relationship_types)
    by_kgid = _possible(identified, used_types(before), used_types(after))
    told = _merged(by_kgid, given.types)
    types = {**_together(before, after, {**by_attribute, **told}), **told}
    named = Renames(labels=labels, types=types)
    properties: dict[Owner, Mapping[str, str]] = {}
    for owner, old, new in kept_owners(before, after, named):
        known = given.properties.get(owner, {})
        found = _merged(_properties_by_attribute(old, new), known)
        if found:
            properties[owner] = found
    return Renames(labels, types, properties)


def kept_owners(
    before: Schema, after: Schema, renames: Renames
) -> list[tuple[Owner, Node | RelationshipType, Node | RelationshipType]]:
    """Return labels and types of both schemas: as they are after, and both sides."""
    kept: list[tuple[Owner, Node | RelationshipType, Node | RelationshipType]] = []
    for label, node in sorted(before.nodes.items()):
        new = renames.label(label)
        if new in after.nodes:
            kept.append(((EntityType.NODE, new), node, after.nodes[new]))
    for type_, declared in sorted(before.relationship_types.items()):
        new = renames.type(type_)
        if new in after.relationship_types:
            other = after.relationship_types[new]
            kept.append(((EntityType.RELATIONSHIP, new), declared, other))
    return kept


def used_types(schema: Schema) -> set[str]:
    """Return the relationship types that a schema's models mention."""
    declared = {r.type for n in schema.nodes.values() for r in n.relationships}
    return declared | set(schema.relationship_types)


def in_order(
    wanted: Mapping[str, str], taken: Iterable[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return renames in an order in which each new name is free, and those without.

    `taken` are the names in use. A name that is itself renamed away frees itself;
    names that change places do so over a temporary one.
    """
    used = set(taken)
    targets = Counter(wanted.values())
    pending = {o: n for o, n in sorted(wanted.items()) if targets[n] == 1}
    steps: list[tuple[str, str]] = []
    while pending:
        old = next((o for o, n in pending.items() if n not in used), None)
        if old is not None:
            new = pending.pop(old)
        else:
            old = _in_a_circle(pending)
            if old is None:
                break
            new = _free_name(old, {*used, *targets})
            pending[new] = pending.pop(old)
        steps.append((old, new))
        used.discard(old)
        used.add(new)
    renamed = {old for old, _ in steps}
    refused = [(o, n) for o, n in sorted(wanted.items()) if o not in renamed]
    return steps, refused


def _merged(found: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    kept = {o: n for o, n in found.items() if n not in given.values()}
    return {**kept, **given}


def _by_kgid(
    before: Mapping[str, Node] | Mapping[str, RelationshipType],
    after: Mapping[str, Node] | Mapping[str, RelationshipType],
) -> dict[str, str]:
    old, new = _kgids(before), _kgids(after)
    return {
        name: new[kgid]
        for kgid, name in sorted(old.items())
        if kgid in new and new[kgid] != name
    }


def _possible(
    pairs: Mapping[str, str],
    before: Container[str],
    after: Container[str] = frozenset(),
) -> dict[str, str]:
    """Return the pairs whose new name was free `before` and whose old one is `after`.

    A name is free too where another of these pairs takes it away or brings it.
    """
    kept = dict(pairs)
    while True:
        brought = set(kept.values())
        refused = [
            old
            for old, new in kept.items()
            if (new in before and new not in kept)
            or (old in after and old not in brought)
        ]
        if not refused:
            return kept
        kept = {old: new for old, new in kept.items() if old not in refused}


def _kgids(
    declared: Mapping[str, Node] | Mapping[str, RelationshipType],
) -> dict[str, str]:
    pairs = [(d.kgid, name) for name, d in declared.items() if d.kgid is not None]
    return _only_once(pairs)


def _types_by_attribute(
    before: Schema, after: Schema, renames: Renames
) -> dict[str, str]:
    old_types, new_types = used_types(before), used_types(after)
    if old_types <= new_types:
        return {}
    pairs: set[tuple[str, str]] = set()
    for label, node in before.nodes.items():
        other = after.nodes.get(renames.label(label))
        if other is None:
            continue
        old = _only_once((r.attribute, r.type) for r in node.relationships)
        new = _only_once((r.attribute, r.type) for r in other.relationships)
        pairs.update((old[a], new[a]) for a in old if a and a in new)
    found = _only_once(pairs)
    return {
        old: new
        for old, new in sorted(found.items())
        if old not in new_types and new not in old_types
    }


def _together(
    before: Schema, after: Schema, types: Mapping[str, str]
) -> dict[str, str]:
    """Return the renames to a name of their own, or to one that is certainly shared."""
    olds: dict[str, list[str]] = {}
    for old, new in types.items():
        olds.setdefault(new, []).append(old)
    return {
        old: new
        for new, merged in olds.items()
        for old in merged
        if len(merged) == 1 or not why_not_one(before, after, merged)
    }


def _properties_by_attribute(
    before: Node | RelationshipType, after: Node | RelationshipType
) -> dict[str, str]:
    if before.properties == after.properties:
        return {}
    old, new = _attributes(before.properties), _attributes(after.properties)
    pairs = {(old[a], new[a]) for a in old if a in new}
    return {
        old_name: new_name
        for old_name, new_name in _one_to_one(pairs)
        if after.property(old_name) is None and before.property(new_name) is None
    }


def _attributes(properties: tuple[Property, ...]) -> dict[str, str]:
    return _only_once((p.attribute, p.name) for p in properties)


def _only_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs as a mapping, without a key that has two."""
    found: dict[str, str] = {}
    twice = set()
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            twice.add(key)
    return {k: v for k, v in found.items() if k not in twice}


def _one_to_one(pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    olds = Counter(old for old, _ in pairs)
    news = Counter(new for _, new in pairs)
    return sorted((o, n) for o, n in pairs if olds[o] == 1 and news[n] == 1)


def _in_a_circle(pending: Mapping[str, str]) -> str | None:
    for start in pending:
        name, steps = pending[start], 0
        while name in pending and name != start and steps < len(pending):
            name, steps = pending[name], steps + 1
        if name == start:
            return start
    return None


def _free_name(old: str, used: set[str]) -> str:
    name = f"{old}_renamed"
    while name in used:
        name += "_"
    return name
