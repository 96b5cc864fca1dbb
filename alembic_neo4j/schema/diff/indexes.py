"""Indexes and constraints: what is dropped before all else, what is created after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    Change,
    DropConstraint,
    DropIndex,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Schema,
    distinct_name,
)
from alembic_neo4j.schema.diff.intermediate import Move, Note, shown
from alembic_neo4j.schema.kinds import IndexKind

Place: TypeAlias = "tuple[EntityType, str]"


def compare_elements(
    before: Schema,
    after: Schema,
    *,
    moves: Iterable[Move] = (),
    touched: Collection[tuple[EntityType, str, str]] = (),
    compare_names: bool = False,
) -> tuple[list[Change], list[Change]]:
    """Return the drops and the creations, in the order in which they can run.

    What moves with a rename and is wanted where it gets to stays. What lies on a
    property whose values change is dropped and created again.
    """
    old: Mapping[Any, Element] = before.elements
    new: Mapping[Any, Element] = after.elements
    places = dict(old)
    _move(places, moves)
    kept: dict[Any, Element] = {}
    drops: list[Element] = []
    for key, element in old.items():
        moved = places.get(key)
        if moved is None or _is_touched(moved, touched):
            drops.append(element)
            continue
        wanted = new.get(moved.key)
        if wanted == moved and (not compare_names or _named_alike(moved, wanted)):
            kept[moved.key] = moved
        else:
            drops.append(element)
    taken = {name for element in kept.values() for name in _possible_names(element)}
    creations = [element for key, element in new.items() if key not in kept]
    return (
        [_drop(element) for element in reversed(_sorted(drops))],
        [_add(element, taken) for element in _sorted(creations)],
    )


def vector_notes(drops: Iterable[Change], creations: Iterable[Change]) -> list[Note]:
    """Return a remark for each vector index whose embeddings get another size."""
    sizes = {
        c.index.key: dict(c.index.options).get("vector.dimensions")
        for c in drops
        if isinstance(c, DropIndex) and c.index.kind is IndexKind.VECTOR
    }
    notes = []
    for change in creations:
        if not isinstance(change, AddIndex) or change.index.key not in sizes:
            continue
        index, old = change.index, sizes[change.index.key]
        new = dict(index.options).get("vector.dimensions")
        if new is not None and new != old:
            notes.append(
                Note(
                    f"{shown(index.labels[0], index.properties[0])}: the vector index "
                    f"takes embeddings of {new} numbers; those of another size "
                    f"(before: {old}) are silently not indexed until they are "
                    "computed again",
                    index.labels[0],
                )
            )
    return notes


def _move(places: dict[Any, Element], moves: Iterable[Move]) -> None:
    """Put each element where the renames take it; drop those in the way of one."""
    by_place: dict[Place, set[Any]] | None = None
    for move in moves:
        if by_place is None:
            by_place = _by_place(places)
        entity = _entity(move.change)
        found = {
            key
            for label in move.labels
            for key in by_place.get((entity, label), ())
            if key in places
        }
        for key in found:
            moved = _moved(places[key], move)
            if moved is None:
                del places[key]
            elif moved is not places[key]:
                places[key] = moved
                for label in moved.labels:
                    by_place.setdefault((entity, label), set()).add(key)


def _by_place(elements: Mapping[Any, Element]) -> dict[Place, set[Any]]:
    found: dict[Place, set[Any]] = {}
    for key, element in elements.items():
        for label in element.labels:
            found.setdefault((element.entity, label), set()).add(key)
    return found


def _entity(
    change: RenameLabel | RenameRelationshipType | RenameProperty,
) -> EntityType:
    if isinstance(change, RenameProperty):
        return change.entity
    return (
        EntityType.NODE if isinstance(change, RenameLabel) else EntityType.RELATIONSHIP
    )


def _moved(element: Element, move: Move) -> Element | None:
    """Return an element where a rename takes it, None where it is in the way.

    What names the new label or property already would move on the way back, too.
    """
    change = move.change
    if isinstance(change, RenameProperty):
        if not move.labels.issuperset(element.labels):
            return element
        if change.new in element.properties:
            return None
        return _renamed(element, change, set(move.labels))
    if change.new in element.labels:
        return None
    if isinstance(element, Index):
        return change.move(element)
    return change.move(element)


def _renamed(element: Element, change: RenameProperty, labels: set[str]) -> Element:
    if isinstance(element, Index):
        return change.move(element, labels)
    return change.move(element, labels)


def _named_alike(first: Element, second: Element | None) -> bool:
    return second is not None and first.name == second.name


def _is_touched(
    element: Element, touched: Collection[tuple[EntityType, str, str]]
) -> bool:
    return bool(touched) and any(
        (element.entity, label, name) in touched
        for label in element.labels
        for name in element.properties
    )


def _possible_names(element: Element) -> tuple[str, str]:
    # A rename adds the suffix where another element has the name.
    return element.name, distinct_name(element.name, element.key)


def _sorted(elements: Iterable[Element]) -> list[Element]:
    return sorted(elements, key=lambda e: (isinstance(e, Constraint), e.key))


def _drop(element: Element) -> Change:
    if isinstance(element, Index):
        return DropIndex(element)
    return DropConstraint(element)


def _add(element: Element, taken: set[str]) -> Change:
    name = element.name
    while name in taken:
        name = distinct_name(name, element.key)
    taken.add(name)
    if name != element.name:
        element = replace(element, name=name)
    if isinstance(element, Index):
        return AddIndex(element)
    return AddConstraint(element)
