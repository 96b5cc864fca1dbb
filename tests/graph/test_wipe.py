"""A wipe leaves nothing."""

from __future__ import annotations

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe


def test_all_goes(neo4j_graph: Graph) -> None:
    made = (
        "CREATE CONSTRAINT one FOR (n:A) REQUIRE n.a IS UNIQUE",
        "CREATE CONSTRAINT two FOR (n:A) REQUIRE n.b IS UNIQUE",
        "CREATE INDEX three FOR (n:A) ON (n.c)",
    )
    neo4j_graph.transaction([(statement, {}) for statement in made])
    neo4j_graph.transaction([("CREATE (:A)-[:R]->(:__AlembicNeo4jStamp)", {})])

    wipe(neo4j_graph)

    assert _names(neo4j_graph) == []
    assert neo4j_graph.read("MATCH (n) RETURN n") == []


def _names(graph: Graph) -> list[str]:
    indexes = "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"
    return [row["name"] for row in graph.read(indexes)]
