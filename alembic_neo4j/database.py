"""What the ledger and the entity store have in common as SQL databases."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine import URL, ExceptionContext

from alembic_neo4j.waiting import waiting_for

CONNECT_SECONDS = 30
"""How long PostgreSQL may take to let somebody in; libpq would wait for ever."""


# Where a database is, and what it is called -------------------------------------------


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database, None for another one and for memory."""
    if url.get_backend_name() != "sqlite":
        return None
    name = (url.database or "").removeprefix("file:")
    if name in {"", ":memory:"} or url.query.get("mode") == "memory":
        return None
    return Path(name)


def is_in_memory(url: URL) -> bool:
    """Tell whether it is a SQLite database that dies with its connection."""
    return url.get_backend_name() == "sqlite" and sqlite_path(url) is None


def shown_url(url: URL) -> str:
    """Return a URL as messages show it: without its password and its query."""
    return url.set(query={}).render_as_string(hide_password=True)


def create_private(url: URL) -> None:
    """Create the file of a SQLite database that is not there, for its user alone.

    SQLite gives the files of its log the same mode. What can't be created is left to
    whoever connects to say.
    """
    path = sqlite_path(url)
    if path is None or "mode" in url.query:
        return
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def immutable_uri(path: Path) -> str | None:
    """Return by which URI SQLite opens a file in a directory that can't be written to.

    SQLite can't make the files of its log there, and opens the database only as one
    that nobody changes (https://www.sqlite.org/wal.html#readonly). None for a file that
    is not there, and one beside which a log has been left: what is in that would not be
    seen.
    """
    if not path.exists():
        return None
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return None
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


# What an engine does on each connection -----------------------------------------------


def limit_waits(engine: Engine, name: str, busy_seconds: int) -> None:
    """Let PostgreSQL wait no longer for others than SQLite does, and the log tell.

    The log says so where the database, by its `name`, is slow to connect or to answer.
    SQLite's own limit is set by whoever prepares its connections.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    # PostgreSQL is waited for for as long as it is at work, SQLite for others only.
    limit = busy_seconds if is_sqlite else None

    def connect(dialect: Dialect, _record: Any, args: Any, options: Any) -> Any:
        patience = None
        if dialect.name == "postgresql":
            patience = options.setdefault("connect_timeout", CONNECT_SECONDS)
        with waiting_for(name, limit=patience and float(patience)):
            return dialect.connect(*args, **options)

    def execute(cursor: Any, statement: str, values: Any, context: Any) -> bool:
        with waiting_for(f"{name} to answer", limit=limit):
            engine.dialect.do_execute(cursor, statement, values, context)
        return True

    def prepare_postgresql(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = '{busy_seconds}s'")
        cursor.close()
        connection.commit()

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "do_execute", execute)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", prepare_postgresql)


# What goes wrong ----------------------------------------------------------------------


class Fault(Enum):
    """What a database's error comes to."""

    LOST = "the connection was lost"
    BLOCKED = "somebody does not end what they write"
    DAMAGED = "the file is not what SQLite has written"
    UNWRITABLE = "the file, or its disk, takes no more"
    REFUSED = "PostgreSQL takes nothing from this user, or at this time"


_TEXTS = {
    Fault.BLOCKED: ("database is locked", "canceling statement due to lock timeout"),
    Fault.DAMAGED: (
        "database disk image is malformed",
        "file is not a database",
        "file is encrypted",
        "malformed database schema",
        "unsupported file format",
        "Could not decode to UTF-8",
    ),
    Fault.UNWRITABLE: (
        "attempt to write a readonly database",
        "database or disk is full",
        "disk I/O error",
    ),
    Fault.REFUSED: ("permission denied for", "read-only transaction"),
}
"""What SQLite and PostgreSQL say then."""


def fault_of(error: object) -> Fault | None:
    """Return what an error comes to by what it says, None where that is no such."""
    said = str(error)
    for fault, texts in _TEXTS.items():
        if any(text in said for text in texts):
            return fault
    return None


def fault_in(context: ExceptionContext) -> Fault | None:
    """Return what the error of a statement comes to, None where that is no such.

    Without a connection it is whoever connects that says why there is none.
    """
    if context.connection is None or context.engine is None:
        return None
    return Fault.LOST if context.is_disconnect else fault_of(context.original_exception)
