"""The pytest plugin, in projects of its users that run in a process of their own."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from alembic_neo4j.cli.init import template_directory
from alembic_neo4j.graph import local
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")

LOADING_ORDERS = (
    (),
    ("-p", "alembic_neo4j", "-p", "pytest_alembic"),
    ("-p", "pytest_alembic", "-p", "alembic_neo4j"),
    ("-p", "alembic_neo4j.pytest_plugin", "-p", "pytest_alembic.plugin"),
    ("-p", "pytest_alembic.plugin", "-p", "alembic_neo4j.pytest_plugin"),
)

CONFTEST = """
    import pytest

    @pytest.fixture
    def alembic_config():
        return {"file": "neo4j.ini"}
"""

MODELS = """
    from neomodel import StringProperty, StructuredNode

    class Person(StructuredNode):
        name = StringProperty(unique_index=True, required=True)
"""

REVISION = '''
    """{revision}"""
    from alembic_neo4j import op

    revision = {revision!r}
    down_revision = {down!r}
    branch_labels = None
    depends_on = None
    rollback_safe = {safe!r}


    def upgrade():
        {upgrade}


    def downgrade():
        {downgrade}
'''


@pytest.fixture
def graph_project(
    pytester: pytest.Pytester,
    neo4j_server: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.Pytester:
    """A project with one revision, whose tests are told of the disposable graph."""
    for name in [name for name in os.environ if "NEO4J_" in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", neo4j_server.url)
    monkeypatch.setenv("ALEMBIC_NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", neo4j_server.password)
    monkeypatch.setenv("ALEMBIC_NEO4J_DISPOSABLE", "1")
    init(pytester, "neo4j.ini", template=str(template_directory()))
    write(pytester, "models.py", MODELS)
    write(pytester, "tests/conftest.py", CONFTEST)
    revision(
        pytester,
        "first",
        """op.add_node("Person", op.Property("name", "STRING", required=True))
        op.add_unique_constraint("Person", "name")""",
        """op.drop_unique_constraint("Person", "name")
        op.remove_node("Person")""",
    )
    return pytester


@pytest.fixture
def sql_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that ``alembic init`` made, with one revision that makes a table."""
    init(pytester, "alembic.ini", template="generic")
    environment = pytester.path / "migrations" / "env.py"
    text = environment.read_text()
    environment.write_text(
        text.replace(
            "connectable = engine_from_config(",
            'connectable = config.attributes["connection"] or engine_from_config(',
        )
    )
    revision(
        pytester,
        "first",
        'op.get_bind().exec_driver_sql("CREATE TABLE person (name)")',
        'op.get_bind().exec_driver_sql("DROP TABLE person")',
        package="alembic",
    )
    write(pytester, "tests/conftest.py", "")
    return pytester


def init(pytester: pytest.Pytester, file: str, *, template: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        command.init(Config(str(pytester.path / file)), "migrations", template=template)


def write(pytester: pytest.Pytester, name: str, source: str) -> None:
    path = pytester.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(source))


def revision(
    pytester: pytest.Pytester,
    name: str,
    upgrade: str,
    downgrade: str,
    *,
    down: str | Sequence[str] | None = None,
    safe: bool = True,
    package: str = "alembic_neo4j",
) -> None:
    text = textwrap.dedent(REVISION).format(
        revision=name,
        down=down,
        safe=safe,
        upgrade=upgrade.replace("\n        ", "\n    "),
        downgrade=downgrade.replace("\n        ", "\n    "),
    )
    text = text.replace("from alembic_neo4j", f"from {package}")
    write(pytester, f"migrations/versions/{name}.py", text)


@pytest.mark.parametrize("order", LOADING_ORDERS, ids=" ".join)
@pytest.mark.parametrize("alone", [False, True], ids=["installed", "alone"])
def test_our_engine_wins_whatever_the_loading_order(
    graph_project: pytest.Pytester,
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, ...],
    alone: bool,
) -> None:
    named_by_module = any("." in argument for argument in order)
    if alone or named_by_module:
        if not order:
            order = LOADING_ORDERS[1]
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    neo4j_graph.autocommit("CREATE (:Person {name: 'left by another test'})")
    write(
        graph_project,
        "tests/test_engine.py",
        """
        def test_engine(alembic_engine, neo4j_graph):
            assert alembic_engine.url.database.endswith("neo4j_ledger.db")
            assert neo4j_graph.read("MATCH (n) RETURN n") == []
        """,
    )

    done = graph_project.runpytest_subprocess("--test-alembic", *order)

    done.assert_outcomes(passed=5)
