"""The graph and the project that clients are killed on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.crash.sweep import Sweep


@pytest.fixture(scope="module")
def sweep(
    neo4j_server: Neo4jServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sweep]:
    """A project made once, and the graph that the environment of clients names."""
    directory = tmp_path_factory.mktemp("crash")
    credentials = Credentials("basic", neo4j_server.username, neo4j_server.password)
    graph = Graph(
        GraphSettings(
            neo4j_server.url, directory, credentials, database=neo4j_server.database
        )
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ALEMBIC_NEO4J_URI", neo4j_server.url)
        environment.setenv("ALEMBIC_NEO4J_USERNAME", neo4j_server.username)
        environment.setenv("ALEMBIC_NEO4J_PASSWORD", neo4j_server.password)
        environment.setenv("ALEMBIC_NEO4J_DATABASE", neo4j_server.database)
        environment.delenv("ALEMBIC_NEO4J_PASSWORD_FILE", raising=False)
        yield Sweep(graph, directory)
    graph.close()
