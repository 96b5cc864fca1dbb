"""Removed and added names that look like a rename: what a person is asked about."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from alembic_neo4j.schema.diff.renames import Renames, kept_owners, used_types
from alembic_neo4j.schema.elements import (
    Entity,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)

Kind: TypeAlias = Literal["label", "type", "property"]
_ORDER = ("label", "type", "property")


@dataclass(frozen=True)
class Candidate:
    """What may be a rename.

    `owner` is the label or type of a property and the label that declares a
    relationship type, as they are called afterwards; a label has none. `why` is what
    speaks for it.
    """

    kind: Kind
    entity: Entity
    owner: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class _Rated:
    candidate: Candidate
    rating: float


def candidates(
    before: Schema, after: Schema, renames: Renames
) -> tuple[Candidate, ...]:
    """Return what may be renames besides those that are decided.

    Labels come first, then types, then properties, each the most likely first. Once
    one is decided others may appear or go, so ask again with it among the renames.
    """
    rated = [
        *_labels(before, after, renames),
        *_types(before, after, renames),
        *_properties(before, after, renames),
    ]
    ordered = sorted(
        rated,
        key=lambda r: (
            _ORDER.index(r.candidate.kind),
            -r.rating,
            r.candidate.owner,
            r.candidate.entity.value,
            r.candidate.old,
            r.candidate.new,
        ),
    )
    return tuple(r.candidate for r in ordered)


def _labels(before: Schema, after: Schema, renames: Renames) -> Iterator[_Rated]:
    kept = {renames.label(label) for label in before.nodes}
    gone = [
        node
        for label, node in before.nodes.items()
        if renames.label(label) not in after.nodes
    ]
    come = [node for label, node in after.nodes.items() if label not in kept]
    features = {
        id(node): {(p.name, p.type) for p in node.properties} for node in (*gone, *come)
    }
    for old in gone:
        for new in come:
            if old.kgid is not None and new.kgid is not None:
                continue
            ours, theirs = features[id(old)], features[id(new)]
            shared, most = len(ours & theirs), max(len(ours), len(theirs))
            if not shared or shared * 2 < most:
                continue
            alike = f"{shared} of {most} properties alike"
            why = "the same properties" if shared == most else alike
            candidate = Candidate("label", Entity.NODE, "", old.label, new.label, why)
            rating = shared / most + _similar(old.label, new.label)
            yield _Rated(candidate, rating)


def _types(before: Schema, after: Schema, renames: Renames) -> Iterator[_Rated]:
    old_types, new_types = used_types(before), used_types(after)
    decided = {*renames.types, *renames.types.values()}
    gone = old_types - new_types - decided
    come = new_types - old_types - decided
    found: dict[tuple[str, str], _Rated] = {}
    if not gone or not come:
        return
    for label, node in sorted(before.nodes.items()):
        owner = renames.label(label)
        other = after.nodes.get(owner)
        for old in node.relationships if other is not None else ():
            for new in other.relationships if other is not None else ():
                if old.type not in gone or new.type not in come:
                    continue
                if not _same_ends(old, new, renames):
                    continue
                if _features(before, old.type) != _features(after, new.type):
                    continue
                why = f"the same ends, {owner} and {new.target}"
                if _features(after, new.type):
                    why += ", the same properties"
                pair = (old.type, new.type)
                candidate = Candidate("type", Entity.RELATIONSHIP, owner, *pair, why)
                found.setdefault(pair, _Rated(candidate, _similar(*pair)))
    yield from found.values()


def _properties(before: Schema, after: Schema, renames: Renames) -> Iterator[_Rated]:
    found: dict[tuple[Entity, str, str, str], _Rated] = {}
    elements: tuple[Mapping[Any, set[str]], Mapping[Any, set[str]]] | None = None
    for (entity, owner), old_owner, new_owner in kept_owners(before, after, renames):
        if old_owner.properties == new_owner.properties:
            continue
        decided = renames.properties.get((entity, owner), {})
        gone, come = _gone_and_come(old_owner, new_owner, decided)
        for old in gone:
            for new in come:
                if old.type != new.type:
                    continue
                if elements is None:
                    elements = (_elements(before), _elements(after))
                ours = elements[0].get((entity, _name(old_owner), old.name), set())
                theirs = elements[1].get((entity, owner, new.name), set())
                why, rating = _alike(old, new, ours, theirs)
                candidate = Candidate(
                    "property", entity, owner, old.name, new.name, why
                )
                found[entity, owner, old.name, new.name] = _Rated(candidate, rating)
    for (entity, owner, *pair), rated in found.items():
        bases = after.nodes[owner].bases if entity is Entity.NODE else ()
        if not any((entity, base, *pair) in found for base in bases):
            yield rated


def _gone_and_come(
    old: Node | RelationshipType,
    new: Node | RelationshipType,
    decided: Mapping[str, str],
) -> tuple[list[Property], list[Property]]:
    taken = set(decided.values())
    gone = [
        p
        for p in old.properties
        if p.name not in decided and new.property(p.name) is None
    ]
    come = [
        p
        for p in new.properties
        if p.name not in taken and old.property(p.name) is None
    ]
    return gone, come


def _alike(
    old: Property, new: Property, ours: set[str], theirs: set[str]
) -> tuple[str, float]:
    reasons, rating = [f"same type {new.type}"], _similar(old.name, new.name)
    if ours and ours == theirs:
        reasons.append(f"both with {', '.join(sorted(ours))}")
        rating += 2
    elif ours == theirs:
        rating += 1
    if old.required == new.required:
        rating += 0.5
        if old.required:
            reasons.append("both required")
    return ", ".join(reasons), rating


def _elements(schema: Schema) -> dict[tuple[Entity, str, str], set[str]]:
    """Return in words which indexes and constraints lie on each property."""
    found: dict[tuple[Entity, str, str], set[str]] = {}
    named = [
        *((e, f"{e.kind.value} index") for e in schema.indexes.values()),
        *((e, f"{e.kind.value} constraint") for e in schema.constraints.values()),
    ]
    for element, words in named:
        for label in element.labels:
            for name in element.properties:
                found.setdefault((element.entity, label, name), set()).add(words)
    return found


def _features(schema: Schema, type_: str) -> set[tuple[str, str]]:
    declared = schema.relationship_types.get(type_)
    return {(p.name, p.type) for p in declared.properties} if declared else set()


def _same_ends(old: Relationship, new: Relationship, renames: Renames) -> bool:
    ours = (old.direction, renames.label(old.target))
    return ours == (new.direction, new.target)


def _name(owner: Node | RelationshipType) -> str:
    return owner.label if isinstance(owner, Node) else owner.type


def _similar(old: str, new: str) -> float:
    return difflib.SequenceMatcher(None, old.lower(), new.lower()).ratio()


def best_first(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return one candidate of each old and new name, the first that fits."""
    chosen: list[Candidate] = []
    taken: set[tuple[str, Entity, str, str, str]] = set()
    for candidate in found:
        place = (candidate.kind, candidate.entity, candidate.owner)
        sides = {(*place, "old", candidate.old), (*place, "new", candidate.new)}
        if taken.isdisjoint(sides):
            taken |= sides
            chosen.append(candidate)
    return tuple(chosen)
