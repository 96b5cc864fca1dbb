"""Rows loaded in batches and taken back, against the bare driver's best batch."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import neo4j
from data_changes import process, timed

from alembic_neo4j.cypher.batch_rollback import CreatedContents, Undo
from alembic_neo4j.cypher.load_targets import (
    BATCH_PROPERTY,
    Endpoint,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.graph.batch_rollback import run_undo
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.loading import run_load
from alembic_neo4j.graph.wipe import wipe

SIZES = (1_000, 5_000, 10_000, 50_000)
"""The batches of which the driver's best one counts."""

END = Endpoint("Item", ("id",))
CONSTRAINT = "CREATE CONSTRAINT item_id FOR (n:Item) REQUIRE n.id IS UNIQUE"
BARE_NODES = (
    f"UNWIND $rows AS row CREATE (n:Item) SET n = row, n.{BATCH_PROPERTY} = 'r1'"
)
BARE_RELATIONSHIPS = (
    "UNWIND $rows AS row "
    "MATCH (a:Item {id: row.source}) MATCH (b:Item {id: row.target}) "
    f"CREATE (a)-[r:KNOWS]->(b) SET r = row.properties, r.{BATCH_PROPERTY} = 'r1'"
)
BARE_DELETIONS = (
    f"MATCH ()-[r:KNOWS]->() WHERE r.{BATCH_PROPERTY} = 'r1' "
    "CALL (r) {{ DELETE r }} IN TRANSACTIONS OF {} ROWS",
    f"MATCH (n:Item) WHERE n.{BATCH_PROPERTY} = 'r1' "
    "CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF {} ROWS",
)
REVISION = '''"""a load"""
from alembic_neo4j import op

revision = "r1"
down_revision = None
COUNT = {count}


def nodes():
    for i in range(COUNT):
        yield {{
            "id": i,
            "name": f"name {{i}}",
            "email": f"{{i}}@example.org",
            "age": i % 90,
            "score": i / 7,
            "active": i % 2 == 0,
        }}


def relationships():
    for i in range(2 * COUNT):
        yield {{
            "source": i % COUNT,
            "target": (i * 7919 + 13) % COUNT,
            "properties": {{"since": i, "weight": 0.5}},
        }}


def upgrade() -> None:
    op.add_unique_constraint("Item", "id", name="item_id")
    op.create_nodes("Item", nodes())
    op.create_relationships(
        "Item", "Item", "KNOWS", relationships(), source_key="id", target_key="id"
    )


def downgrade() -> None:
    op.rollback_batch()
    op.drop_unique_constraint("Item", "id")
'''


@dataclass
class Seconds:
    """How long each part took, run by run."""

    parts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, part: str, act: Callable[[], object]) -> None:
        """Time a part once more."""
        self.parts.setdefault(part, []).append(timed(lambda: _discard(act())))

    def median(self, *parts: str) -> float:
        """Return the median of one part, or of several taken together."""
        return sum(statistics.median(self.parts[part]) for part in parts)


def measure(
    graph: Graph, directory: Path, commands: list[list[str]], runs: int, *, count: int
) -> None:
    """Print how fast `count` nodes and twice the relationships come and go."""
    (directory / "migrations" / "versions" / "r1_.py").write_text(
        REVISION.format(count=count)
    )
    auth = (
        os.environ["ALEMBIC_NEO4J_USERNAME"],
        os.environ["ALEMBIC_NEO4J_PASSWORD"],
    )
    with neo4j.GraphDatabase.driver(
        graph.url, auth=auth, notifications_min_severity="OFF"
    ) as driver:
        sizes = best_sizes(graph, driver, max(count // 10, 20_000))
        bare, ours, whole, memory = Seconds(), Seconds(), Seconds(), 0
        for _ in range(runs):
            empty(graph)
            load_bare(driver, bare, count, sizes)
            empty(graph)
            load_ours(graph, ours, count)
            wipe(graph)
            for verb, command in zip(("upgrade", "downgrade"), commands, strict=True):
                used, peak = process(directory, command)
                whole.parts.setdefault(verb, []).append(used)
                memory = max(memory, peak)
    for part, number in (("nodes", count), ("relationships", 2 * count)):
        report(
            f"load of {part}", number, ours.median(part), bare.median(part), sizes[part]
        )
    report(
        "rollback",
        3 * count,
        ours.median("rollback"),
        bare.median("rollback"),
        sizes["rollback"],
    )
    loaded = bare.median("nodes", "relationships")
    report("load, the whole upgrade", 3 * count, whole.median("upgrade"), loaded, 0)
    report(
        "rollback, the whole downgrade",
        3 * count,
        whole.median("downgrade"),
        bare.median("rollback"),
        0,
    )
    print(f"load, the client's peak memory: {memory / 1024:.0f} MB")


def best_sizes(graph: Graph, driver: neo4j.Driver, count: int) -> dict[str, int]:
    """Return the driver's quickest batch for each part, tried with fewer rows."""
    tried: dict[int, Seconds] = {size: Seconds() for size in SIZES}
    for size, seconds in tried.items():
        parts = dict.fromkeys(("nodes", "relationships", "rollback"), size)
        for _ in range(2):
            # The first time the server is not warm.
            empty(graph)
            load_bare(driver, seconds, count, parts)
    return {
        part: min(SIZES, key=lambda size: min(tried[size].parts[part]))
        for part in ("nodes", "relationships", "rollback")
    }


def load_bare(
    driver: neo4j.Driver, seconds: Seconds, count: int, sizes: dict[str, int]
) -> None:
    """Load and delete by the bare driver, as its manual shows it."""
    made = rows(count)
    seconds.add("nodes", lambda: send(driver, BARE_NODES, made[0](), sizes["nodes"]))
    seconds.add(
        "relationships",
        lambda: send(driver, BARE_RELATIONSHIPS, made[1](), sizes["relationships"]),
    )

    def delete() -> None:
        with driver.session() as session:
            for text in BARE_DELETIONS:
                session.run(text.format(sizes["rollback"])).consume()

    seconds.add("rollback", delete)


def send(
    driver: neo4j.Driver, text: str, made: Iterator[dict[str, Any]], size: int
) -> None:
    """Send rows in transactions of so many."""
    with driver.session() as session:
        while portion := list(islice(made, size)):
            with session.begin_transaction() as transaction:
                transaction.run(text, rows=portion).consume()
                transaction.commit()


def load_ours(graph: Graph, seconds: Seconds, count: int) -> None:
    """Load and roll back as a revision does it."""
    nodes, relationships = rows(count)
    limits = Limits()
    targets = {
        "nodes": (NodeTarget(("Item",)), nodes),
        "relationships": (RelationshipTarget("KNOWS", END, END), relationships),
    }
    for part, (target, made) in targets.items():
        step = Load(target, made(), "r1", BATCH_PROPERTY)
        seconds.add(part, lambda step=step: run_load(graph, step, limits))
    known = CreatedContents(("Item",), ("KNOWS",), count, 2 * count)
    undo = Undo(("r1",), BATCH_PROPERTY, known=known)
    seconds.add("rollback", lambda: run_undo(graph, undo, limits))


def rows(count: int) -> tuple[Callable[[], Iterator[Any]], Callable[[], Iterator[Any]]]:
    """Return what gives the rows of the revision."""
    names: dict[str, Any] = {}
    source = REVISION.format(count=count)
    exec(source.partition("def upgrade")[0], names)
    return names["nodes"], names["relationships"]


def empty(graph: Graph) -> None:
    """Empty the graph, but for the constraint that rows are found by."""
    wipe(graph)
    graph.transaction([(CONSTRAINT, {})])


def report(title: str, count: int, ours: float, best: float, size: int) -> None:
    """Print how fast it is, as a part of what the driver reaches."""
    batch = f" ({size:,} a batch)" if size else ""
    print(
        f"{title}: {best / ours:.2f} of the bare driver's best{batch}: "
        f"{count / ours / 1000:.1f} k/s / {count / best / 1000:.1f} k/s",
        flush=True,
    )


def _discard(_value: object) -> None:
    """Do nothing with a result."""
