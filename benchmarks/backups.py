"""A backup and its restore, against the bare driver reading and writing the same."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
from loads import SIZES

from alembic_neo4j.backups.create import BackupOrigin, create_backup, list_backups
from alembic_neo4j.backups.restore import restore_backup
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe

_NODES = "MATCH (n) RETURN id(n) AS id, labels(n) AS labels, properties(n) AS p"
_RELATIONSHIPS = (
    "MATCH (a)-[r]->(b) RETURN id(a) AS a, id(b) AS b, type(r) AS t, properties(r) AS p"
)
_CONSTRAINT = "CREATE CONSTRAINT item_id FOR (n:Item) REQUIRE n.id IS UNIQUE"
_CREATE = "UNWIND $rows AS row CREATE (n:Item) SET n = row"
_RELATE = (
    "UNWIND $rows AS row MATCH (a:Item {id: row.a}) MATCH (b:Item {id: row.b}) "
    "CREATE (a)-[r:KNOWS]->(b) SET r = row.p"
)


@dataclass(frozen=True)
class Figures:
    """Seconds of ours and of the driver, both ways; bytes on the disk and in memory."""

    export: tuple[float, float]
    restore: tuple[float, float]
    size: int
    memory: int


def measure(
    graph: Graph, driver: neo4j.Driver, directory: Path, *, count: int
) -> Figures:
    """Return the figures of a graph of `count` nodes and twice as many relationships.

    The driver writes in its best batch, which a tenth of them tells.
    """
    wipe(graph)
    size = min(SIZES, key=lambda size: _written(graph, driver, count // 10, size))
    wrote = _written(graph, driver, count, size)
    read = _seconds(lambda: _read(driver))
    origin = BackupOrigin("benchmark", "benchmark")
    exported = _seconds(lambda: create_backup(graph, directory, origin, attempts=1))
    (backup,) = list_backups(directory)
    wipe(graph)
    restored = restore_backup(backup, graph)
    if restored.differences:
        raise AssertionError(restored.differences)
    # The comparison reads all of it once more.
    compared = _seconds(lambda: create_backup(graph, directory, origin, attempts=1))
    wipe(graph)
    return Figures(
        (exported, read),
        (restored.seconds - compared, wrote),
        sum(path.stat().st_size for path in backup.iterdir()),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _read(driver: neo4j.Driver) -> None:
    with driver.session() as session:
        for query in (_NODES, _RELATIONSHIPS):
            for record in session.run(query):
                record.data()


def _written(graph: Graph, driver: neo4j.Driver, count: int, size: int) -> float:
    wipe(graph)
    graph.transaction([(_CONSTRAINT, {})])
    began = time.monotonic()
    with driver.session() as session:
        for query, rows in ((_CREATE, _nodes(count)), (_RELATE, _edges(count))):
            page: list[dict[str, Any]] = []
            for row in rows:
                page.append(row)
                if len(page) == size:
                    session.run(query, rows=page).consume()
                    page = []
            session.run(query, rows=page).consume()
    return time.monotonic() - began


def _nodes(count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        yield {
            "id": i,
            "name": f"name {i}",
            "score": i / 7,
            "active": i % 2 == 0,
            "tags": ["a", "b"],
            "note": "some text that is neither long nor short",
        }


def _edges(count: int) -> Iterator[dict[str, Any]]:
    for i in range(2 * count):
        yield {"a": i % count, "b": (i * 7919) % count, "p": {"since": i}}
