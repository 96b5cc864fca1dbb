"""A ledger that may only be read: looking works, and writing is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import PROGRAM, Outcome, Project, graph_state

ALEMBIC = (str(PROGRAM), "-c", "neo4j.ini")
OURS = (str(PROGRAM.with_name("alembic-neo4j")),)
LOOKS = (
    (*ALEMBIC, "current"),
    (*ALEMBIC, "upgrade", "r2"),
    (*OURS, "status"),
    (*OURS, "plan"),
    (*OURS, "verify"),
)
"""What reads the ledger; the upgrade has nothing to do."""

# The superuser may write anywhere, until the capabilities for it are given up:
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by PR_CAPBSET_DROP (capabilities(7)).
PLAIN_USER = """
import ctypes, os, sys
if sys.platform == "linux":
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _run(project: Project, command: Sequence[str]) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_USER, *command],
        cwd=project.path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@contextmanager
def _read_only(*paths: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def applied(chain: Project) -> Project:
    """The chain at r2, in a directory that has the ledger and no log beside it."""
    chain.done("upgrade", "r2")
    assert sorted(chain.path.glob("neo4j_ledger*")) == [
        chain.ledger,
        chain.path / "neo4j_ledger.db.alembic_version.lock",
    ]
    return chain


def _refused(project: Project, graph: Graph) -> str:
    before = graph_state(graph)
    outcome = _run(project, (*ALEMBIC, "upgrade", "head"))
    assert outcome.status == 255, outcome.text
    assert "Traceback" not in outcome.text
    assert "attempt to write a readonly database" in outcome.out
    assert graph_state(graph) == before
    return outcome.out


def test_a_directory_that_may_only_be_read(
    applied: Project, neo4j_graph: Graph
) -> None:
    before, remembered = [_run(applied, one) for one in LOOKS], applied.remembered()
    files = sorted(applied.path.iterdir())
    with _read_only(applied.path, *applied.path.glob("neo4j_ledger*")):
        after = [_run(applied, one) for one in LOOKS]
        message = _refused(applied, neo4j_graph)
        assert sorted(applied.path.iterdir()) == files
    assert [(one.status, one.out) for one in after] == [
        (one.status, one.out) for one in before
    ]
    assert before[0].out.strip() == "r2"
    assert "can't be opened" in message
    assert applied.remembered() == remembered
    applied.done("upgrade", "head")
    assert applied.heads() == ["r3"]


def test_a_file_that_may_only_be_read(applied: Project, neo4j_graph: Graph) -> None:
    with _read_only(applied.ledger):
        assert _run(applied, LOOKS[0]).out.strip() == "r2"
        message = _refused(applied, neo4j_graph)
    assert f"the ledger sqlite:///{applied.ledger} can't be written to" in message
    applied.done("upgrade", "head")
    assert applied.heads() == ["r3"]


def test_a_new_ledger_where_none_can_be_made(
    chain: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    with _read_only(chain.path):
        outcome = _run(chain, (*ALEMBIC, "upgrade", "head"))
        assert _run(chain, (*ALEMBIC, "current")).status == 0
    assert outcome.status == 255, outcome.text
    assert "the ledger can't be locked" in outcome.out
    assert "in a directory that can be written to" in outcome.out
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() is None
