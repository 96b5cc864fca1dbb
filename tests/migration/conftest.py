"""Fixtures of the tests that run Alembic's verbs on a project."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from alembic_neo4j.cli.init import template_directory
from alembic_neo4j.graph.connection import Graph
from tests.migration.project import NOWHERE, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project whose graph is nowhere."""
    monkeypatch.chdir(tmp_path)
    # Two versions of a file in one second would share their bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in [name for name in os.environ if "NEO4J_" in name]:
        monkeypatch.delenv(name)
    made = Project(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        command.init(
            Config(str(made.ini)), "migrations", template=str(template_directory())
        )
    made.set("neo4j.url", NOWHERE)
    made.models("class Person(StructuredNode):\n    name = StringProperty()")
    return made


@pytest.fixture
def live(project: Project, neo4j_graph: Graph) -> Project:
    """A project over an empty graph; `neo4j_graph` reaches the same."""
    return project


@pytest.fixture
def chain(live: Project) -> Project:
    """Three revisions, each with an index of its own."""
    down = None
    for number in (1, 2, 3):
        live.revision(
            f"r{number}",
            f"op.add_index('L{number}', 'p', name='i{number}')",
            f"op.drop_index('L{number}', 'p')",
            down=down,
        )
        down = f"r{number}"
    return live
