"""Relationship types that get another name, alone or several the same one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alembic_neo4j.schema.changes import Change, RenameRelationshipType
from alembic_neo4j.schema.definitions import EntityType, Node, Schema
from alembic_neo4j.schema.diff.intermediate import Move, Refusal, Working
from alembic_neo4j.schema.diff.merges import sources, why_not_one
from alembic_neo4j.schema.diff.remarks import shown
from alembic_neo4j.schema.diff.renames import in_order, used_types


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
