"""Fixtures for projects that test their migrations on a real, disposable graph."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alembic.config import Config
    from pytest_alembic import MigrationContext
    from sqlalchemy import Engine

    from alembic_neo4j.graph.connection import Graph, GraphSettings

DISPOSABLE = "ALEMBIC_NEO4J_DISPOSABLE"

_VARIABLES = "ALEMBIC_NEO4J_"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Neo4jServer:
    """A server whose graph tests may wipe; without a password it asks for none."""

    url: str
    username: str
    password: str = field(repr=False)
    database: str = "neo4j"


def pytest_configure(config: pytest.Config) -> None:
    """Register after every installed plugin, so that our fixtures take precedence."""
    modules = (getattr(p, "__name__", "") for p in config.pluginmanager.get_plugins())
    if any(name.partition(".")[0] == "pytest_alembic" for name in modules):
        config.pluginmanager.register(_AlembicFixtures(), "alembic_neo4j_engine")


@pytest.fixture(scope="session")
def neo4j_server(pytestconfig: pytest.Config) -> Iterator[Neo4jServer]:
    """A Neo4j for tests: a local one of their own, started once and stopped at the end.

    It is the one of ``ALEMBIC_NEO4J_URI`` instead where ``ALEMBIC_NEO4J_DISPOSABLE=1``
    says that its graph may be wiped. ``ALEMBIC_NEO4J_TEST_VERSION`` or
    ``ALEMBIC_NEO4J_URI=local:<version>`` choose the release of the local one. Sessions
    at the same time, those of pytest-xdist too, have a local server each.
    """
    url = os.environ.get("ALEMBIC_NEO4J_URI", "local")
    if url.partition(":")[0] != "local":
        yield _given_server(url)
        return
    version = os.environ.get("ALEMBIC_NEO4J_TEST_VERSION") or url.partition(":")[2]
    with _unshared_directory(pytestconfig.rootpath) as directory:
        yield from _local_server(directory, version or None, _reporter(pytestconfig))


@pytest.fixture
def neo4j_graph(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Graph]:
    """An empty graph: ``read``, ``transaction`` and ``autocommit`` run statements.

    While the test runs, ``alembic`` reaches it whatever the project's ini file says.
    """
    from alembic_neo4j.graph.connection import Graph
    from alembic_neo4j.graph.wipe import wipe

    for name, value in {
        "URI": neo4j_server.url,
        "USERNAME": neo4j_server.username,
        "PASSWORD": neo4j_server.password,
        "PASSWORD_FILE": "",
        "DATABASE": neo4j_server.database,
    }.items():
        monkeypatch.setenv(_VARIABLES + name, value)
    graph = Graph(_settings())
    try:
        wipe(graph)
        yield graph
    finally:
        graph.close()


@pytest.fixture
def neo4j_ledger(
    neo4j_graph: Graph,  # noqa: ARG001 - emptied before, as a ledger must be
    tmp_path: Path,
) -> Iterator[Engine]:
    """The engine of a fresh SQLite ledger that belongs to the empty graph.

    Give it to Alembic as ``config.attributes["connection"]``.
    """
    from alembic_neo4j.ledger.engine import open_engine

    engine = open_engine(f"sqlite:///{tmp_path / 'neo4j_ledger.db'}")
    yield engine
    engine.dispose()


def test_downgrade_leaves_no_trace(
    alembic_runner: MigrationContext, neo4j_graph: Graph
) -> None:
    """Assert that each downgrade gives the graph back as it was before the upgrade.

    Import it into a test module of a project that uses pytest-alembic, whose test of
    this name compares SQL tables. Nodes, relationships, indexes and constraints are
    compared. A revision with ``rollback_safe = False`` and those up to
    ``minimum_downgrade_revision`` are upgraded only; so is one whose downgrade raises
    NotImplementedError, with a warning.
    """
    executor, config = alembic_runner.command_executor, alembic_runner.config
    floor = config.minimum_downgrade_revision
    for script in reversed(list(executor.script.walk_revisions())):
        before = _content(neo4j_graph)
        if script.revision in (config.skip_revisions or ()):
            executor.stamp(script.revision)
            continue
        executor.upgrade(script.revision)
        if floor or not getattr(script.module, "rollback_safe", True):
            floor = None if script.revision == floor else floor
            continue
        try:
            executor.downgrade(_one_below(script.revision, script.down_revision))
        except NotImplementedError as error:
            # It was refused before any of it ran.
            warnings.warn(f"{script.revision} has no downgrade: {error}", stacklevel=1)
            continue
        _compare(script.revision, before, _content(neo4j_graph))
        executor.upgrade(script.revision)


class _AlembicFixtures:
    """What pytest-alembic needs for a graph."""

    @pytest.fixture
    def alembic_engine(self, request: pytest.FixtureRequest) -> Any:
        """A fresh SQLite ledger over an empty graph; an SQL project keeps its own."""
        ours = _migrates_a_graph(request.getfixturevalue("alembic_config"))
        return request.getfixturevalue("neo4j_ledger" if ours else "alembic_engine")


def _given_server(url: str) -> Neo4jServer:
    """The server of the environment, whose home database is the one to wipe."""
    from alembic_neo4j.graph.connection import Graph

    if os.environ.get(DISPOSABLE) != "1":
        pytest.fail(
            f"ALEMBIC_NEO4J_URI = {url}: expected {DISPOSABLE}=1, for these tests wipe "
            "the graph that they run on. Set it if this graph may be lost, or unset "
            "ALEMBIC_NEO4J_URI for a local server made for tests",
            pytrace=False,
        )
    settings = _settings()
    graph = Graph(settings)
    try:
        database = graph.read("CALL db.info() YIELD name")[0]["name"]
    finally:
        graph.close()
    credentials = settings.credentials
    return Neo4jServer(url, credentials.principal, credentials.secret, database)


def _settings() -> GraphSettings:
    """Where the environment says that the graph is."""
    from alembic.config import Config

    from alembic_neo4j.configuration.project import read_configuration

    return read_configuration(Config()).graph


@contextmanager
def _unshared_directory(root: Path) -> Iterator[Path]:
    """A directory for the server of this session and of no other at the same time."""
    from filelock import FileLock, Timeout

    for number in count():
        directory = root / ".neo4j" / f"session-{number}" if number else root
        # The lock is the process's: it is free again however the session ends.
        path = directory / ".neo4j" / "session.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, thread_local=False)
        with suppress(Timeout), lock:
            yield directory
            return


def _local_server(
    directory: Path, version: str | None, report: Callable[[str], None]
) -> Iterator[Neo4jServer]:
    from alembic_neo4j.errors import Neo4jMigrationError

    try:
        from alembic_neo4j import local
        from alembic_neo4j.local.guard import guarded

        # A session that is killed leaves no server behind.
        with guarded(directory):
            server = local.ensure_started(
                directory, version=version, disposable=True, report=report
            )
            yield Neo4jServer(server.url, server.username, server.password)
            local.stop(directory, version=server.version, disposable=True)
    except Neo4jMigrationError as error:
        pytest.fail(str(error), pytrace=False)


def _reporter(config: pytest.Config) -> Callable[[str], None]:
    """Show a line at once, for the first start of all fetches the server's jars."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if terminal is None or capture is None or config.get_verbosity() < 0:
        return _log.info

    def report(line: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(line)

    return report


def _one_below(revision: str, down: Any) -> str:
    """The target that takes one revision back, and no other branch with it."""
    parent = down if isinstance(down, str) else next(iter(down or ()), "base")
    return f"{revision}@{parent}"


def _content(graph: Graph) -> set[str]:
    """All that is in the graph but what this package keeps there, as lines of text."""
    from alembic_neo4j.cypher import catalogue

    own = f"STARTS WITH '{catalogue.OWN_LABEL_PREFIX}'"
    entities = (
        f"MATCH (n) WHERE none(label IN labels(n) WHERE label {own}) "
        "RETURN count(*) AS count, labels(n) AS labels, properties(n) AS properties",
        "MATCH (a)-[r]->(b) RETURN count(*) AS count, properties(a) AS source, "
        "type(r) AS type, properties(r) AS properties, properties(b) AS target",
    )
    found = catalogue.read_catalogue(
        graph.read(catalogue.CONSTRAINTS), graph.read(catalogue.INDEXES)
    )
    elements = (*found.schema.constraints.values(), *found.schema.indexes.values())
    rows = [row for query in entities for row in graph.read(query)]
    return {*map(_line, rows), *map(str, elements), *found.unreadable}


def _line(row: dict[str, Any]) -> str:
    ordered = {
        key: sorted(value.items()) if isinstance(value, dict) else value
        for key, value in row.items()
    }
    return str(ordered)


def _compare(revision: str, before: set[str], after: set[str]) -> None:
    lost, left = sorted(before - after), sorted(after - before)
    if lost or left:
        lines = [*(f"  lost: {line}" for line in lost), *(f"  left: {x}" for x in left)]
        pytest.fail(
            f"expected the downgrade of {revision} to give the graph back as it was "
            "before the upgrade, found\n" + "\n".join(lines),
            pytrace=False,
        )


def _migrates_a_graph(raw_config: Any) -> bool:
    """Whether a value of ``alembic_config`` is about a project with keys of ours."""
    config = _alembic_config(raw_config)
    section = config.config_ini_section
    # The keys only: a value may want an interpolation that env.py alone can give.
    parser = config.file_config
    keys = parser.options(section) if parser.has_section(section) else []
    table = config.toml_alembic_config
    return "neo4j" in table or any(k.startswith("neo4j.") for k in (*keys, *table))


def _alembic_config(raw_config: Any) -> Config:
    """What pytest-alembic makes of the same value; the value stays as it is."""
    from alembic.config import Config

    if isinstance(raw_config, Config):
        return raw_config
    options: dict[str, Any]
    given: Config | None
    if raw_config is None or isinstance(raw_config, dict):
        options, given = raw_config or {}, None
    else:
        options, given = raw_config.config_options, raw_config.alembic_config
    if given := options.get("alembic_config") or given:
        return given
    file = options.get("file") or options.get("config_file_name") or "alembic.ini"
    return Config(file, toml_file="pyproject.toml")
