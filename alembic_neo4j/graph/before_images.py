"""The before-images in a graph: their index, and how many there are."""

from __future__ import annotations

import time
from collections.abc import Sequence

from alembic_neo4j.cypher.before_images import (
    CREATE_INDEX,
    INDEX,
    LABEL,
    SAME,
    of_batch,
)
from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupts
from alembic_neo4j.graph.watchdog import schema_transaction
from alembic_neo4j.schema.definitions import EntityType
from alembic_neo4j.waiting import waiting_for

_STATE = "SHOW INDEXES YIELD name, state WHERE name = $name RETURN state"
_DROP = f"DROP INDEX {INDEX}"
_REMOVE = (
    f"MATCH (b:{LABEL}) WITH b LIMIT $size DETACH DELETE b RETURN count(*) AS removed"
)
_AT_ONCE = 10_000


def ensure_index(graph: Graph, *, timeout: float, interrupts: Interrupts) -> None:
    """Make sure that there is the index by which an entity's images are found.

    Raises StatementError when it does not come online within `timeout` seconds.
    """
    with waiting_for(f"the index {INDEX} to be populated", limit=timeout):
        _await_index(graph, timeout, interrupts)


def _await_index(graph: Graph, timeout: float, interrupts: Interrupts) -> None:
    until = time.monotonic() + timeout
    while (state := _state(graph)) != "ONLINE":
        if state is None or state == "FAILED":
            statement = _DROP if state else CREATE_INDEX
            schema_transaction(
                graph, [(statement, {})], timeout=timeout, interrupts=interrupts
            )
        elif time.monotonic() > until:
            raise StatementError(
                f"the index {INDEX} did not come online within {timeout:g} seconds "
                "(neo4j.schema_timeout); run the same command again"
            )
        else:
            time.sleep(0.01)


def drop_unused_index(graph: Graph, *, timeout: float, interrupts: Interrupts) -> None:
    """Drop the index where there is no image any more.

    Nobody else may load meanwhile. Raises StatementError where the server refuses it.
    """
    if _state(graph) is not None and not has_images(graph):
        schema_transaction(graph, [(_DROP, {})], timeout=timeout, interrupts=interrupts)


def remove_images(graph: Graph) -> None:
    """Remove the images of every batch, in transactions of bounded size."""
    removed = _AT_ONCE
    while removed == _AT_ONCE:
        ((row,),) = graph.transaction([(_REMOVE, {"size": _AT_ONCE})])
        removed = row["removed"]


def _state(graph: Graph) -> str | None:
    rows = graph.read(_STATE, {"name": INDEX})
    return rows[0]["state"] if rows else None


def has_images(graph: Graph) -> bool:
    """Tell whether there is any image at all."""
    return bool(graph.read(f"MATCH (b:{LABEL}) RETURN b.batch AS batch LIMIT 1"))


def count_lost(
    graph: Graph, batch: str, entity: EntityType, owners: Sequence[str] | None
) -> int:
    """Return how many images of a batch are of entities that are there no longer."""
    query = (
        f"MATCH (b:{LABEL}) WHERE {of_batch(entity, owners)} AND NOT EXISTS {{ "
        f"MATCH {SAME[entity]} }} RETURN count(*) AS lost"
    )
    (row,) = graph.read(query, {"batch": batch, "owners": list(owners or ())})
    return int(row["lost"])


def imaged_batches(graph: Graph) -> set[str]:
    """Return the batches that have images."""
    rows = graph.read(f"MATCH (b:{LABEL}) RETURN DISTINCT b.batch AS batch")
    return {row["batch"] for row in rows}


def count_images(graph: Graph, entity: EntityType | None = None) -> dict[str, int]:
    """Return how many images each batch has, of all that have any."""
    narrowed = f" WHERE b.entity = '{entity.value}'" if entity else ""
    rows = graph.read(
        f"MATCH (b:{LABEL}){narrowed} RETURN b.batch AS batch, count(b) AS count"
    )
    return {row["batch"]: row["count"] for row in rows}
