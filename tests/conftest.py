"""Fixtures that reach a real Neo4j; the package's own plugin gives the server."""

from __future__ import annotations

from collections.abc import Iterator

import neo4j
import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer


@pytest.fixture
def driver(neo4j_server: Neo4jServer, neo4j_graph: Graph) -> Iterator[neo4j.Driver]:
    """The bare driver on an empty graph."""
    credentials = (neo4j_server.username, neo4j_server.password)
    with neo4j.GraphDatabase.driver(neo4j_server.url, auth=credentials) as driver:
        yield driver
