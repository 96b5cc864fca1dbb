"""The ledger's database: its engine, and whether it is there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from alembic_neo4j.errors import ConfigurationError


def open_engine(url: str) -> Engine:
    """Return an engine for the ledger; a SQLite file is opened in WAL mode.

    Raises ConfigurationError when the URL is none of SQLAlchemy's, or its driver is
    not installed.
    """
    try:
        engine = create_engine(_parsed(url))
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"sqlalchemy.url = {_masked(url)}: {error}. The ledger is a SQLAlchemy "
            "database, such as sqlite:///%(here)s/neo4j_ledger.db; the graph's address "
            "belongs in neo4j.url"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def is_missing(url: str) -> bool:
    """Tell whether the ledger is a SQLite file that does not exist."""
    path = sqlite_path(_parsed(url))
    return path is not None and not path.exists()


def is_in_memory(url: URL) -> bool:
    """Tell whether the ledger is a SQLite database that dies with its connection."""
    return url.get_backend_name() == "sqlite" and sqlite_path(url) is None


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite ledger, None for another database or memory."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            f"sqlalchemy.url = {url!r} is not a database URL; expected one such as "
            "sqlite:///%(here)s/neo4j_ledger.db"
        ) from error


def _masked(url: str) -> str:
    return _parsed(url).render_as_string(hide_password=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()
