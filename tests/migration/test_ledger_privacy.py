"""What a ledger keeps to itself: its file's mode, and rows that nobody needs."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, client
from tests.migration.project import Project

SECRET = "ada@example.org"
READ = "MATCH (p:Person) SET p.seen = true RETURN p.mail AS mail, range(1, 2000) AS n"


@pytest.fixture
def people(live: Project, neo4j_graph: Graph) -> Project:
    neo4j_graph.transaction([(f"CREATE (:Person {{mail: '{SECRET}'}})", {})])
    return live


def _files(project: Project) -> list[Path]:
    return sorted(project.path.glob("neo4j_ledger.db*"))


def _remains(project: Project) -> list[str]:
    files = _files(project)
    assert files
    return [file.name for file in files if SECRET.encode() in file.read_bytes()]


def test_rows_are_kept_until_the_run_has_ended_and_no_longer(
    people: Project, neo4j_graph: Graph
) -> None:
    people.revision(
        "r1",
        f"op.run_cypher({READ!r})\nop.run_cypher('MATCH (n:Switch) SET n.x = 1 / n.y')",
    )
    neo4j_graph.transaction([("CREATE (:Switch {y: 0})", {})])
    people.failed("upgrade", "head")
    people.failed("upgrade", "head")
    assert _remains(people)
    neo4j_graph.transaction([("MATCH (n:Switch) SET n.y = 1", {})])
    people.done("upgrade", "head")
    assert _remains(people) == []
    assert people.heads() == ["r1"]


def test_nor_while_another_program_has_the_ledger_open(people: Project) -> None:
    people.revision("r0")
    people.revision("r1", f"op.run_cypher({READ!r})", down="r0")
    people.done("upgrade", "r0")
    engine = create_engine(f"sqlite:///{people.ledger}")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM alembic_version").all()
        connection.rollback()
        people.done("upgrade", "head")
        assert _remains(people) == []
    engine.dispose()


@pytest.mark.parametrize("how", ["abandoned", "stamped"])
def test_nor_after_a_run_that_was_ended(
    people: Project, neo4j_graph: Graph, how: str
) -> None:
    people.revision("r1", f"op.run_cypher({READ!r})\nop.run_cypher('RETURN 1 / 0')")
    people.failed("upgrade", "head")
    people.failed("upgrade", "head")
    if how == "abandoned":
        assert people.verb("repair", "--abandon-run", "--yes").status == 0
    else:
        people.done("stamp", "r1")
    assert _remains(people) == []


def test_the_files_are_their_users_alone(people: Project) -> None:
    people.revision("r1", "op.run_cypher('RETURN 1 / 0')")
    before = os.umask(0)
    try:
        people.failed("upgrade", "head")
        engine = create_engine(f"sqlite:///{people.ledger}")
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM alembic_version").all()
            modes = {
                stat.S_IMODE(file.stat().st_mode)
                for file in _files(people)
                if file.name.endswith((".db", "-wal", "-shm"))
            }
        engine.dispose()
    finally:
        os.umask(before)
    assert stat.S_IMODE(people.ledger.stat().st_mode) == 0o600
    assert "ledger-readable" not in _codes(people)
    assert modes <= {0o600}


def test_a_file_that_was_there_keeps_its_mode_and_is_told_of(people: Project) -> None:
    people.ledger.touch()
    people.ledger.chmod(0o644)
    people.revision("r1")
    people.done("upgrade", "head")
    assert stat.S_IMODE(people.ledger.stat().st_mode) == 0o644
    assert "ledger-readable" in _codes(people)


def _codes(project: Project) -> set[str]:
    outcome = project.verb("verify", "--format", "json")
    return {row["code"] for row in json.loads(outcome.out)["findings"]}


WRITES = """
op.write_json("a.json", {"b": 1}, backup=False)
op.write_json("a.json", {"b": 2}, backup=False)
op.run_cypher("MATCH (n:Switch) SET n.x = 1 / n.y")
"""


@pytest.fixture
def filed(people: Project) -> Project:
    """A file with a secret, which a revision writes to."""
    (people.path / "a.json").write_text(json.dumps({"mail": SECRET}))
    people.revision("r1", WRITES)
    return people


@pytest.mark.parametrize("ended", ["downgrade", "stamp"])
def test_what_a_file_had_is_kept_while_the_revision_is_applied(
    filed: Project, ended: str
) -> None:
    filed.done("upgrade", "head")
    assert _remains(filed)
    filed.done(ended, "base")
    assert _remains(filed) == []


def test_what_a_file_had_goes_with_a_run_that_failed_and_one_that_was_abandoned(
    filed: Project, neo4j_graph: Graph
) -> None:
    filed.revision("r1", 'op.run_cypher("CREATE (:A)")\n' + WRITES)
    neo4j_graph.transaction([("CREATE (:Switch {y: 0})", {})])
    filed.failed("upgrade", "head")
    assert _remains(filed) == []
    killed = client(filed, ("upgrade", "head"), Kill("file.replace.after#2"))
    assert killed.status == KILLED
    assert _remains(filed)
    done = filed.verb("repair", "--abandon-run", "--yes")
    assert done.status == 0, done.text
    assert _remains(filed) == []
