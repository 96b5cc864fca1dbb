"""Emptying a graph, for tests: everything in it is gone, our own nodes included."""

from __future__ import annotations

from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph

_BATCH = 10_000


def wipe(graph: Graph) -> None:
    """Delete every node, relationship, constraint and index of the graph.

    The caller has made sure that the graph is disposable.
    """
    constraints = graph.read("SHOW CONSTRAINTS YIELD name")
    drops = [f"DROP CONSTRAINT {quote(row['name'])}" for row in constraints]
    indexes = graph.read(
        "SHOW INDEXES YIELD name, type, owningConstraint "
        "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name"
    )
    drops += [f"DROP INDEX {quote(row['name'])}" for row in indexes]
    if drops:
        graph.transaction([(drop, {}) for drop in drops])
    delete = "MATCH (n) WITH n LIMIT $size DETACH DELETE n RETURN count(*) AS deleted"
    deleted = _BATCH
    while deleted == _BATCH:
        deleted = graph.transaction([(delete, {"size": _BATCH})])[0][0]["deleted"]
