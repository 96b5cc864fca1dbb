"""Opening a store: its tables are created, brought to this release, or refused."""

from __future__ import annotations

import os
import sqlite3
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from alembic_neo4j.database import create_private, sqlite_path
from alembic_neo4j.entities.engine import damaged, open_engine, reading, shown, writing
from alembic_neo4j.entities.tables import (
    MIGRATIONS,
    build_word_index,
    drop_word_triggers,
    facts,
    has_word_index,
    metadata,
)
from alembic_neo4j.errors import StoreError


class Store:
    """An opened store: its transactions, for this process and for forks of it.

    Nobody has to close it: it is closed when it goes, and at the program's end.
    """

    def __init__(self, url: URL, *, create: bool, shared: bool) -> None:
        self._engine = open_engine(url)
        self._process = os.getpid()
        self._closed = weakref.finalize(self, _close, self._engine, self._process)
        try:
            prepare(self._engine, create=create, shared=shared)
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> URL:
        """Where the store is."""
        return self._engine.url

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection whose transaction sees one state of the store."""
        with reading(self._own_engine()) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection that keeps other writers away, committed in the end."""
        with writing(self._own_engine()) as connection:
            check_version(connection)
            yield connection

    def close(self) -> None:
        """Close the connections to the store."""
        self._closed()

    def _own_engine(self) -> Engine:
        if self._process != os.getpid():
            # A fork: the connections are the parent's, which goes on with them.
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return self._engine


def _close(engine: Engine, process: int) -> None:
    engine.dispose(close=process == os.getpid())


_VERSION = "version"
_SITE = "site"

_LOCKED_VERSION = select(facts.c.value).where(facts.c.key == _VERSION).with_for_update()


def prepare(engine: Engine, *, create: bool, shared: bool) -> None:
    """Make the store be one that this release can write to.

    Raises StoreError, and changes nothing, where it is a newer release's, the database
    of something else (unless `shared`), damaged, or not there (unless `create`).
    """
    path = sqlite_path(engine.url)
    if path is not None and not path.exists():
        if not create:
            raise _missing(engine.url)
        create_private(engine.url)
    with reading(engine) as connection:
        found = _version(connection)
        if found == 0:
            if not create:
                raise _missing(engine.url)
            _check_is_ours(connection, shared=shared)
        indexed = _is_indexed(connection)
    if engine.dialect.name == "sqlite":
        _write_ahead(engine)
    if found < len(MIGRATIONS):
        _migrate(engine)
    if not indexed or found == 0:
        _index(engine)


def check_version(connection: Connection) -> None:
    """Keep other writers of this store away, and check that it is still this release's.

    In PostgreSQL they wait for the row; SQLite has one writer anyway.
    """
    found = connection.execute(_LOCKED_VERSION).scalar_one_or_none()
    _check_found(connection, found)


def check_readable(connection: Connection) -> None:
    """Check that the store is still this release's; nobody is kept away."""
    query = select(facts.c.value).where(facts.c.key == _VERSION)
    _check_found(connection, connection.execute(query).scalar_one_or_none())


def _check_found(connection: Connection, found: str | None) -> None:
    if found != str(len(MIGRATIONS)):
        raise _unexpected(connection.engine.url, found)


def site_of(connection: Connection) -> str:
    """Return the site that the store is."""
    query = select(facts.c.value).where(facts.c.key == _SITE)
    found = connection.execute(query).scalar_one_or_none()
    if not found:
        raise damaged(connection.engine.url, "it does not say which site it is")
    return str(found)


def _version(connection: Connection) -> int:
    """Return the version of the store's tables, 0 where there are none."""
    url = connection.engine.url
    there = set(inspect(connection).get_table_names()) & set(metadata.tables)
    if not there:
        return 0
    found = None
    if facts.name in there:
        query = select(facts.c.value).where(facts.c.key == _VERSION)
        found = connection.execute(query).scalar_one_or_none()
    if found is None or not found.isdecimal() or not 0 < int(found) <= len(MIGRATIONS):
        raise _unexpected(url, found)
    missing = sorted(set(metadata.tables) - there)
    if missing and int(found) == len(MIGRATIONS):
        raise damaged(url, f"it has no table {', '.join(missing)}")
    return int(found)


def _unexpected(url: URL, found: object) -> StoreError:
    if isinstance(found, str) and found.isdecimal() and int(found) > len(MIGRATIONS):
        return StoreError(
            f"the entity store {shown(url)} is a newer release's: expected tables of "
            f"version {len(MIGRATIONS)} or older, found {found}. Nothing has been "
            "changed. Install that release of alembic-neo4j here"
        )
    return damaged(url, f"the version of its tables is {found!a}")


def _missing(url: URL) -> StoreError:
    return StoreError(
        f"there is no entity store in {shown(url)}. Correct its name, or let it be "
        "created: EntityRepository(…, create=True)"
    )


def _check_is_ours(connection: Connection, *, shared: bool) -> None:
    if shared or connection.dialect.name != "sqlite":
        return
    others = sorted(inspect(connection).get_table_names())
    if others:
        shown_names = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        raise StoreError(
            f"expected an entity store or a new file, found the database of something "
            f"else in {shown(connection.engine.url)}, with the tables {shown_names}. "
            "Nothing has been changed. Name another file, or keep the entities beside "
            "these tables: EntityRepository(…, shared=True)"
        )


def _write_ahead(engine: Engine) -> None:
    """Let readers of a SQLite file go on while somebody writes."""
    # Of a file that may only be read it is left as it is.
    with engine.connect() as connection, suppress(sqlite3.Error):
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute("PRAGMA journal_mode=WAL").close()


def _migrate(engine: Engine) -> None:
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            # Nobody has a row to wait for yet; two would create the tables at once.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        found = _version(connection)
        for migration in MIGRATIONS[found:]:
            migration(connection)
        if found == 0:
            site = str(uuid.uuid4())
            values = [{"key": _VERSION, "value": "0"}, {"key": _SITE, "value": site}]
            connection.execute(insert(facts), values)
        at_head = {"value": str(len(MIGRATIONS))}
        connection.execute(update(facts).where(facts.c.key == _VERSION).values(at_head))


_LOCK = 0x616E656E
"""The number of PostgreSQL's lock on creating the tables; any other one would do."""


def has_fts5(connection: Connection) -> bool:
    """Tell whether this SQLite can search by its FTS5."""
    if "fts5" not in connection.info:
        try:
            connection.exec_driver_sql("SELECT fts5_source_id()")
            connection.info["fts5"] = True
        except DBAPIError:
            connection.info["fts5"] = False
    return bool(connection.info["fts5"])


def _is_indexed(connection: Connection) -> bool:
    """Tell whether the words are indexed as far as this database can."""
    if connection.dialect.name != "sqlite":
        return True
    return has_word_index(connection) == has_fts5(connection)


def _index(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    with suppress(StoreError), writing(engine) as connection:
        if has_fts5(connection):
            if not has_word_index(connection):
                build_word_index(connection)
        else:
            drop_word_triggers(connection)
