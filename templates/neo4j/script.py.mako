<%! from alembic_neo4j.migration.declarations import asked_declarations, asked_type %>\
"""${message.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

"""
from collections.abc import Sequence

from alembic_neo4j import op
${imports if imports else ""}

# Used by Alembic.
revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}

# Used by alembic_neo4j.
schema_hash: str | None = ${repr(schema_hash if schema_hash is not UNDEFINED else None)}
rollback_safe: bool = ${repr(rollback_safe if rollback_safe is not UNDEFINED else True)}
migration_type: str = "${asked_type(config)}"
% for line in asked_declarations(config):
${line}
% endfor


def upgrade() -> None:
    """Upgrade the graph."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Downgrade the graph."""
    ${downgrades if downgrades else "pass"}
