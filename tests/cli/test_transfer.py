"""``alembic-neo4j transfer``: graphs from SQLite, compared, rolled back, killed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import KILLED, Kill, client, points
from tests.ingest.transfers import (
    EDGES,
    add_graph,
    change,
    make_documents,
    make_source,
)
from tests.migration.project import Project, data, graph_state

SCHEMA = """
op.add_unique_constraint("File", "path")
op.add_unique_constraint("Class", "fqn")
op.add_unique_constraint("Function", "fqn")
op.add_index("File", "repo_id")
op.add_index("Node", "name")
"""
NODES = "MATCH (n:Node) RETURN labels(n) AS labels, properties(n) AS properties"
SOURCE = ("--source", "code.db")


@pytest.fixture
def code(live: Project, neo4j_graph: Graph) -> Project:
    """A project whose schema is applied, and a source with two graphs."""
    live.revision("r1", SCHEMA)
    live.done("upgrade", "head")
    make_source(live.path / "code.db", "one", "two")
    return live


def done(project: Project, *arguments: str, answers: str | None = None) -> str:
    outcome = project.verb("transfer", *arguments, answers=answers)
    assert outcome.status == 0, outcome.text
    return outcome.out


def failed(project: Project, *arguments: str, status: int = 2) -> str:
    outcome = project.verb("transfer", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.text


def report(project: Project, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    outcome = project.verb("transfer", *arguments, "--format", "json")
    assert outcome.status == status, outcome.text
    rows: list[dict[str, Any]] = json.loads(outcome.out)["graphs"]
    return rows


def counts(graph: Graph) -> dict[str, int]:
    """How many nodes of each repository there are."""
    rows = graph.read(
        "MATCH (n:Node) RETURN n.repo_id AS repo, count(n) AS n ORDER BY repo"
    )
    return {row["repo"]: row["n"] for row in rows}


def relationships(graph: Graph) -> list[tuple[Any, ...]]:
    rows = graph.read(
        "MATCH (a)-[r]->(b) RETURN a.name AS source, type(r) AS type, r.line AS line, "
        "b.name AS target ORDER BY a.repo_id, source, target"
    )
    return [tuple(row.values()) for row in rows]


def batches(project: Project) -> dict[str, tuple[Any, ...]]:
    """The state and the counts of nodes and relationships of each batch."""
    rows = (project.remembered() or {}).get("alembic_neo4j_batch", [])
    return {row[1]: (row[4], row[10], row[12]) for row in rows}


# Graphs are transferred --------------------------------------------------------------


def test_list_prints_an_id_a_line(code: Project) -> None:
    assert done(code, *SOURCE, "--list") == "one\ntwo\n"
    assert report(code, *SOURCE, "--list") == [
        {"id": "one", "scope": "one"},
        {"id": "two", "scope": "two"},
    ]


@pytest.mark.parametrize("make", [make_source, make_documents])
def test_one_graph(
    code: Project, neo4j_graph: Graph, make: Callable[..., Path]
) -> None:
    (code.path / "code.db").unlink()
    make(code.path / "code.db", "one", "two")
    said = done(code, "one", *SOURCE)
    assert said == (
        "one: 10 of 10 nodes and 8 of 8 relationships created, the others found\n"
    )
    found = neo4j_graph.read(f"{NODES} ORDER BY n.name")
    assert [row["labels"] for row in found[-2:]] == [["Function", "Node"]] * 2
    (file,) = [row for row in found if row["properties"].get("path") == "one/1.py"]
    stars = {"stars": 2} if make is make_source else {}
    assert sorted(file["labels"]) == ["File", "Node"]
    assert file["properties"] == {
        "path": "one/1.py",
        "name": "n1",
        "repo_id": "one",
        "lines": [1, 6],
        "docstring": "what 1 does",
        "_alembic_batch": "transfer:one",
        **stars,
    }
    assert relationships(neo4j_graph) == [
        ("n1", "CONTAINS", None, "n3"),
        ("n1", "CONTAINS", None, "n5"),
        ("n2", "IMPORTS", 3, "n1"),
        ("n2", "CONTAINS", None, "n4"),
        ("n3", "HAS_METHOD", None, "n8"),
        ("n4", "EXTENDS", 7, "n3"),
        ("n5", "CALLS", 11, "n6"),
        ("n5", "CALLS", 12, "n7"),
    ]
    assert batches(code) == {"transfer:one": ("loaded", 10, 8)}
    assert "open" not in str(code.remembered())


def test_all_graphs_and_again(code: Project, neo4j_graph: Graph) -> None:
    assert len(done(code, "--all", *SOURCE).splitlines()) == 2
    before = graph_state(neo4j_graph)
    assert "0 of 10 nodes and 0 of 8 relationships" in done(code, "two", *SOURCE)
    assert graph_state(neo4j_graph) == before
    assert batches(code)["transfer:two"] == ("loaded", 10, 8)


def test_ids_from_standard_input(code: Project, neo4j_graph: Graph) -> None:
    rows = done(code, "-", *SOURCE, answers=" two\n\none\ntwo\n").splitlines()
    assert [row.partition(":")[0] for row in rows] == ["two", "one"]
    assert counts(neo4j_graph) == {"one": 10, "two": 10}
    assert done(code, "-", *SOURCE, answers="\n") == ""


def test_a_rerun_brings_what_has_changed(code: Project, neo4j_graph: Graph) -> None:
    done(code, "one", *SOURCE)
    change(
        code.path / "code.db",
        "UPDATE nodes SET docstring = NULL, stars = 99 WHERE id = 1",
        "DELETE FROM edges WHERE type = 'CALLS' AND line = 12",
    )
    done(code, "one", *SOURCE)
    assert neo4j_graph.read(
        "MATCH (n:File {path: 'one/1.py'}) RETURN n.stars AS s, n.docstring AS d"
    ) == [{"s": 99, "d": None}]


def test_batches_of_one_row(code: Project, neo4j_graph: Graph) -> None:
    done(code, "one", *SOURCE, "--batch-size", "1")
    assert counts(neo4j_graph) == {"one": 10}
    assert len(relationships(neo4j_graph)) == 8


def test_any_tables_by_a_mapping(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", 'op.add_unique_constraint("Person", "id")')
    live.done("upgrade", "head")
    change(
        live.path / "hr.db",
        "CREATE TABLE people (id INTEGER, name TEXT, born TEXT)",
        "CREATE TABLE knows (a INTEGER, b INTEGER, since INTEGER)",
        "INSERT INTO people VALUES (1, 'Ada', '1815-12-10'), (2, 'Alan', NULL)",
        "INSERT INTO knows VALUES (1, 2, 1900), (1, 2, 1901)",
    )
    (live.path / "hr.toml").write_text(
        """
        [[nodes]]
        labels = "Person"
        table = "people"
        key = "id"
        properties = { born = { type = "DATE" } }
        [[relationships]]
        type = "KNOWS"
        table = "knows"
        source = { label = "Person", key = { id = "a" } }
        target = { label = "Person", key = { id = "b" } }
        key = "since"
        """
    )
    options = ("--source", "sqlite:///hr.db", "--mapping", "hr.toml")
    assert done(live, *options, "--list") == "hr\n"
    done(live, "hr", *options)
    assert str(neo4j_graph.read("MATCH (n:Person {id: 1}) RETURN n.born AS b")) == (
        "[{'b': neo4j.time.Date(1815, 12, 10)}]"
    )
    assert neo4j_graph.read(
        "MATCH ()-[r:KNOWS]->() RETURN r.since AS since ORDER BY since"
    ) == [{"since": 1900}, {"since": 1901}]
    assert report(live, "hr", *options, "--verify")[0]["state"] == "equal"


def test_a_relationship_may_lead_to_a_node_of_another_graph(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", 'op.add_unique_constraint("Person", "id")')
    live.done("upgrade", "head")
    change(
        live.path / "hr.db",
        "CREATE TABLE people (id INTEGER, boss INTEGER, team TEXT)",
        "INSERT INTO people VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 2, 'b')",
    )
    (live.path / "hr.toml").write_text(
        """
        [graphs]
        query = "SELECT DISTINCT team FROM people"
        id = "team"
        scope = { property = "team", column = "team" }
        [[nodes]]
        labels = "Person"
        query = "SELECT id, team FROM people WHERE team = :graph"
        key = "id"
        [[relationships]]
        type = "REPORTS_TO"
        query = "SELECT id, boss FROM people WHERE team = :graph AND boss IS NOT NULL"
        source = { label = "Person", key = { id = "id" } }
        target = { label = "Person", key = { id = "boss" } }
        """
    )
    options = ("--all", "--source", "hr.db", "--mapping", "hr.toml")
    done(live, *options)
    found = report(live, *options, "--verify")
    assert [row["state"] for row in found] == ["equal", "equal"]
    assert found[1]["comparisons"][1]["there"] == 2
    neo4j_graph.transaction(
        [("MATCH (a {id: 3}), (b {id: 1}) CREATE (a)-[:REPORTS_TO]->(b)", {})]
    )
    found = report(live, *options, "--verify", status=1)
    assert [row["state"] for row in found] == ["equal", "different"]


# What goes wrong ---------------------------------------------------------------------


def test_a_graph_that_fails_does_not_keep_the_others(
    code: Project, neo4j_graph: Graph
) -> None:
    path = code.path / "code.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        add_graph(connection, "three", "three")
    change(path, "UPDATE nodes SET lines = 'x' WHERE graph_id = 'three' AND id = 10")
    found = report(code, "--all", *SOURCE, "--batch-size", "2", status=2)
    assert [(row["id"], row["state"]) for row in found] == [
        ("one", "transferred"),
        ("three", "failed"),
        ("two", "transferred"),
    ]
    assert "row 6, column 'lines': expected LIST<INTEGER>" in found[1]["error"]
    # What was transferred before the row stays.
    assert counts(neo4j_graph) == {"one": 10, "three": 6, "two": 10}
    assert "1 of 3 graphs failed: three" in failed(code, "--all", *SOURCE)
    change(path, "UPDATE nodes SET lines = '[1, 2]' WHERE lines = 'x'")
    done(code, "three", *SOURCE)
    assert report(code, "three", *SOURCE, "--verify")[0]["state"] == "equal"
    assert "open" not in str(code.remembered())


def test_edges_without_a_node_are_told_and_differ(
    code: Project, neo4j_graph: Graph
) -> None:
    change(code.path / "code.db", "INSERT INTO edges VALUES ('one', 5, 99, 'CALLS', 1)")
    assert "1 lack a node to lead from or to" in done(code, "one", *SOURCE)
    (found,) = report(code, "one", *SOURCE, "--verify", status=1)
    assert found["state"] == "different"
    (calls,) = [row for row in found["comparisons"] if not row["equal"]]
    assert (calls["name"], calls["source"], calls["found"]) == (
        "CALLS from Function to Function",
        3,
        2,
    )
    assert calls["missing"] == ["'one.5', None"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("one",), "Say which SQLite database: --source PATH"),
        (
            ("three", *SOURCE),
            "expected the id of a graph, found 'three'; there are one",
        ),
        (SOURCE, "Name a graph, say --all"),
        (("one", "--all", *SOURCE), "not both"),
        (("--list", "--verify", *SOURCE), "exclude each other"),
        (("one", "--source", "none.db"), "found no file none.db"),
        (("one", *SOURCE, "--mapping", "none.toml"), "none.toml: can't be read"),
        (("one", *SOURCE, "--batch-size", "0"), "0 is not in the range"),
        (("one", "--rollback"), "'one' was never transferred to this graph"),
    ],
)
def test_what_is_refused(
    code: Project, neo4j_graph: Graph, arguments: tuple[str, ...], message: str
) -> None:
    assert message in failed(code, *arguments)
    assert data(neo4j_graph) == []


def test_without_the_schema_nothing_is_transferred(
    live: Project, neo4j_graph: Graph
) -> None:
    make_source(live.path / "code.db", "one")
    told = failed(live, "one", *SOURCE)
    assert "(:File) by path; (:Class) by fqn; (:Function) by fqn" in told
    assert "Apply the schema first" in told
    assert live.remembered() is None
    done(live, "one", *SOURCE, "--without-constraints")
    assert counts(neo4j_graph) == {"one": 10}


def test_a_server_that_is_not_there(project: Project) -> None:
    make_source(project.path / "code.db", "one")
    assert "no Neo4j answers at" in failed(project, "one", *SOURCE)
    assert project.remembered() is None


def test_the_source_is_only_read(code: Project) -> None:
    path = code.path / "code.db"
    before = path.read_bytes(), path.stat().st_mtime_ns
    done(code, "--all", *SOURCE)
    done(code, "--all", *SOURCE, "--verify")
    done(code, "--all", *SOURCE, "--rollback")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    names = {file.name for file in code.path.iterdir()}
    assert {name for name in names if name.startswith("code.db")} == {"code.db"}


# Compared ----------------------------------------------------------------------------


def test_verify_counts_by_label_by_type_and_by_repository(code: Project) -> None:
    done(code, "--all", *SOURCE)
    said = done(code, "one", *SOURCE, "--verify")
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == "one: equal"
    assert "nodes Function 6 6 6" in lines
    assert "relationships CALLS from Function to Function 2 2 2" in lines
    assert lines[-1] == "repo_id one 10 10 10"


DIFFERENCES = {
    "Function": ("MATCH (n:Function {fqn: 'one.10'}) DELETE n", (6, 5, 5)),
    "File": ("CREATE (:File:Node {path: 'x', repo_id: 'one'})", (2, 2, 3)),
    "Class": ("MATCH (n:Class {fqn: 'one.3'}) REMOVE n:Node", (2, 1, 1)),
    "CALLS from Function to Function": (
        "MATCH (:Function {repo_id: 'one'})-[r:CALLS]->() WHERE r.line = 11 DELETE r",
        (2, 1, 1),
    ),
    "EXTENDS from Class to Class": (
        "MATCH (a:Class {fqn: 'one.3'}), (b:Class {fqn: 'one.4'}) "
        "CREATE (a)-[:EXTENDS]->(b)",
        (1, 1, 2),
    ),
}
"""Changes of the graph, and how many there are in the source, found, and there."""


def test_verify_tells_each_difference(code: Project, neo4j_graph: Graph) -> None:
    done(code, "--all", *SOURCE)
    neo4j_graph.transaction([(cypher, {}) for cypher, _ in DIFFERENCES.values()])
    before = graph_state(neo4j_graph)
    one, two = report(code, "--all", *SOURCE, "--verify", status=1)
    different = {
        row["name"]: (row["source"], row["found"], row["there"])
        for row in one["comparisons"]
        if not row["equal"]
    }
    assert different.pop("one") == (10, 8, 10)
    assert different == {name: numbers for name, (_, numbers) in DIFFERENCES.items()}
    assert two["state"] == "equal"
    assert graph_state(neo4j_graph) == before


def test_verify_tells_what_the_mapping_leaves_out(code: Project) -> None:
    change(code.path / "code.db", "INSERT INTO edges VALUES ('one', 5, 6, 'OWNS', 1)")
    done(code, "one", *SOURCE)
    said = failed(code, "one", *SOURCE, "--verify", status=1)
    assert "left out edges of another type" in said


def test_graphs_of_one_repository_may_add_to_each_other(code: Project) -> None:
    with closing(sqlite3.connect(code.path / "code.db")) as connection, connection:
        add_graph(connection, "one again", "one", EDGES[:3])
    done(code, "one", "one again", *SOURCE)
    found = report(code, "one", "one again", *SOURCE, "--verify")
    assert [row["state"] for row in found] == ["equal", "equal"]


# Rolled back -------------------------------------------------------------------------


def test_rollback_takes_back_one_graph_and_no_other(
    code: Project, neo4j_graph: Graph
) -> None:
    done(code, "two", *SOURCE)
    before = graph_state(neo4j_graph)
    done(code, "one", *SOURCE)
    (code.path / "code.db").rename(code.path / "gone.db")
    said = done(code, "one", "--rollback")
    assert said == (
        "one: nodes deleted: 10, restored: 0; relationships deleted: 8, restored: 0\n"
    )
    assert graph_state(neo4j_graph)[:2] == before[:2]
    assert batches(code)["transfer:one"][0] == "rolled back"


def test_rollback_restores_what_was_there(code: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction(
        [("CREATE (:File {path: 'one/1.py', name: 'mine', kept: 1})", {})]
    )
    done(code, "one", *SOURCE)
    assert counts(neo4j_graph) == {"one": 10}
    done(code, "one", "--rollback")
    assert neo4j_graph.read(
        "MATCH (n) WHERE n.path IS NOT NULL "
        "RETURN labels(n) AS labels, properties(n) AS properties"
    ) == [
        {
            "labels": ["File"],
            "properties": {"path": "one/1.py", "name": "mine", "kept": 1},
        }
    ]


def test_rollback_spares_relationships_of_others(
    code: Project, neo4j_graph: Graph
) -> None:
    done(code, "one", *SOURCE)
    neo4j_graph.transaction(
        [("MATCH (n:File {path: 'one/1.py'}) CREATE (:Mine)-[:SEES]->(n)", {})]
    )
    assert "1 :SEES" in failed(code, "one", "--rollback")
    assert counts(neo4j_graph) == {"one": 10}
    done(code, "one", "--rollback", "--detach")
    assert data(neo4j_graph) == [{"labels": ["Mine"]}]


# In a revision -----------------------------------------------------------------------


def test_a_revision_transfers_and_its_downgrade_takes_back(
    code: Project, neo4j_graph: Graph
) -> None:
    code.revision(
        "r2",
        """
        done = op.transfer("code.db", "one", batch_size=3)
        op.run_cypher("CREATE (:Note {n: $n})", {"n": done.created_nodes})
        """,
        'op.run_cypher("MATCH (n:Note) DELETE n")\nop.rollback_batch()',
        down="r1",
    )
    before = graph_state(neo4j_graph)
    code.done("upgrade", "head")
    assert counts(neo4j_graph) == {"one": 10}
    assert neo4j_graph.read("MATCH (n:Note) RETURN n.n AS n") == [{"n": 10}]
    assert batches(code)["r2"] == ("loaded", 10, 8)
    code.done("downgrade", "r1")
    assert graph_state(neo4j_graph)[0][1:] == before[0][1:]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('op.transfer("none.db")', "there is no file none.db beside"),
        ('op.transfer("code.db", "three")', "found 'three'; there are one, two"),
        ('op.transfer("code.db", mapping="m.toml")', "there is no file m.toml"),
    ],
)
def test_a_revision_that_can_not_transfer(
    code: Project, neo4j_graph: Graph, call: str, message: str
) -> None:
    code.revision("r2", call, down="r1")
    assert message in code.failed("upgrade", "head")
    assert data(neo4j_graph) == []


def test_a_revision_that_transfers_is_no_script(code: Project) -> None:
    code.revision("r2", 'op.transfer("code.db")', down="r1")
    told = code.failed("upgrade", "r1:r2", "--sql")
    assert "transfer of all graphs: what is in code.db can't be written" in told


# Killed and run again ----------------------------------------------------------------

COMMAND = ("alembic-neo4j", "transfer", "--all", *SOURCE, "--batch-size", "2")


def killed(project: Project, point: str) -> None:
    outcome = client(project, COMMAND, Kill(point))
    assert outcome.status == KILLED, outcome.text


def again(project: Project) -> str:
    outcome = client(project, COMMAND, Kill())
    assert outcome.status == 0, outcome.text
    return outcome.text


@pytest.fixture
def commits(code: Project, neo4j_graph: Graph) -> list[str]:
    """The commits of a transfer of both graphs, which is undone again."""
    found = [point for point in points(code, COMMAND) if ".commit." in point]
    start_anew(code, neo4j_graph)
    return found


def start_anew(project: Project, graph: Graph) -> None:
    wipe(graph)
    for path in project.path.glob("neo4j_ledger.db*"):
        path.unlink()
    project.done("upgrade", "head")


def test_killed_anywhere_it_goes_on(
    code: Project, neo4j_graph: Graph, commits: list[str]
) -> None:
    for part in (0.4, 0.85):
        point = commits[int(len(commits) * part)]
        start_anew(code, neo4j_graph)
        killed(code, point)
        again(code)
        assert counts(neo4j_graph) == {"one": 10, "two": 10}, point
        assert len(relationships(neo4j_graph)) == 2 * len(EDGES), point
        found = batches(code)
        assert found == {
            "transfer:one": ("loaded", 10, 8),
            "transfer:two": ("loaded", 10, 8),
        }, point
        assert "open" not in str(code.remembered()), point
        assert neo4j_graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m") == []


def test_it_comes_first_and_begins_again_where_the_source_has_changed(
    code: Project, neo4j_graph: Graph, commits: list[str]
) -> None:
    killed(code, commits[len(commits) * 3 // 4])
    told = failed(code, "one", *SOURCE)
    assert "`alembic-neo4j transfer two` was begun at" in told
    assert "`alembic-neo4j transfer two` goes on with it" in code.verb("status").out
    change(code.path / "code.db", "UPDATE nodes SET stars = -1 WHERE id < 4")
    said = again(code)
    assert "`alembic-neo4j transfer two` is not what it was" in said
    assert said.index("two: 0 of") < said.index("one: 0 of")
    assert neo4j_graph.read(
        "MATCH (n:Node) WHERE n.stars = -1 RETURN count(n) AS n"
    ) == [{"n": 6}]
    done(code, "--all", *SOURCE, "--verify")
