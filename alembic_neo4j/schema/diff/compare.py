"""The changes that lead from one schema to another, in an order that can run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.diff.indexes import compare_elements, vector_notes
from alembic_neo4j.schema.diff.intermediate import Note, Refusal, Working
from alembic_neo4j.schema.diff.labels import (
    add_labels,
    add_nodes,
    alter_nodes,
    complete_bases,
    redeclared,
    remove_labels,
    remove_nodes,
    rename_labels,
    with_all_bases,
)
from alembic_neo4j.schema.diff.properties import (
    Demands,
    NodeProperties,
    rename_properties,
)
from alembic_neo4j.schema.diff.relationships import (
    NodeRelationships,
    compare_types,
    rename_types,
    reverse_relationships,
)
from alembic_neo4j.schema.diff.renames import Renames


@dataclass(frozen=True)
class Difference:
    """What leads from one schema to another, remarks on it, and renames not made."""

    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)


def diff(
    before: Schema,
    after: Schema,
    *,
    renames: Renames | None = None,
    compare_names: bool = False,
) -> Difference:
    """Return the changes that lead from one schema to the other.

    Applied one after the other they give `after`, and their reverses in reversed
    order give `before` again. Drops of indexes and constraints come first, then
    renames, then data, then creations. A rename that does not fit the schemas is left
    out. With `compare_names` an index or constraint of another name is another one.
    """
    renames = renames or Renames()
    completed = with_all_bases(after.nodes)
    if completed and before.nodes == after.nodes:
        completed = {}
    working = Working(before, replace(after, nodes={**after.nodes, **completed}))
    demands = Demands.of(after)
    declarations = _renamed(working, renames)
    labels = add_labels(working)
    changed = [
        *alter_nodes(working),
        *NodeProperties(working, demands).compare(),
        *compare_types(working, demands),
        *reverse_relationships(working),
        *NodeRelationships(working).compare(),
    ]
    first, last = add_nodes(working)
    for label, node in sorted(completed.items()):
        last += redeclared(node, after.nodes[label])
    drops, creations = compare_elements(
        before,
        after,
        moves=working.moves,
        touched=working.touched,
        compare_names=compare_names,
    )
    return Difference(
        (*drops, *declarations, *first, *labels, *changed, *last, *creations),
        (*working.notes, *vector_notes(drops, creations)),
        tuple(working.refusals),
    )


def refused_renames(
    before: Schema, after: Schema, renames: Renames
) -> tuple[Refusal, ...]:
    """Return the renames that a difference would leave out."""
    working = Working(before, after)
    _renamed(working, renames)
    return tuple(working.refusals)


def _renamed(working: Working, renames: Renames) -> list[Change]:
    """Rename what is to be renamed, and remove what would be in its way."""
    return [
        *rename_labels(working, renames.labels),
        *rename_types(working, renames.types),
        *remove_nodes(working),
        *complete_bases(working),
        *remove_labels(working),
        *rename_properties(working, renames.properties),
    ]
