"""A cache of each test's own, and a web server that behaves as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_neo4j.ingest.cache import Cache

from .serving import WebServer


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server
