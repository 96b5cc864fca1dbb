"""What stays of ours in a graph when everything was taken back: what is documented."""

from __future__ import annotations

from pathlib import Path

from alembic_neo4j.cypher import before_images, stamp
from alembic_neo4j.graph import lock
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.project import Project

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
DOCUMENTED = {lock.LABEL, stamp.LABEL, lock.CONSTRAINT}

UPGRADE = """
op.add_node("Person")
op.add_node_property("Person", "name", "STRING")
op.add_index("Person", "name")
op.create_nodes("Person", [{"name": "Bob"}])
op.upsert_nodes("Person", [{"name": "Ann", "age": 2}], merge_keys="name")
op.add_node_property("Person", "size", "INTEGER", backfill="1")
"""
DOWNGRADE = """
op.remove_node_property("Person", "size", undo=True)
op.rollback_batch()
op.drop_index("Person", "name")
op.remove_node("Person")
"""
ANN = "CREATE (:Person {name: 'Ann', age: 1})"


def of_ours(graph: Graph) -> set[str]:
    """Return our labels, indexes, constraints and properties that are in use."""
    names = {
        row["name"]
        for query in (
            "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name",
            "SHOW CONSTRAINTS YIELD name RETURN name",
            "MATCH (n) UNWIND labels(n) AS name RETURN DISTINCT name",
            "MATCH (n) WHERE NOT labels(n)[0] STARTS WITH '__AlembicNeo4j' "
            "UNWIND keys(n) AS name RETURN DISTINCT name",
        )
        for row in graph.read(query)
    }
    return {name for name in names if name.startswith("_")}


def filled(project: Project, graph: Graph) -> None:
    wipe(graph)
    graph.transaction([(ANN, {})])
    for path in project.path.glob("neo4j_ledger.db*"):
        path.unlink()


def upgraded(project: Project, graph: Graph) -> None:
    filled(project, graph)
    project.revision("r1", UPGRADE, DOWNGRADE)
    project.done("upgrade", "head")
    assert {before_images.LABEL, before_images.INDEX} <= of_ours(graph)


def test_nothing_but_what_is_documented(live: Project, neo4j_graph: Graph) -> None:
    upgraded(live, neo4j_graph)

    live.done("downgrade", "base")

    assert of_ours(neo4j_graph) == DOCUMENTED
    text = ARCHITECTURE.read_text("utf-8")
    assert all(f"`{name}`" in text for name in DOCUMENTED)


def test_an_index_that_a_load_did_not_need(live: Project, neo4j_graph: Graph) -> None:
    filled(live, neo4j_graph)
    live.revision(
        "r1",
        'op.add_node("Person")\n'
        'op.upsert_nodes("Person", [{"name": "X"}], merge_keys="name")',
    )

    live.done("upgrade", "head")

    assert of_ours(neo4j_graph) == {*DOCUMENTED, "_alembic_batch"}


def test_a_kill_before_the_index_is_gone(live: Project, neo4j_graph: Graph) -> None:
    command = ("downgrade", "base")
    upgraded(live, neo4j_graph)
    passed = [p for p in points(live, command) if p.startswith("graph.commit")]
    assert of_ours(neo4j_graph) == DOCUMENTED

    killed = 0
    for place in passed[-8::2]:
        upgraded(live, neo4j_graph)
        killed += client(live, command, Kill(place)).status == KILLED
        outcome = client(live, command, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert of_ours(neo4j_graph) == DOCUMENTED, place
        people = neo4j_graph.read("MATCH (n:Person) RETURN properties(n) AS p")
        assert people == [{"p": {"name": "Ann", "age": 1}}], place
    assert killed > 1
