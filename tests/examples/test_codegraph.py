"""The example of the code graph: its history, its source, its transfer."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import neo4j
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.digest import schema_digest

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "codegraph"
PACKAGE = "small"
SOURCES = {
    "__init__.py": '"""A package."""\nfrom small.shapes import Square as Square\n',
    "shapes.py": (
        "class Shape:\n"
        '    """Whatever has an area."""\n'
        "    def __init__(self):\n        self.note()\n"
        "    def note(self):\n        pass\n\n\n"
        "class Square(Shape):\n"
        "    def area(self):\n        return side() ** 2\n\n\n"
        "def side():\n    return 1\n"
    ),
    "inner/__init__.py": "",
    "inner/use.py": (
        "import small.shapes as forms\n"
        "from small import Square\n"
        "from ..shapes import side\n\n\n"
        "def make():\n"
        "    Square()\n    forms.side()\n    unknown()\n"
        "    def nested():\n        return side()\n"
        "    return nested\n"
    ),
}


@pytest.fixture
def alembic_config() -> Config:
    return Config(str(EXAMPLE / "neo4j.ini"))


@pytest.fixture
def config(neo4j_graph: Graph, tmp_path: Path) -> Config:
    """The example with a ledger of its own over an empty graph."""
    config = Config(str(EXAMPLE / "neo4j.ini"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path / 'ledger.db'}")
    return config


@pytest.fixture
def copy(neo4j_graph: Graph, tmp_path: Path) -> Path:
    """A copy of the example over an empty graph, with a small package beside it."""
    directory = tmp_path / "codegraph"
    ignored = shutil.ignore_patterns(".neo4j", "*.db*", "__pycache__")
    shutil.copytree(EXAMPLE, directory, ignore=ignored)
    for name, text in SOURCES.items():
        path = directory / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def run(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        arguments,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(driver: neo4j.Driver, cypher: str) -> list[tuple[Any, ...]]:
    return [tuple(record) for record in driver.execute_query(cypher).records]


def test_the_history_leads_to_the_models(config: Config) -> None:
    config.stdout = io.StringIO()

    command.check(config)

    assert config.stdout.getvalue() == "No new upgrade operations detected.\n"


def test_the_schema_hashes_are_those_of_the_replay(config: Config) -> None:
    history = History(script := ScriptDirectory.from_config(config))
    hashes = {
        revision.revision: revision.module.schema_hash
        for revision in script.walk_revisions()
    }
    assert hashes == {name: schema_digest(history.at([name])) for name in hashes}


def test_the_graph_gets_the_constraints_and_indexes_of_the_code_graph(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "head")

    found = rows(
        driver,
        "SHOW INDEXES YIELD type, labelsOrTypes, properties, owningConstraint "
        "WHERE type = 'RANGE' AND NOT labelsOrTypes[0] STARTS WITH '__' "
        "RETURN labelsOrTypes[0] AS label, properties[0] AS property, "
        "owningConstraint IS NOT NULL AS unique",
    )
    assert set(found) == {
        ("File", "path", True),
        ("Class", "fqn", True),
        ("Function", "fqn", True),
        ("File", "repo_id", False),
        ("Node", "name", False),
    }


def test_a_label_comes_to_the_nodes_that_are_there(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "0001")
    driver.execute_query("CREATE (:File {path: 'a.py', name: 'a.py', repo_id: 'r'})")
    command.upgrade(config, "head")
    labels = "MATCH (n:File) UNWIND labels(n) AS label RETURN label ORDER BY label"
    assert rows(driver, labels) == [("File",), ("Node",)]
    command.downgrade(config, "0001")
    assert rows(driver, labels) == [("File",)]


def test_the_builder_reads_what_the_source_says(copy: Path) -> None:
    printed = run(copy, sys.executable, "build.py", PACKAGE)
    assert printed == "small: 12 nodes, 16 edges\n"
    with closing(sqlite3.connect(copy / "code.db")) as connection:
        nodes = {
            number: (path or fqn, type_, lines)
            for number, type_, path, fqn, lines in connection.execute(
                "SELECT id, type, path, fqn, lines FROM nodes"
            )
        }
        edges = {
            (nodes[source][0], type_, nodes[target][0], line)
            for source, type_, target, line in connection.execute(
                "SELECT source, type, target, line FROM edges"
            )
        }
    assert ("small.shapes.Shape.note", "function", "[5, 6]") in nodes.values()
    assert ("small/shapes.py", "file", "[1, 15]") in nodes.values()
    shapes, use = "small/shapes.py", "small/inner/use.py"
    make, init = "small.inner.use.make", "small.shapes.Shape.__init__"
    assert edges == {
        ("small/__init__.py", "IMPORTS", shapes, 2),
        (use, "IMPORTS", shapes, 1),
        (use, "IMPORTS", "small/__init__.py", 2),
        (shapes, "CONTAINS", "small.shapes.Shape", 1),
        (shapes, "CONTAINS", "small.shapes.Square", 9),
        (shapes, "CONTAINS", "small.shapes.side", 14),
        (use, "CONTAINS", make, 6),
        (use, "CONTAINS", f"{make}.nested", 10),
        ("small.shapes.Shape", "HAS_METHOD", init, 3),
        ("small.shapes.Shape", "HAS_METHOD", "small.shapes.Shape.note", 5),
        ("small.shapes.Square", "HAS_METHOD", "small.shapes.Square.area", 10),
        ("small.shapes.Square", "EXTENDS", "small.shapes.Shape", 9),
        (init, "CALLS", "small.shapes.Shape.note", 4),
        ("small.shapes.Square.area", "CALLS", "small.shapes.side", 11),
        (make, "CALLS", "small.shapes.side", 8),
        (f"{make}.nested", "CALLS", "small.shapes.side", 11),
    }


def test_the_story_of_the_readme(copy: Path, driver: neo4j.Driver) -> None:
    commands = (EXAMPLE / "README.md").read_text().split("```")[3].split("\n")
    for line in filter(None, commands):
        program, *arguments = line.split()
        if arguments[:2] == ["local", "stop"]:
            continue
        program = sys.executable if program == "python" else program
        if arguments == ["build.py"]:
            # One graph of real source will do here.
            arguments.append("alembic_neo4j")
        printed = run(copy, program, *arguments)
        if arguments[-1] == "--verify":
            assert "alembic_neo4j: equal" in printed
    assert "alembic_neo4j.cypher.quoting.quote" in printed
    counts = dict(
        rows(driver, "MATCH (n:Node) UNWIND labels(n) AS l RETURN l, count(*) AS n")
    )
    assert counts["Node"] == counts["File"] + counts["Class"] + counts["Function"]
    types = "MATCH ()-[r]->() RETURN DISTINCT type(r) AS type ORDER BY type"
    assert [row[0] for row in rows(driver, types)] == [
        *("CALLS", "CONTAINS", "EXTENDS", "HAS_METHOD", "IMPORTS")
    ]
    assert rows(
        driver,
        "MATCH (n:Node) WHERE n.repo_id IS NULL OR n.name IS NULL RETURN count(n)",
    ) == [(0,)]
