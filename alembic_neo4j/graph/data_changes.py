"""Data changes as batches: what is left to do, and the same as one statement.

Each is safe to run again, on the same ids or from the start. Where the data do not
tell what has been done, as after a conversion that keeps the type, the entity gets a
mark in the same write, and a second change takes the marks off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.graph.patterns import (
    Scope,
    enclosed,
    nodes,
    refuse_own,
    relationships,
)
from alembic_neo4j.graph.quoting import quote
from alembic_neo4j.graph.steps import DEFAULT_BATCH_SIZE, Batched
from alembic_neo4j.schema.changes import OnConflict

RELATIONSHIP_BATCH_SIZE = 5_000
"""How many relationships are created anew at once; they weigh more than a property."""


def archive_name(revision: str, name: str) -> str:
    """Return the property that holds the values that a revision removed.

    It is on the entity itself: moving a value there is atomic in each batch, keeps
    the entity's identity, and bringing it back needs no join.
    """
    return f"_alembic_archive_{revision}_{name}"


def mark_name(revision: str, name: str) -> str:
    """Return the property that tells which entities a revision has done already."""
    return f"_alembic_done_{revision}_{name}"


def add_label(label: str, added: str) -> Batched:
    """Give a further label to the nodes with a label."""
    refuse_own(added)
    change = f"SET n:{quote(added)}"
    return _batched(
        f"add the label {added} to {label}",
        _Rewrite(nodes(label), f"NOT n:{quote(added)}", change),
    )


def remove_label(label: str, removed: str) -> Batched:
    """Take a label off the nodes with another one."""
    refuse_own(removed)
    change = f"REMOVE n:{quote(removed)}"
    return _batched(
        f"remove the label {removed} from {label}",
        _Rewrite(nodes(label), f"n:{quote(removed)}", change),
    )


def rename_label(old: str, new: str) -> Batched:
    """Give the nodes with a label another one in its place."""
    refuse_own(new)
    change = f"SET n:{quote(new)} REMOVE n:{quote(old)}"
    return _batched(
        f"rename the label {old} to {new}", _Rewrite(nodes(old), "", change)
    )


def rename_type(old: str, new: str) -> Batched:
    """Replace each relationship of a type by one of another with the same ends."""
    return _batched(
        f"rename the relationship type {old} to {new}",
        _Rewrite(
            relationships(old),
            "",
            _replaced(f"(s)-[copy:{quote(new)}]->(e)"),
            pattern=f"(s)-[r:{quote(old)}]->(e)",
            imported="s, r, e",
        ),
        batch_size=RELATIONSHIP_BATCH_SIZE,
    )


def reverse(source: str, type_: str, target: str, *, mark: str) -> Batched:
    """Turn round the relationships of a type that lead from a label to another.

    What has been turned round can't be told from what has not, at the least where
    source and target are the same; therefore the new relationship is marked. One that
    begins and ends at the same node stays as it is.
    """
    for label in (source, target):
        refuse_own(label)
    ends = (f"(s:{quote(source)})", f"(e:{quote(target)})")
    return _batched(
        f"turn round {source}-[{type_}]->{target}",
        _Rewrite(
            relationships(type_),
            f"s <> e AND r.{quote(mark)} IS NULL",
            _replaced(f"(e)-[copy:{quote(type_)}]->(s)")
            + f" SET copy.{quote(mark)} = true",
            pattern=f"{ends[0]}-[r:{quote(type_)}]->{ends[1]}",
            imported="s, r, e",
        ),
        batch_size=RELATIONSHIP_BATCH_SIZE,
    )


def remove_property(scope: Scope, name: str, *, title: str = "") -> Batched:
    """Remove a property and its values."""
    value = scope.value(name)
    return _batched(
        title or f"remove {name} from {scope}",
        _Rewrite(scope, f"{value} IS NOT NULL", f"REMOVE {value}"),
    )


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
    return _batched(
        title or f"rename {old} to {new} on {scope}",
        _Rewrite(scope, left, f"SET {goal} = {moved} REMOVE {source}"),
        batch_size=batch_size or DEFAULT_BATCH_SIZE,
    )


def set_default(scope: Scope, name: str, value: Any) -> Batched:
    """Set a property to a value where it is missing."""
    operand = scope.value(name)
    return _batched(
        f"set {name} of {scope} to its default",
        _Rewrite(
            scope,
            f"{operand} IS NULL",
            f"SET {operand} = $value",
            parameters={"value": list(value) if isinstance(value, tuple) else value},
        ),
    )


def fill(scope: Scope, name: str, expression: str) -> Batched:
    """Set a property by an expression where it is missing and that gives a value."""
    operand, given = scope.value(name), enclosed(expression)
    return _batched(
        f"set {name} of {scope} where it is missing",
        _Rewrite(
            scope,
            f"{operand} IS NULL AND {given} IS NOT NULL",
            f"SET {operand} = {given}",
        ),
    )


def convert(
    scope: Scope, name: str, using: str, *, pending: str, mark: str | None
) -> Batched:
    """Set a property by an expression over its ``value`` where that is `pending`."""
    operand = scope.value(name)
    marked = "" if mark is None else f", {scope.value(mark)} = true"
    return _batched(
        f"convert {name} of {scope}",
        _Rewrite(
            scope,
            f"{operand} IS NOT NULL AND {pending}",
            f"WITH *, {operand} AS value SET {operand} = {enclosed(using)}{marked}",
        ),
    )


# ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rewrite:
    """What is changed: the pattern, what of it is left to do, and the change.

    `change` may use the variables in `imported`.
    """

    scope: Scope
    left: str
    change: str
    pattern: str = ""
    imported: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def _batched(
    title: str, rewrite: _Rewrite, *, batch_size: int = DEFAULT_BATCH_SIZE
) -> Batched:
    scope, left = rewrite.scope, rewrite.left
    variable, rest = scope.variable, left and f" AND {left}"
    match = f"MATCH {rewrite.pattern or scope.pattern}"
    found = f"MATCH {scope.pattern} RETURN"
    # Deprecated since 5.0 and understood by Cypher 5 and 25: only an internal id has
    # ranges, and keeps the order of a scan.
    id_ = f"id({variable})"
    return Batched(
        title,
        select=_lines(
            match,
            f"WHERE {id_} > $after{rest}",
            f"WITH {variable} ORDER BY {variable} LIMIT $limit",
            f"RETURN collect({id_}) AS ids",
        ),
        write=_lines(
            match,
            f"WHERE {id_} IN $ids{rest}",
            rewrite.change,
            "RETURN count(*) AS changed",
        ),
        offline=_lines(
            match,
            left and f"WHERE {left}",
            f"CALL ({rewrite.imported or variable}) {{",
            f"  {rewrite.change}",
            f"}} IN TRANSACTIONS OF {batch_size} ROWS",
        ),
        parameters=rewrite.parameters,
        batch_size=batch_size,
        extent=_lines(
            f"{found} count(*) AS value",
            f"UNION ALL {found} {id_} AS value ORDER BY {variable} LIMIT 1",
            f"UNION ALL {found} {id_} AS value ORDER BY {variable} DESC LIMIT 1",
        ),
        walk=_lines(
            match,
            f"WHERE {id_} IN range($first, $last){rest}",
            f"WITH *, {id_} AS _id ORDER BY _id LIMIT $size",
            rewrite.change,
            "RETURN count(*) AS changed, max(_id) AS last",
        ),
        count=_lines(match, left and f"WHERE {left}", "RETURN count(*) AS count"),
    )


def _replaced(created: str) -> str:
    # Deleted before its copy is created: the copy has the same unique values.
    return (
        f"WITH *, properties(r) AS properties DELETE r "
        f"CREATE {created} SET copy = properties"
    )


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
