"""What is in a graph, told in another way than a backup does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from alembic_neo4j.graph.connection import Graph


def content(graph: Graph) -> tuple[Counter[str], Counter[str], list[Any]]:
    """Return its nodes, its relationships with both ends, and its schema."""
    nodes = {
        row["id"]: f"{sorted(row['labels'])} {sorted(map(shown, row['p'].items()))}"
        for row in graph.read(
            "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, "
            "properties(n) AS p"
        )
    }
    relationships = Counter(
        f"{nodes[r['a']]} {r['t']} {sorted(map(shown, r['p'].items()))} {nodes[r['b']]}"
        for r in graph.read(
            "MATCH (a)-[r]->(b) RETURN elementId(a) AS a, elementId(b) AS b, "
            "type(r) AS t, properties(r) AS p"
        )
    )
    schema = graph.read(
        "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, "
        "owningConstraint, options "
        "RETURN name, type, entityType, labelsOrTypes, properties, owningConstraint, "
        "options ORDER BY name"
    )
    return Counter(nodes.values()), relationships, schema


def shown(item: tuple[str, Any]) -> str:
    name, value = item
    zone = getattr(value, "tzinfo", None)
    return f"{name} {type(value).__name__} {value!r} {zone}"
