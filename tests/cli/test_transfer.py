"""``alembic-neo4j transfer``: graphs from SQLite, compared, rolled back, killed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.memory import read_size
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import KILLED, Kill, client, points
from tests.crash.project import open_runs
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


STAFF = """
[graphs]
query = "SELECT DISTINCT team FROM people ORDER BY team"
id = "team"
scope = { property = "team", column = "team" }
[[nodes]]
labels = "Person"
query = "SELECT * FROM people WHERE team = :graph ORDER BY id"
key = "id"
properties = { size = { type = "INTEGER" } }
[[relationships]]
type = "REPORTS_TO"
query = "SELECT id, boss FROM people WHERE team = :graph AND boss IS NOT NULL"
source = { label = "Person", key = { id = "id" } }
target = { label = "Person", key = { id = "boss" } }
"""
OPTIONS = ("--source", "staff.db", "--mapping", "staff.toml")


@pytest.fixture
def staff(live: Project, neo4j_graph: Graph) -> Project:
    """A small project: two teams, of five and of three, each with one boss."""
    live.revision("r1", 'op.add_unique_constraint("Person", "id")')
    live.done("upgrade", "head")
    (live.path / "staff.toml").write_text(STAFF)
    change(
        live.path / "staff.db",
        "CREATE TABLE people (id INTEGER, boss INTEGER, team TEXT, size TEXT)",
        "INSERT INTO people VALUES (1, NULL, 'a', '10'), (2, 1, 'a', '20'), "
        "(3, 1, 'a', '30'), (4, 1, 'a', '40'), (5, 1, 'a', '50')",
        "INSERT INTO people VALUES (6, NULL, 'b', '60'), (7, 6, 'b', '70'), "
        "(8, 6, 'b', '80')",
    )
    return live


def teams(graph: Graph) -> dict[str, tuple[int, int]]:
    """How many people and reports each team has."""
    rows = graph.read(
        "MATCH (p:Person) OPTIONAL MATCH (p)-[r:REPORTS_TO]->() "
        "RETURN p.team AS team, count(DISTINCT p) AS people, count(r) AS reports"
    )
    return {row["team"]: (row["people"], row["reports"]) for row in rows}


BOTH = {"a": (5, 4), "b": (3, 2)}


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
    assert said == ("one: 10 of 10 nodes and 8 of 8 relationships created\n")
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
    assert open_runs(code) == 0


def test_all_graphs_and_again(staff: Project, neo4j_graph: Graph) -> None:
    assert len(done(staff, "--all", *OPTIONS).splitlines()) == 2
    before = graph_state(neo4j_graph)
    assert "0 of 3 nodes and 0 of 2 relationships" in done(staff, "b", *OPTIONS)
    assert teams(neo4j_graph) == BOTH
    assert graph_state(neo4j_graph) == before
    assert batches(staff)["transfer:b"] == ("loaded", 3, 2)


def test_ids_from_standard_input(staff: Project, neo4j_graph: Graph) -> None:
    rows = done(staff, "-", *OPTIONS, answers=" b\n\na\nb\n").splitlines()
    assert [row.partition(":")[0] for row in rows] == ["b", "a"]
    assert teams(neo4j_graph) == BOTH
    assert done(staff, "-", *OPTIONS, answers="\n") == ""


def test_a_rerun_brings_what_has_changed(staff: Project, neo4j_graph: Graph) -> None:
    done(staff, "a", *OPTIONS)
    change(
        staff.path / "staff.db",
        "UPDATE people SET size = NULL WHERE id = 1",
        "UPDATE people SET size = 99 WHERE id = 2",
        "INSERT INTO people VALUES (9, 2, 'a', '90')",
    )
    assert "1 of 6 nodes and 1 of 5 relationships" in done(staff, "a", *OPTIONS)
    sizes = "MATCH (p:Person) RETURN p.size AS size ORDER BY p.id"
    assert [row["size"] for row in neo4j_graph.read(sizes)] == [
        *(None, 99, 30, 40, 50, 90)
    ]


def test_batches_of_one_row(staff: Project, neo4j_graph: Graph) -> None:
    done(staff, "--all", *OPTIONS, "--batch-size", "1")
    assert teams(neo4j_graph) == BOTH


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


def test_what_the_source_leaves_out_gets_the_default_of_its_model(
    staff: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:Person {id: 1, team: 'a'})", {})])
    grade = 'op.Property("grade", "INTEGER", default=3)'
    models = (
        f'op.add_node("Person", {grade}, open=True)',
        'op.add_relationship_type("REPORTS_TO")',
    )
    staff.revision("r2", "\n".join(models), down="r1")
    staff.done("upgrade", "head")

    (first,) = report(staff, "a", *OPTIONS)
    (again,) = report(staff, "a", *OPTIONS)

    found = neo4j_graph.read("MATCH (n:Person) RETURN n.grade AS g ORDER BY n.id")
    assert [row["g"] for row in found] == [None, 3, 3, 3, 3]
    assert (first["created_nodes"], again["created_nodes"]) == (4, 0)
    assert "a: equal" in done(staff, "a", *OPTIONS, "--verify")
    done(staff, "a", "--rollback")
    assert neo4j_graph.read("MATCH (n:Person) RETURN properties(n) AS p") == [
        {"p": {"id": 1, "team": "a"}}
    ]


def test_a_relationship_may_lead_to_a_node_of_another_graph(
    staff: Project, neo4j_graph: Graph
) -> None:
    change(staff.path / "staff.db", "UPDATE people SET boss = 1 WHERE id = 8")
    done(staff, "--all", *OPTIONS)
    found = report(staff, "--all", *OPTIONS, "--verify")
    assert [row["state"] for row in found] == ["equal", "equal"]
    assert [row["comparisons"][1]["there"] for row in found] == [4, 2]
    neo4j_graph.transaction(
        [("MATCH (a {id: 7}), (b {id: 1}) CREATE (a)-[:REPORTS_TO]->(b)", {})]
    )
    found = report(staff, "--all", *OPTIONS, "--verify", status=1)
    assert [row["state"] for row in found] == ["equal", "different"]


# What goes wrong ---------------------------------------------------------------------


def test_a_graph_that_fails_does_not_keep_the_others(
    staff: Project, neo4j_graph: Graph
) -> None:
    path = staff.path / "staff.db"
    change(path, "UPDATE people SET size = 'x' WHERE id = 5")
    found = report(staff, "--all", *OPTIONS, "--batch-size", "2", status=2)
    assert [(row["id"], row["state"]) for row in found] == [
        ("a", "failed"),
        ("b", "transferred"),
    ]
    assert "row 5, column 'size': expected INTEGER" in found[0]["error"]
    # Every row is read before the first is transferred.
    assert teams(neo4j_graph) == {"b": (3, 2)}
    assert "1 of 2 graphs failed: a" in failed(staff, "--all", *OPTIONS)
    change(path, "UPDATE people SET size = 50 WHERE id = 5")
    done(staff, "a", *OPTIONS)
    assert teams(neo4j_graph) == BOTH
    assert open_runs(staff) == 0


def test_rows_without_a_node_are_told_and_differ(
    staff: Project, neo4j_graph: Graph
) -> None:
    change(staff.path / "staff.db", "UPDATE people SET boss = 99 WHERE id = 8")
    assert "; 1 lack a node to lead from or to" in done(staff, "b", *OPTIONS)
    (found,) = report(staff, "b", *OPTIONS, "--verify", status=1)
    assert found["state"] == "different"
    (reports,) = [row for row in found["comparisons"] if not row["equal"]]
    assert reports == {
        "what": "relationships",
        "name": "REPORTS_TO from Person to Person",
        "source": 2,
        "found": 1,
        "there": 1,
        "equal": False,
        "missing": ["8, 99"],
    }


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
    live: Project, neo4j_graph: Graph, arguments: tuple[str, ...], message: str
) -> None:
    make_source(live.path / "code.db", "one", "two")
    assert message in failed(live, *arguments)
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


def test_the_source_is_only_read(staff: Project, neo4j_graph: Graph) -> None:
    path = staff.path / "staff.db"
    before = path.read_bytes(), path.stat().st_mtime_ns
    done(staff, "--all", *OPTIONS)
    done(staff, "--all", *OPTIONS, "--verify")
    done(staff, "--all", *OPTIONS, "--rollback")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    names = {file.name for file in staff.path.iterdir()}
    assert {name for name in names if name.startswith("staff.db")} == {"staff.db"}
    assert teams(neo4j_graph) == {}


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
    assert "left out edges of type 'OWNS'" in said


def test_graphs_of_one_repository_may_add_to_each_other(code: Project) -> None:
    with closing(sqlite3.connect(code.path / "code.db")) as connection, connection:
        add_graph(connection, "one again", "one", EDGES[:3])
    done(code, "one", "one again", *SOURCE)
    found = report(code, "one", "one again", *SOURCE, "--verify")
    assert [row["state"] for row in found] == ["equal", "equal"]


# Rolled back -------------------------------------------------------------------------


def test_rollback_takes_back_one_graph_and_no_other(
    staff: Project, neo4j_graph: Graph
) -> None:
    done(staff, "b", *OPTIONS)
    before = graph_state(neo4j_graph)
    done(staff, "a", *OPTIONS)
    (staff.path / "staff.db").rename(staff.path / "gone.db")
    assert done(staff, "a", "--rollback") == (
        "a: nodes deleted: 5, restored: 0; relationships deleted: 4, restored: 0\n"
    )
    assert graph_state(neo4j_graph)[:2] == before[:2]
    assert batches(staff)["transfer:a"][0] == "rolled back"


def test_rollback_restores_what_was_there(staff: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:Person {id: 1, size: -1, kept: 1})", {})])
    done(staff, "a", *OPTIONS)
    assert teams(neo4j_graph) == {"a": BOTH["a"]}
    done(staff, "a", "--rollback")
    people = "MATCH (p:Person) RETURN properties(p) AS p"
    assert neo4j_graph.read(people) == [{"p": {"id": 1, "size": -1, "kept": 1}}]


def test_rollback_spares_relationships_of_others(
    staff: Project, neo4j_graph: Graph
) -> None:
    done(staff, "a", *OPTIONS)
    neo4j_graph.transaction(
        [("MATCH (p:Person {id: 1}) CREATE (:Mine)-[:SEES]->(p)", {})]
    )
    assert "1 :SEES" in failed(staff, "a", "--rollback")
    assert teams(neo4j_graph) == {"a": BOTH["a"]}
    done(staff, "a", "--rollback", "--detach")
    assert data(neo4j_graph) == [{"labels": ["Mine"]}]


# In a revision -----------------------------------------------------------------------


def test_a_revision_transfers_and_its_downgrade_takes_back(
    staff: Project, neo4j_graph: Graph
) -> None:
    staff.revision(
        "r2",
        """
        done = op.transfer("staff.db", "a", mapping="staff.toml", batch_size=3)
        op.run_cypher("CREATE (:Note {n: $n})", {"n": done.created_nodes})
        """,
        'op.run_cypher("MATCH (n:Note) DELETE n")\nop.rollback_batch()',
        down="r1",
    )
    staff.done("upgrade", "head")
    assert teams(neo4j_graph) == {"a": BOTH["a"]}
    assert neo4j_graph.read("MATCH (n:Note) RETURN n.n AS n") == [{"n": 5}]
    assert batches(staff)["r2"] == ("loaded", 5, 4)
    staff.done("downgrade", "r1")
    assert data(neo4j_graph) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('op.transfer("none.db")', "there is no file none.db beside"),
        ('op.transfer("code.db", "three")', "found 'three'; there are one, two"),
        ('op.transfer("code.db", mapping="m.toml")', "there is no file m.toml"),
    ],
)
def test_a_revision_that_can_not_transfer(
    live: Project, neo4j_graph: Graph, call: str, message: str
) -> None:
    make_source(live.path / "code.db", "one", "two")
    live.revision("r1", call)
    assert message in live.failed("upgrade", "head")
    assert data(neo4j_graph) == []


def test_a_revision_that_transfers_is_no_script(project: Project) -> None:
    project.revision("r1", 'op.transfer("code.db")')
    told = project.failed("upgrade", "head", "--sql")
    assert "transfer of all graphs: what is in code.db can't be written" in told


# Killed and run again ----------------------------------------------------------------

COMMAND = ("alembic-neo4j", "transfer", "--all", *OPTIONS, "--batch-size", "2")


def killed(project: Project, point: str) -> None:
    outcome = client(project, COMMAND, Kill(point))
    assert outcome.status == KILLED, outcome.text


def again(project: Project) -> str:
    outcome = client(project, COMMAND, Kill())
    assert outcome.status == 0, outcome.text
    return outcome.text


@pytest.fixture
def commits(staff: Project, neo4j_graph: Graph) -> list[str]:
    """The commits of a transfer of both graphs, which is undone again."""
    found = [point for point in points(staff, COMMAND) if ".commit." in point]
    start_anew(staff, neo4j_graph)
    return found


def start_anew(project: Project, graph: Graph) -> None:
    wipe(graph)
    for path in project.path.glob("neo4j_ledger.db*"):
        path.unlink()
    project.done("upgrade", "head")


def test_killed_anywhere_it_goes_on(
    staff: Project, neo4j_graph: Graph, commits: list[str]
) -> None:
    for part in (0.25, 0.5, 0.75):
        point = commits[int(len(commits) * part)]
        start_anew(staff, neo4j_graph)
        killed(staff, point)
        again(staff)
        assert teams(neo4j_graph) == BOTH, point
        assert batches(staff) == {
            "transfer:a": ("loaded", 5, 4),
            "transfer:b": ("loaded", 3, 2),
        }, point
        assert open_runs(staff) == 0, point
        assert neo4j_graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m") == []


def test_it_comes_first_and_begins_again_where_the_source_has_changed(
    staff: Project, neo4j_graph: Graph, commits: list[str]
) -> None:
    killed(staff, commits[len(commits) * 3 // 4])
    told = failed(staff, "a", *OPTIONS)
    assert "`alembic-neo4j transfer b` was begun at" in told
    assert "`alembic-neo4j transfer b` goes on with it" in staff.verb("status").out
    change(staff.path / "staff.db", "UPDATE people SET size = -1")
    said = again(staff)
    assert "`alembic-neo4j transfer b` is not what it was" in said
    assert said.index("b: ") < said.index("a: 0 of")
    negative = "MATCH (p:Person) WHERE p.size = -1 RETURN count(p) AS n"
    assert neo4j_graph.read(negative) == [{"n": 8}]
    assert teams(neo4j_graph) == BOTH


# What a mapping leaves out -----------------------------------------------------------

SPELLINGS = {
    "title": ("File", "Class", "Function"),
    "upper": ("FILE", "CLASS", "FUNCTION"),
    "mixed": ("fIle", "cLASS", "FUNCtion"),
}


def retype(path: Path, table: str, changes: dict[str, str], make: object) -> None:
    """Write other types of nodes or edges into a source of either layout."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for old, new in changes.items():
            if make is make_source:
                connection.execute(
                    f"UPDATE {table} SET type = ? WHERE type = ?", (new, old)
                )
            else:
                connection.execute(
                    "UPDATE graphs SET graph_data = replace(graph_data, ?, ?)",
                    (f'"type": "{old}"', f'"type": "{new}"'),
                )


@pytest.mark.sample(3)
@pytest.mark.parametrize("make", [make_source, make_documents])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_types_are_compared_without_regard_to_case(
    code: Project, neo4j_graph: Graph, make: Callable[..., Path], spelling: str
) -> None:
    path = code.path / "code.db"
    path.unlink()
    make(path, "one", "two")
    names = ("file", "class", "function")
    retype(path, "nodes", dict(zip(names, SPELLINGS[spelling], strict=True)), make)
    edges = ("CONTAINS", "IMPORTS", "EXTENDS", "CALLS", "HAS_METHOD")
    retype(path, "edges", {name: name.lower() for name in edges}, make)
    said = done(code, "one", *SOURCE)
    assert said == "one: 10 of 10 nodes and 8 of 8 relationships created\n"
    found = {row[1] for row in relationships(neo4j_graph)}
    assert found == set(edges)
    labels = "MATCH (n:Node) UNWIND labels(n) AS l RETURN l, count(*) AS n ORDER BY l"
    assert [tuple(row.values()) for row in neo4j_graph.read(labels)] == [
        ("Class", 2),
        ("File", 2),
        ("Function", 6),
        ("Node", 10),
    ]
    assert "one: equal" in done(code, "one", *SOURCE, "--verify")


@pytest.mark.parametrize("make", [make_source, make_documents])
def test_the_transfer_itself_tells_what_it_leaves_out(
    code: Project, make: Callable[..., Path]
) -> None:
    path = code.path / "code.db"
    path.unlink()
    make(path, "one", "two")
    retype(path, "nodes", {"class": "Struct"}, make)
    retype(path, "edges", {"IMPORTS": "uses"}, make)
    said = done(code, "one", *SOURCE)
    assert said == (
        # Of the classes: contained twice, extended, and with a method.
        "one: 8 of 8 nodes and 3 of 7 relationships created; 4 lack a node to lead "
        "from or to; left out: 2 nodes of type 'Struct', 1 edges of type 'uses'\n"
    )
    (found,) = report(code, "two", *SOURCE)
    assert found["left_out"] == [
        {"what": "nodes of type", "name": "Struct", "count": 2},
        {"what": "edges of type", "name": "uses", "count": 1},
    ]
    assert "left out nodes of type 'Struct'" in failed(
        code, "one", *SOURCE, "--verify", status=1
    )


def test_a_type_that_is_null_is_left_out_too(code: Project) -> None:
    change(
        code.path / "code.db",
        "UPDATE nodes SET type = NULL WHERE id = 10 AND graph_id = 'one'",
        "INSERT INTO edges VALUES ('one', 5, 6, NULL, 1)",
    )
    assert done(code, "one", *SOURCE).endswith(
        "left out: 1 nodes of type 'NULL', 1 edges of type 'NULL'\n"
    )


@pytest.mark.parametrize("make", [make_source, make_documents])
def test_nothing_of_a_graph_that_has_something_is_an_error(
    code: Project, neo4j_graph: Graph, make: Callable[..., Path]
) -> None:
    path = code.path / "code.db"
    path.unlink()
    make(path, "one", "two")
    names = ("file", "class", "function")
    retype(path, "nodes", {name: f"py.{name}" for name in names}, make)
    change(path, "DELETE FROM graphs WHERE id = 'two'")
    told = failed(code, "one", *SOURCE)
    assert "2 nodes of type 'py.class'" in told
    assert "6 nodes of type 'py.function'" in told
    assert data(neo4j_graph) == []
    edges = ("CONTAINS", "IMPORTS", "EXTENDS", "CALLS", "HAS_METHOD")
    retype(path, "edges", {name: f"py.{name}" for name in edges}, make)
    told = failed(code, "one", *SOURCE)
    assert "expected nodes or relationships of 'one' that the mapping" in told
    assert "6 nodes of type 'py.function'" in told
    assert data(neo4j_graph) == []
    assert open_runs(code) == 0
    code.revision("r2", 'op.transfer("code.db", "one")', down="r1")
    assert "6 nodes of type 'py.function'" in code.failed("upgrade", "head")


def test_a_document_that_names_its_lists_otherwise(code: Project) -> None:
    path = code.path / "code.db"
    path.unlink()
    make_documents(path, "one")
    change(
        path, "UPDATE graphs SET graph_data = replace(graph_data, '\"nodes\"', '\"n\"')"
    )
    assert "10 values of the document's key 'n'" in failed(code, "one", *SOURCE)


def test_a_whole_source_that_no_query_takes_a_row_of(
    live: Project, neo4j_graph: Graph
) -> None:
    change(
        live.path / "hr.db",
        "CREATE TABLE people (id INTEGER, kind TEXT)",
        "CREATE TABLE nobody (id INTEGER)",
        "INSERT INTO people VALUES (1, 'Man')",
    )
    mapping = '[[nodes]]\nlabels = "P"\nkey = "id"\nquery = "SELECT * FROM people{}"'
    (live.path / "hr.toml").write_text(mapping.format(" WHERE kind = 'man'"))
    options = ("--source", "hr.db", "--mapping", "hr.toml", "--without-constraints")
    assert "It has rows in people. Nothing" in failed(live, "hr", *options)
    assert data(neo4j_graph) == []
    (live.path / "hr.toml").write_text(mapping.format(""))
    done(live, "hr", *options)
    assert data(neo4j_graph) == [{"labels": ["P"]}]


def test_an_empty_graph_is_no_error(staff: Project) -> None:
    change(
        staff.path / "staff.db",
        "CREATE TABLE teams (team TEXT)",
        "INSERT INTO teams VALUES ('a'), ('c')",
    )
    text = STAFF.replace("SELECT DISTINCT team FROM people", "SELECT team FROM teams")
    (staff.path / "staff.toml").write_text(text)
    assert done(staff, "c", *OPTIONS).startswith("c: 0 of 0 nodes")


def test_what_belongs_to_no_graph_is_told(code: Project, neo4j_graph: Graph) -> None:
    path = code.path / "code.db"
    change(path, "UPDATE nodes SET graph_id = 'TWO' WHERE graph_id = 'two'")
    change(path, "UPDATE edges SET graph_id = 'TWO' WHERE graph_id = 'two'")
    outcome = code.verb("transfer", "one", *SOURCE)
    assert outcome.status == 0, outcome.text
    assert (
        "Left out of every graph: 10 nodes of no graph, with graph_id 'TWO', "
        "8 edges of no graph, with graph_id 'TWO'\n"
    ) in outcome.err
    told = failed(code, "two", *SOURCE)
    assert "10 nodes of the graph_id that is written 'TWO'" in told
    assert counts(neo4j_graph) == {"one": 10}
    failed(code, "one", *SOURCE, "--verify", status=1)
    change(path, "DELETE FROM graphs")
    assert "expected graphs, found none, but 10 nodes" in failed(code, "--all", *SOURCE)


def test_all_unknown_ids_are_named_before_anything_is_done(
    staff: Project, neo4j_graph: Graph
) -> None:
    outcome = staff.verb("transfer", "-", *OPTIONS, answers="a\nx\nb\nB\n")
    assert outcome.status == 2
    assert "expected ids of graphs, found 'x', 'B'; there are a, b." in outcome.err
    assert "Did you mean 'b'? Nothing was done." in outcome.err
    assert data(neo4j_graph) == []
    assert "transfer:" not in str(staff.remembered())


def test_rollback_of_an_id_that_was_never_transferred_does_nothing(
    staff: Project, neo4j_graph: Graph
) -> None:
    done(staff, "--all", *OPTIONS)
    told = failed(staff, "a", "x", "y", "--rollback")
    assert "'x', 'y' were never transferred to this graph" in told
    assert teams(neo4j_graph) == BOTH


# Counted beforehand ------------------------------------------------------------------


def test_a_dry_run_counts_and_writes_nothing(code: Project, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction([("CREATE (:File {path: 'mine'})", {})])
    change(code.path / "code.db", "UPDATE nodes SET type = 'Struct' WHERE id = 10")
    before, remembered = graph_state(neo4j_graph), code.remembered()

    said = done(code, "--all", *SOURCE, "--dry-run")
    one, two = report(code, "--all", *SOURCE, "--dry-run")

    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == (
        "one: 9 nodes and 8 relationships would be transferred; nothing was written"
    )
    assert "nodes Function 5" in lines
    assert "relationships CALLS from Function to Function 2" in lines
    assert "left out: nodes of type 'Struct' 1" in lines
    assert "Warning" not in said
    assert (one["state"], one["nodes"], two["relationships"]) == ("counted", 9, 8)
    assert one["parts"][0] == {"what": "nodes", "name": "File", "rows": 2}
    assert one["server_bytes"] > one["transaction_bytes"] > 0
    assert one["warning"] is None
    assert graph_state(neo4j_graph) == before
    assert code.remembered() == remembered


def test_a_dry_run_warns_where_the_server_lacks_the_memory(
    live: Project, neo4j_graph: Graph
) -> None:
    change(
        live.path / "texts.db",
        "CREATE TABLE texts (id INTEGER, text TEXT)",
        "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100) "
        "INSERT INTO texts SELECT id, hex(zeroblob(500000)) FROM n",
    )
    (live.path / "texts.toml").write_text(
        '[[nodes]]\nlabels = "Text"\ntable = "texts"\nkey = "id"\n'
    )
    options = ("texts", "--source", "texts.db", "--mapping", "texts.toml", "--dry-run")
    options += ("--without-constraints",)
    (found,) = report(live, *options)
    assert found["transaction_bytes"] > 4 * 100 * 1_000_000
    (size,) = re.findall(r"say --batch-size (\d+)", found["warning"])
    assert 1 <= int(size) < 100
    (fits,) = report(live, *options, "--batch-size", size)
    assert fits["warning"] is None
    assert data(neo4j_graph) == []
    assert live.remembered() is None


def test_a_dry_run_says_what_the_transfer_would(
    live: Project, neo4j_graph: Graph
) -> None:
    make_source(live.path / "code.db", "one")
    assert "Apply the schema first" in failed(live, "one", *SOURCE, "--dry-run")
    change(live.path / "code.db", "UPDATE nodes SET type = 'x'", "DELETE FROM edges")
    told = failed(live, "one", *SOURCE, "--dry-run", "--without-constraints")
    assert "10 nodes of type 'x'" in told
    assert live.remembered() is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512.00MiB", 512 * 2**20),
        ("1.5GiB", 3 * 2**29),
        ("0B", 0),
        ("2g", 2 * 2**30),
        ("8192", 8192),
        ("No Value", None),
        ("", None),
        (None, None),
    ],
)
def test_sizes_as_a_server_tells_them(text: str | None, size: int | None) -> None:
    assert read_size(text) == size
