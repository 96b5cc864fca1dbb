"""The lock on a ledger: it ends with its holder's process, whatever kills that."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from alembic_neo4j.database import shown_url, sqlite_path
from alembic_neo4j.errors import ConfigurationError, LockError
from alembic_neo4j.ledger.engine import connect, open_engine
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import waiting_for

log = logging.getLogger(__name__)

Got = TypeVar("Got")

_PAUSE_SECONDS = 0.05


@contextmanager
def ledger_lock(
    url: URL,
    version_table: str,
    *,
    timeout: float,
    holder: Callable[[], str | None],
) -> Iterator[None]:
    """Hold the lock on the history of one version table in a ledger.

    SQLite's is a database of its own beside the ledger, PostgreSQL's an advisory lock
    of a connection that does nothing else; another database has none, and relies on
    the graph's. Where it is not free the log tells at once of the `holder`.
    Raises LockError when it is not free within `timeout` seconds.
    """
    path = sqlite_path(url)
    if path is not None:
        file = lock_file(path, version_table)
        with closing(_wait(lambda: _begun(file), timeout, holder)):
            yield
    elif url.get_backend_name() == "postgresql":
        engine = open_engine(url)
        try:
            with connect(engine) as session:
                _wait(lambda: _advised(session, version_table), timeout, holder)
                yield
        finally:
            engine.dispose()
    else:
        yield


def check_location(url: URL, origin: str = "sqlalchemy.url") -> None:
    """Raise ConfigurationError where there is no directory for a SQLite ledger."""
    path = sqlite_path(url)
    if path is not None and not path.parent.is_dir():
        raise ConfigurationError(
            f"the ledger {shown_url(url)} can't be opened: there is no directory "
            f"{path.parent}. Correct {origin}, or make it"
        )


def is_locked(url: URL, version_table: str) -> bool:
    """Tell whether somebody holds the lock at this moment; nothing is created."""
    path = sqlite_path(url)
    if path is not None:
        file = lock_file(path, version_table)
        if not file.exists():
            return False
        connection = _begun(file)
        if connection is not None:
            connection.close()
        return connection is None
    if url.get_backend_name() == "postgresql":
        return bool(_on_postgresql(url, _IS_HELD, version_table))
    return False


def break_ledger_lock(url: URL, version_table: str) -> None:
    """Free the lock, whoever holds it; its holder's fence has to be broken as well."""
    path = sqlite_path(url)
    if path is not None:
        # The holder keeps its lock on a file that nobody finds any more.
        lock_file(path, version_table).unlink(missing_ok=True)
    elif url.get_backend_name() == "postgresql":
        _on_postgresql(url, _END, version_table)


def lock_file(ledger: Path, version_table: str) -> Path:
    """Return the file beside a SQLite ledger whose lock is the ledger's."""
    return ledger.with_name(f"{ledger.name}.{version_table}.lock")


def _wait(
    attempt: Callable[[], Got | None],
    timeout: float,
    holder: Callable[[], str | None],
) -> Got:
    got = attempt()
    if got is not None:
        return got
    until = time.monotonic() + timeout
    what = f"the lock on the ledger, held by {holder() or 'another command'}"
    log.info("Waiting for %s", what)
    with waiting_for(what, limit=timeout):
        while (got := attempt()) is None:
            if time.monotonic() > until:
                raise _not_free(timeout)
            time.sleep(_PAUSE_SECONDS)
    return got


def _not_free(timeout: float) -> LockError:
    return LockError(
        f"the lock on the ledger was not free within {timeout:g} seconds "
        "(neo4j.lock_timeout); nothing has run here. Run this again when the other "
        "command has ended; where it hangs, take the lock from it: "
        "`alembic-neo4j unlock`"
    )


def _begun(path: Path) -> sqlite3.Connection | None:
    # Opened anew each time: the file is another one once the lock was broken.
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        connection.close()
        if "locked" in str(error):
            return None
        raise _unusable(path, error) from error
    return connection


def _unusable(path: Path, error: sqlite3.Error) -> LockError:
    return LockError(
        f"the ledger can't be locked: {path}: {ended(error)} It has to be a file on "
        "a local "
        "disk, in a directory that can be written to"
    )


_TRY = "SELECT pg_try_advisory_lock(:key)"
_HOLDERS = (
    "FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND ((classid::bigint << 32) | objid::bigint) = :key"
)
_IS_HELD = f"SELECT count(*) {_HOLDERS}"
_END = f"SELECT pg_terminate_backend(pid) {_HOLDERS}"


def _on_postgresql(url: URL, query: str, version_table: str) -> Any:
    engine = open_engine(url)
    try:
        with connect(engine) as connection:
            return connection.execute(
                text(query), {"key": _key(version_table)}
            ).scalar()
    finally:
        engine.dispose()


def _advised(session: Connection, version_table: str) -> Connection | None:
    try:
        got = session.execute(text(_TRY), {"key": _key(version_table)}).scalar_one()
        session.commit()
    except DBAPIError as error:
        raise LockError(f"the ledger can't be locked: {error.orig}") from error
    return session if got else None


def _key(version_table: str) -> int:
    digest = hashlib.sha256(json.dumps(["alembic_neo4j", version_table]).encode())
    # PostgreSQL's keys are signed; a positive one reads the same in pg_locks.
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def lost_lock() -> LockError:
    """Return the error of a command whose ledger has another owner by now."""
    return LockError(
        "the lock on the ledger was taken from this command by `alembic-neo4j unlock`; "
        "nothing more has been written. See `alembic-neo4j status`, then run the same "
        "command again"
    )
