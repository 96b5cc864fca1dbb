"""Where Alembic meets the graph: operations, comparing, rendering, replay, running."""
