"""A change of nodes or relationships, as the texts that carry it out in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.graph.patterns import Scope, enclosed
from alembic_neo4j.graph.steps import DEFAULT_BATCH_SIZE, Batched


@dataclass(frozen=True)
class Rewrite:
    """What is changed: the pattern, what of it is left to do, and the change.

    `where` is a person's predicate, which narrows it down. `change` may use the
    variables in `imported`, and keeps one row for each entity.
    """

    scope: Scope
    left: str
    change: str
    pattern: str = ""
    imported: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    where: str | None = None


def batched(
    title: str,
    rewrite: Rewrite,
    *,
    usual: int = DEFAULT_BATCH_SIZE,
    batch_size: int | None = None,
    done: str = "changed",
) -> Batched:
    """Return the change in batches, safe to run again from the start.

    `batch_size` is a person's, `usual` what it is without one.
    """
    scope, left = rewrite.scope, both(rewrite.left, rewrite.where)
    variable, rest = scope.variable, left and f" AND {left}"
    match = f"MATCH {rewrite.pattern or scope.pattern}"
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
            f"}} IN TRANSACTIONS OF {batch_size or usual} ROWS",
        ),
        parameters=rewrite.parameters,
        batch_size=usual,
        chosen_size=batch_size,
        done=done,
        extent=extent(scope.pattern, variable),
        walk=_lines(
            match,
            f"WHERE {id_} IN range($first, $last){rest}",
            f"WITH *, {id_} AS _id ORDER BY _id LIMIT $size",
            rewrite.change,
            "RETURN count(*) AS changed, max(_id) AS last",
        ),
        count=_lines(match, left and f"WHERE {left}", "RETURN count(*) AS count"),
    )


def extent(pattern: str, variable: str) -> str:
    """Return the query for how many a pattern finds, and their first and last id."""
    found, id_ = f"MATCH {pattern} RETURN", f"id({variable})"
    return (
        f"{found} count(*) AS value\n"
        f"UNION ALL {found} {id_} AS value ORDER BY {variable} LIMIT 1\n"
        f"UNION ALL {found} {id_} AS value ORDER BY {variable} DESC LIMIT 1"
    )


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def both(predicate: str, where: str | None) -> str:
    """Return a predicate, narrowed down by a person's where there is one."""
    if where is None:
        return predicate
    return f"{predicate} AND {enclosed(where)}" if predicate else enclosed(where)
