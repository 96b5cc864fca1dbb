"""rank by embedding

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-27 10:02:11.482913

"""

from collections.abc import Sequence

from alembic_neo4j import op


# Used by Alembic.
revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Used by alembic_neo4j.
schema_hash: str | None = None
rollback_safe: bool = True
migration_type: str = "settings"


def upgrade() -> op.MigrationResult:
    """Let the search page rank by what revision 0012 made an index of."""
    settings = op.read_toml("search.toml")
    search = settings.setdefault("search", {})
    search["ranking"] = "embedding"
    search["index"] = "Package.embedding"
    op.write_toml("search.toml", settings, backup=False)
    return op.MigrationResult(
        success=True,
        message="the search page ranks by embedding",
        changes=["search.ranking", "search.index"],
    )


def downgrade() -> None:
    """Give the file back as it was, which alembic_neo4j does by itself."""
