"""The ledger's facts and the applied revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create the tables."""
    op.create_table(
        "alembic_neo4j_ledger",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("value", sa.String(2000), nullable=False),
    )
    op.create_table(
        "alembic_neo4j_revision",
        sa.Column("version_table", sa.String(128), primary_key=True),
        sa.Column("revision", sa.String(64), primary_key=True),
        sa.Column("schema_hash", sa.String(80), nullable=False),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.String(255), nullable=False),
    )


def downgrade(op: Operations) -> None:
    """Drop the tables."""
    op.drop_table("alembic_neo4j_revision")
    op.drop_table("alembic_neo4j_ledger")
