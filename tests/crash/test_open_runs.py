"""What is refused, and what goes on, while a run is open."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, client
from tests.crash.project import (
    ITEMS,
    open_runs,
    write_revision,
    wrong_after_upgrade,
)
from tests.crash.sweep import UPGRADE, Sweep
from tests.migration.project import Project, indexes

ONE_STEP = "graph.commit.after#2"
"""One commit further each time; the first one only says who has the lock."""


@pytest.fixture
def project(sweep: Sweep) -> Project:
    return sweep.prepared(UPGRADE)


@pytest.fixture
def graph(sweep: Sweep, project: Project) -> Graph:
    return sweep.graph


def _refused(project: Project, *command: str) -> str:
    outcome = client(project, command, Kill())
    assert outcome.status == 255, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.out.partition("FAILED: ")[2]


def _killed(project: Project, point: str) -> None:
    outcome = client(project, UPGRADE, Kill(point))
    assert outcome.status == KILLED, outcome.text


def _killed_in_the_middle(sweep: Sweep, project: Project, graph: Graph) -> None:
    # After the first counter of the first revision.
    written = "MATCH (n:Item) WHERE n.first = 1 RETURN count(n) AS n"
    for _ in range(20):
        _killed(project, ONE_STEP)
        if graph.read(written) == [{"n": ITEMS}]:
            assert open_runs(project) == 1
            return
    raise AssertionError("the first counter was never written")


def _done(project: Project) -> None:
    outcome = client(project, UPGRADE, Kill())
    assert outcome.status == 0, outcome.text


def test_an_edited_file_is_refused_until_it_is_restored(
    sweep: Sweep, project: Project, graph: Graph
) -> None:
    _killed_in_the_middle(sweep, project, graph)
    write_revision(project, "r1", None, more="op.execute('CREATE (:More)')")
    assert "the file of revision r1 was edited" in _refused(project, *UPGRADE)
    assert open_runs(project) == 1
    assert graph.read("MATCH (m:More) RETURN m") == []
    write_revision(project, "r1", None)
    _done(project)
    assert wrong_after_upgrade(project, graph) == []


def test_an_edited_file_of_a_later_revision_of_the_run_is_refused(
    sweep: Sweep, project: Project, graph: Graph
) -> None:
    _killed_in_the_middle(sweep, project, graph)
    write_revision(project, "r3", "r2", more="op.execute('CREATE (:More)')")
    assert "the file of revision r3 was edited" in _refused(project, *UPGRADE)
    write_revision(project, "r3", "r2")
    _done(project)
    assert wrong_after_upgrade(project, graph) == []


def test_the_other_direction_is_refused_and_names_the_revision(
    sweep: Sweep, project: Project, graph: Graph
) -> None:
    _done(project)
    # Back to the second revision, and killed on the way up again.
    assert client(project, ("downgrade", "r2"), Kill()).status == 0
    _killed(project, "graph.commit.after#3")
    assert open_runs(project) == 1
    assert "r3" in _refused(project, "downgrade", "base")
    assert open_runs(project) == 1
    _done(project)
    assert open_runs(project) == 0
    assert project.heads() == ["r3"]


def test_a_check_that_fails_first_leaves_no_open_run(
    project: Project, graph: Graph
) -> None:
    graph.transaction([("CREATE (:Item {number: 1})", {})])
    assert "r1" in _refused(project, *UPGRADE)
    assert open_runs(project) == 0
    assert indexes(graph) == set()
    graph.transaction([("MATCH (n:Item) WHERE n.code IS NULL DELETE n", {})])
    # Nothing of the revision was written, and its file may be another one.
    write_revision(project, "r1", None, more="op.execute('CREATE (:More)')")
    _done(project)
    assert graph.read("MATCH (m:More) RETURN count(m) AS n") == [{"n": 1}]


def test_a_check_that_was_killed_before_it_failed_leaves_no_open_run(
    project: Project, graph: Graph
) -> None:
    # The check is a read: it is known to the ledger as begun, and wrote nothing.
    for number in range(1, 40):
        _killed(project, f"graph.read.before#{number}")
        if open_runs(project):
            break
    assert open_runs(project) == 1
    # It was not there when all was checked before the run.
    graph.transaction([("CREATE (:Item {number: 1})", {})])
    _refused(project, *UPGRADE)
    assert open_runs(project) == 0


def test_a_check_that_fails_later_keeps_what_was_done(
    project: Project, graph: Graph
) -> None:
    # In the way of the second revision, whose index is dropped by then.
    twin = "CREATE (:Item {code: 'code 1', number: 0, gone: 0, title: 'title 0'})"
    graph.transaction([(twin, {})])
    assert "r2" in _refused(project, *UPGRADE)
    assert project.heads() == ["r1"]
    _refused(project, *UPGRADE)
    graph.transaction([("MATCH (n:Item {number: 0}) DELETE n", {})])
    # The first revision counted the node that is gone.
    graph.transaction([("MATCH (l:Log) SET l.seen = l.seen - 1", {})])
    _done(project)
    assert wrong_after_upgrade(project, graph) == []


def test_a_statement_that_fails_in_the_middle_goes_on_from_there(
    project: Project, graph: Graph
) -> None:
    # The raw statements at the end share a transaction: none of them stays.
    bad = "op.execute('MATCH (s:Stone) SET s.x = 1 / s.y')"
    write_revision(project, "r1", None, more=bad)
    graph.transaction([("CREATE (:Stone {y: 0})", {})])
    assert "r1" in _refused(project, *UPGRADE)
    assert open_runs(project) == 1
    _refused(project, *UPGRADE)
    graph.transaction([("MATCH (s:Stone) DELETE s", {})])
    _done(project)
    assert wrong_after_upgrade(project, graph) == []


def _only(project: Project, upgrade: str) -> None:
    project.revision("r1", upgrade)
    for name in ("r2", "r3"):
        (project.versions / f"{name}_.py").unlink()


@pytest.mark.parametrize("kind", ["INDEX", "CONSTRAINT"])
def test_a_raw_schema_command_that_was_committed_is_not_in_the_way(
    project: Project, graph: Graph, kind: str
) -> None:
    on = "ON (n.x)" if kind == "INDEX" else "REQUIRE n.x IS UNIQUE"
    _only(project, f"op.execute('CREATE {kind} raw FOR (n:Raw) {on}')")
    made = "SHOW INDEXES YIELD name WHERE name = 'raw' RETURN name"
    while not graph.read(made):
        _killed(project, ONE_STEP)
    assert open_runs(project) == 1
    _done(project)
    assert graph.read(made)
    assert open_runs(project) == 0


def test_a_statement_for_the_ledger_is_kept_with_what_follows(
    project: Project, graph: Graph
) -> None:
    _only(
        project,
        """
        import sqlalchemy as sa
        op.execute(sa.text("CREATE TABLE IF NOT EXISTS mine (x INTEGER)"))
        op.execute(sa.text("INSERT INTO mine VALUES (7)"))
        op.run_cypher("CREATE (:One)")
        op.run_cypher("CREATE (:Two)")
        """,
    )
    while not graph.read("MATCH (n:One) RETURN n"):
        _killed(project, ONE_STEP)
    _done(project)
    assert (project.remembered() or {})["mine"] == [(7,)]
    assert len(graph.read("MATCH (n) WHERE n:One OR n:Two RETURN n")) == 2


def test_a_relative_target_is_the_one_of_the_first_run(project: Project) -> None:
    command = ("upgrade", "+2")
    # Killed in the second of two revisions, whose first is recorded.
    for number in range(1, 40):
        outcome = client(project, command, Kill(f"ledger.commit.after#{number}"))
        assert outcome.status == KILLED, outcome.text
        if project.heads() == ["r1"]:
            break
    assert open_runs(project) == 1
    assert client(project, command, Kill()).status == 0
    assert project.heads() == ["r2"]
