"""A real Neo4j for development and tests, with nothing to install."""

from __future__ import annotations

from alembic_neo4j.local.artifacts import DEFAULT_VERSION
from alembic_neo4j.local.home import LocalServer
from alembic_neo4j.local.server import (
    KnownServer,
    ensure_started,
    known,
    log_file,
    log_tail,
    running,
    stop,
    wipe,
)

__all__ = [
    "DEFAULT_VERSION",
    "KnownServer",
    "LocalServer",
    "ensure_started",
    "known",
    "log_file",
    "log_tail",
    "running",
    "stop",
    "wipe",
]
