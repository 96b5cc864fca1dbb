"""Removed and added names that look like a rename: what a person is asked about."""

from __future__ import annotations

import functools
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from alembic_neo4j.schema.definitions import (
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff.compare import refused_renames
from alembic_neo4j.schema.diff.intermediate import Refusal
from alembic_neo4j.schema.diff.renames import (
    Renames,
    certain_renames,
    kept_owners,
    used_types,
    why_not_one,
)

Kind: TypeAlias = Literal["label", "type", "property"]
_ORDER = ("label", "type", "property")
_MOST = 3
"""How many new names are offered for one old name."""
_SIMILAR = 0.3
"""From which part of their letters on two names are alike."""
_LIKELY = 0.75
"""From which part of their properties on two labels are alike whatever their names."""
_ALL_SHARED = "the same properties"


@dataclass(frozen=True)
class Candidate:
    """What may be a rename.

    `owner` is the label or type of a property and the label that declares a
    relationship type, as they are called afterwards; a label has none. `others` are
    the further owners of a property that a base without a label gives to all of them.
    `why` is what speaks for it, and `likely` whether that is much.
    """

    kind: Kind
    entity: EntityType
    owner: str
    old: str
    new: str
    why: str
    others: tuple[str, ...] = ()
    likely: bool = field(default=True, compare=False)

    @property
    def owners(self) -> tuple[str, ...]:
        """All labels or types that it is about, none for a label."""
        return (self.owner, *self.others) if self.owner else ()


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
    return tuple(r.candidate for r in sorted(rated, key=_likely))


def _labels(before: Schema, after: Schema, renames: Renames) -> Iterator[_Rated]:
    kept = {renames.label(label) for label in before.nodes}
    gone = [
        node
        for label, node in before.nodes.items()
        if renames.label(label) not in after.nodes
    ]
    come = [node for label, node in after.nodes.items() if label not in kept]
    features = {id(n): {(p.name, p.type) for p in n.properties} for n in (*gone, *come)}
    for old in gone:
        rated = ((-_likeness(old, new, features), new.label) for new in come)
        # Rated first and explained then: there may be a thousand times a thousand.
        for rating, label in heapq.nsmallest(_MOST, (r for r in rated if r[0])):
            why = _shared(features[id(old)], features[id(after.nodes[label])])
            pair, same = (old.label, label), why == _ALL_SHARED
            candidate = Candidate("label", EntityType.NODE, "", *pair, why)
            likely = same or _similar(*pair) >= _SIMILAR or rating <= -_LIKELY
            yield _Rated(replace(candidate, likely=likely), -rating)


def _likeness(
    old: Node, new: Node, features: Mapping[int, set[tuple[str, str]]]
) -> float:
    """Return how much alike two labels are, 0 where they are not."""
    ours, theirs = features[id(old)], features[id(new)]
    shared, most = len(ours & theirs), max(len(ours), len(theirs))
    if not shared or shared * 2 < most:
        return 0
    if old.kgid is not None and new.kgid is not None:
        return 0
    return shared / most + _similar(old.label, new.label)


def _shared(ours: set[tuple[str, str]], theirs: set[tuple[str, str]]) -> str:
    if ours == theirs:
        return _ALL_SHARED
    most = max(len(ours), len(theirs))
    return f"{len(ours & theirs)} of {most} properties alike"


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
                if _identified(before, old.type) and _identified(after, new.type):
                    continue
                why = f"the same ends, {owner} and {new.target}"
                if _features(after, new.type):
                    why += ", the same properties"
                pair = (old.type, new.type)
                candidate = Candidate(
                    "type", EntityType.RELATIONSHIP, owner, *pair, why
                )
                found.setdefault(pair, _Rated(candidate, _similar(*pair)))
    olds = Counter(old for old, _ in found)
    news = Counter(new for _, new in found)
    for (old_type, new_type), rated in found.items():
        alone = olds[old_type] == 1 and news[new_type] == 1
        likely = alone or rated.rating >= _SIMILAR
        yield replace(rated, candidate=replace(rated.candidate, likely=likely))


def _properties(before: Schema, after: Schema, renames: Renames) -> Iterator[_Rated]:
    changed = [
        (owner, old, new)
        for owner, old, new in kept_owners(before, after, renames)
        if old.properties != new.properties
    ]
    elements = (_elements(before), _elements(after)) if changed else ({}, {})
    found: dict[tuple[EntityType, str, str, str], _Rated] = {}
    declared: dict[tuple[EntityType, str, str, str], tuple[Property, Property]] = {}
    for (entity, owner), old_owner, new_owner in changed:
        above = [owner, *(new_owner.bases if isinstance(new_owner, Node) else ())]
        decided: dict[str, str] = {}
        for label in above:
            decided |= renames.properties.get((entity, label), {})
        gone, come = _gone_and_come(old_owner, new_owner, decided)
        for old in gone:
            ours = elements[0].get((entity, _name(old_owner), old.name), set())
            for new in come:
                if old.type != new.type:
                    continue
                theirs = elements[1].get((entity, owner, new.name), set())
                why, rating = _alike(old, new, ours, theirs)
                key = (entity, owner, old.name, new.name)
                alone = _alone(old, gone) and _alone(new, come)
                likely = alone or _similar(old.name, new.name) >= _SIMILAR
                candidate = Candidate("property", *key, why, likely=likely)
                found[key] = _Rated(candidate, rating)
                declared[key] = (old, new)
    together: dict[tuple[Any, ...], list[_Rated]] = {}
    for key, rated in found.items():
        entity, owner, *names = key
        bases = after.nodes[owner].bases if entity is EntityType.NODE else ()
        if not any((entity, base, *names) in found for base in bases):
            same = (entity, *declared[key], rated.candidate.why)
            together.setdefault(same, []).append(rated)
    for first, *others in together.values():
        owners = tuple(rated.candidate.owner for rated in others)
        likely = any(rated.candidate.likely for rated in (first, *others))
        candidate = replace(first.candidate, others=owners, likely=likely)
        yield replace(first, candidate=candidate)


def _alone(declared: Property, among: list[Property]) -> bool:
    return sum(other.type == declared.type for other in among) == 1


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


def _elements(schema: Schema) -> dict[tuple[EntityType, str, str], set[str]]:
    """Return in words which indexes and constraints lie on each property."""
    found: dict[tuple[EntityType, str, str], set[str]] = {}
    for element in schema.elements.values():
        noun = "index" if isinstance(element, Index) else "constraint"
        words = f"{element.kind.value} {noun}"
        for label in element.labels:
            for name in element.properties:
                found.setdefault((element.entity, label, name), set()).add(words)
    return found


def _features(schema: Schema, type_: str) -> set[tuple[str, str]]:
    declared = schema.relationship_types.get(type_)
    return {(p.name, p.type) for p in declared.properties} if declared else set()


def _identified(schema: Schema, type_: str) -> bool:
    declared = schema.relationship_types.get(type_)
    return declared is not None and declared.kgid is not None


def _same_ends(old: Relationship, new: Relationship, renames: Renames) -> bool:
    ours = (old.direction, renames.label(old.target))
    return ours == (new.direction, new.target)


def _name(owner: Node | RelationshipType) -> str:
    return owner.label if isinstance(owner, Node) else owner.type


def _likely(rated: _Rated) -> tuple[Any, ...]:
    found = rated.candidate
    place = (found.owner, found.entity.value, found.old, found.new)
    return (_ORDER.index(found.kind), not found.likely, -rated.rating, *place)


def _similar(old: str, new: str) -> float:
    """Return which part of their pairs of neighbouring letters two names share."""
    ours, theirs = _pairs_of_letters(old), _pairs_of_letters(new)
    return len(ours & theirs) / len(ours | theirs)


@functools.lru_cache(maxsize=4096)
def _pairs_of_letters(name: str) -> frozenset[str]:
    letters = f" {name.lower()} "
    return frozenset(letters[i : i + 2] for i in range(len(letters) - 1))


# Which of the possible renames are offered, and what they become where they are so ----


def likely_candidates(
    before: Schema, after: Schema, renames: Renames
) -> tuple[Candidate, ...]:
    """Return the likely candidates that can all be followed together.

    A name is offered once, old or new, unless several types can become one.
    """
    offered: list[Candidate] = []
    for candidate in candidates(before, after, renames):
        if candidate.likely and not any(
            _exclude(before, after, candidate, other) for other in offered
        ):
            offered.append(candidate)
    if not offered:
        return ()
    told = renames
    for candidate in offered:
        told = accepted(told, candidate)
    refused = refused_renames(before, after, told)
    return tuple(
        candidate
        for candidate in offered
        if not any(refuses(refusal, candidate) for refusal in refused)
    )


def can_be_made(
    candidate: Candidate, before: Schema, after: Schema, renames: Renames
) -> bool:
    """Tell whether a candidate would be made if it were accepted."""
    told = certain_renames(before, after, given=accepted(renames, candidate))
    refused = refused_renames(before, after, told)
    return not any(refuses(refusal, candidate) for refusal in refused)


def accepted(renames: Renames, candidate: Candidate) -> Renames:
    """Return the renames with a candidate among them."""
    pair = {candidate.old: candidate.new}
    if candidate.kind == "label":
        return replace(renames, labels={**renames.labels, **pair})
    if candidate.kind == "type":
        return replace(renames, types={**renames.types, **pair})
    owners = {
        (candidate.entity, owner): {
            **renames.properties.get((candidate.entity, owner), {}),
            **pair,
        }
        for owner in candidate.owners
    }
    return replace(renames, properties={**renames.properties, **owners})


def refuses(refusal: Refusal, candidate: Candidate) -> bool:
    """Tell whether a refusal is of this candidate."""
    if (refusal.old, refusal.new) != (candidate.old, candidate.new):
        return False
    if candidate.kind == "property":
        owners = [(candidate.entity, owner) for owner in candidate.owners]
        return (refusal.entity, refusal.owner) in owners
    entity = EntityType.NODE if candidate.kind == "label" else EntityType.RELATIONSHIP
    return (refusal.entity, refusal.owner) == (entity, None)


def _exclude(
    before: Schema, after: Schema, first: Candidate, second: Candidate
) -> bool:
    """Tell whether two candidates can't both be followed."""
    if (first.kind, first.entity) != (second.kind, second.entity):
        return False
    if first.kind == "property" and set(first.owners).isdisjoint(second.owners):
        return False
    if first.old == second.old:
        return True
    if first.new != second.new:
        return False
    together = [first.old, second.old]
    return first.kind != "type" or bool(why_not_one(before, after, together))
