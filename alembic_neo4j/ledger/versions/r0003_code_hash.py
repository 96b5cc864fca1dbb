"""What a revision's file did when it was applied, whatever its layout."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Add the column; of what was applied before, nobody knows."""
    op.add_column("alembic_neo4j_revision", sa.Column("code_hash", sa.String(64)))


def downgrade(op: Operations) -> None:
    """Drop the column."""
    op.drop_column("alembic_neo4j_revision", "code_hash")
