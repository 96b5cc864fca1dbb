"""The driver that reaches this project's graph."""

from __future__ import annotations

import os
from pathlib import Path

import neo4j

from alembic_neo4j import local


def connect() -> neo4j.Driver:
    """Return a driver for the server that ALEMBIC_NEO4J_URI names, or the local one."""
    url = os.environ.get("ALEMBIC_NEO4J_URI")
    if url:
        username = os.environ.get("ALEMBIC_NEO4J_USERNAME", "neo4j")
        password = os.environ.get("ALEMBIC_NEO4J_PASSWORD", "")
        return neo4j.GraphDatabase.driver(url, auth=(username, password))
    server = local.ensure_started(Path(__file__).parent.parent)
    credentials = (server.username, server.password)
    return neo4j.GraphDatabase.driver(server.url, auth=credentials)
