"""Who holds the lock, and taking it from them."""

from __future__ import annotations

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.migration.session import break_locks, lock_holder


def read_holder(config: Config) -> str | None:
    """Return who holds the lock on the graph or the ledger, None where nobody does."""
    return in_session(config, lock_holder)


def take_locks(config: Config) -> str | None:
    """Take both locks from their holder, who can commit nothing more; return who."""
    return in_session(config, break_locks)
