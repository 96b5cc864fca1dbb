"""Reading all that is in a graph, node by node and then relationship by relationship.

What is of a running command is left out: the lock, the markers. The stamp is part of
the graph, and so are the images by which a batch is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.cypher.before_images import LABEL as IMAGE
from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import LABEL as LOCK
from alembic_neo4j.graph.marker import LABEL as MARKER
from alembic_neo4j.graph.typed_json import Typed, typed

IMAGES = IMAGE
"""The label of what has element ids of others in it, which a restore has to renew."""

ELEMENT_IDS = ("element", "start", "end")

UNFINISHED = f"{OWN_LABEL_PREFIX}Restore"
"""The label of the node that is there as long as a restore has not ended."""

_LEFT_OUT = f"NOT n:{LOCK}|{MARKER}|{UNFINISHED}"

# The ids are internal ones, which are small: they are needed within a backup only.
_NODES = (
    f"MATCH (n) WHERE {_LEFT_OUT} "
    "RETURN id(n) AS id, labels(n) AS labels, properties(n) AS properties"
)
_RELATIONSHIPS = (
    "MATCH (a)-[r]->(b) RETURN id(r) AS id, id(a) AS start, id(b) AS end, "
    "type(r) AS type, properties(r) AS properties"
)
_COUNTS = (
    f"MATCH (n) WHERE {_LEFT_OUT} RETURN count(n) AS count",
    "MATCH ()-[r]->() RETURN count(r) AS count",
)


@dataclass(frozen=True)
class NodeRow:
    """A node; its values are typed JSON."""

    id: int
    labels: tuple[str, ...]
    properties: dict[str, Typed]


@dataclass(frozen=True)
class RelationshipRow:
    """A relationship, with the ids of both ends; its values are typed JSON."""

    id: int
    type: str
    start: int
    end: int
    properties: dict[str, Typed]


def counts(graph: Graph) -> tuple[int, int]:
    """Return how many nodes and relationships there are to be read."""
    nodes, relationships = (graph.read(query)[0]["count"] for query in _COUNTS)
    return int(nodes), int(relationships)


def read_nodes(graph: Graph) -> Iterator[NodeRow]:
    """Yield the nodes, a bounded number in memory.

    Raises StatementError for a value of a type that is not known here.
    """
    for row in graph.stream(_NODES):
        labels = tuple(sorted(row["labels"]))
        yield NodeRow(row["id"], labels, _typed(row["properties"]))


def read_relationships(graph: Graph) -> Iterator[RelationshipRow]:
    """Yield the relationships, a bounded number in memory, as `read_nodes` does."""
    for row in graph.stream(_RELATIONSHIPS):
        yield RelationshipRow(
            row["id"],
            row["type"],
            row["start"],
            row["end"],
            _typed(row["properties"]),
        )


def node_properties(node: NodeRow) -> dict[str, Typed]:
    """Return the properties of a node that are the same in another graph.

    An image has element ids in it.
    """
    if IMAGES not in node.labels:
        return node.properties
    return {n: v for n, v in node.properties.items() if n not in ELEMENT_IDS}


def _typed(properties: dict[str, Any]) -> dict[str, Typed]:
    return {name: typed(value) for name, value in properties.items()}
