"""``alembic-neo4j reset``: what was done is forgotten, what there is stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from alembic_neo4j.cypher.before_images import INDEX
from alembic_neo4j.cypher.before_images import LABEL as IMAGE
from alembic_neo4j.entities import EntityRepository
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from alembic_neo4j.graph.marker import LABEL as MARKER
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.audit import AuditTrail
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.project import Outcome, Project, indexes, stamped
from tests.migration.test_audit import events, ledger_of, told, verdict

RESET = ("alembic-neo4j", "reset", "--yes")
LOAD = ("ingest", "load", "people.csv", "--label", "Person", "--merge-key", "name")
FORGOTTEN = ("alembic_version", *(f"alembic_neo4j_{n}" for n in ("revision", "run")))
FORGOTTEN += tuple(f"alembic_neo4j_{n}" for n in ("unit", "batch", "file"))
HALF = "op.run_cypher('CREATE (:Half)')\nop.run_cypher('RETURN 1 / 0')"


@pytest.fixture
def loaded(applied: Project, neo4j_graph: Graph) -> Project:
    """Two revisions, a third that writes a file, a load upon what was there, a note."""
    applied.revision("r3", "op.write_json('settings.json', {'a': 1})", down="r2")
    (applied.path / "settings.json").write_text('{"a": 0}\n')
    applied.done("upgrade", "head")
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ada', born: 1815})", {})])
    (applied.path / "people.csv").write_text("name,born\nAda,1816\nGrace,1906\n")
    done = applied.verb(*LOAD, "--batch", "b1")
    assert done.status == 0, done.text
    noted = applied.verb("ledger", "note", "kept", "--slug", "kept")
    assert noted.status == 0, noted.text
    return applied


def reset(project: Project, *arguments: str) -> Outcome:
    return project.verb("reset", "--yes", *arguments)


def users(graph: Graph) -> list[Any]:
    """Return what is not ours in a graph: its nodes, indexes and constraints."""
    return [
        graph.read(
            "MATCH (n) WHERE none(l IN labels(n) WHERE l STARTS WITH '__AlembicNeo4j') "
            "RETURN labels(n) AS labels, properties(n) AS properties "
            "ORDER BY elementId(n)"
        ),
        graph.read(
            "SHOW INDEXES YIELD name, type, state, labelsOrTypes, properties "
            f"WHERE NOT name STARTS WITH '__' AND name <> '{INDEX}' "
            "RETURN * ORDER BY name"
        ),
        graph.read(
            "SHOW CONSTRAINTS YIELD name WHERE NOT name STARTS WITH '__' "
            "RETURN name ORDER BY name"
        ),
    ]


def forgotten(project: Project) -> bool:
    """Tell whether the ledger's tables have nothing of what was done."""
    tables = project.remembered() or {}
    return not any(tables[name] for name in FORGOTTEN)


def test_all_that_was_done_is_forgotten_and_what_there_is_stays(
    loaded: Project, neo4j_graph: Graph
) -> None:
    before, trail = users(neo4j_graph), events(loaded)
    assert neo4j_graph.read(f"MATCH (b:{IMAGE}) RETURN count(b) AS n") == [{"n": 1}]
    done = reset(loaded, "--format", "json")
    assert done.status == 0, done.text
    report = json.loads(done.out)
    assert report["forgotten"] == {
        "heads": ["r3"],
        "applied": ["r1", "r2", "r3"],
        "runs": 3,
        "batches": ["b1"],
        "files": ["settings.json", "settings.json.bak"],
        "unfinished": None,
        "images": 1,
        "stamped": True,
    }
    assert "  3 applied revisions: it is at r3\n" in done.err
    assert "  what can be rolled back: b1\n" in done.err
    assert users(neo4j_graph) == before
    assert read_stamp(neo4j_graph) is None
    ours = f"MATCH (n) WHERE n:{IMAGE} OR n:{MARKER} RETURN count(n) AS n"
    assert neo4j_graph.read(ours) == [{"n": 0}]
    assert INDEX not in indexes(neo4j_graph)
    assert forgotten(loaded)
    assert json.loads((loaded.path / "settings.json").read_text()) == {"a": 1}
    # The trail goes on, and what is stored beside the ledger is there.
    assert events(loaded)[: len(trail)] == trail
    assert told(loaded)[-2:] == [("reset", "BEGUN", None), ("reset", "SUCCESS", None)]
    assert verdict(loaded, neo4j_graph).broken is None
    with EntityRepository(loaded.ledger, shared=True) as store:
        assert store.read("note-kept") is not None

    # There is nothing more to forget, and nothing is written for that.
    again = reset(loaded)
    assert (again.status, again.out) == (0, "There is nothing to forget.\n")
    assert len(events(loaded)) == len(trail) + 2
    status = json.loads(loaded.verb("status", "--format", "json").out)
    assert status["ledger"]["heads"] == []
    assert status["findings"][0]["code"] == "pending"

    # The next upgrade begins at base: it does not take the schema that it finds for
    # its own, and leads on by a stamp.
    said = loaded.failed("upgrade", "head")
    assert "person_born" in said
    assert users(neo4j_graph) == before
    loaded.done("stamp", "head")
    assert stamped(neo4j_graph) == loaded.heads() == ["r3"]
    # What a batch created is known by its tag, and is taken back by its name.
    loaded.verb("ingest", "rollback", "b1", "--yes")
    people = neo4j_graph.read("MATCH (p:Person) RETURN p.name AS name, p.born AS born")
    assert people == [{"name": "Ada", "born": 1816}]
    loaded.done("downgrade", "r1")
    assert indexes(neo4j_graph) == {"person_born"}
    assert verdict(loaded, neo4j_graph).broken is None


def test_a_backup_brings_back_what_was_forgotten(
    loaded: Project, neo4j_graph: Graph
) -> None:
    done = reset(loaded, "--format", "json")
    backup = Path(json.loads(done.out)["backup"])
    assert backup.parent == loaded.path / "neo4j_ledger.db.backups"
    restored = loaded.verb("ledger", "backup", "restore", str(backup), "--force")
    assert restored.status == 0, restored.text
    said = loaded.failed("upgrade", "head")
    assert "`alembic-neo4j repair --only stamp-missing`" in said
    loaded.verb("repair", "--only", "stamp-missing", "--yes")
    loaded.verb("repair", "--only", "data-stale", "--yes")
    loaded.done("downgrade", "r1")
    assert json.loads((loaded.path / "settings.json").read_text()) == {"a": 0}
    assert indexes(neo4j_graph) == {"person_born"}


def test_a_graph_that_is_empty_is_upgraded_from_base(
    applied: Project, neo4j_graph: Graph
) -> None:
    for name in ("person_born", "city_name"):
        neo4j_graph.transaction([(f"DROP INDEX {name}", {})])
    neo4j_graph.transaction([("DROP CONSTRAINT person_name", {})])
    assert reset(applied).status == 0
    applied.done("upgrade", "head")
    assert stamped(neo4j_graph) == applied.heads() == ["r2"]
    assert indexes(neo4j_graph) == {"person_born", "city_name"}


@pytest.mark.parametrize("given", ["ini", "-x", "variable"])
def test_in_production_nothing_is_forgotten_and_its_key_is_named(
    applied: Project, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    before, arguments, named = applied.remembered(), [], ""
    if given == "ini":
        applied.set("neo4j.environment", "production")
        named = "neo4j.environment in neo4j.ini"
    elif given == "-x":
        arguments, named = (
            ["-x", "neo4j.environment=production"],
            "-x neo4j.environment",
        )
    else:
        monkeypatch.setenv("ALEMBIC_NEO4J_ENVIRONMENT", "production")
        named = "ALEMBIC_NEO4J_ENVIRONMENT"
    done = reset(applied, *arguments)
    assert done.status == 2
    assert f"{named} says that this is production" in done.err
    assert applied.remembered() == before
    applied.done("upgrade", "head")


def test_it_asks_and_forgets_nothing_without_an_answer(
    applied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = applied.remembered()
    done = applied.verb("reset")
    assert done.status == 2
    assert "There is no terminal to ask on: say --yes to forget." in done.err
    assert "2 applied revisions: it is at r2" in done.err
    monkeypatch.setattr("alembic_neo4j.cli.confirmation.has_person", lambda: True)
    assert applied.verb("reset", answers="n\n").status != 0
    assert applied.remembered() == before
    assert applied.verb("reset", answers="y\n").status == 0
    assert forgotten(applied)


def test_a_run_that_is_not_finished_is_named_and_ended(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", HALF)
    # Before there is anything, nothing is made for it.
    assert reset(live).out == "There is nothing to forget.\n"
    assert not live.ledger.exists()
    live.failed("upgrade", "head")
    done = reset(live)
    assert done.status == 0, done.text
    assert "that the upgrade of revision r1 is not finished" in done.err
    assert forgotten(live)
    assert len(neo4j_graph.read("MATCH (h:Half) RETURN h.x AS x")) == 1
    assert events(live)[-2].about == "[]"
    live.revision("r1", "op.run_cypher('CREATE (:Whole)')")
    live.done("upgrade", "head")


def test_what_another_command_holds_is_waited_for_and_then_left(
    applied: Project, neo4j_graph: Graph
) -> None:
    before = applied.remembered()
    owner = Owner.of_this_process()
    with graph_lock(neo4j_graph, owner, timeout=5):
        done = reset(applied, "--lock-timeout", "0.2")
    assert done.status == 2
    assert str(owner) in done.err
    assert applied.remembered() == before


def test_the_graph_of_another_ledger_and_one_that_is_not_known_are_left(
    applied: Project, neo4j_graph: Graph
) -> None:
    stamp = read_stamp(neo4j_graph)
    neo4j_graph.transaction([("MATCH (s:__AlembicNeo4jStamp) SET s.ledger = 'x'", {})])
    done = reset(applied)
    assert done.status == 2
    assert "another ledger manages this graph" in done.err
    assert stamped(neo4j_graph) == applied.heads() == ["r2"]
    # Emptied by somebody, or another one: what is ours there is not touched.
    neo4j_graph.transaction(
        [
            ("MATCH (s:__AlembicNeo4jStamp) DELETE s", {}),
            (f"CREATE (:{MARKER} {{run: 'theirs'}}), (:{IMAGE} {{batch: 'b'}})", {}),
        ]
    )
    assert stamp is not None
    assert reset(applied).status == 0
    assert forgotten(applied)
    left = f"MATCH (n) WHERE n:{MARKER} OR n:{IMAGE} RETURN count(n) AS n"
    assert neo4j_graph.read(left) == [{"n": 2}]


def test_it_is_killed_at_any_commit_and_run_again(
    applied: Project, neo4j_graph: Graph
) -> None:
    before = users(neo4j_graph)

    def remember() -> None:
        applied.done("stamp", "head")
        neo4j_graph.transaction([(f"CREATE (:{IMAGE} {{batch: 'b'}})", {})])

    assert reset(applied).status == 0
    remember()
    places = [p for p in points(applied, RESET) if ".commit.after" in p]
    refusals = 0
    for place in places:
        remember()
        outcome = client(applied, RESET, Kill(place))
        assert outcome.status == KILLED, (place, outcome.text)
        found = json.loads(applied.verb("status", "--format", "json").out)
        if found["run"] is not None:
            assert found["run"]["action"] == "reset", place
            refused = applied.failed("upgrade", "head")
            assert refused.startswith("`alembic-neo4j reset` was begun at "), place
            refusals += 1
        outcome = client(applied, RESET, Kill())
        assert outcome.status == 0, (place, outcome.text)
        assert forgotten(applied), place
        assert read_stamp(neo4j_graph) is None, place
        assert users(neo4j_graph) == before, place
        assert neo4j_graph.read(f"MATCH (b:{IMAGE}) RETURN b.batch AS b") == [], place
        assert verdict(applied, neo4j_graph).broken is None, place
    assert refusals >= 3, places
    applied.done("stamp", "head")
    with ledger_of(applied) as connection:
        assert AuditTrail(connection, "alembic_version").unclosed() == []
    ended = {row for row in told(applied) if row[0] == "reset" and row[2]}
    assert ("reset", "PARTIAL", "resumed") in ended


def test_a_ledger_in_postgresql_is_forgotten_and_says_that_it_has_no_backup(
    applied: Project, neo4j_graph: Graph, postgresql_url: URL
) -> None:
    assert reset(applied).status == 0
    url = postgresql_url.render_as_string(hide_password=False)
    applied.set("sqlalchemy.url", url.replace("%", "%%"))
    applied.done("stamp", "head")
    done = reset(applied, "--format", "json")
    assert done.status == 0, done.text
    assert json.loads(done.out)["backup"] is None
    assert "pg_dump does for PostgreSQL" in done.err
    assert applied.done("current") == ""
    assert read_stamp(neo4j_graph) is None
    applied.done("stamp", "head")
    assert stamped(neo4j_graph) == ["r2"]
