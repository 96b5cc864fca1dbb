"""What was at the paths that revisions change, before and after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0009"
down_revision = "0008"


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "alembic_neo4j_file",
        sa.Column("version_table", sa.String(128), primary_key=True),
        sa.Column("run", sa.String(36), primary_key=True),
        sa.Column("revision", sa.String(64), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("before_kind", sa.String(16), nullable=False),
        sa.Column("before_sha256", sa.String(64), nullable=False),
        sa.Column("before_mode", sa.Integer),
        sa.Column("before_content", sa.LargeBinary),
        sa.Column("after_kind", sa.String(16), nullable=False),
        sa.Column("after_sha256", sa.String(64), nullable=False),
        sa.Column("after_mode", sa.Integer),
    )


def downgrade(op: Operations) -> None:
    """Drop the table."""
    op.drop_table("alembic_neo4j_file")
