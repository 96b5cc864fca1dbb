"""The revisions of the ledger's own tables; Alembic runs them with `op` handed in."""
