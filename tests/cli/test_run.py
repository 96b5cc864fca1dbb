"""``alembic-neo4j run``: a file of Cypher through the journal, killed and run again."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from alembic_neo4j.graph.wipe import wipe
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.project import (
    Project,
    data,
    graph_state,
    indexes,
    stamped,
)

COUNTING = """
CREATE (:Counter {n: 0});
CREATE INDEX counter FOR (c:Counter) ON (c.n);
MATCH (c:Counter) SET c.n = c.n + 1;
MATCH (c:Counter) SET c.n = c.n + 1;
MATCH (c:Counter) RETURN c.n;
MATCH (c:Counter) SET c.n = c.n + 1;
CREATE CONSTRAINT counter_id FOR (c:Counter) REQUIRE c.id IS UNIQUE;
MATCH (c:Counter) SET c.n = c.n + $more
"""
RUN = ("alembic-neo4j", "run", "count.cypher", "--parameter", "more=10")
COUNTED = [{"n": 13}]
COUNT = "MATCH (c:Counter) RETURN c.n AS n"


def file(project: Project, text: str, name: str = "a.cypher") -> Path:
    path = project.path / name
    path.write_text(text)
    return path


def done(project: Project, *arguments: str) -> str:
    outcome = project.verb("run", *arguments)
    assert outcome.status == 0, outcome.text
    return outcome.out


def failed(project: Project, *arguments: str) -> str:
    outcome = project.verb("run", *arguments)
    assert outcome.status == 2, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.err


def runs(project: Project) -> list[str]:
    """The state of each run of the ledger."""
    rows = (project.remembered() or {}).get("alembic_neo4j_run", [])
    return sorted(row[2] for row in rows)


# What it does ------------------------------------------------------------------------


def test_statements_run_by_kind_and_are_counted(
    live: Project, neo4j_graph: Graph
) -> None:
    file(live, COUNTING)
    said = done(live, "a.cypher", "--parameter", "more=10")
    assert said == "a.cypher: 8 statements in 7 transactions.\n"
    assert neo4j_graph.read(COUNT) == COUNTED
    assert indexes(neo4j_graph) == {"counter"}
    assert runs(live) == ["done"]
    assert neo4j_graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN m") == []
    assert live.heads() == []


def test_run_again_it_runs_again(live: Project, neo4j_graph: Graph) -> None:
    file(live, "MERGE (c:Counter) SET c.n = coalesce(c.n, 0) + 1")
    done(live, "a.cypher")
    done(live, "a.cypher")
    assert neo4j_graph.read(COUNT) == [{"n": 2}]
    assert runs(live) == ["done", "done"]


def test_it_goes_with_a_history(chain: Project, neo4j_graph: Graph) -> None:
    chain.done("upgrade", "r2")
    file(chain, "CREATE (:A)")
    done(chain, "a.cypher")
    chain.done("upgrade", "head")
    assert chain.heads() == stamped(neo4j_graph) == ["r3"]


@pytest.mark.parametrize("text", ["", "// nothing;\n", "\ufeff/* ; */;;"])
def test_a_file_without_a_statement_sends_nothing(
    live: Project, neo4j_graph: Graph, text: str
) -> None:
    file(live, text)
    before = graph_state(neo4j_graph)
    assert done(live, "a.cypher") == "a.cypher holds no statement: nothing was sent.\n"
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *(("1", 1), ("1.5", 1.5), ("true", True), ("'1'", "1"), ("Ada", "Ada")),
        *(("[1, 2]", [1, 2]), ("a=b", "a=b"), ("", ""), ("01", "01")),
    ],
)
def test_parameters(
    live: Project, neo4j_graph: Graph, given: str, value: object
) -> None:
    file(live, "CREATE (:A {x: $x})")
    done(live, "a.cypher", "--parameter", f"x={given}")
    assert neo4j_graph.read("MATCH (n:A) RETURN n.x AS x") == [{"x": value}]


@pytest.mark.parametrize("configured", [None, "neo4j"])
def test_use_of_the_project_s_own_database(
    live: Project, neo4j_graph: Graph, configured: str | None
) -> None:
    live.set("neo4j.database", configured)
    file(live, ":use Neo4j\nCREATE (:A)")
    done(live, "a.cypher")
    assert data(neo4j_graph) == [{"labels": ["A"]}]


def test_the_file_may_be_anywhere(live: Project, neo4j_graph: Graph) -> None:
    (live.path / "cypher").mkdir()
    path = file(live, "CREATE (:A)", "cypher/a.cypher")
    assert done(live, str(path)).startswith("cypher/a.cypher: 1 statement in ")


def test_dry_run_sends_nothing_and_asks_nobody(project: Project) -> None:
    file(project, f"// first\n{COUNTING}")
    said = done(project, "a.cypher", "--parameter", "more=1", "--dry-run")
    first, *lines = said.splitlines()
    assert first == "a.cypher: 8 statements in 7 transactions; nothing was sent:"
    assert lines[0] == "  data        line    3  CREATE (:Counter {n: 0})"
    assert lines[3] == "              line    6  MATCH (c:Counter) SET c.n = c.n + 1"
    assert project.remembered() is None


def test_the_report_as_json(live: Project) -> None:
    file(live, "CREATE (:A);\nCREATE (:B);\nRETURN 1")
    report: dict[str, Any] = json.loads(done(live, "a.cypher", "--format", "json"))
    digest = report.pop("sha256")
    assert len(digest) == 64
    assert report == {
        "file": "a.cypher",
        "statements": 3,
        "sent": True,
        "transactions": [
            {
                "kind": "data",
                "statements": [
                    {"line": 1, "text": "CREATE (:A)"},
                    {"line": 2, "text": "CREATE (:B)"},
                ],
            },
            {"kind": "read", "statements": [{"line": 3, "text": "RETURN 1"}]},
        ],
    }


# What is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE (:A);\nMATCH (n RETURN n", "a.cypher, line 2: Invalid input"),
        ("CREATE (:A);\nRETURN $x", "a.cypher, line 2: $x has no value"),
        ("CREATE (:A);\n:source b", "a.cypher, line 2: ':source b' is a command"),
        ("CREATE (:A);\n:use other", "the file is for the database 'other', and this"),
        ("CREATE (:A);\nRETURN 'a", "a.cypher: Cypher that can be read was expected"),
    ],
)
def test_nothing_runs_where_the_file_is_wrong(
    live: Project, neo4j_graph: Graph, text: str, message: str
) -> None:
    file(live, text)
    before = graph_state(neo4j_graph)
    assert message in failed(live, "a.cypher")
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


def test_a_file_that_is_not_there(live: Project) -> None:
    assert "a.cypher can't be read: No such file" in failed(live, "a.cypher")


def test_a_parameter_without_a_value(live: Project) -> None:
    file(live, "RETURN 1")
    assert "NAME=VALUE was expected" in failed(live, "a.cypher", "--parameter", "x")


def test_a_first_statement_that_fails_leaves_no_open_run(
    live: Project, neo4j_graph: Graph
) -> None:
    file(live, "CREATE (:A);\nCREATE (:B {x: 1/0})")
    assert "a.cypher, line 2: / by zero" in failed(live, "a.cypher")
    assert data(neo4j_graph) == []
    assert runs(live) == ["abandoned"]
    file(live, "CREATE (:A);\nCREATE (:B {x: 1/1})")
    done(live, "a.cypher")


def test_a_later_one_leaves_a_run_that_goes_on(
    live: Project, neo4j_graph: Graph
) -> None:
    file(live, "CREATE (:A);\nRETURN 1;\nMATCH (n:A) SET n.x = 1 / $by")
    told = failed(live, "a.cypher", "--parameter", "by=0")
    assert "a.cypher, line 3: / by zero" in told
    assert "run the same command again and it goes on from here" in told
    for command in (("a.cypher", "--parameter", "by=1"), ("b.cypher",)):
        file(live, "CREATE (:B)", "b.cypher")
        told = failed(live, *command)
        assert "`alembic-neo4j run a.cypher` was begun at" in told
        assert "`alembic-neo4j repair --abandon-run`" in told
    assert "`alembic-neo4j run a.cypher` was begun" in live.failed("upgrade", "head")
    status = live.verb("status")
    assert "`alembic-neo4j run a.cypher` goes on with it" in status.out
    assert data(neo4j_graph) == [{"labels": ["A"]}]
    assert live.verb("repair", "--abandon-run", "--yes").status == 0
    done(live, "b.cypher")


def test_a_graph_of_another_ledger_is_refused(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "head")
    chain.ledger.unlink()
    file(chain, "CREATE (:A)")
    assert "another ledger manages this graph" in failed(chain, "a.cypher")
    assert data(neo4j_graph) == []


def test_it_waits_for_the_lock_no_longer_than_told(
    live: Project, neo4j_graph: Graph
) -> None:
    file(live, "CREATE (:A)")
    owner = Owner.of_this_process()
    with graph_lock(neo4j_graph, owner, timeout=1):
        told = failed(live, "a.cypher", "--lock-timeout", "0.5")
    assert "was not free within 0.5 seconds" in told
    assert data(neo4j_graph) == []


# Killed and run again ----------------------------------------------------------------


@pytest.fixture
def counting(live: Project) -> Project:
    file(live, COUNTING, "count.cypher")
    return live


def forget(project: Project, graph: Graph) -> None:
    """Leave an empty graph, and no ledger."""
    wipe(graph)
    for path in project.path.glob("neo4j_ledger.db*"):
        path.unlink()


def commits_of_the_run(project: Project) -> list[str]:
    """The points at which the run is killed, its end not among them."""
    passed = [point for point in points(project, RUN) if ".commit." in point]
    # The ledger is committed twice in the end: the run's end, and the lock given back.
    ends = [at for at, point in enumerate(passed) if "ledger.commit.after" in point]
    return passed[: ends[-2]]


def test_killed_anywhere_each_statement_has_its_effect_once(
    counting: Project, neo4j_graph: Graph
) -> None:
    passed = commits_of_the_run(counting)
    for point in [*passed[5:-1:14], passed[-1]]:
        forget(counting, neo4j_graph)
        killed = client(counting, RUN, Kill(point))
        assert killed.status == KILLED, (point, killed.text)
        resumed = client(counting, RUN, Kill())
        assert resumed.status == 0, (point, resumed.text)
        assert neo4j_graph.read(COUNT) == COUNTED, point
        assert set(runs(counting)) == {"done"}, point


def test_an_interrupted_one_finishes_what_is_in_hand_and_goes_on(
    counting: Project, neo4j_graph: Graph
) -> None:
    stop = Kill("graph.commit.before#5", sent=signal.SIGTERM)
    stopped = client(counting, RUN, stop)
    assert stopped.status == 143, stopped.text
    assert "run the same command again and it goes on from here" in stopped.text
    assert runs(counting) == ["open"]
    resumed = client(counting, RUN, Kill())
    assert resumed.status == 0, resumed.text
    assert neo4j_graph.read(COUNT) == COUNTED


def test_an_autocommit_statement_that_may_have_run_is_not_run_again(
    live: Project, neo4j_graph: Graph
) -> None:
    file(
        live,
        "CREATE (:A);\nUNWIND range(1, 3) AS i CALL (i) { CREATE (:B) } "
        "IN TRANSACTIONS OF 1 ROW",
    )
    command = ("alembic-neo4j", "run", "a.cypher")
    autocommits = [p for p in points(live, command) if "autocommit.after" in p]
    forget(live, neo4j_graph)
    killed = client(live, command, Kill(autocommits[-1]))
    assert killed.status == KILLED, killed.text
    told = failed(live, "a.cypher")
    assert "a.cypher, line 2: this auto-commit statement was begun" in told
    done(live, "a.cypher", "--repeatable")
    assert "open" not in runs(live)
