"""An upgrade with nothing to do is what most deployments are: it does little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.stamp import write_stamp
from tests.migration.project import Project

SCRIPT = """
import atexit, gc, sys
from alembic.config import CommandLine, Config
from alembic import command

def at_exit():
    print("frozen" if gc.get_freeze_count() else "not frozen")
    names = [name for name in sys.argv[2:] if name in sys.modules]
    print("imported", *names)

atexit.register(at_exit)
if sys.argv[1] == "program":
    CommandLine().main(["-c", "neo4j.ini", "upgrade", "head"])
else:
    command.upgrade(Config("neo4j.ini"), "head")
"""


@pytest.fixture
def at_head(chain: Project) -> Project:
    """Three revisions, all of them applied."""
    chain.done("upgrade", "head")
    return chain


def _left_behind(project: Project, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_no_revision_is_replayed(at_head: Project, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    note = f"__import__('pathlib').Path({str(noted)!r}).touch()"
    at_head.revision("r4", note, down="r3")
    at_head.done("upgrade", "head")
    assert noted.exists()
    noted.unlink()
    at_head.done("upgrade", "head")
    assert not noted.exists()


def test_the_program_looks_for_no_garbage_at_its_end(at_head: Project) -> None:
    assert _left_behind(at_head, "program")[0] == "frozen"


def test_a_program_that_calls_alembic_is_left_alone(at_head: Project) -> None:
    assert _left_behind(at_head, "api")[0] == "not frozen"


def test_what_a_run_needs_is_not_imported(at_head: Project) -> None:
    needed = ["alembic_neo4j.migration.preflight", "neomodel", "jgo"]
    assert _left_behind(at_head, "program", *needed)[1] == "imported"


def test_the_stamp_is_looked_at_all_the_same(
    at_head: Project, neo4j_graph: Graph
) -> None:
    write_stamp(neo4j_graph, Stamp("another ledger", ("r3",)))
    assert "another ledger manages this graph" in at_head.failed("upgrade", "head")
