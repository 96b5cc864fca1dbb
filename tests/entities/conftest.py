"""Stores for the tests: a SQLite file, and for what both promise PostgreSQL as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.entities import Entity, EntityRepository
from tests.entities.values import Make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Where a store may be, a path or a URL."""
    if request.param == "sqlite":
        return tmp_path / "entities.db"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def repo(store: Any) -> Iterator[EntityRepository]:
    """An empty store on each database."""
    with EntityRepository(store) as repository:
        yield repository


@pytest.fixture
def task() -> Make:
    """What makes a task of its slug, status and data."""

    def make(slug: str, status: str = "open", **data: Any) -> Entity:
        return Entity(f"task-{slug}", "task", status, data)

    return make
