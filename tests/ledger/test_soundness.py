"""A ledger that is damaged, or of a newer release, and what every verb says of it."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state, stamped

VERBS = (
    "upgrade head",
    "downgrade base",
    "stamp r1",
    "stamp --purge r1",
    "current",
    "check",
)
OURS = ("status", "verify", "plan", "repair --yes", "ingest list", "unlock --yes")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project from the template, whose graph is the test's."""
    import contextlib
    import io

    from alembic import command
    from alembic.config import Config

    from alembic_neo4j.cli.init import template_directory

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    made = Project(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        command.init(
            Config(str(made.ini)), "migrations", template=str(template_directory())
        )
    made.models("class P(StructuredNode):\n    p = StringProperty()")
    return made


@pytest.fixture
def applied(neo4j_graph: Graph, project: Project) -> Project:
    """A project that is at r2 of r3, with data in the graph."""
    for number, down in ((1, None), (2, "r1"), (3, "r2")):
        project.revision(
            f"r{number}",
            f"op.run_cypher('CREATE (:P {{p: {number}}})')",
            f"op.run_cypher('MATCH (n:P {{p: {number}}}) DELETE n')",
            down=down,
        )
    project.done("upgrade", "r2")
    _sql(project.ledger, "PRAGMA wal_checkpoint(TRUNCATE)")
    return project


def _sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def _refused(project: Project) -> set[str]:
    """Return what the verbs say, all of which have to refuse."""
    said = set()
    for verb in VERBS:
        said.add(project.failed(*verb.split()))
    for verb in OURS:
        outcome = project.verb(*verb.split())
        assert outcome.status == 2, (verb, outcome.text)
        assert "Traceback" not in outcome.text
        said.add(outcome.text)
    return said


def _overwrite(path: Path) -> None:
    path.write_text("no database at all. " * 300)


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "not a database": lambda path: (
        path.write_text("no database at all. " * 300) and None
    ),
    "truncated": _truncate,
    "no facts": lambda path: _sql(path, "DROP TABLE alembic_neo4j_ledger"),
    "no revisions": lambda path: _sql(path, "DROP TABLE alembic_neo4j_revision"),
    "no runs": lambda path: _sql(path, "DROP TABLE alembic_neo4j_run"),
    "no units": lambda path: _sql(path, "DROP TABLE alembic_neo4j_unit"),
    "no batches": lambda path: _sql(path, "DROP TABLE alembic_neo4j_batch"),
    "no version": lambda path: _sql(path, "DELETE FROM alembic_neo4j_version"),
    "newer": lambda path: _sql(
        path, "UPDATE alembic_neo4j_version SET version_num = 'ffff'"
    ),
    "next": lambda path: _sql(
        path, "UPDATE alembic_neo4j_version SET version_num = '9999'"
    ),
    "a fact that is no JSON": lambda path: _sql(
        path,
        "UPDATE alembic_neo4j_ledger SET value = '[\"r' WHERE key LIKE 'stamped:%'",
    ),
    "a fact of another kind": lambda path: _sql(
        path, "UPDATE alembic_neo4j_ledger SET value = '7' WHERE key LIKE 'stamped:%'"
    ),
    "an identity that is none": lambda path: _sql(
        path, "UPDATE alembic_neo4j_ledger SET value = 'x' WHERE key LIKE 'identity:%'"
    ),
    "no UTF-8": lambda path: _sql(
        path, "UPDATE alembic_neo4j_revision SET applied_by = CAST(x'ff' AS TEXT)"
    ),
    "an impossible time": lambda path: _sql(
        path, "UPDATE alembic_neo4j_revision SET applied_at = 'yesterday'"
    ),
    "an impossible digest": lambda path: _sql(
        path, "UPDATE alembic_neo4j_revision SET file_hash = 'zz'"
    ),
    "an open run without steps": lambda path: _sql(
        path, "UPDATE alembic_neo4j_run SET state = 'open', steps = '{'"
    ),
    "no column": lambda path: _sql(
        path, "ALTER TABLE alembic_neo4j_revision RENAME COLUMN file_hash TO file"
    ),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", DAMAGE)
def test_every_verb_says_that_it_is_damaged(
    applied: Project, neo4j_graph: Graph, name: str
) -> None:
    DAMAGE[name](applied.ledger)
    before, graph = applied.ledger.read_bytes(), graph_state(neo4j_graph)
    for said in _refused(applied):
        assert "the ledger sqlite:///" in said
        assert "damaged: " in said
        assert "repair --adopt-graph" in said
        assert "Can't locate revision" not in said
    assert applied.ledger.read_bytes() == before
    assert graph_state(neo4j_graph) == graph


def test_a_newer_release_is_named(applied: Project) -> None:
    DAMAGE["newer"](applied.ledger)
    said = applied.failed("upgrade", "head")
    assert "is of a newer release of alembic-neo4j" in said
    assert "at version 'ffff'" in said


def test_the_way_on_leads_on(applied: Project, neo4j_graph: Graph) -> None:
    DAMAGE["truncated"](applied.ledger)
    said = applied.failed("upgrade", "head")
    old = f"{applied.ledger} {applied.ledger}.damaged"
    assert f"mv {old}" in said
    for left in applied.path.glob("neo4j_ledger.db-*"):
        left.unlink()
    shutil.move(applied.ledger, f"{applied.ledger}.damaged")
    outcome = applied.verb("repair", "--adopt-graph", "--yes")
    assert outcome.status == 0, outcome.text
    assert applied.heads() == ["r2"]
    applied.done("upgrade", "head")
    assert stamped(neo4j_graph) == ["r3"]
    assert neo4j_graph.read("MATCH (n:P) RETURN count(n) AS n") == [{"n": 3}]


def test_a_version_table_that_lost_its_rows(
    applied: Project, neo4j_graph: Graph
) -> None:
    _sql(applied.ledger, "DELETE FROM alembic_version")
    graph = graph_state(neo4j_graph)
    for verb in ("upgrade head", "current", "stamp r1"):
        said = applied.failed(*verb.split())
        assert "has no rows, and revisions are recorded as applied" in said
    assert graph_state(neo4j_graph) == graph
    applied.done("stamp", "--purge", "r2")
    applied.done("upgrade", "head")


def test_an_id_of_which_a_byte_has_flipped(applied: Project) -> None:
    content = applied.ledger.read_bytes()
    place = content.index(b"alembic_versionr1")
    flipped = bytearray(content)
    flipped[place + len("alembic_version")] ^= 1
    applied.ledger.write_bytes(bytes(flipped))
    for verb in ("upgrade head", "downgrade base", "current"):
        assert "damaged: " in applied.failed(*verb.split())


def test_bytes_that_flipped_anywhere(applied: Project, neo4j_graph: Graph) -> None:
    """No traceback and no word of a revision that nobody has, whatever flips."""
    content = applied.ledger.read_bytes()
    graph = graph_state(neo4j_graph)
    noticed, until = 0, time.monotonic() + 25
    for seed in range(60):
        if time.monotonic() > until:
            break
        chosen = random.Random(seed)
        flipped = bytearray(content)
        for _ in range(40):
            flipped[chosen.randrange(len(flipped))] ^= 1 << chosen.randrange(8)
        for left in applied.path.glob("neo4j_ledger.db-*"):
            left.unlink()
        applied.ledger.write_bytes(bytes(flipped))
        outcome = applied.run("current")
        assert "Traceback" not in outcome.text, seed
        assert "Can't locate" not in outcome.text, (seed, outcome.text)
        ours = applied.verb("status")
        assert ours.status in {1, 2}, (seed, ours.text)
        noticed += outcome.status != 0
        if outcome.status == 0:
            assert outcome.out.strip() == "r2", seed
    assert noticed >= 3
    assert graph_state(neo4j_graph) == graph
