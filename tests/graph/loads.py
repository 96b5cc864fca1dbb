"""Loading and undoing on a graph of a test, and all that is in it afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic_neo4j.cypher.batch_rollback import RollbackCounts, Undo
from alembic_neo4j.cypher.load_targets import (
    BATCH_PROPERTY,
    Defaults,
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.graph.batch_rollback import run_undo
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.loading import LoadCounts, run_load
from alembic_neo4j.graph.marker import Mark

OWN = "any(label IN labels(n) WHERE label STARTS WITH '__AlembicNeo4j')"
PERSON = Endpoint("Person", ("name",))


def nodes(*labels: str, keys: tuple[str, ...] | None = None) -> NodeTarget:
    return NodeTarget(labels or ("Person",), keys)


def knows(
    keys: tuple[str, ...] | None = None, type_: str = "KNOWS", **options: Any
) -> RelationshipTarget:
    return RelationshipTarget(type_, PERSON, PERSON, keys, **options)


def load(
    graph: Graph,
    target: LoadTarget,
    rows: Iterable[Any],
    batch: str = "b1",
    *,
    size: int | None = None,
    mark: Mark | None = None,
    limits: Limits | None = None,
    defaults: Defaults | None = None,
    allow_nan: bool = False,
) -> LoadCounts:
    step = Load(
        *(target, rows, batch, BATCH_PROPERTY),
        batch_size=size,
        defaults=defaults or Defaults(),
        allow_nan=allow_nan,
    )
    return run_load(graph, step, limits or Limits(), mark)


def undo(
    graph: Graph, *batches: str, size: int | None = None, **how: Any
) -> RollbackCounts:
    step = Undo(batches or ("b1",), BATCH_PROPERTY, **how)
    return run_undo(graph, step, Limits(batch_size=size))


def contents(graph: Graph) -> list[Any]:
    """Return every node and relationship that is not ours: identity, names, values."""
    return [
        [
            (row["id"], sorted(row["labels"]), _typed(row["properties"]))
            for row in graph.read(
                f"MATCH (n) WHERE NOT {OWN} RETURN elementId(n) AS id, "
                "labels(n) AS labels, properties(n) AS properties ORDER BY id"
            )
        ],
        [
            (row["id"], row["a"], row["type"], row["b"], _typed(row["properties"]))
            for row in graph.read(
                "MATCH (a)-[r]->(b) RETURN elementId(r) AS id, elementId(a) AS a, "
                "type(r) AS type, elementId(b) AS b, properties(r) AS properties "
                "ORDER BY id"
            )
        ],
    ]


def images(graph: Graph) -> list[dict[str, Any]]:
    """Return the properties of the before-images."""
    rows = graph.read("MATCH (n:__AlembicNeo4jBeforeImage) RETURN properties(n) AS p")
    return [row["p"] for row in rows]


def properties(graph: Graph, label: str = "Person") -> list[dict[str, Any]]:
    """Return the properties of the nodes with a label, in the order of their names."""
    rows = graph.read(
        f"MATCH (n:{label}) RETURN properties(n) AS p ORDER BY n.name, elementId(n)"
    )
    return [row["p"] for row in rows]


def _typed(properties: dict[str, Any]) -> list[tuple[str, str]]:
    # 1 and 1.0 and True are equal, and are not the same.
    return sorted((name, _shown(value)) for name, value in properties.items())


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{type(value).__name__} {value!r}"
