"""``alembic-neo4j status``: each state that a project can be in."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import neo4j
import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from tests.migration.project import NOWHERE, PROGRAM, Project, graph_state

KEYS = {
    "graph": {"url", "database", "version", "edition", "stamp", "indexes"},
    "ledger": {"url", "exists", "heads"},
    "history": {"heads", "pending"},
    "counts": {"error", "warning", "remark"},
}


def report(project: Project, *arguments: str, status: int) -> dict[str, Any]:
    outcome = project.verb("status", "--format", "json", *arguments)
    assert outcome.status == status, outcome.text
    value: dict[str, Any] = json.loads(outcome.out)
    others = {"run", "lock", "unchecked", "findings", "applied", "batches"}
    assert set(value) == {*KEYS, *others}
    assert {name: set(value[name]) for name in KEYS} == KEYS
    return value


def text(project: Project, *arguments: str, status: int) -> str:
    outcome = project.verb("status", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.out


def codes(found: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


def failing_in_the_middle(project: Project) -> None:
    project.revision(
        "r2",
        """
        op.run_cypher("CREATE (:Done)")
        op.run_cypher("CREATE (:Half) WITH 1 AS one RETURN one / 0")
        """,
        down="r1",
    )
    project.failed("upgrade", "head")


# The states --------------------------------------------------------------------------


def test_a_new_project(chain: Project, neo4j_graph: Graph) -> None:
    before = graph_state(neo4j_graph)
    found = report(chain, status=1)
    assert found["graph"]["url"] == neo4j_graph.settings.url
    assert found["graph"]["database"] == "neo4j"
    assert found["graph"]["edition"] == "community"
    assert found["graph"]["version"] == ".".join(map(str, neo4j_graph.server.version))
    assert found["graph"]["stamp"] is None
    assert found["ledger"]["exists"] is False
    assert found["ledger"]["heads"] == []
    assert found["history"] == {
        "heads": ["r3"],
        "pending": [
            {"revision": f"r{n}", "message": f"the message of r{n}"} for n in (1, 2, 3)
        ],
    }
    assert codes(found) == ["pending"]
    shown = text(chain, status=1)
    assert "not there yet" in shown
    assert "3 revisions, for `alembic -c neo4j.ini upgrade head`:" in shown
    assert "  r2  the message of r2" in shown
    assert list(chain.path.glob("neo4j_ledger*")) == []
    assert graph_state(neo4j_graph) == before


def test_some_pending_then_none(chain: Project) -> None:
    chain.done("upgrade", "r2")
    found = report(chain, status=1)
    assert found["ledger"] == {
        "url": f"sqlite:///{chain.ledger}",
        "exists": True,
        "heads": ["r2"],
    }
    assert found["graph"]["stamp"] == ["r2"]
    assert [p["revision"] for p in found["history"]["pending"]] == ["r3"]
    chain.done("upgrade", "head")
    found = report(chain, status=0)
    assert found["history"]["pending"] == []
    assert found["findings"] == []
    shown = text(chain, status=0)
    assert shown.endswith("Nothing is pending.\n")
    assert "stamped r3" in shown
    assert "Ledger" in shown


def test_a_verbose_one_has_all_that_was_done(chain: Project) -> None:
    chain.done("upgrade", "head")
    chain.done("downgrade", "base")
    chain.done("upgrade", "head")
    brief = text(chain, status=0)
    for option in ("-v", "--verbose"):
        shown = text(chain, option, status=0)
        assert shown == brief + chain.verb("history").out
    assert "done    downgrade r1" not in brief
    assert "done    downgrade r1" in shown
    as_json = report(chain, "-v", status=0)
    assert as_json == report(chain, status=0)


def test_the_applied_revisions_and_what_became_of_their_files(chain: Project) -> None:
    chain.done("upgrade", "head")
    first, second = (chain.versions / f"r{n}_.py" for n in (1, 2))
    first.write_text(first.read_text() + "# a remark\n")
    second.write_text(second.read_text() + "more = 1\n")

    found = report(chain, status=1)
    assert [one["revision"] for one in found["applied"]] == ["r3", "r2", "r1"]
    assert [one["file"] for one in found["applied"]] == [
        *("as applied", "edited", "reformatted"),
    ]
    for one in found["applied"]:
        assert one["applied_at"].endswith("+00:00")
        assert one["applied_by"]
        assert 0 < one["seconds"] < 60
    shown = text(chain, status=1)
    assert "Applied  3 revisions:\n           r3  the message of r3: 2" in shown
    assert re.search(r"r2  .* UTC by \S+, took \d+\.\d\ds, file edited\n", shown)
    assert "upgrade head" not in shown

    second.unlink()
    (chain.versions / "r3_.py").unlink()
    assert [one["file"] for one in report(chain, status=1)["applied"]][:2] == [
        *("missing", "missing"),
    ]


def test_the_batches(chain: Project) -> None:
    chain.done("upgrade", "r1")
    for name in ("one", "two", "three", "four"):
        (chain.path / f"{name}.csv").write_text("a\n1\n")
        load = ("ingest", "load", f"{name}.csv", "--label", "Loaded", "--batch", name)
        assert chain.verb(*load).status == 0

    found = report(chain, status=1)
    assert [one["batch"] for one in found["batches"]] == ["one", "two", "three", "four"]
    assert found["batches"][0]["created_nodes"] == 1
    shown = text(chain, status=1)
    assert "Batches  4, the last 3:\n           four  loaded, 1 node and 0 rel" in shown
    assert " one " not in shown


def test_what_would_be_refused_is_not_advised(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r2")
    advice = "for `alembic -c neo4j.ini upgrade head`"
    assert advice in text(chain, status=1)

    neo4j_graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    shown = text(chain, status=1)
    assert "1 revision, once what is wrong below is mended:" in shown
    assert advice not in shown
    assert "stamp-missing" in shown
    chain.failed("upgrade", "head")


def test_a_long_list_fits_on_a_screen(live: Project) -> None:
    down = None
    for number in range(30):
        live.revision(f"r{number:02}", down=down)
        down = f"r{number:02}"
    shown = text(live, status=1)
    assert "and 20 more" in shown
    assert len(shown.splitlines()) < 24
    assert len(report(live, status=1)["history"]["pending"]) == 30
    live.done("upgrade", "r19")
    shown = text(live, status=1)
    assert "20 revisions, the last 5:" in shown
    assert len(shown.splitlines()) < 24
    assert len(report(live, status=1)["applied"]) == 20


def test_branches(live: Project) -> None:
    live.revision("a1")
    live.revision("b1", down=None, branch_labels=("b",))
    live.revision("b2", down="b1")
    live.done("upgrade", "b@head")
    found = report(live, status=1)
    assert found["ledger"]["heads"] == ["b2"]
    assert found["history"]["heads"] == ["a1", "b2"]
    assert [p["revision"] for p in found["history"]["pending"]] == ["a1"]


def test_an_open_run(chain: Project) -> None:
    failing_in_the_middle(chain)
    found = report(chain, status=1)
    run = found["run"]
    assert run["action"] == "upgrade"
    assert run["revision"] == "r2"
    assert run["then"] == ["r3"]
    assert run["unit"] == {"position": 2, "kind": "data", "state": "running"}
    assert run["begun_at"].endswith("+00:00")
    assert "@" in run["begun_by"]
    assert codes(found) == ["pending", "run-open"]
    shown = text(chain, status=1)
    assert "the upgrade of revision r2, begun 2" in shown
    assert "unit 2 (data) is begun, and not known to be done" in shown
    assert "`alembic -c neo4j.ini upgrade r3` goes on with it" in shown


def test_an_open_downgrade(live: Project) -> None:
    live.revision("r1")
    body = 'op.run_cypher("CREATE (:Down)")\nop.run_cypher("RETURN 1 / 0")'
    live.revision("r2", down="r1", downgrade=body)
    live.done("upgrade", "head")
    live.failed("downgrade", "r1")
    found = report(live, status=1)
    assert (found["run"]["action"], found["run"]["subject"]) == ("downgrade", "r2")
    assert found["run"]["unit"]["position"] == 1
    assert codes(found) == ["run-open"]
    assert "`alembic -c neo4j.ini downgrade r1` goes on with it" in text(live, status=1)


def test_the_owner_of_the_lock(chain: Project, neo4j_graph: Graph) -> None:
    failing_in_the_middle(chain)
    owner = Owner.of_this_process()
    with graph_lock(neo4j_graph, owner, timeout=5):
        found = report(chain, status=1)
        shown = text(chain, status=1)
    assert found["lock"] == {"holder": str(owner)}
    assert codes(found) == ["pending", "run-active"]
    assert f"Lock     held by {owner}" in shown
    assert "goes on with it" not in shown
    assert report(chain, status=1)["lock"] is None


def test_a_ledger_that_only_seems_not_to_fit_while_somebody_writes(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "head")
    neo4j_graph.transaction([("MATCH (s:__AlembicNeo4jStamp) SET s.heads = ['x']", {})])
    assert codes(report(chain, status=1)) == ["stamp-stale"]
    with graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5):
        assert codes(report(chain, status=0)) == ["run-active"]


def test_a_graph_that_belongs_to_another_ledger(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "head")
    other = f"sqlalchemy.url=sqlite:///{chain.path}/other.db"
    found = report(chain, "-x", other, status=1)
    assert "ledger-lost" in codes(found)
    assert not (chain.path / "other.db").exists()
    neo4j_graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    assert codes(report(chain, status=1)) == ["stamp-missing"]
    shown = text(chain, status=1)
    assert "no stamp" in shown
    assert "error stamp-missing: the graph" in shown


def test_a_ledger_ahead_of_the_files(chain: Project) -> None:
    chain.done("upgrade", "head")
    (chain.versions / "r3_.py").unlink()
    found = report(chain, status=1)
    assert {"file-missing", "head-unknown"} <= set(codes(found))
    assert found["history"]["pending"] == []


def test_an_edited_file(chain: Project) -> None:
    chain.done("upgrade", "head")
    path = chain.versions / "r3_.py"
    path.write_text(path.read_text().replace("i3", "i4"))
    assert codes(report(chain, status=1)) == ["file-edited"]
    assert "error file-edited: revision r3" in text(chain, status=1)


def test_a_file_that_can_not_be_loaded(chain: Project) -> None:
    chain.done("upgrade", "r1")
    (chain.versions / "r4_.py").write_text("revision = 'r4'\ndown_revision = nothing\n")
    found = report(chain, status=1)
    assert codes(found) == ["history-broken"]
    assert "r4_.py, line 2: NameError" in found["findings"][0]["found"]
    assert found["ledger"]["heads"] == ["r1"]
    assert "error history-broken" in text(chain, status=1)


def test_an_index_that_failed(chain: Project, neo4j_graph: Graph) -> None:
    chain.done("upgrade", "head")
    # Longer than a range index can take: the index is created and FAILED.
    neo4j_graph.transaction([("CREATE (:Long {p: $value})", {"value": "x" * 40_000})])
    neo4j_graph.transaction([("CREATE INDEX long FOR (n:Long) ON (n.p)", {})])
    neo4j_graph.read("CALL db.awaitIndex('i1')")
    state = "SHOW INDEXES YIELD name, state WHERE name = 'long' RETURN state"
    while neo4j_graph.read(state) == [{"state": "POPULATING"}]:
        pass
    found = report(chain, status=1)
    (index,) = found["graph"]["indexes"]
    assert (index["name"], index["state"]) == ("long", "FAILED")
    assert "too large" in index["message"]
    assert codes(found) == ["index-failed"]
    assert "Index    long: FAILED: " in text(chain, status=1)


# What can't be reached, and what must not be touched ----------------------------------


def test_an_unreachable_graph(chain: Project) -> None:
    chain.done("upgrade", "r1")
    there = ("-x", f"neo4j.url={NOWHERE}")
    found = report(chain, *there, status=2)
    assert found["graph"]["url"] == NOWHERE
    assert found["graph"]["stamp"] is None
    assert found["ledger"]["heads"] == ["r1"]
    assert [p["revision"] for p in found["history"]["pending"]] == ["r2", "r3"]
    assert [part["area"] for part in found["unchecked"]] == ["graph"]
    shown = text(chain, *there, status=2)
    assert f"Graph    {NOWHERE}, not reached" in shown
    assert "Not checked: graph: no Neo4j answers at" in shown


def test_a_ledger_that_can_not_be_opened(chain: Project) -> None:
    (chain.path / "no.db").mkdir()
    there = ("-x", f"sqlalchemy.url=sqlite:///{chain.path}/no.db")
    found = report(chain, *there, status=2)
    assert found["ledger"]["heads"] is None
    assert found["graph"]["database"] == "neo4j"
    assert [part["area"] for part in found["unchecked"]] == ["ledger"]
    assert "can't be read" in text(chain, *there, status=2)


def test_the_ledgers_password_is_masked(chain: Project) -> None:
    chain.set("sqlalchemy.url", "postgresql://me:s3cret@127.0.0.1:1/films")
    found = report(chain, status=2)
    assert found["ledger"]["url"] == "postgresql://me:***@127.0.0.1:1/films"
    assert "s3cret" not in json.dumps(found)
    assert "s3cret" not in text(chain, status=2)


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = Project(tmp_path).verb("status")
    assert outcome.status == 2
    assert "There is no neo4j.ini here" in outcome.err


def test_nothing_is_written(chain: Project, neo4j_graph: Graph) -> None:
    failing_in_the_middle(chain)
    files = {p: p.read_bytes() for p in chain.path.glob("neo4j_ledger*")}
    graph = graph_state(neo4j_graph)
    everything = neo4j_graph.read("MATCH (n) RETURN properties(n) AS p")
    report(chain, status=1)
    text(chain, status=1)
    assert {p: p.read_bytes() for p in chain.path.glob("neo4j_ledger*")} == files
    assert graph_state(neo4j_graph) == graph
    assert neo4j_graph.read("MATCH (n) RETURN properties(n) AS p") == everything


@contextmanager
def busy(project: Project, driver: neo4j.Driver) -> Iterator[None]:
    """Somebody is in the middle of writing to the graph and to the ledger."""
    with (
        driver.session() as data,
        data.begin_transaction() as writes,
        driver.session() as schema,
        schema.begin_transaction() as commands,
        closing(sqlite3.connect(project.ledger, isolation_level=None)) as ledger,
    ):
        writes.run("MATCH (n:__AlembicNeo4jStamp) SET n.heads = ['x']").consume()
        commands.run("CREATE INDEX busy FOR (n:Busy) ON (n.p)").consume()
        ledger.execute("BEGIN IMMEDIATE")
        ledger.execute("UPDATE alembic_version SET version_num = 'x'")
        yield
        ledger.execute("ROLLBACK")


def test_it_waits_for_nobody(chain: Project, driver: neo4j.Driver) -> None:
    chain.done("upgrade", "head")
    with busy(chain, driver):
        done = subprocess.run(
            [str(PROGRAM.with_name("alembic-neo4j")), "status", "--format", "json"],
            cwd=chain.path,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["graph"]["stamp"] == ["r3"]
