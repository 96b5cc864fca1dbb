"""The database of an entity store: its address, its engine, and what goes wrong."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    QueuePool,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from alembic_neo4j.database import (
    Fault,
    fault_in,
    fault_of,
    immutable_uri,
    is_in_memory,
    limit_waits,
    shown_url,
    sqlite_path,
)
from alembic_neo4j.errors import LockError, MissingExtra, StoreError, ValidationError
from alembic_neo4j.sentences import ended

_BUSY_SECONDS = 30
"""How long a statement waits for what others are writing."""


def default_path() -> Path:
    """Return the file of the store where nobody names another one."""
    return user_data_path("alembic-neo4j") / "entities.db"


def store_url(given: str | os.PathLike[str] | URL | None) -> URL:
    """Return the URL of a store: of a path, of a URL, or of the default file.

    The default file's directory is created. Raises ValidationError where it is neither,
    or a database that is not supported.
    """
    if given is None:
        path = default_path()
        # What can't be created is left to whoever connects to say.
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _file_url(path)
    if isinstance(given, (str, URL)) and "://" in str(given):
        return _database_url(given)
    if isinstance(given, str) and given == ":memory:":
        return URL.create("sqlite")
    if isinstance(given, (str, os.PathLike)) and str(given):
        return _file_url(Path(given))
    raise ValidationError(
        f"expected a path or a database URL for a store, found {type(given).__name__} "
        f"{given!r}; write ./entities.db, or leave it out for {default_path()}"
    )


def _file_url(path: Path) -> URL:
    if "\0" in str(path):
        raise ValidationError(
            f"expected the path of a file, found one with a NUL in it: {str(path)!r}"
        )
    return URL.create("sqlite", database=str(path.absolute()))


def _database_url(given: str | URL) -> URL:
    try:
        url = make_url(given)
        if url.drivername in ("postgresql", "postgres"):
            # SQLAlchemy would take psycopg2, and the extra installs psycopg.
            url = url.set(drivername="postgresql+psycopg")
        supported = url.get_backend_name() in ("sqlite", "postgresql")
        usable = supported and not url.get_dialect().is_async
    except (ArgumentError, ValueError, NoSuchModuleError):
        # It is not shown: what can't be read may hold a password anywhere.
        raise ValidationError(
            "expected the URL of a database for a store, found one that can't be "
            "read; write one such as sqlite:///entities.db or "
            "postgresql://user@host/database"
        ) from None
    if not usable:
        raise ValidationError(
            "expected SQLite, or PostgreSQL with a driver that needs no event loop, "
            f"for a store, found {url.drivername}; write one such as "
            "sqlite:///entities.db or postgresql://user@host/database"
        )
    if url.get_backend_name() == "sqlite" and "\0" in (url.database or ""):
        raise ValidationError("expected the path of a file, found one with a NUL in it")
    return url


def shown(url: URL) -> str:
    """Return a store's name for messages: its file, or its URL without secrets."""
    path = sqlite_path(url)
    return shown_url(url) if path is None else str(path)


def damaged(url: URL, what: object) -> StoreError:
    """Return the error for a store that can't be read, and the way on."""
    return StoreError(
        f"the entity store {shown(url)} is damaged, or no entity store: {ended(what)} "
        "Nothing has been changed. Give the path of another file, or restore it from "
        "a backup"
    )


def open_engine(url: URL) -> Engine:
    """Return an engine for a store; nothing is opened or created yet.

    Its transactions see one state of the store, and those of `writing` wait for each
    other. What goes wrong in them is a StoreError, or a LockError where others do not
    end what they write.
    """
    options: dict[str, Any] = {}
    if is_in_memory(url):
        # Each connection to memory would have a database of its own.
        options = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        options["connect_args"] = {"check_same_thread": False}
    elif url.get_backend_name() == "postgresql":
        options = {"pool_pre_ping": True}
    elif (path := sqlite_path(url)) is not None and reading_uri(path) is not None:
        # Whoever may write there may do so at any time: each look is a new one.
        options = {"poolclass": NullPool, "creator": lambda: _connect_to_read(path)}
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"the entity store {shown(url)} needs {error.name}, which is not "
            'installed: pip install "alembic-neo4j[postgresql]"'
        ) from error
    except (ArgumentError, TypeError, ValueError) as error:
        raise ValidationError(
            f"the entity store {shown(url)} can't be used: {ended(error)} Correct its "
            "URL"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if is_in_memory(url):
            event.listen(engine, "connect", _stay_in_memory)
    limit_waits(engine, f"the entity store {shown(url)}", _BUSY_SECONDS)
    event.listen(engine, "handle_error", _say_what_is_wrong)
    return engine


def reading_uri(path: Path) -> str | None:
    """Return by which URI SQLite opens a file in a directory that may only be read.

    None where it may be written to, and where `immutable_uri` has none.
    """
    if os.access(path.absolute().parent, os.W_OK):
        return None
    return immutable_uri(path)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = reading_uri(path) or f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose transaction sees one state of the store."""
    with _connected(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose transaction is committed where all goes well."""
    with _connected(engine) as connection:
        connection.execution_options(alembic_neo4j_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        # Of a connection that breaks within the block, `_say_what_is_wrong` tells.
        raise _unreachable(engine.url, error.orig) from error
    except (TypeError, ValueError) as error:
        raise _unreachable(engine.url, error) from error
    with connection:
        yield connection


def _unreachable(url: URL, error: object) -> StoreError:
    line = " ".join(str(error).split()) or type(error).__name__
    if fault_of(line) is Fault.DAMAGED:
        return damaged(url, line)
    path = sqlite_path(url)
    mend = "Start the server, or correct the URL"
    if path is not None and path.is_dir():
        mend = "Expected a file, found a directory: name a file in it"
    elif path is not None and not path.absolute().parent.is_dir():
        mend = f"Expected the directory {path.absolute().parent}: create it"
    elif path is not None:
        mend = "Expected a file that this user may read and write to"
    return StoreError(
        f"the entity store {shown(url)} can't be opened: {ended(line)} {mend}"
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions begin when `_begin_sqlite` says so, not before the first change.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    cursor.close()


def _stay_in_memory(connection: Any, _record: Any) -> None:
    # SQLite would sort what is too much in files: such as what was encrypted on a disk.
    cursor = connection.cursor()
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Whoever reads first and then writes may find that another one has written.
    writes = connection.get_execution_options().get("alembic_neo4j_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _say_what_is_wrong(context: ExceptionContext) -> LockError | StoreError | None:
    # Without a connection it is `_connected` that says why there is none.
    if context.engine is None or (fault := fault_in(context)) is None:
        return None
    name = shown(context.engine.url)
    error = " ".join(str(context.original_exception).split())
    if fault is Fault.LOST:
        return StoreError(
            f"the connection to the entity store {name} was lost: {ended(error)} "
            "Whether the last change was stored is not known: read the entity when "
            "the database answers, and make the change again where it is missing"
        )
    if fault is Fault.BLOCKED:
        return LockError(
            f"the entity store {name} is being written to by a process that has not "
            f"ended that in {_BUSY_SECONDS} seconds: one that is paused, or another "
            "program. Nothing has been changed. Let it go on or end it, then try again"
        )
    if fault is Fault.DAMAGED:
        return damaged(context.engine.url, error)
    return StoreError(
        f"the entity store {name} can't be used so: {ended(error)} Nothing has been "
        "changed. Mend what the message names, then try again"
    )
