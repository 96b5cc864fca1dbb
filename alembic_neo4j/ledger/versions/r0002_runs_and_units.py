"""The runs and their units: what was begun, and how far it got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Create the tables; a version table has one open run at most."""
    op.create_table(
        "alembic_neo4j_run",
        sa.Column("run", sa.String(36), primary_key=True),
        sa.Column("version_table", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("steps", sa.Text, nullable=False),
        sa.Column("finished", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String(255), nullable=False),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "alembic_neo4j_one_open_run",
        "alembic_neo4j_run",
        ["version_table"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "alembic_neo4j_unit",
        sa.Column("run", sa.String(36), primary_key=True),
        sa.Column("revision", sa.String(64), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rows", sa.Text, nullable=False),
    )


def downgrade(op: Operations) -> None:
    """Drop the tables."""
    op.drop_table("alembic_neo4j_unit")
    op.drop_table("alembic_neo4j_run")
