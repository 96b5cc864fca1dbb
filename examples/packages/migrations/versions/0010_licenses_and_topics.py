"""licenses and topics

Revision ID: 0010
Revises: 0009a, 0009b
Create Date: 2026-11-21 04:01:05.655484

"""
from collections.abc import Sequence

from alembic_neo4j import op


# Used by Alembic.
revision: str = '0010'
down_revision: str | Sequence[str] | None = ('0009a', '0009b')
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Used by alembic_neo4j.
schema_hash: str | None = None
rollback_safe: bool = True
migration_type: str = "schema"


def upgrade() -> None:
    """Upgrade the graph."""
    pass


def downgrade() -> None:
    """Downgrade the graph."""
    pass
