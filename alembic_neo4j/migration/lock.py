"""The lock of a command that writes: on the graph first, then on the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alembic_neo4j.errors import LedgerError, LockError, StatementError
from alembic_neo4j.graph.before_images import drop_unused_index
from alembic_neo4j.graph.lock import Owner, break_lock, graph_lock, read_owner
from alembic_neo4j.ledger.lock import (
    break_ledger_lock,
    check_location,
    is_locked,
    ledger_lock,
)
from alembic_neo4j.migration.session import Session

log = logging.getLogger(__name__)


@contextmanager
def locked(session: Session) -> Iterator[None]:
    """Keep every other command from writing to this graph and this history.

    It waits for ``neo4j.lock_timeout`` seconds and says for whom. Raises LockError;
    what is written to graph or ledger after the lock was lost raises it, too.
    """
    check_location(session.database.url, session.database.origin)
    session.check()
    timeout = session.options.lock_timeout
    owner = Owner.of_this_process()

    with (
        graph_lock(
            session.graph,
            owner,
            timeout=timeout,
            interrupts=session.limits.interrupts,
        ),
        ledger_lock(
            session.database.url,
            session.version_table,
            timeout=timeout,
            holder=session.owner,
        ),
        session.owned_by(owner),
    ):
        yield
        _drop_unused_index(session)


def _drop_unused_index(session: Session) -> None:
    # A load that changed nothing, or one that was killed, has left it.
    if not session.journal.has_begun("load", "undo"):
        return
    try:
        drop_unused_index(
            session.graph,
            timeout=session.options.schema_timeout,
            interrupts=session.limits.interrupts,
        )
    except (StatementError, LockError) as error:
        log.info(
            "An index of ours that nothing needs is left to the next run: %s", error
        )


def lock_holder(session: Session) -> str | None:
    """Return who holds the lock on the graph or the ledger, None where nobody does.

    Raises LedgerError where the ledger is another project's.
    """
    session.check()
    holder = read_owner(session.graph)
    if holder is not None:
        return str(holder)
    held = is_locked(session.database.url, session.version_table)
    return (session.owner() or "another command") if held else None


def visible_holder(session: Session) -> str | None:
    """Return who holds the lock, as far as one who may only read can see that."""
    try:
        return lock_holder(session)
    except (StatementError, LockError, LedgerError):
        return None


def break_locks(session: Session) -> str | None:
    """Take both locks from their holder and return who that was.

    From then on the holder can commit nothing, neither to the graph nor to the ledger.
    """
    holder = lock_holder(session)
    break_lock(session.graph)
    if not session.database.is_missing:
        break_ledger_lock(session.database.url, session.version_table)
        session.take_away()
    return holder
