"""The batches of data: where each came from, and what it did to the graph."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0004"
down_revision = "0003"


def upgrade(op: Operations) -> None:
    """Create the table; it refers to no other, so that none stands in another's way."""
    op.create_table(
        "alembic_neo4j_batch",
        sa.Column("version_table", sa.String(128), primary_key=True),
        sa.Column("batch", sa.String(64), primary_key=True),
        sa.Column("revision", sa.String(64)),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sources", sa.Text, nullable=False),
        sa.Column("loader", sa.String(255), nullable=False),
        sa.Column("loader_version", sa.String(64), nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("types", sa.Text, nullable=False),
        sa.Column("created_nodes", sa.BigInteger, nullable=False),
        sa.Column("touched_nodes", sa.BigInteger, nullable=False),
        sa.Column("created_relationships", sa.BigInteger, nullable=False),
        sa.Column("touched_relationships", sa.BigInteger, nullable=False),
        sa.Column("unmatched", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String(255), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )


def downgrade(op: Operations) -> None:
    """Drop the table."""
    op.drop_table("alembic_neo4j_batch")
