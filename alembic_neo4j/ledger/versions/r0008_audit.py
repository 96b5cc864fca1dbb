"""The audit trail: events that are added, and never changed or removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0008"
down_revision = "0006"

_TABLE = "alembic_neo4j_audit"
_REFUSAL = "the audit trail of alembic_neo4j is append-only"


def upgrade(op: Operations) -> None:
    """Create the table, and triggers that refuse whatever is not a new event."""
    op.create_table(
        _TABLE,
        sa.Column("version_table", sa.String(128), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.Column("run", sa.String(36)),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("closes", sa.BigInteger),
        sa.Column("became", sa.String(16)),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("release", sa.String(64), nullable=False),
        sa.Column("graph", sa.String(1000), nullable=False),
        sa.Column("ledger", sa.String(36), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("error", sa.Text),
        sa.Column("previous", sa.String(80), nullable=False),
        sa.Column("hash", sa.String(80), nullable=False),
    )
    for statement in _TRIGGERS.get(op.get_context().dialect.name, ()):
        op.execute(statement)


def downgrade(op: Operations) -> None:
    """Drop the table, its triggers with it."""
    op.drop_table(_TABLE)
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {_TABLE}_refuse()")


_TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER {_TABLE}_update BEFORE UPDATE ON {_TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
        f"CREATE TRIGGER {_TABLE}_delete BEFORE DELETE ON {_TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
        # INSERT OR REPLACE removes a row without any trigger for it.
        f"CREATE TRIGGER {_TABLE}_replace BEFORE INSERT ON {_TABLE} "
        f"WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE sequence = NEW.sequence "
        "AND version_table = NEW.version_table) "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    ),
    "postgresql": (
        f"CREATE OR REPLACE FUNCTION {_TABLE}_refuse() RETURNS trigger "
        f"LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
        f"CREATE TRIGGER {_TABLE}_row BEFORE UPDATE OR DELETE ON {_TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION {_TABLE}_refuse()",
        f"CREATE TRIGGER {_TABLE}_all BEFORE TRUNCATE ON {_TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_TABLE}_refuse()",
    ),
}
