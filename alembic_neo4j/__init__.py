"""Alembic for Neo4j: migrations of a graph from neomodel models.

This module is imported in the middle of ``import alembic`` (Alembic loads its plugins
there), so it imports nothing; its public names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "awaitable": "alembic_neo4j.awaitable",
    "declare": "alembic_neo4j.schema.declare",
    "environment": "alembic_neo4j.migration.environment",
    "op": "alembic_neo4j.op",
}


def __getattr__(name: str) -> Any:
    try:
        module = _PUBLIC[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from alembic_neo4j.graph.driver import not_collecting

    with not_collecting():
        return import_module(module)
