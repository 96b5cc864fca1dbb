"""Who holds the lock, and taking it from them."""

from __future__ import annotations

import logging

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.errors import LockError
from alembic_neo4j.migration.audit import audited_if_there_is_a_trail
from alembic_neo4j.migration.session import Session, break_locks, lock_holder

log = logging.getLogger(__name__)


def read_holder(config: Config) -> str | None:
    """Return who holds the lock on the graph or the ledger, None where nobody does."""
    return in_session(config, lock_holder)


def take_locks(config: Config) -> str | None:
    """Take both locks from their holder, who can commit nothing more; return who."""
    return in_session(config, _taken)


def _taken(session: Session) -> str | None:
    session.check()
    holder = lock_holder(session)
    about = [holder] if holder else []
    try:
        with audited_if_there_is_a_trail(session, "unlock", about):
            return break_locks(session)
    except LockError as error:
        # Whoever is paused while it writes to the ledger has to lose the lock, too.
        log.warning("The audit trail could not be told of this: %s", error)
        session.connection.rollback()
        return break_locks(session)
