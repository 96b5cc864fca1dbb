"""What nodes with some labels have besides: what goes with them when they go."""

from __future__ import annotations

from alembic_neo4j.cypher.patterns import nodes
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.changes.touched import TouchedNames, labels, properties, types
from alembic_neo4j.schema.definitions import EntityType


def carried_names(graph: Graph, names: frozenset[str]) -> TouchedNames:
    """Return the labels and properties of the nodes with any of some labels.

    The types of the relationships at them, and their properties, come with them. It
    goes through all of these nodes.
    """
    node = nodes(*sorted(names)).pattern
    found = {
        name: [row["name"] for row in graph.read(f"{text} RETURN DISTINCT name")]
        for name, text in {
            "labels": f"MATCH {node} UNWIND labels(n) AS name",
            "values": f"MATCH {node} UNWIND keys(n) AS name",
            "types": f"MATCH {node}-[r]-() WITH type(r) AS name",
            "others": f"MATCH {node}-[r]-() UNWIND keys(r) AS name",
        }.items()
    }
    return (
        labels(*found["labels"])
        | types(*found["types"])
        | properties(EntityType.NODE, *found["values"])
        | properties(EntityType.RELATIONSHIP, *found["others"])
    )
