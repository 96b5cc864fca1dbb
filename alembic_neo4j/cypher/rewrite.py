"""A change of nodes or relationships, as the texts that carry it out in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.cypher.patterns import Scope, enclosed
from alembic_neo4j.cypher.steps import DEFAULT_BATCH_SIZE, Batched


@dataclass(frozen=True)
class Rewrite:
    """What is changed: what is matched, what of it is left to do, and the change.

    `match` is one MATCH or several, and `variable` what they call the entity; where
    they may find it more than once, it `repeats`. `change` begins with one row for each
    entity and keeps it, and may use the variables in `imported`. With an `extent`, the
    pattern of all that there may be to look at, ids that lie close together are walked
    through.
    """

    match: str
    variable: str
    left: str
    change: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    imported: str = ""
    repeats: bool = False
    extent: str = ""

    @classmethod
    def within(
        cls,
        scope: Scope,
        left: str,
        change: str,
        *,
        pattern: str = "",
        imported: str = "",
        parameters: Mapping[str, Any] | None = None,
        where: str | None = None,
    ) -> Rewrite:
        """Return the rewrite of a scope, by its own pattern or a more exact one.

        `where` is a person's predicate, which narrows down what is `left`.
        """
        return cls(
            f"MATCH {pattern or scope.pattern}",
            scope.variable,
            both(left, where),
            change,
            parameters or {},
            imported,
            extent=scope.pattern,
        )


def batched(
    title: str,
    rewrite: Rewrite,
    *,
    usual: int = DEFAULT_BATCH_SIZE,
    batch_size: int | None = None,
    done: str = "changed",
    only_marks: bool = False,
) -> Batched:
    """Return the change in batches, safe to run again from the start.

    `batch_size` is a person's, `usual` what it is without one.
    """
    match, left, variable = rewrite.match, rewrite.left, rewrite.variable
    rest = left and f" AND {left}"
    once = f"DISTINCT {variable}" if rewrite.repeats else ""
    # Deprecated since 5.0 and understood by Cypher 5 and 25: only an internal id has
    # ranges, and keeps the order of a scan.
    id_ = f"id({variable})"
    return Batched(
        title,
        select=_lines(
            match,
            f"WHERE {id_} > $after{rest}",
            f"WITH {once or variable} ORDER BY {variable} LIMIT $limit",
            f"RETURN collect({id_}) AS ids",
        ),
        write=_lines(
            match,
            f"WHERE {id_} IN $ids{rest}",
            once and f"WITH {once}",
            rewrite.change,
            "RETURN count(*) AS changed",
        ),
        offline=_lines(
            match,
            left and f"WHERE {left}",
            once and f"WITH {once}",
            f"CALL ({rewrite.imported or variable}) {{",
            *(f"  {line}" for line in rewrite.change.splitlines()),
            f"}} IN TRANSACTIONS OF {batch_size or usual} ROWS",
        ),
        parameters=rewrite.parameters,
        batch_size=usual,
        chosen_size=batch_size,
        done=done,
        only_marks=only_marks,
        extent=rewrite.extent and extent(rewrite.extent, variable),
        walk=rewrite.extent
        and _lines(
            match,
            f"WHERE {id_} IN range($first, $last){rest}",
            f"WITH {once or '*'}, {id_} AS _id ORDER BY _id LIMIT $size",
            rewrite.change,
            "RETURN count(*) AS changed, max(_id) AS last",
        ),
        count=_lines(
            match,
            left and f"WHERE {left}",
            f"RETURN count({once or '*'}) AS count",
        ),
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
