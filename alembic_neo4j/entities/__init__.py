"""The entity store: things with an id, a status and data, and every version of them."""

from __future__ import annotations

from alembic_neo4j.entities.entity import STATUSES, Entity

__all__ = ["STATUSES", "Entity"]
