"""Ctrl-C in a verb that only looks: one line, and the status that shells give it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.migration.project import Project

MAIN = "from alembic_neo4j.cli import main; main({verb!r})"
WHILE_IMPORTING = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == "alembic.util.exc":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
"""
IN_ENV = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"


def _is_interrupted(project: Project, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.endswith("Interrupted.\n")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "verb", [["status"], ["plan"], ["verify"], ["repair"], ["unlock"]]
)
def test_while_it_looks(project: Project, verb: list[str]) -> None:
    env = project.path / "migrations" / "env.py"
    env.write_text(IN_ENV + env.read_text())
    _is_interrupted(project, MAIN.format(verb=verb))


def test_while_it_is_imported(project: Project) -> None:
    _is_interrupted(project, WHILE_IMPORTING + MAIN.format(verb=["status"]))
