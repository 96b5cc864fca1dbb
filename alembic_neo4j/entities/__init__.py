"""The entity store: things with an id, a status and data, and every version of them.

It is used without a graph: ``EntityRepository()`` keeps them in a file of its own.
"""

from __future__ import annotations

from alembic_neo4j.entities.entity import STATUSES, Entity
from alembic_neo4j.entities.observers import EntityObserver
from alembic_neo4j.entities.repository import EntityRepository
from alembic_neo4j.entities.search import EntitySearch, SearchResult
from alembic_neo4j.entities.sync import SyncableRepository, SyncResult
from alembic_neo4j.entities.sync_client import (
    SyncClient,
    SyncConfig,
    create_sync_client,
)

__all__ = [
    "STATUSES",
    "Entity",
    "EntityObserver",
    "EntityRepository",
    "EntitySearch",
    "SearchResult",
    "SyncClient",
    "SyncConfig",
    "SyncResult",
    "SyncableRepository",
    "create_sync_client",
]
