"""The ledger's database: its engine, and whether it is there at all."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from alembic_neo4j.database import (
    Fault,
    fault_in,
    fault_of,
    immutable_uri,
    limit_waits,
    shown_url,
    sqlite_path,
)
from alembic_neo4j.errors import ConfigurationError, LedgerError, LockError
from alembic_neo4j.sentences import ended

_BUSY_SECONDS = 10
"""How long a statement waits for what another process is writing."""


def database_url(url: str, origin: str = "sqlalchemy.url") -> URL:
    """Return the URL of the ledger's database; `origin` is where it was read.

    Raises ConfigurationError when it is none of SQLAlchemy's, or its driver is one for
    an event loop.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # It is not shown: what can't be read may hold a password anywhere.
        raise ConfigurationError(
            f"{origin} is not a database URL; expected one such as "
            "sqlite:///%(here)s/neo4j_ledger.db"
        ) from None
    try:
        is_async = parsed.get_dialect().is_async
    except (NoSuchModuleError, ArgumentError, ValueError) as error:
        raise _unusable(parsed, error, origin) from error
    if is_async:
        raise _needs_loop(parsed, origin)
    if "\0" in (parsed.database or ""):
        raise ConfigurationError(f"{origin} names a file with a NUL in it")
    return parsed


def damaged(url: URL, what: str, *, newer: bool = False) -> LedgerError:
    """Return the error for a ledger that can't be read, and the way on."""
    path = sqlite_path(url)
    aside = (
        f"put it aside (mv {path} {path}.damaged)"
        if path
        else "give the ledger another database"
    )
    state = "of a newer release of alembic-neo4j, or damaged" if newer else "damaged"
    update = "Install that release here; else restore" if newer else "Restore"
    return LedgerError(
        f"the ledger {shown_url(url)} is {state}: {ended(what)} Nothing has been "
        f"written. {update} it from a backup, or {aside} and rebuild it from the "
        "graph's stamp: `alembic-neo4j repair --adopt-graph`"
    )


def open_engine(url: str | URL, origin: str = "sqlalchemy.url") -> Engine:
    """Return an engine for the ledger; a SQLite file is opened in WAL mode.

    Its statements raise LockError when another process does not end what it writes,
    and ConfigurationError when the file can't be written to or the connection is lost.
    Raises ConfigurationError when the URL is none of SQLAlchemy's, or its driver is not
    installed.
    """
    parsed = database_url(url, origin) if isinstance(url, str) else url
    try:
        engine = create_engine(parsed)
    except (ArgumentError, ModuleNotFoundError, TypeError, ValueError) as error:
        raise _unusable(parsed, error, origin) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    limit_waits(engine, f"the ledger {shown_url(engine.url)}", _BUSY_SECONDS)
    event.listen(engine, "handle_error", _say_what_is_wrong)
    return engine


def connect(engine: Engine, origin: str = "sqlalchemy.url") -> Connection:
    """Return a connection; raises ConfigurationError when there is none to be had."""
    if engine.dialect.is_async and not _is_in_loop():
        # A program made it, and gave it to a command outside of its loop.
        raise _needs_loop(engine.url, origin)
    try:
        return engine.connect()
    except (DBAPIError, TypeError, ValueError) as error:
        reason = getattr(error, "orig", None) or error
        unreadable = isinstance(reason, UnicodeDecodeError)
        if unreadable or fault_of(reason) is Fault.DAMAGED:
            raise damaged(engine.url, _line(reason)) from error
        raise ConfigurationError(
            f"the ledger {shown_url(engine.url)} can't be opened: {_line(reason)}. "
            f"Correct {origin}, or mend what the message names"
        ) from error


def connect_read_only(url: URL) -> Connection | None:
    """Return a connection to a SQLite file in a directory that can't be written to.

    None for another database, and for a file that can't be opened so.
    """
    path = sqlite_path(url)
    uri = immutable_uri(path) if path is not None else None
    if uri is None:
        return None
    engine = create_engine(url, creator=lambda: sqlite3.connect(uri, uri=True))
    try:
        connection = engine.connect()
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except (DBAPIError, ValueError):
        engine.dispose()
        return None
    connection.rollback()
    return connection


def stand_in_engine(url: URL) -> Engine:
    """Return an engine upon an empty database, with the URL of a SQLite file."""
    if sqlite_path(url) is None:
        return create_engine("sqlite://")
    return create_engine(url, creator=lambda: sqlite3.connect(":memory:"))


def is_missing(url: URL) -> bool:
    """Tell whether the ledger is a SQLite file that does not exist."""
    path = sqlite_path(url)
    return path is not None and not path.exists()


def others_may_read(url: URL) -> bool:
    """Tell whether a SQLite ledger is open to other users of the machine."""
    path = sqlite_path(url)
    if path is None or os.name == "nt":
        return False
    with suppress(OSError):
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    return False


def overwrite_removed(connection: Connection) -> None:
    """Let SQLite overwrite with zeros what is removed on this connection."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


_REMAINS = "alembic_neo4j_remains"


def mark_remains(connection: Connection) -> None:
    """Remember that the log still has what was removed in this transaction."""
    connection.info[_REMAINS] = True


def committed(connection: Connection) -> None:
    """Commit, and empty SQLite's log where it has what was removed by that.

    While somebody reads what was before, it is left to the last one who closes.
    """
    connection.commit()
    if not connection.info.pop(_REMAINS, False) or connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOG_MILLISECONDS}")
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    connection.rollback()


_LOG_MILLISECONDS = 500


def _line(error: object) -> str:
    """Return what an error says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".") or type(error).__name__


def _unusable(url: URL, error: Exception, origin: str) -> ConfigurationError:
    return ConfigurationError(
        f"{origin} = {shown_url(url)}: {_line(error)}. The ledger is a SQLAlchemy "
        "database, such as sqlite:///%(here)s/neo4j_ledger.db; the graph's address "
        "belongs in neo4j.url"
    )


_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "oracle": "oracle+oracledb",
    "mssql": "mssql+pyodbc",
}
"""What the URL of a database begins with for a driver that needs no event loop."""


def _needs_loop(url: URL, origin: str) -> ConfigurationError:
    driver = _DRIVERS.get(url.get_backend_name())
    write = "a URL of another driver"
    if driver is not None:
        write = shown_url(url.set(drivername=driver))
    return ConfigurationError(
        f"{origin} = {shown_url(url)}: expected a driver that works without an event "
        f"loop, found {url.get_driver_name()}, which needs one. Write {write}; a "
        "program with a loop awaits the commands of alembic_neo4j.awaitable"
    )


def _is_in_loop() -> bool:
    """Tell whether SQLAlchemy can await a driver here, as within ``run_sync``."""
    try:
        from sqlalchemy.util.concurrency import in_greenlet

        return in_greenlet()
    except ImportError:
        # Without greenlet it can't anywhere.
        return False


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    cursor.close()


def _say_what_is_wrong(
    context: ExceptionContext,
) -> LockError | ConfigurationError | LedgerError | None:
    # Without a connection it is `connect` that says why there is none.
    if context.engine is None or (fault := fault_in(context)) is None:
        return None
    name = shown_url(context.engine.url)
    lines = str(context.original_exception).splitlines()
    error = lines[0] if lines else type(context.original_exception).__name__
    if fault is Fault.LOST:
        return ConfigurationError(
            f"the connection to the ledger {name} was lost: {ended(error)} Nothing "
            "more has been written here. Run the same command again when the ledger "
            "answers"
        )
    if fault is Fault.BLOCKED:
        # No lock of ours: it lasts for the milliseconds of a commit, unless the process
        # is paused, and nobody else can end it.
        return LockError(
            f"the ledger {name} is being written to by a process that has not ended "
            f"that in {_BUSY_SECONDS} seconds: one that is paused, or another program. "
            "Nothing more has been written here. Let it go on or end it, then run the "
            "same command again"
        )
    if fault is Fault.DAMAGED:
        return damaged(context.engine.url, error)
    if fault is Fault.UNWRITABLE:
        return ConfigurationError(
            f"the ledger {name} can't be written to: {ended(error)} Nothing more has "
            "been written here. Mend what the message names, then run the same command "
            "again"
        )
    return None
