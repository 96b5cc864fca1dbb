"""Backups of a project's ledger: made, listed, verified and put back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.database import shown_url, sqlite_path
from alembic_neo4j.entities.backup import (
    POSTGRESQL_TOOL,
    Backup,
    Restored,
    create_backup,
    list_backups,
    restore_backup,
    verify_backup,
)
from alembic_neo4j.errors import (
    ConfigurationError,
    LedgerError,
    Neo4jMigrationError,
    StoreError,
)
from alembic_neo4j.ledger.audit import BEGUN, AuditEvent, AuditTrail, Author, Entry
from alembic_neo4j.ledger.connection import check_soundness, version_rows
from alembic_neo4j.ledger.engine import connect, connect_read_only, open_engine
from alembic_neo4j.ledger.lock import check_location, ledger_lock
from alembic_neo4j.ledger.tables import VERSION_TABLE
from alembic_neo4j.migration.audit import AuditedAction
from alembic_neo4j.migration.session import Session

log = logging.getLogger(__name__)

RESTORE = "ledger backup restore"
"""What the audit trail calls it."""


@dataclass(frozen=True)
class VerifiedBackup:
    """A backup that was looked at; `problem` says what is damaged, None if nothing."""

    path: Path
    problem: str | None


@dataclass(frozen=True)
class RestoredLedger:
    """A ledger that was put back, `heads` are where it is now."""

    restored: Restored
    heads: Sequence[str]


@dataclass(frozen=True)
class _Ledger:
    """A ledger that is a file, with what its lock needs; it is not open."""

    url: URL
    file: Path
    version_table: str
    lock_timeout: float
    author: Author


def create(config: Config, directory: Path | None) -> Path:
    """Make a backup of the ledger, whoever writes to it meanwhile, and return its file.

    Raises ConfigurationError where the ledger is no file, LedgerError where there is
    none yet, and StoreError where the backup can't be made: none is left then.
    """
    ledger = _ledger(config)
    if not ledger.file.exists():
        raise LedgerError(
            f"expected a ledger to make a backup of, found none: {ledger.file} is made "
            "by the first upgrade"
        )
    return create_backup(ledger.file, directory or usual_directory(ledger.file))


def listed(config: Config, directory: Path | None) -> list[Backup]:
    """Return the backups of a directory, the oldest first; they are not read."""
    return list_backups(directory or usual_directory(_ledger(config).file))


def verified(
    config: Config, directory: Path | None, paths: Sequence[Path]
) -> list[VerifiedBackup]:
    """Read backups to the last bit, all of the directory where none is named.

    Raises StoreError where a named one is not there.
    """
    chosen = paths or [backup.path for backup in listed(config, directory)]
    return [VerifiedBackup(path, _problem(path)) for path in chosen]


def restore(config: Config, path: Path, *, force: bool) -> RestoredLedger:
    """Make the ledger be that of a backup, under the ledger's lock.

    The backup is checked before anything is touched, also for whether it is one of a
    ledger that this release reads. A ledger that is there is replaced only with
    `force`, and kept. The graph is not looked at: the next command compares its stamp.
    The audit trail of the ledger that is put back is told of it.

    Raises LedgerError or StoreError where the backup is none, or the ledger is there,
    and LockError where another command is at it: nothing is changed then.
    """
    ledger = _ledger(config)
    check_location(ledger.url)
    if ledger.file.exists() and not force:
        raise LedgerError(
            f"expected no ledger, found {ledger.file}; nothing has been changed. To "
            "have it replaced, say --force: it is kept under another name"
        )
    verify_backup(path)
    heads = _heads(path, ledger.version_table)
    with ledger_lock(
        ledger.url,
        ledger.version_table,
        timeout=ledger.lock_timeout,
        holder=lambda: None,
    ):
        trail = _Trail(ledger, path)
        restored = restore_backup(
            path, ledger.file, force=force, prepare=trail.tell_beginning
        )
        in_session(config, trail.tell_end)
    return RestoredLedger(restored, heads)


class _Trail:
    """The trail of a ledger that is put back, where it has one, is told that it is.

    That it begins is in the file before that gets the ledger's name, so that a command
    which is killed then leaves no end of it. The trail of the ledger that is replaced
    ends where it did. It is restored, whatever its trail says.
    """

    def __init__(self, ledger: _Ledger, path: Path) -> None:
        self._ledger = ledger
        self._entry = Entry(RESTORE, BEGUN, about=[path.name])
        self._begun: AuditEvent | None = None

    def tell_beginning(self, new: Path) -> None:
        connection = connect(open_engine(URL.create("sqlite", database=str(new))))
        try:
            table, author = self._ledger.version_table, self._ledger.author
            trail = AuditTrail(connection, table, author)
            if trail.exists():
                begun = trail.append(self._entry)
                connection.commit()
                self._begun = begun
        except Neo4jMigrationError as error:
            log.warning(_UNTOLD, error)
        finally:
            connection.close()
            connection.engine.dispose()

    def tell_end(self, session: Session) -> None:
        if self._begun is None:
            return
        try:
            session.check()
            AuditedAction(session, self._entry, self._begun).succeed()
            session.commit()
        except Neo4jMigrationError as error:
            log.warning(_UNTOLD, error)


_UNTOLD = "The audit trail could not be told of this: %s"


def usual_directory(ledger: Path) -> Path:
    """Return where the backups of a ledger are, where nobody names a directory."""
    return ledger.with_name(f"{ledger.name}.backups")


def _ledger(config: Config) -> _Ledger:
    """Return where the ledger is; it is closed again when this returns."""

    def look(session: Session) -> _Ledger:
        url = session.database.url
        file = sqlite_path(url)
        if file is None:
            tool = f"for PostgreSQL use {POSTGRESQL_TOOL}"
            raise ConfigurationError(
                f"expected a ledger in a SQLite file to back up, found {shown_url(url)}"
                f"; {tool if url.get_backend_name() == 'postgresql' else 'name a file'}"
            )
        timeout = session.options.lock_timeout
        author = session.author
        return _Ledger(url, file.absolute(), session.version_table, timeout, author)

    return in_session(config, look)


def _problem(path: Path) -> str | None:
    if not path.is_file():
        raise StoreError(f"expected a backup, found no file {path}; correct its name")
    try:
        verify_backup(path)
    except StoreError as error:
        return str(error)
    return None


def _heads(path: Path, version_table: str) -> list[str]:
    """Return where a backup's ledger is; raises LedgerError where it has none."""
    connection = connect_read_only(URL.create("sqlite", database=str(path.absolute())))
    if connection is None:
        raise StoreError(f"the backup {path} can't be read, or has files beside it")
    try:
        return _checked_heads(connection, path, version_table)
    finally:
        connection.close()
        connection.engine.dispose()


def _checked_heads(connection: Connection, path: Path, version_table: str) -> list[str]:
    if not inspect(connection).has_table(VERSION_TABLE):
        raise LedgerError(
            f"expected the backup of a ledger, found that of another database in "
            f"{path}; nothing has been changed. A store of entities is put back by "
            "alembic_neo4j.entities.backup"
        )
    check_soundness(connection, version_table)
    return version_rows(connection, version_table)
