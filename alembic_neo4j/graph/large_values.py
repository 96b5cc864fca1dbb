"""Looking whether the graph holds values that are larger than an index can take."""

from __future__ import annotations

from collections.abc import Sequence

from alembic_neo4j.cypher.index_sizes import Large, may_be_large
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import (
    EntityType,
)

VISITS = 10_000
"""How many values may be looked at to save the server from planning one query.

A check has a text of its own, which takes the server some 50 ms to plan.
"""


def found_large(graph: Graph, wanted: Sequence[Large]) -> list[Large]:
    """Return those of the wanted that may be there.

    Where they are many beside what the graph holds, all of that is looked at once, by
    a query that is the same for all. Otherwise every one may be there.
    """
    found: list[Large] = []
    for entity in EntityType:
        asked = [one for one in wanted if one.entity is entity]
        if asked:
            found += _found(graph, entity, asked)
    return found


def _found(graph: Graph, entity: EntityType, wanted: Sequence[Large]) -> list[Large]:
    keys = frozenset[str]().union(*(one.properties for one in wanted))
    (row,) = graph.read(_COUNTS[entity])
    if row["count"] * len(keys) > VISITS * len(wanted):
        return list(wanted)
    characters = min(one.characters for one in wanted)
    rows = graph.read(_LARGE[entity], {"keys": sorted(keys), "characters": characters})
    found = {(row["name"], row["key"]) for row in rows}
    return [
        one
        for one in wanted
        if any((name, key) in found for name in one.names for key in one.properties)
    ]


_COUNTS = {
    EntityType.NODE: "MATCH (n) RETURN count(n) AS count",
    EntityType.RELATIONSHIP: "MATCH ()-[r]->() RETURN count(r) AS count",
}


_LARGE = {
    entity: f"{match}\nWITH {variable}, [key IN $keys "
    f"WHERE {may_be_large(f'{variable}[key]', '$characters')}] AS keys\n"
    "WHERE size(keys) > 0\n"
    f"UNWIND {names} AS name UNWIND keys AS key\n"
    "RETURN DISTINCT name, key"
    for entity, match, variable, names in (
        (EntityType.NODE, "MATCH (n)", "n", "labels(n)"),
        (EntityType.RELATIONSHIP, "MATCH ()-[r]->()", "r", "[type(r)]"),
    )
}
