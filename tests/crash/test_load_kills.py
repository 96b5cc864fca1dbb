"""A load and a rollback that are killed anywhere, and run again, happened once."""

from __future__ import annotations

import csv
import json
import os
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import KILLED, Kill, client, copied, points
from tests.crash.project import open_runs
from tests.graph.loads import contents, images
from tests.migration.conftest import live, project
from tests.migration.project import Project, stamped
from tests.migration.test_batches import batches

__all__ = ["live", "project"]

UPGRADE = ("upgrade", "head")
DOWNGRADE = ("downgrade", "base")
FILE = "people.csv"
LOAD = (
    *("alembic-neo4j", "ingest", "load", FILE, "--label", "Person"),
    *("--merge-key", "name", "--batch", "people", "--batch-size", "7"),
)
ROLLBACK = ("alembic-neo4j", "ingest", "rollback", "people", "--yes")
ROWS = 30
FOUND = 10
"""So many of the rows find a node that is there."""

SAMPLE = int(os.environ.get("ALEMBIC_NEO4J_KILL_EVERY", "15"))
"""Which of the commits are those that a command is killed at: each so manieth."""


@pytest.fixture
def loading(live: Project) -> Project:
    """A project that loads nodes, changes others and relates them."""
    live.set("neo4j.batch_size", "7")
    live.revision(
        "r1",
        f"""
        op.add_unique_constraint("Person", "name")
        op.create_nodes("Plain", ({{"number": i}} for i in range({ROWS})))
        merged = op.upsert_nodes(
            "Person",
            ({{"name": f"{{i:03}}", "age": i}} for i in range({ROWS})),
            merge_keys=["name"],
        )
        rows = [
            {{"source": f"{{i:03}}", "target": f"{{i + 1:03}}"}} for i in range({ROWS})
        ]
        related = op.create_relationships(
            "Person", "Person", "KNOWS", rows, source_key="name", target_key="name"
        )
        op.run_cypher(
            "CREATE (:Counts {{merged: $merged, related: $related}})",
            {{
                "merged": [merged.created, merged.touched],
                "related": [related.created, related.unmatched],
            }},
        )
        """,
        """
        op.execute("MATCH (n:Counts) DELETE n")
        op.rollback_batch()
        op.drop_unique_constraint("Person", "name")
        """,
    )
    return live


def fill(graph: Graph) -> None:
    """Empty the graph and write the nodes that are found."""
    wipe(graph)
    graph.transaction(
        [
            (
                "UNWIND range(0, $found - 1) AS i CREATE (:Person {name: "
                "right('00' + i, 3), age: -1.5})",
                {"found": FOUND},
            )
        ]
    )


def plain(graph: Graph) -> list[Any]:
    """Return what is in the graph, without the ids."""
    nodes, relationships = contents(graph)
    return [
        sorted(str(node[1:]) for node in nodes),
        sorted(str((row[2], row[4])) for row in relationships),
    ]


def counts(project: Project, batch: str) -> tuple[Any, ...]:
    row = batches(project)[batch]
    names = ("created_nodes", "touched_nodes", "created_relationships", "unmatched")
    return (row["state"], *(row[name] for name in names))


def commits(project: Project, command: tuple[str, ...]) -> list[str]:
    passed = points(project, command)
    return [point for point in passed if ".commit." in point]


def kill_everywhere(project: Project, graph: Graph, command: tuple[str, ...]) -> Any:
    """Yield each project in which a command was killed and run again."""
    template = project.path.with_name("template")
    copied(project.path, template)
    before = command in (DOWNGRADE, ROLLBACK)
    first = UPGRADE if command == DOWNGRADE else LOAD

    def fresh() -> Project:
        fill(graph)
        made = copied(template, project.path)
        if before:
            outcome = client(made, first, Kill())
            assert outcome.status == 0, outcome.text
        return made

    places = commits(fresh(), command)
    assert len(places) > 20
    for place in places[SAMPLE // 2 :: SAMPLE]:
        made = fresh()
        outcome = client(made, command, Kill(place))
        assert outcome.status == KILLED, (place, outcome.text)
        outcome = client(made, command, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert open_runs(made) == 0, place
        assert graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m") == [], place
        yield place


def test_a_revision_that_loads(loading: Project, neo4j_graph: Graph) -> None:
    fill(neo4j_graph)
    outcome = client(loading, UPGRADE, Kill())
    assert outcome.status == 0, outcome.text
    whole = plain(neo4j_graph)
    assert len(whole[0]) == 2 * ROWS + 1
    assert len(whole[1]) == ROWS - 1
    loaded = ("loaded", ROWS + ROWS - FOUND, FOUND, ROWS - 1, 1)
    assert counts(loading, "r1") == loaded
    for path in loading.path.glob("neo4j_ledger.db*"):
        path.unlink()

    for place in kill_everywhere(loading, neo4j_graph, UPGRADE):
        assert plain(neo4j_graph) == whole, place
        assert counts(loading, "r1") == loaded, place
        assert len(images(neo4j_graph)) == FOUND, place
        assert loading.heads() == stamped(neo4j_graph) == ["r1"], place


def test_a_revision_that_takes_it_back(loading: Project, neo4j_graph: Graph) -> None:
    fill(neo4j_graph)
    before = plain(neo4j_graph)

    for place in kill_everywhere(loading, neo4j_graph, DOWNGRADE):
        assert plain(neo4j_graph) == before, place
        assert counts(loading, "r1")[0] == "rolled back", place
        assert images(neo4j_graph) == [], place


@pytest.fixture
def filed(live: Project) -> Project:
    """A project with a file to load."""
    with (live.path / FILE).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "age"])
        writer.writerows([f"{i:03}", i] for i in range(ROWS))
    live.revision(
        "r1",
        "op.add_node('Person', op.Property('name', 'STRING'), "
        "op.Property('age', 'INTEGER'))",
    )
    return live


def test_a_file_that_is_loaded(filed: Project, neo4j_graph: Graph) -> None:
    loaded = ("loaded", ROWS - FOUND, FOUND, 0, 0)

    for place in kill_everywhere(filed, neo4j_graph, LOAD):
        assert len(plain(neo4j_graph)[0]) == ROWS, place
        assert counts(filed, "people") == loaded, place
        assert len(images(neo4j_graph)) == FOUND, place


def test_a_batch_that_is_rolled_back(filed: Project, neo4j_graph: Graph) -> None:
    fill(neo4j_graph)
    before = plain(neo4j_graph)

    for place in kill_everywhere(filed, neo4j_graph, ROLLBACK):
        assert plain(neo4j_graph) == before, place
        assert counts(filed, "people")[0] == "rolled back", place


def test_what_else_may_run_while_a_load_is_open(
    filed: Project, neo4j_graph: Graph
) -> None:
    fill(neo4j_graph)
    before = plain(neo4j_graph)
    outcome = client(filed, LOAD, Kill("graph.commit.before#7"))
    assert outcome.status == KILLED
    assert plain(neo4j_graph) != before

    upgrade = client(filed, UPGRADE, Kill())

    assert upgrade.status == 255
    assert "the load of the batch people was begun" in upgrade.out
    assert "Run that again: it goes on where it stopped" in upgrade.out
    assert "`alembic-neo4j ingest rollback people`" in upgrade.out

    # Another file, or the same one as something else, is another load.
    (filed.path / FILE).write_text("name,age\nx,1\n")
    other = client(filed, LOAD, Kill())
    assert other.status == 2
    assert "what it would do now is something else" in other.err

    rollback = client(filed, ROLLBACK, Kill())
    assert rollback.status == 0, rollback.text
    assert plain(neo4j_graph) == before
    assert counts(filed, "people")[0] == "rolled back"
    assert client(filed, UPGRADE, Kill()).status == 0
    assert client(filed, LOAD, Kill()).status == 0
    assert len(plain(neo4j_graph)[0]) == FOUND + 1


def told_of(project: Project) -> tuple[Any, ...]:
    outcome = project.verb("ingest", "show", "people", "--format", "json")
    assert outcome.status == 0, outcome.text
    row = json.loads(outcome.out)
    return row["state"], row["created_nodes"], row["touched_nodes"]


def test_what_is_told_of_a_batch_that_was_killed(
    filed: Project, neo4j_graph: Graph
) -> None:
    def there() -> tuple[int, int]:
        (row,) = neo4j_graph.read(
            "MATCH (n:Person) WHERE n._alembic_batch = 'people' "
            "RETURN count(n) AS created"
        )
        return row["created"], len(images(neo4j_graph))

    fill(neo4j_graph)
    places = [place for place in commits(filed, LOAD) if place.startswith("graph")]
    seen = []
    for place in places[:: max(1, len(places) // 6)]:
        wipe(neo4j_graph)
        for path in filed.path.glob("neo4j_ledger.db*"):
            path.unlink()
        fill(neo4j_graph)
        assert client(filed, LOAD, Kill(place)).status == KILLED, place
        listed = filed.verb("ingest", "list", "--format", "json")
        if json.loads(listed.out)["batches"]:
            state, *counted = told_of(filed)
            assert tuple(counted) == there(), place
            seen.append((state, counted[0] > 0))
    assert ("stopped", True) in seen

    # Somebody is at it.
    with graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5):
        assert told_of(filed)[0] in ("running", "loaded")


def test_what_is_told_of_a_load_that_was_given_up(
    filed: Project, neo4j_graph: Graph
) -> None:
    fill(neo4j_graph)
    assert client(filed, LOAD, Kill("graph.commit.before#7")).status == KILLED
    stopped = told_of(filed)
    assert stopped[0] == "stopped"
    with graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5):
        assert told_of(filed) == ("running", *stopped[1:])

    outcome = filed.verb("repair", "--abandon-run", "--yes")
    assert outcome.status == 0, outcome.text

    assert told_of(filed) == ("unfinished", *stopped[1:])
    lost = client(filed, LOAD, Kill())
    assert "was begun and not finished" in lost.err
    assert client(filed, ROLLBACK, Kill("graph.commit.before#3")).status == KILLED
    assert told_of(filed)[0] == "partly rolled back"
    assert client(filed, ROLLBACK, Kill()).status == 0
    assert told_of(filed)[0] == "rolled back"


def test_a_batch_that_was_begun_where_no_graph_answers(
    filed: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(neo4j_graph)
    assert client(filed, LOAD, Kill("graph.commit.before#7")).status == KILLED
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "bolt://127.0.0.1:1")

    assert told_of(filed) == ("unknown", 0, 0)
    listed = filed.verb("ingest", "list")
    assert "unknown" in listed.out
    assert "the graph was not reached" in listed.out
