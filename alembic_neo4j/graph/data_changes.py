"""Data changes as batches: what is left to do, and the same as one statement.

Each is safe to run again, on the same ids or from the start. Where the data do not
tell what has been done, as after a conversion that keeps the type, the entity gets a
mark in the same write, and a second change takes the marks off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic_neo4j.graph.patterns import (
    Scope,
    enclosed,
    nodes,
    refuse_own,
    relationships,
)
from alembic_neo4j.graph.quoting import quote
from alembic_neo4j.graph.rewrite import Rewrite, batched
from alembic_neo4j.graph.steps import Batched
from alembic_neo4j.schema.changes import OnConflict

RELATIONSHIP_BATCH_SIZE = 5_000
"""How many relationships are created anew at once; they weigh more than a property."""


ARCHIVE_PREFIX = "_alembic_archive_"


def archive_name(revision: str, name: str) -> str:
    """Return the property that holds the values that a revision removed.

    It is on the entity itself: moving a value there is atomic in each batch, keeps
    the entity's identity, and bringing it back needs no join.
    """
    return f"{ARCHIVE_PREFIX}{revision}_{name}"


def mark_name(revision: str, name: str) -> str:
    """Return the property that tells which entities a revision has done already."""
    return f"_alembic_done_{revision}_{name}"


def add_labels(
    label: str,
    added: Sequence[str],
    *,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Give further labels to the nodes with a label."""
    for name in added:
        refuse_own(name)
    labels = _joined(added)
    word = "label" if len(added) == 1 else "labels"
    return batched(
        f"add the {word} {', '.join(added)} to {label}",
        Rewrite.within(nodes(label), f"NOT n{labels}", f"SET n{labels}", where=where),
        batch_size=batch_size,
    )


def remove_label(
    label: str, removed: str, *, where: str | None = None, batch_size: int | None = None
) -> Batched:
    """Take a label off the nodes with another one."""
    refuse_own(removed)
    change = f"REMOVE n:{quote(removed)}"
    return batched(
        f"remove the label {removed} from {label}",
        Rewrite.within(nodes(label), f"n:{quote(removed)}", change, where=where),
        batch_size=batch_size,
    )


def rename_label(
    old: str,
    new: Sequence[str],
    *,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Give the nodes with a label another one in its place, and those of its bases."""
    for name in new:
        refuse_own(name)
    change = f"SET n{_joined(new)} REMOVE n:{quote(old)}"
    return batched(
        f"rename the label {old} to {new[0]}",
        Rewrite.within(nodes(old), "", change, where=where),
        batch_size=batch_size,
    )


def _joined(labels: Sequence[str]) -> str:
    return "".join(f":{quote(label)}" for label in labels)


def rename_type(
    old: str, new: str, *, where: str | None = None, batch_size: int | None = None
) -> Batched:
    """Replace each relationship of a type by one of another with the same ends."""
    return batched(
        f"rename the relationship type {old} to {new}",
        Rewrite.within(
            relationships(old),
            "",
            replaced(f"(s)-[copy:{quote(new)}]->(e)"),
            pattern=f"(s)-[r:{quote(old)}]->(e)",
            imported="s, r, e",
            where=where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=batch_size,
    )


def reverse(
    source: str,
    type_: str,
    target: str,
    *,
    mark: str,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Turn round the relationships of a type that lead from a label to another.

    What has been turned round can't be told from what has not, at the least where
    source and target are the same; therefore the new relationship is marked. One that
    begins and ends at the same node stays as it is.
    """
    for label in (source, target):
        refuse_own(label)
    ends = (f"(s:{quote(source)})", f"(e:{quote(target)})")
    return batched(
        f"turn round {source}-[{type_}]->{target}",
        Rewrite.within(
            relationships(type_),
            f"s <> e AND r.{quote(mark)} IS NULL",
            replaced(f"(e)-[copy:{quote(type_)}]->(s)")
            + f" SET copy.{quote(mark)} = true",
            pattern=f"{ends[0]}-[r:{quote(type_)}]->{ends[1]}",
            imported="s, r, e",
            where=where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=batch_size,
    )


def remove_property(scope: Scope, name: str, *, title: str = "") -> Batched:
    """Remove a property and its values."""
    value = scope.value(name)
    return batched(
        title or f"remove {name} from {scope}",
        Rewrite.within(scope, f"{value} IS NOT NULL", f"REMOVE {value}"),
    )


def unmark(scope: Scope, mark: str) -> Batched:
    """Take off the marks that a change has left on what it has done."""
    return remove_property(scope, mark, title=f"take the marks off {scope}")


def move_property(
    scope: Scope,
    old: str,
    new: str,
    *,
    among: str,
    on_conflict: OnConflict = "overwrite",
    batch_size: int | None = None,
    title: str = "",
) -> Batched:
    """Move the values of a property to another name.

    `among` is a predicate that narrows the scope. Where both names have a value,
    "fail" leaves the entity as it is, "overwrite" takes the old name's value, "keep"
    the new name's.
    """
    source, goal = scope.value(old), scope.value(new)
    left = f"{among} AND {goal} IS NULL" if on_conflict == "fail" else among
    moved = f"coalesce({goal}, {source})" if on_conflict == "keep" else source
    return batched(
        title or f"rename {old} to {new} on {scope}",
        Rewrite.within(scope, left, f"SET {goal} = {moved} REMOVE {source}"),
        batch_size=batch_size,
    )


def set_default(scope: Scope, name: str, value: Any) -> Batched:
    """Set a property to a value where it is missing."""
    operand = scope.value(name)
    return batched(
        f"set {name} of {scope} to its default",
        Rewrite.within(
            scope,
            f"{operand} IS NULL",
            f"SET {operand} = $value",
            parameters={"value": list(value) if isinstance(value, tuple) else value},
        ),
    )


def fill(
    scope: Scope,
    name: str,
    expression: str,
    *,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Set a property by an expression where it is missing and that gives a value."""
    operand, given = scope.value(name), enclosed(expression)
    return batched(
        f"set {name} of {scope} where it is missing",
        Rewrite.within(
            scope,
            f"{operand} IS NULL AND {given} IS NOT NULL",
            f"SET {operand} = {given}",
            where=where,
        ),
        batch_size=batch_size,
    )


def convert(
    scope: Scope, name: str, using: str, *, pending: str, mark: str | None
) -> Batched:
    """Set a property by an expression over its ``value`` where that is `pending`."""
    operand = scope.value(name)
    marked = "" if mark is None else f", {scope.value(mark)} = true"
    return batched(
        f"convert {name} of {scope}",
        Rewrite.within(
            scope,
            f"{operand} IS NOT NULL AND {pending}",
            f"WITH *, {operand} AS value SET {operand} = {enclosed(using)}{marked}",
        ),
    )


def replaced(created: str) -> str:
    """Return what puts a relationship called ``copy`` in the place of ``r``."""
    # Deleted before its copy is created: the copy has the same unique values.
    return (
        f"WITH *, properties(r) AS properties DELETE r "
        f"CREATE {created} SET copy = properties"
    )
