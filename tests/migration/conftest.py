"""Fixtures of the tests that run Alembic's verbs on a project."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import NOWHERE, Project, undone


@pytest.fixture
def project(
    initialized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """An empty project whose graph is nowhere."""
    monkeypatch.chdir(tmp_path)
    # Two versions of a file in one second would share their bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in [name for name in os.environ if "NEO4J_" in name]:
        monkeypatch.delenv(name)
    made = Project(tmp_path)
    shutil.copytree(initialized, tmp_path, dirs_exist_ok=True)
    made.set("neo4j.url", NOWHERE)
    made.models("class Person(StructuredNode):\n    name = StringProperty()")
    with undone(tmp_path):
        yield made


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
