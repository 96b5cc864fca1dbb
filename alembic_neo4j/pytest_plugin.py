"""Fixtures for projects that test their migrations on a real, disposable graph."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

DISPOSABLE = "ALEMBIC_NEO4J_DISPOSABLE"


@dataclass(frozen=True)
class Neo4jServer:
    """A server whose graph tests may wipe."""

    url: str
    username: str
    password: str = field(repr=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register after every installed plugin, so that our fixtures take precedence."""
    if config.pluginmanager.hasplugin("pytest_alembic"):
        config.pluginmanager.register(_AlembicFixtures(), "alembic_neo4j_engine")


@pytest.fixture(scope="session")
def neo4j_server(request: pytest.FixtureRequest) -> Iterator[Neo4jServer]:
    """A Neo4j for tests: a local one of its own, started once a session.

    It is stopped in the end unless it ran before.

    With ``ALEMBIC_NEO4J_DISPOSABLE=1`` it is the one of ``ALEMBIC_NEO4J_URI``, which
    the tests then wipe.
    """
    if os.environ.get("ALEMBIC_NEO4J_URI"):
        yield _given_server()
        return
    from alembic_neo4j.graph import local

    version = os.environ.get("ALEMBIC_NEO4J_TEST_VERSION") or None
    project = Path(request.config.rootpath)
    ran = {server.home for server in local.running(project)}
    server = local.ensure_started(project, version=version, disposable=True)
    yield Neo4jServer(server.url, server.username, server.password)
    if server.home not in ran:
        local.stop(project, version=server.version, disposable=True)


@pytest.fixture
def neo4j_graph(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An empty graph: ``read``, ``transaction`` and ``autocommit`` run statements.

    While the test runs, ``alembic`` reaches it whatever the project's ini file says.
    """
    from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
    from alembic_neo4j.graph.wipe import wipe

    monkeypatch.setenv("ALEMBIC_NEO4J_URI", neo4j_server.url)
    monkeypatch.setenv("ALEMBIC_NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", neo4j_server.password)
    credentials = Credentials("basic", neo4j_server.username, neo4j_server.password)
    graph = Graph(GraphSettings(neo4j_server.url, Path.cwd(), credentials))
    try:
        wipe(graph)
        yield graph
    finally:
        graph.close()


class _AlembicFixtures:
    """What pytest-alembic needs for a graph."""

    @pytest.fixture
    def alembic_engine(self, request: pytest.FixtureRequest) -> Iterator[Any]:
        """A fresh SQLite ledger over an empty graph; an SQL project keeps its own."""
        if not _migrates_a_graph(request.getfixturevalue("alembic_config")):
            yield request.getfixturevalue("alembic_engine")
            return
        from alembic_neo4j.ledger.engine import open_engine

        request.getfixturevalue("neo4j_graph")
        directory = request.getfixturevalue("tmp_path")
        engine = open_engine(f"sqlite:///{directory / 'neo4j_ledger.db'}")
        yield engine
        engine.dispose()


def _given_server() -> Neo4jServer:
    url = os.environ["ALEMBIC_NEO4J_URI"]
    if os.environ.get(DISPOSABLE) != "1":
        raise pytest.UsageError(
            f"ALEMBIC_NEO4J_URI = {url}, whose graph the tests would wipe. Set "
            f"{DISPOSABLE}=1 if that is what you want, or unset ALEMBIC_NEO4J_URI for "
            "a local server made for tests"
        )
    return Neo4jServer(
        url,
        os.environ.get("ALEMBIC_NEO4J_USERNAME", "neo4j"),
        os.environ.get("ALEMBIC_NEO4J_PASSWORD", ""),
    )


def _migrates_a_graph(raw_config: Any) -> bool:
    config = _alembic_config(raw_config)
    section = config.get_section(config.config_ini_section, {}) or {}
    table = config.toml_alembic_config
    return "neo4j" in table or any(
        key.startswith("neo4j.") for key in (*section, *table)
    )


def _alembic_config(raw_config: Any) -> Any:
    from alembic.config import Config
    from pytest_alembic.config import Config as PytestAlembicConfig

    if isinstance(raw_config, Config):
        return raw_config
    # from_raw_config() empties the dict that it is given.
    raw = dict(raw_config) if isinstance(raw_config, dict) else raw_config
    return PytestAlembicConfig.from_raw_config(raw).make_alembic_config(io.StringIO())
