"""Fixtures that reach a real Neo4j; the package's own plugin gives the server."""

from __future__ import annotations

import contextlib
import io
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from alembic_neo4j.cli.init import template_directory
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer

SERVERS = {
    "alembic_runner",
    "narrow",
    "neo4j_server",
    "postgresql_server",
    "second_server",
}
"""The fixtures that start a server."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that the rest can be run alone."""
    for item in items:
        if not SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.fixture(scope="session")
def initialized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as ``alembic init`` leaves it, to be copied."""
    path = tmp_path_factory.mktemp("initialized")
    with (
        contextlib.redirect_stdout(io.StringIO()),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(path)
        command.init(
            Config("neo4j.ini"), "migrations", template=str(template_directory())
        )
    return path


@pytest.fixture
def driver(neo4j_server: Neo4jServer, neo4j_graph: Graph) -> Iterator[neo4j.Driver]:
    """The bare driver on an empty graph."""
    credentials = (neo4j_server.username, neo4j_server.password)
    with neo4j.GraphDatabase.driver(neo4j_server.url, auth=credentials) as driver:
        yield driver


@pytest.fixture(scope="session")
def reader(neo4j_server: Neo4jServer) -> Iterator[neo4j.Driver]:
    """The bare driver on the graph as it is, for what neither writes nor looks at it.

    Emptying a graph costs more than most statements.
    """
    credentials = (neo4j_server.username, neo4j_server.password)
    with neo4j.GraphDatabase.driver(neo4j_server.url, auth=credentials) as driver:
        yield driver


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL of the tests."""
    # For root it runs as another user, and a pytest that a test runs closes pytest's
    # own directory to all others.
    with (
        tempfile.TemporaryDirectory(prefix="postgresql") as directory,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("XDG_RUNTIME_DIR", str(Path(directory, "runtime")))
        # It looks for that directory when it is imported.
        import pgserver

        server = pgserver.get_server(Path(directory, "data"))
        yield server
        server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> URL:
    """An empty PostgreSQL database."""
    # Its tests are minutes apart, and one that has ended meanwhile is started again.
    postgresql_server.ensure_postgres_running()
    url = make_url(postgresql_server.get_uri()).set(drivername="postgresql+psycopg")
    name = f"ledger_{uuid.uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name)
