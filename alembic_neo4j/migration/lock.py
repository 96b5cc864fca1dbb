"""The lock of a command that writes: on the graph first, then on the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic_neo4j.errors import LedgerError, LockError, StatementError
from alembic_neo4j.graph.before_images import drop_unused_index
from alembic_neo4j.graph.lock import Owner, break_lock, graph_lock, read_owner
from alembic_neo4j.ledger.lock import (
    break_ledger_lock,
    check_location,
    is_locked,
    ledger_lock,
)

if TYPE_CHECKING:
    from alembic_neo4j.migration.context import Neo4jMigrationContext

log = logging.getLogger(__name__)


@contextmanager
def locked(context: Neo4jMigrationContext) -> Iterator[None]:
    """Keep every other command from writing to this graph and this history.

    It waits for ``neo4j.lock_timeout`` seconds and says for whom. Raises LockError;
    what is written to graph or ledger after the lock was lost raises it, too.
    """
    check_location(context.ledger_url, context.ledger_origin)
    context.check_ledger()
    timeout = context.options.lock_timeout
    owner = Owner.of_this_process()

    with (
        graph_lock(
            context.graph,
            owner,
            timeout=timeout,
            interrupts=context.limits.interrupts,
        ),
        ledger_lock(
            context.ledger_url,
            context.version_table,
            timeout=timeout,
            holder=context.ledger_owner,
        ),
        context.owned_by(owner),
    ):
        yield
        _drop_unused_index(context)


def _drop_unused_index(context: Neo4jMigrationContext) -> None:
    # A load that changed nothing, or one that was killed, has left it.
    try:
        drop_unused_index(
            context.graph,
            timeout=context.options.schema_timeout,
            interrupts=context.limits.interrupts,
        )
    except (StatementError, LockError) as error:
        log.info(
            "An index of ours that nothing needs is left to the next run: %s", error
        )


def lock_holder(context: Neo4jMigrationContext) -> str | None:
    """Return who holds the lock on the graph or the ledger, None where nobody does.

    Raises LedgerError where the ledger is another project's.
    """
    context.check_ledger()
    holder = read_owner(context.graph)
    if holder is not None:
        return str(holder)
    held = is_locked(context.ledger_url, context.version_table)
    return (context.ledger_owner() or "another command") if held else None


def visible_holder(context: Neo4jMigrationContext) -> str | None:
    """Return who holds the lock, as far as one who may only read can see that."""
    try:
        return lock_holder(context)
    except (StatementError, LockError, LedgerError):
        return None


def break_locks(context: Neo4jMigrationContext) -> str | None:
    """Take both locks from their holder and return who that was.

    From then on the holder can commit nothing, neither to the graph nor to the ledger.
    """
    holder = lock_holder(context)
    break_lock(context.graph)
    if not context.is_ledger_missing:
        break_ledger_lock(context.ledger_url, context.version_table)
        context.take_ledger_away()
    return holder
