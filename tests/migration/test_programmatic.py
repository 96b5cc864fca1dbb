"""Alembic's Python API on a graph, and connections that a caller passes in."""

from __future__ import annotations

import inspect
import io
import logging
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import (
    compare_metadata,
    produce_migrations,
    render_python_code,
)
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import StaticPool

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import EntityType, Index, Node, Property, Schema
from alembic_neo4j.schema.kinds import IndexKind
from tests.migration.project import Project, graph_state, indexes, stamped

SCHEMA = Schema.of(
    nodes=[Node("Person", (Property("name", "STRING"),))],
    indexes=[Index(IndexKind.RANGE, EntityType.NODE, ("Person",), ("name",))],
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine of the caller's own."""
    return create_engine(f"sqlite:///{tmp_path / 'mine.db'}")


def _heads(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT version_num FROM alembic_version"))
        return sorted(row[0] for row in rows)


def test_the_functions_of_alembic_command(chain: Project, neo4j_graph: Graph) -> None:
    config = chain.config()
    chain.command("upgrade", config, "+1")
    chain.command("upgrade", config, "head")
    chain.command("downgrade", config, "-1")
    chain.command("current", config, verbose=True)
    chain.command("stamp", config, ["r3"], purge=True)
    chain.command("history", config, indicate_current=True)
    chain.command("heads", config)
    chain.command("ensure_version", config)
    chain.command("revision", config, "more", rev_id="r4")
    assert chain.heads() == stamped(neo4j_graph) == ["r3"]
    assert isinstance(config.stdout, io.StringIO)
    assert "r3 (head) (current), the message of r3" in config.stdout.getvalue()
    assert (chain.versions / "r4_more.py").exists()


def test_a_config_without_a_file(chain: Project, neo4j_graph: Graph) -> None:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(chain.path / "migrations"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{chain.path / 'plain.db'}")
    config.set_main_option("neo4j.url", "bolt://overridden-by-the-environment")
    chain.command("upgrade", config, "head")
    assert (chain.path / "plain.db").exists()
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_an_engine_is_used_as_it_is(
    chain: Project, neo4j_graph: Graph, engine: Engine
) -> None:
    config = chain.config(attributes={"connection": engine})
    chain.command("current", config)
    assert not (chain.path / "mine.db").exists()
    chain.command("upgrade", config, "head")
    chain.command("downgrade", config, "-1")
    assert _heads(engine) == ["r2"]
    assert not chain.ledger.exists()
    assert stamped(neo4j_graph) == ["r2"]
    engine.dispose()


def test_a_connection_is_used_and_given_back(
    chain: Project, neo4j_graph: Graph, engine: Engine
) -> None:
    with engine.connect() as connection:
        config = chain.config(attributes={"connection": connection})
        for verb, *arguments in (
            ("current",),
            ("upgrade", "head"),
            ("upgrade", "head"),
            ("current",),
            ("downgrade", "-1"),
            ("stamp", "head"),
        ):
            chain.command(verb, config, *arguments)
            assert not connection.closed
            assert not connection.in_transaction()
    assert _heads(engine) == ["r3"]
    engine.dispose()


def test_a_connection_inside_a_transaction_is_refused(
    chain: Project, neo4j_graph: Graph, engine: Engine
) -> None:
    before = graph_state(neo4j_graph)
    with engine.begin() as connection:
        config = chain.config(attributes={"connection": connection})
        chain.command("current", config)
        for verb, target in (("upgrade", "head"), ("stamp", "head")):
            with pytest.raises(
                ConfigurationError,
                match=r"config\.attributes\['connection'\] = connection\.engine",
            ):
                chain.command(verb, config, target)
        assert connection.in_transaction()
    assert graph_state(neo4j_graph) == before
    engine.dispose()


@pytest.mark.parametrize("as_connection", [False, True])
def test_a_database_in_memory_is_refused(
    chain: Project, neo4j_graph: Graph, as_connection: bool
) -> None:
    before = graph_state(neo4j_graph)
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        given = connection if as_connection else engine
        config = chain.config(attributes={"connection": given})
        chain.command("current", config)
        with pytest.raises(ConfigurationError, match="in-memory SQLite database"):
            chain.command("upgrade", config, "head")
    engine.dispose()
    assert graph_state(neo4j_graph) == before


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_url_in_memory_is_refused(
    chain: Project, neo4j_graph: Graph, url: str
) -> None:
    chain.set("sqlalchemy.url", url)
    assert "in-memory SQLite database" in chain.failed("upgrade", "head")
    assert stamped(neo4j_graph) is None


def test_something_else_as_connection_is_refused(chain: Project) -> None:
    config = chain.config(attributes={"connection": "sqlite:///x.db"})
    with pytest.raises(ConfigurationError, match="an Engine or a Connection"):
        chain.command("current", config)


def test_the_one_private_attribute_of_alembic_is_where_we_set_it(
    chain: Project,
) -> None:
    """EnvironmentContext._migration_context holds what op.get_context() returns."""
    assert "self._migration_context" in inspect.getsource(EnvironmentContext.configure)
    assert "self._migration_context" in inspect.getsource(
        EnvironmentContext.get_context
    )
    chain.revision(
        "r4",
        "assert op.is_replaying() or "
        "type(op.get_context()).__name__ == 'Neo4jMigrationContext'",
        down="r3",
    )
    chain.done("upgrade", "head")
    sources = Path(inspect.getfile(Project)).parents[2] / "alembic_neo4j"
    touching = [
        path.name
        for path in sources.rglob("*.py")
        if "._migration_context" in path.read_text()
    ]
    assert touching == ["environment.py"]


def _context(script: ScriptDirectory | None = None) -> MigrationContext:
    connection = create_engine("sqlite://").connect()
    options = {"autogenerate_plugins": ["alembic_neo4j"], "script": script}
    return MigrationContext.configure(connection, opts=options)


def test_compare_metadata_and_produce_migrations(project: Project) -> None:
    context = _context()
    assert compare_metadata(context, SCHEMA) == [
        ("add_node", "Person", "name"),
        ("add_index", "Person", "name"),
    ]
    produced = produce_migrations(context, SCHEMA)
    assert produced.upgrade_ops is not None
    assert produced.downgrade_ops is not None
    upgrade = render_python_code(produced.upgrade_ops)
    downgrade = render_python_code(produced.downgrade_ops)
    assert 'op.add_index("Person", "name")' in upgrade
    assert 'op.drop_index("Person", "name")' in downgrade
    assert downgrade.index("drop_index") < downgrade.index("remove_node")


def test_comparing_with_the_history(project: Project) -> None:
    project.revision("r1", "op.add_node('Person')")
    context = _context(ScriptDirectory.from_config(project.config()))
    assert compare_metadata(context, SCHEMA) == [
        ("add_node_property", "Person", "name", "STRING"),
        ("add_index", "Person", "name"),
    ]


def test_a_schema_and_a_list_are_target_metadata_as_well(project: Project) -> None:
    other = Schema.of(nodes=[Node("Pet")])
    compared = compare_metadata(_context(), [SCHEMA, other])
    assert {diff[1] for diff in compared} == {"Person", "Pet"}
    with pytest.raises(ConfigurationError, match="target_metadata is a str"):
        compare_metadata(_context(), "models")


def test_the_logging_of_a_program_is_its_own(
    chain: Project, neo4j_graph: Graph
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("alembic_neo4j")
    handler = logging.NullHandler()
    root.addHandler(handler)
    before = (root.handlers[:], root.level, ours.handlers[:], ours.level)
    try:
        config = chain.config()
        command.upgrade(config, "r1")
        assert (root.handlers, root.level, ours.handlers, ours.level) == before
    finally:
        root.removeHandler(handler)
    # The program `alembic` is told by the file what to log.
    assert (
        "Running upgrade r1 -> r2"
        in chain.program("-c", "neo4j.ini", "upgrade", "r2").err
    )
