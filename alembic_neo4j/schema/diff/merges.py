"""When several relationship types can become one, and part again on the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from alembic_neo4j.schema.definitions import Direction, Node, Schema
from alembic_neo4j.schema.diff.ends import Ends
from alembic_neo4j.schema.diff.remarks import shown


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
