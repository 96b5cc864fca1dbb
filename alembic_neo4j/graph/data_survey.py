"""Reading what the data of a graph hold: labels, types, properties, their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.data_survey import (
    OWN_PROPERTY_PREFIX,
    SAMPLE,
    Contents,
    Declarations,
    Declared,
    Shape,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.schema.definitions import EntityType

_COUNTED_AT_ONCE = 100


MOST_SHAPES = 10_000
"""How many different shapes are kept in memory, whatever the graph holds."""


def read_contents(graph: Graph, expected: Declarations, *, full: bool) -> Contents:
    """Return what the data hold, our own nodes and properties left out.

    Labels and types are known exactly. Of properties the first SAMPLE entities of each
    declared label and type are read; with `full` all entities, in one pass for nodes
    and one for relationships in which the server keeps no more than a row for each
    different shape that is not as declared.
    """
    labels = label_counts(graph)
    ours = {k: n for k, n in labels.items() if k.startswith(OWN_LABEL_PREFIX)}
    labels = {k: n for k, n in labels.items() if k not in ours}
    types = _counts(graph, _TYPES, "COUNT {{ ()-[:{}]->() }}")
    all_nodes = _count(graph, _ALL_NODES) - sum(ours.values())
    all_relationships = _count(graph, _ALL_RELATIONSHIPS)
    shapes = _Shapes()
    if full:
        _read_all(graph, expected, shapes)
        nodes, relationships = all_nodes, all_relationships
    else:
        nodes = _sampled(graph, EntityType.NODE, expected.nodes, labels, shapes)
        relationships = _sampled(
            graph, EntityType.RELATIONSHIP, expected.relationships, types, shapes
        )
    return Contents(
        labels,
        types,
        shapes.found,
        # A node with two labels may be in the samples of both.
        min(nodes, all_nodes),
        all_nodes,
        relationships,
        all_relationships,
        full,
        truncated=shapes.truncated,
    )


def label_counts(graph: Graph) -> dict[str, int]:
    """Return how many nodes each label in use has, our own included."""
    return _counts(graph, _LABELS, "COUNT {{ (:{}) }}")


_ALL_NODES = "MATCH (n) RETURN count(n) AS count"
_ALL_RELATIONSHIPS = "MATCH ()-[r]->() RETURN count(r) AS count"

_LABELS = "CALL db.labels() YIELD label AS name RETURN name"
_TYPES = "CALL db.relationshipTypes() YIELD relationshipType AS name RETURN name"

_SHAPES = (
    "UNWIND keys({0}) AS key\n"
    "WITH {0}, key WHERE NOT key STARTS WITH $own\n"
    "RETURN {1} AS labels, key, valueType({0}[key]) AS type, count(*) AS count, "
    "min(elementId({0})) AS example"
)
_LABELS_OF = {
    EntityType.NODE: ("n", "labels(n)"),
    EntityType.RELATIONSHIP: ("r", "[type(r)]"),
}

# A label that is not declared adds nothing to what the others allow.
_NOT_AS_DECLARED = (
    "MATCH {pattern}\n"
    "WITH {variable}, {labels} AS labels\n"
    "WHERE any(label IN labels WHERE $declared[label] IS NOT NULL)\n"
    "UNWIND keys({variable}) AS key\n"
    "WITH {variable}, labels, key, valueType({variable}[key]) AS type,\n"
    "  [label IN labels WHERE $declared[label][key] IS NOT NULL "
    "| $declared[label][key]] AS allowed\n"
    "WHERE NOT key STARTS WITH $own\n"
    "  AND (size(allowed) > 0 OR none(label IN labels WHERE label IN $open))\n"
    "  AND none(types IN allowed WHERE size(types) = 0 OR type IN types)\n"
    "RETURN labels, key, type, count(*) AS count, "
    "min(elementId({variable})) AS example"
)


class _Shapes:
    """The shapes found so far, a bounded number of them."""

    def __init__(self) -> None:
        self._found: dict[Any, Shape] = {}
        self.truncated = False

    @property
    def found(self) -> tuple[Shape, ...]:
        return tuple(self._found.values())

    def add(self, entity: EntityType, row: Row) -> None:
        labels = tuple(sorted(row["labels"]))
        key = (entity, labels, row["key"], row["type"])
        known = self._found.get(key)
        if known is not None:
            # The samples of two labels may have the same nodes.
            if row["count"] <= known.count:
                return
        elif len(self._found) >= MOST_SHAPES:
            self.truncated = True
            return
        self._found[key] = Shape(*key, row["count"], row["example"])


def _counts(graph: Graph, listing: str, expression: str) -> dict[str, int]:
    names = sorted(row["name"] for row in graph.read(listing))
    counts: list[int] = []
    # The server has these counts at hand; what takes time is to plan the statement.
    for start in range(0, len(names), _COUNTED_AT_ONCE):
        some = names[start : start + _COUNTED_AT_ONCE]
        expressions = ", ".join(expression.format(quote(name)) for name in some)
        counts += graph.read(f"RETURN [{expressions}] AS counts")[0]["counts"]
    # An index alone keeps a name in use.
    return {n: count for n, count in zip(names, counts, strict=True) if count}


def _sampled(
    graph: Graph,
    entity: EntityType,
    declared: Declared,
    counts: Mapping[str, int],
    shapes: _Shapes,
) -> int:
    variable, labels = _LABELS_OF[entity]
    shown = _SHAPES.format(variable, labels)
    read = 0
    for name in sorted(set(declared) & set(counts)):
        pattern = _pattern(entity, name)
        query = f"MATCH {pattern}\nWITH {variable} LIMIT $sample\n{shown}"
        parameters = {"sample": SAMPLE, "own": OWN_PROPERTY_PREFIX}
        for row in graph.stream(query, parameters):
            shapes.add(entity, row)
        read += min(SAMPLE, counts[name])
    return read


def _count(graph: Graph, query: str) -> int:
    count: int = graph.read(query)[0]["count"]
    return count


def _read_all(graph: Graph, expected: Declarations, shapes: _Shapes) -> None:
    for entity, declared in (
        (EntityType.NODE, expected.nodes),
        (EntityType.RELATIONSHIP, expected.relationships),
    ):
        variable, labels = _LABELS_OF[entity]
        query = _NOT_AS_DECLARED.format(
            pattern=_pattern(entity), variable=variable, labels=labels
        )
        parameters = {
            "declared": {k: dict(v) for k, v in declared.items()},
            "open": sorted(expected.open),
            "own": OWN_PROPERTY_PREFIX,
        }
        for row in graph.stream(query, parameters):
            shapes.add(entity, row)


def _pattern(entity: EntityType, name: str | None = None) -> str:
    named = "" if name is None else f":{quote(name)}"
    return f"(n{named})" if entity is EntityType.NODE else f"()-[r{named}]->()"
