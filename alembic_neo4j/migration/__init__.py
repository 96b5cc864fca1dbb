"""Where Alembic meets the graph: operations, comparing, rendering, replay, running."""

from __future__ import annotations

from alembic_neo4j.migration import render as render  # registers the renderers
