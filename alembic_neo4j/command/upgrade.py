"""Upgrading by the revisions of one type, where they can run without the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import Script
from alembic.util import to_tuple

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.errors import RevisionError
from alembic_neo4j.migration.declarations import migration_type
from alembic_neo4j.migration.order import urgency
from alembic_neo4j.migration.revision_code import load_revisions
from alembic_neo4j.migration.session import Session


def upgrade_type(config: Config, kind: str) -> tuple[str, ...]:
    """Apply the pending revisions of a type, and return them in their order.

    Raises RevisionError before anything has run where one of them comes after a pending
    revision of another type, and what ``alembic upgrade`` raises.
    """
    revisions, targets = in_session(
        config, lambda session: (_chosen(session, kind), targets_of(session, kind))
    )
    for target in targets:
        command.upgrade(config, target)
    return tuple(script.revision for script in revisions)


def targets_of(session: Session, kind: str) -> tuple[str, ...]:
    """Return what to upgrade to, one after the other, to apply those of a type.

    Raises RevisionError where one of them comes after a pending revision of another
    type, and names them all.
    """
    chosen = _chosen(session, kind)
    missing = list(_missing(session, chosen))
    if missing:
        raise RevisionError(
            f"the revisions of the type {kind} can't run by themselves: "
            f"{'; '.join(missing)}. Nothing has run; run those first, such as with "
            "`alembic -c neo4j.ini upgrade REVISION`, or all: `alembic -c neo4j.ini "
            "upgrade heads`"
        )
    below = {name for script in chosen for name in _parents(session, script)}
    targets = [one for one in chosen if one.revision not in below]
    return tuple(one.revision for one in sorted(targets, key=urgency))


def _chosen(session: Session, kind: str) -> list[Script]:
    return [s for s in pending_scripts(session) if migration_type(s) == kind]


def _missing(session: Session, chosen: Sequence[Script]) -> Iterator[str]:
    pending = {script.revision: script for script in pending_scripts(session)}
    among = {script.revision for script in chosen}
    for script in chosen:
        for name in _parents(session, script):
            if name in pending and name not in among:
                kind = migration_type(pending[name])
                yield f"{script.revision} comes after {name}, which is {kind}"


def pending_scripts(session: Session) -> list[Script]:
    """Return the revisions that are to be applied, in their order.

    Raises LedgerError and ConfigurationError where the ledger can't be read.
    """
    load_revisions(session.script)
    current: Any = session.heads()
    scripts = session.script.iterate_revisions("heads", current, implicit_base=True)
    return list(scripts)[::-1]


def _parents(session: Session, script: Script) -> list[str]:
    """Return what has to be applied before a revision, that which it depends on too."""
    names = (*to_tuple(script.down_revision, ()), *to_tuple(script.dependencies, ()))
    return [s.revision for s in session.script.get_revisions(names) if s is not None]
