"""Fixtures that reach a real Neo4j; the package's own plugin gives the server."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import threading
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
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.local.artifacts import DEFAULT_VERSION, class_path
from alembic_neo4j.pytest_plugin import Neo4jServer

SERVERS = {
    "alembic_runner",
    "narrow",
    "neo4j_server",
    "postgresql_server",
    "second_server",
}
"""The fixtures that start a server."""


# The server of a test does not live long enough to earn what a second compiler costs.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

# gcsfs reads it when it is imported, and asks Google itself without it.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what runs every case."""
    parser.addoption(
        "--all",
        action="store_true",
        help="run every case of tests of which a sample stands for all",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fetch the server's jars while the workers run what needs none of them."""
    config = session.config
    is_controller = config.getoption("numprocesses", None)
    if is_controller and config.getoption("markexpr") != "not server":
        threading.Thread(target=_fetch, daemon=True).start()


def _fetch() -> None:
    version = os.environ.get("ALEMBIC_NEO4J_TEST_VERSION", DEFAULT_VERSION)
    # The first test that needs the server says what is wrong.
    with contextlib.suppress(Neo4jMigrationError):
        class_path(version)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark what needs a server; leave out cases of which a sample is enough.

    Files that need no server come first, while its jars are fetched.
    """
    for item in items:
        if not SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("server")
    served = {item.path for item in items if item.get_closest_marker("server")}
    items.sort(key=lambda item: item.path in served)
    if not config.getoption("--all"):
        left_out = set(_left_out(items))
        config.hook.pytest_deselected(items=[i for i in items if i in left_out])
        items[:] = [item for item in items if item not in left_out]


def _left_out(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the cases beyond the sample that a function asks for, spread evenly."""
    cases: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample"):
            name = getattr(item, "originalname", item.name)
            cases.setdefault((item.path, name), []).append(item)
    for found in cases.values():
        marker = found[0].get_closest_marker("sample")
        assert marker is not None
        (size,) = marker.args
        kept = {round(n * (len(found) - 1) / (size - 1)) for n in range(size)}
        yield from (item for n, item in enumerate(found) if n not in kept)


@pytest.fixture(autouse=True)
def leaves_the_path_of_imports() -> Iterator[None]:
    """A test that leaves a directory in ``sys.path`` gives its models to the others."""
    before = list(sys.path)
    yield
    left = [path for path in sys.path if path not in before]
    sys.path[:] = before
    assert not left, f"left in sys.path: {left}"


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

        data = Path(directory, "data")
        with ended_with_us(data / "postmaster.pid"):
            server = pgserver.get_server(data)
            yield server
            server.cleanup()


@contextlib.contextmanager
def ended_with_us(pid_file: Path) -> Iterator[None]:
    """Have a PostgreSQL end when this process does, also where that is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _END, str(pid_file)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    ):
        yield


_END = """
import os, pathlib, signal, sys
sys.stdin.read()
try:
    pid = int(pathlib.Path(sys.argv[1]).read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
except (OSError, ValueError, IndexError):
    pass
"""
"""Waits for the end of its standard input, which the system sees to."""


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
