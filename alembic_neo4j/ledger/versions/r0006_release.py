"""Which release recorded a run, and its units: another one may record otherwise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"

_TABLES = ("alembic_neo4j_run", "alembic_neo4j_unit")


def upgrade(op: Operations) -> None:
    """Add the columns; of what was begun before, nobody knows."""
    for table in _TABLES:
        op.add_column(table, sa.Column("release", sa.String(64)))
    _resize_digest(op, sa.String(64), sa.String(80))


def downgrade(op: Operations) -> None:
    """Drop the columns."""
    _resize_digest(op, sa.String(80), sa.String(64))
    for table in _TABLES:
        op.drop_column(table, "release")


def _resize_digest(op: Operations, old: sa.String, new: sa.String) -> None:
    # SQLite holds a text of any length in any column, and can't alter one.
    if op.get_context().dialect.name != "sqlite":
        op.alter_column(
            *("alembic_neo4j_unit", "digest"),
            existing_type=old,
            existing_nullable=False,
            type_=new,
        )
