"""Data changes over many entities, against the bare driver's best batch."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import neo4j

from alembic_neo4j.cypher import data_changes
from alembic_neo4j.cypher.patterns import nodes
from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.graph.batches import run_batches
from alembic_neo4j.graph.connection import Graph

SIZES = (5_000, 10_000, 50_000)
"""The batches of which the driver's best one counts."""

NODES = (
    "UNWIND range($start, $end - 1) AS i CREATE (:Item {number: i, "
    "name: 'name ' + i, title: 'title ' + i, code: i % 97})"
)
RELATIONSHIPS = (
    "UNWIND range($start, $end - 1) AS i MATCH (a:Item {number: i % $nodes}), "
    "(b:Item {number: (i * 7919 + 13) % $nodes}) "
    "CREATE (a)-[:KNOWS {since: i, weight: 0.5}]->(b)"
)
ITEM = nodes("Item")

REVISION = '''"""a data change"""
from alembic_neo4j import op

revision = "r1"
down_revision = None


def upgrade() -> None:
    op.add_node("Item", op.Property("name", "STRING"))
{upgrade}


def downgrade() -> None:
{downgrade}
    op.remove_node("Item")
'''


@dataclass(frozen=True)
class DataChange:
    """A change and its way back: as operations, as steps, and as plain Cypher."""

    upgrade: str
    downgrade: str
    step: Batched
    back: Batched
    bare: str
    related: bool = False


def moved(old: str, new: str) -> Batched:
    """Return the step that renames a property."""
    among = f"{ITEM.value(old)} IS NOT NULL"
    return data_changes.move_property(ITEM, old, new, among=among)


CHANGES = {
    "rename-property": DataChange(
        'op.rename_node_property("Item", "name", "label")',
        'op.rename_node_property("Item", "label", "name")',
        moved("name", "label"),
        moved("label", "name"),
        "MATCH (n:Item) WHERE n.name IS NOT NULL "
        "CALL (n) {{ SET n.label = n.name REMOVE n.name }} IN TRANSACTIONS OF {} ROWS",
    ),
    "rename-label": DataChange(
        'op.rename_label("Item", "Thing")',
        'op.rename_label("Thing", "Item")',
        data_changes.rename_label("Item", "Thing"),
        data_changes.rename_label("Thing", "Item"),
        "MATCH (n:Item) CALL (n) {{ SET n:Thing REMOVE n:Item }} "
        "IN TRANSACTIONS OF {} ROWS",
    ),
    "backfill": DataChange(
        'op.add_node_property("Item", "size", "INTEGER", default=7)',
        'op.remove_node_property("Item", "size", archive=False)',
        data_changes.set_default(ITEM, "size", 7, mark="_alembic_mark_size"),
        data_changes.remove_property(ITEM, "size"),
        "MATCH (n:Item) WHERE n.size IS NULL CALL (n) {{ SET n.size = 7 }} "
        "IN TRANSACTIONS OF {} ROWS",
    ),
    "rename-relationship-type": DataChange(
        'op.rename_relationship_type("KNOWS", "MET")',
        'op.rename_relationship_type("MET", "KNOWS")',
        data_changes.rename_type("KNOWS", "MET"),
        data_changes.rename_type("MET", "KNOWS"),
        "MATCH (a)-[r:KNOWS]->(b) CALL (a, r, b) {{ "
        "WITH a, r, b, properties(r) AS properties DELETE r "
        "CREATE (a)-[c:MET]->(b) SET c = properties }} IN TRANSACTIONS OF {} ROWS",
        related=True,
    ),
}


def measure(
    change: DataChange,
    graph: Graph,
    directory: Path,
    commands: list[list[str]],
    runs: int,
    *,
    count: int,
) -> None:
    """Print how fast a change is over `count` entities, and what a client needs.

    `commands` upgrade and downgrade the project in the directory.
    """
    write_revision(directory, change)
    fill(graph, count, related=change.related)
    bare: dict[int, list[float]] = {size: [] for size in SIZES}
    ours, whole, memory = [], [], 0
    with neo4j.GraphDatabase.driver(
        graph.url,
        auth=(
            os.environ["ALEMBIC_NEO4J_USERNAME"],
            os.environ["ALEMBIC_NEO4J_PASSWORD"],
        ),
        notifications_min_severity="OFF",
    ) as driver:
        for _ in range(runs):
            for size, seconds in bare.items():
                text = change.bare.format(size)
                seconds.append(timed(lambda text=text: execute(driver, text)))
                run_batches(graph, change.back, change.back.batch_size)
            ours.append(timed(lambda: batched(graph, change.step)))
            run_batches(graph, change.back, change.back.batch_size)
            used, peak = process(directory, commands[0])
            whole.append(used)
            memory = max(memory, peak)
            process(directory, commands[1])
    size, best = min(
        ((size, statistics.median(seconds)) for size, seconds in bare.items()),
        key=lambda pair: pair[1],
    )
    report(change.step.title, count, statistics.median(ours), best, size)
    report(
        f"{change.step.title}, the whole upgrade",
        count,
        statistics.median(whole),
        best,
        size,
    )
    print(f"{change.step.title}, the client's peak memory: {memory / 1024:.0f} MB")


def write_revision(directory: Path, change: DataChange) -> None:
    """Write the revision whose upgrade is the change."""
    text = REVISION.format(
        upgrade=indent(change.upgrade, "    "),
        downgrade=indent(change.downgrade, "    "),
    )
    (directory / "migrations" / "versions" / "r1_.py").write_text(text)


def fill(graph: Graph, count: int, *, related: bool) -> None:
    """Create so many nodes, or a tenth of them and so many relationships."""
    number = count // 10 if related else count
    create(graph, NODES, number)
    if related:
        index = "CREATE INDEX item_number FOR (n:Item) ON (n.number)"
        graph.transaction([(index, {})])
        graph.autocommit("CALL db.awaitIndexes(300)")
        create(graph, RELATIONSHIPS, count, nodes=number)
        graph.transaction([("DROP INDEX item_number", {})])


def create(graph: Graph, text: str, count: int, **parameters: int) -> None:
    """Run a creating statement for the numbers below `count`, piece by piece."""
    for start in range(0, count, 5_000):
        end = min(start + 5_000, count)
        graph.transaction([(text, {"start": start, "end": end, **parameters})])


def batched(graph: Graph, step: Batched) -> None:
    """Do a change as an upgrade does it."""
    run_batches(graph, step, step.batch_size)


def execute(driver: neo4j.Driver, text: str) -> None:
    """Run an auto-commit statement to its end."""
    with driver.session() as session:
        session.run(text).consume()


def timed(act: Callable[[], None]) -> float:
    """Return the seconds that something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def process(directory: Path, command: list[str]) -> tuple[float, int]:
    """Run a command and return its seconds and its peak memory in KB."""
    log = directory / "output"
    started = time.perf_counter()
    with log.open("w") as output:
        child = subprocess.Popen(
            command, cwd=directory, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}\n{log.read_text()}")
    return time.perf_counter() - started, usage.ru_maxrss


def report(title: str, count: int, ours: float, best: float, size: int) -> None:
    """Print how fast it is, as a part of what the driver reaches."""
    print(
        f"{title}: {best / ours:.2f} of the bare driver's best ({size:,} a batch): "
        f"{count / ours / 1000:.0f} k/s / {count / best / 1000:.0f} k/s"
    )
