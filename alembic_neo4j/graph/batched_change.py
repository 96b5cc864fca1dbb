"""A change of whatever a pattern finds, as the texts that carry it out in batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_neo4j.graph.rewrite import extent
from alembic_neo4j.graph.steps import DEFAULT_BATCH_SIZE, Batched


def batched_change(
    title: str,
    *,
    match: str,
    variable: str,
    left: str,
    change: str,
    parameters: Mapping[str, Any],
    scope: str = "",
    batch_size: int = DEFAULT_BATCH_SIZE,
    done: str = "changed",
) -> Batched:
    """Return the change of the entities called `variable` where `left` holds.

    `match` is one MATCH or several, and may find an entity more than once; `change`
    begins with one row for each. With a `scope`, the pattern of all that there may be
    to look at, ids that lie close together are walked through.
    """
    id_ = f"id({variable})"
    once = f"WITH DISTINCT {variable}"
    return Batched(
        title,
        select=(
            f"{match}\nWHERE {id_} > $after AND {left}\n{once} ORDER BY {variable} "
            f"LIMIT $limit\nRETURN collect({id_}) AS ids"
        ),
        write=(
            f"{match}\nWHERE {id_} IN $ids AND {left}\n{once}\n{change}\n"
            "RETURN count(*) AS changed"
        ),
        offline=(
            f"{match}\nWHERE {left}\n{once}\nCALL ({variable}) {{\n"
            f"{_indented(change)}\n}} IN TRANSACTIONS OF {batch_size} ROWS"
        ),
        parameters=parameters,
        batch_size=batch_size,
        done=done,
        extent=scope and extent(scope, variable),
        walk=scope
        and (
            f"{match}\nWHERE {id_} IN range($first, $last) AND {left}\n{once}, "
            f"{id_} AS _id ORDER BY _id LIMIT $size\n{change}\n"
            "RETURN count(*) AS changed, max(_id) AS last"
        ),
        count=f"{match}\nWHERE {left}\nRETURN count(DISTINCT {variable}) AS count",
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
