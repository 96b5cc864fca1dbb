"""A backup of the graph before a run that asks for one, under the run's lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alembic_neo4j.database import sqlite_path
from alembic_neo4j.errors import BackupError
from alembic_neo4j.ledger.store import user_name
from alembic_neo4j.migration.plan import PlannedStep
from alembic_neo4j.migration.session import Session

if TYPE_CHECKING:
    from alembic_neo4j.backups.create import BackupOrigin

log = logging.getLogger(__name__)

UNSAFE, NEVER = "unsafe", "never"
"""Of ``neo4j.backup_before_upgrade``; else it is for each run."""


def back_up_before(session: Session, planned: Sequence[PlannedStep]) -> None:
    """Make a backup where ``neo4j.backup_before_upgrade`` asks for one of this run.

    Of an empty graph there is none. Raises BackupError where none could be made that is
    consistent, since something other than a run writes to the graph: nothing of the run
    has begun then.
    """
    wanted = session.options.backup_before_upgrade
    if wanted == NEVER or (wanted == UNSAFE and not any(map(_is_unsafe, planned))):
        return
    # Most runs have none.
    from alembic_neo4j.backups.contents import counts
    from alembic_neo4j.backups.create import create_backup

    if counts(session.graph) == (0, 0):
        return
    directory = session.options.backup_directory
    made = create_backup(session.graph, directory, origin_of(session))
    if not made.consistent:
        raise BackupError(
            "expected nobody to write to the graph while it is backed up, found writes "
            f"each time: {directory / made.id} is not consistent. Nothing has run. "
            "Stop what writes, or leave the backup out: -x "
            "neo4j.backup_before_upgrade=never"
        )
    log.info("Backed up before the run: %s", directory / made.id)


def origin_of(session: Session) -> BackupOrigin:
    """Return of what a backup is made in a session; the graph has answered before."""
    from alembic_neo4j.backups.create import BackupOrigin

    settings = session.graph.settings
    database = f"/{settings.database}" if settings.database else ""
    return BackupOrigin(
        f"{session.graph.url}{database}",
        user_name(),
        tuple(sorted(session.heads())),
        sqlite_path(session.database.url),
    )


def _is_unsafe(planned: PlannedStep) -> bool:
    return not getattr(planned.script.module, "rollback_safe", True)
