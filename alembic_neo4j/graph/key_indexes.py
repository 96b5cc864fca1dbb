"""Whether nodes are found by keys with an index, or by looking at all of a label."""

from __future__ import annotations

import logging

from alembic_neo4j.cypher.load_targets import LoadTarget, NodeTarget
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph

log = logging.getLogger(__name__)

MANY = 5_000
"""So many nodes of a label are looked at for each row, and it becomes slow."""

_INDEXED = (
    "SHOW INDEXES YIELD type, entityType, labelsOrTypes, properties, state "
    "WHERE type = 'RANGE' AND entityType = 'NODE' AND labelsOrTypes = [$label] "
    "AND state = 'ONLINE' AND all(name IN properties WHERE name IN $keys) "
    "RETURN properties LIMIT 1"
)


def warn_of_scans(graph: Graph, target: LoadTarget) -> None:
    """Say it in the log where each row of a load looks at every node of a label."""
    for label, keys in _lookups(target):
        count = f"MATCH (n:{quote(label)}) RETURN count(n) AS count"
        if graph.read(count)[0]["count"] < MANY:
            continue
        if not graph.read(_INDEXED, {"label": label, "keys": list(keys)}):
            log.warning(
                "Nodes :%s are found by %s without an index, by looking at all of "
                "them for each row: op.add_unique_constraint or op.add_index first",
                label,
                ", ".join(keys),
            )


def _lookups(target: LoadTarget) -> set[tuple[str, tuple[str, ...]]]:
    if isinstance(target, NodeTarget):
        return {(target.owner, target.merge_keys)} if target.merge_keys else set()
    return {(end.label, end.keys) for end in (target.source, target.target)}
