"""How long a revision took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Add the column; of what was applied before, nobody knows."""
    op.add_column("alembic_neo4j_revision", sa.Column("seconds", sa.Float))


def downgrade(op: Operations) -> None:
    """Drop the column."""
    op.drop_column("alembic_neo4j_revision", "seconds")
