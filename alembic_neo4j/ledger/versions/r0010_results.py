"""What a revision is about, whether it was passed over, and what it said of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0010"
down_revision = "0009"

_TABLE = "alembic_neo4j_revision"


def upgrade(op: Operations) -> None:
    """Add the columns; of what was applied before, nobody knows."""
    op.add_column(_TABLE, sa.Column("migration_type", sa.String(16)))
    op.add_column(_TABLE, sa.Column("skipped", sa.Boolean))
    op.add_column(_TABLE, sa.Column("result", sa.Text))


def downgrade(op: Operations) -> None:
    """Drop the columns."""
    for name in ("result", "skipped", "migration_type"):
        op.drop_column(_TABLE, name)
