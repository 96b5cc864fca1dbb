"""The tables of an entity store, and how they come to be what this release expects.

Each version of an entity is a row that stays. It has the dot by which every store knows
it: the site that wrote it, and how manieth of that site's writes it is; and the version
vector of what it was made from, ``{site: counter}``, itself included. So two versions
of which neither's vector covers the other's were made without knowing of each other,
and what another store lacks are the dots beyond those that it knows of each site.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from alembic_neo4j.entities.entity import STATUSES


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, which SQLite has as text without the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the database has."""
        return Text() if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the time as the database takes it."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the time with its zone; what is none, as it is there."""
        if value is None or dialect.name != "sqlite":
            return value and value.astimezone(timezone.utc)
        try:
            return datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
        except (TypeError, ValueError):
            return value


metadata = MetaData()

facts = Table(
    "alembic_neo4j_entity_store",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the store knows of itself: the version of its tables, the site that it is."""

sites = Table(
    "alembic_neo4j_entity_site",
    metadata,
    Column("site", Text, primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("continued_as", Text),
)
"""Up to which write of each site the store has everything: its version vector.

Whoever writes as a site that is continued as another one writes as that.
"""

forks = Table(
    "alembic_neo4j_entity_fork",
    metadata,
    Column("site", Text, primary_key=True),
    Column("counter", BigInteger, primary_key=True),
    Column("digest", Text, primary_key=True),
)
"""Lines of a site's writes that have another name from a counter on.

`digest` is that of the write there, by which a store sees that it has the line.
"""


def _version_columns() -> list[Column[Any]]:
    return [
        Column("type", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("data", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
        Column("deleted", Boolean, nullable=False),
        Column("vector", Text, nullable=False),
    ]


entities = Table(
    "alembic_neo4j_entity",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("id", Text, nullable=False),
    *_version_columns(),
    Column("site", Text, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("words", Text, nullable=False),
)
"""Each entity as it is now, the deleted ones as well.

`number` is the order in which they came to this store, `words` what is searched. `data`
and `vector` are JSON.
"""

versions = Table(
    "alembic_neo4j_entity_version",
    metadata,
    Column("site", Text, primary_key=True),
    Column("counter", BigInteger, primary_key=True),
    Column("id", Text, nullable=False),
    *_version_columns(),
)
"""Every version of every entity."""

conflicts = Table(
    "alembic_neo4j_entity_conflict",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resolver", Text, nullable=False),
    Column("waits", Boolean, nullable=False),
)
"""The entities of which no version covers all others, and what resolved that.

`waits` tells that nothing did: somebody has to decide.
"""

WORD_INDEX = "alembic_neo4j_entity_words"
"""The FTS5 table upon `entities.words`; SQLite only."""

_TRIGGERS = tuple(f"{WORD_INDEX}_{event}" for event in ("insert", "update", "delete"))
"""What keeps the word index right, whoever writes to the entities."""

_TABLES = """
CREATE TABLE alembic_neo4j_entity_store (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE alembic_neo4j_entity_site (
    site TEXT PRIMARY KEY,
    counter BIGINT NOT NULL CHECK (counter >= 0)
);
CREATE TABLE alembic_neo4j_entity (
    number {number} PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    site TEXT NOT NULL,
    counter BIGINT NOT NULL CHECK (counter >= 1),
    words TEXT NOT NULL,
    {version_columns}
);
CREATE INDEX alembic_neo4j_entity_by_type ON alembic_neo4j_entity (type, status);
CREATE INDEX alembic_neo4j_entity_by_status ON alembic_neo4j_entity (status);
CREATE TABLE alembic_neo4j_entity_version (
    site TEXT NOT NULL,
    counter BIGINT NOT NULL CHECK (counter >= 1),
    id TEXT NOT NULL,
    {version_columns},
    PRIMARY KEY (site, counter),
    UNIQUE (id, version, site)
)
"""

_VERSION_COLUMNS = """type TEXT NOT NULL,
    status TEXT NOT NULL,
    data TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    deleted BOOLEAN NOT NULL,
    vector TEXT NOT NULL,
    CONSTRAINT semantic_id CHECK (
        length(type) > 0 AND substr(id, 1, length(type) + 1) = type || '-'
        AND length(id) > length(type) + 1
    ),
    CONSTRAINT known_status CHECK (status IN ({statuses})),
    CONSTRAINT data_is_an_object CHECK ({object})"""

_DIALECTS = {
    "sqlite": {
        "number": "INTEGER",
        "time": "DATETIME",
        "object": "json_valid(data) AND json_type(data) = 'object'",
    },
    "postgresql": {
        "number": "BIGINT GENERATED BY DEFAULT AS IDENTITY",
        "time": "TIMESTAMP WITH TIME ZONE",
        "object": "jsonb_typeof(data::jsonb) = 'object'",
    },
}

# PostgreSQL takes U+E000, which stands between two values, for no word; what stands for
# it there is the name of a file, which begins as no word of a query does.
_POSTGRESQL_INDEX = """
ALTER TABLE alembic_neo4j_entity ADD COLUMN lexemes tsvector
    GENERATED ALWAYS AS (
        to_tsvector('simple', replace(words, chr(57344), ' /betweenvalues '))
    ) STORED;
CREATE INDEX alembic_neo4j_entity_lexemes ON alembic_neo4j_entity USING gin (lexemes)
"""


def _create(connection: Connection) -> None:
    """Create the tables of version 1."""
    words = dict(_DIALECTS[connection.dialect.name])
    words["statuses"] = ", ".join(f"'{status}'" for status in STATUSES)
    words["version_columns"] = _VERSION_COLUMNS.format_map(words)
    _run(connection, _TABLES.format_map(words))
    if connection.dialect.name == "postgresql":
        _run(connection, _POSTGRESQL_INDEX)


def _run(connection: Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        connection.exec_driver_sql(statement)


def _add_conflicts(connection: Connection) -> None:
    """Add the conflicts that a sync finds."""
    connection.exec_driver_sql(
        "CREATE TABLE alembic_neo4j_entity_conflict ("
        "id TEXT PRIMARY KEY, resolver TEXT NOT NULL, waits BOOLEAN NOT NULL)"
    )


def _add_forks(connection: Connection) -> None:
    """Add the lines of writes that go on under another name."""
    site = "alembic_neo4j_entity_site"
    connection.exec_driver_sql(f"ALTER TABLE {site} ADD COLUMN continued_as TEXT")
    connection.exec_driver_sql(
        "CREATE TABLE alembic_neo4j_entity_fork (site TEXT NOT NULL, "
        "counter BIGINT NOT NULL CHECK (counter >= 1), digest TEXT NOT NULL, "
        "PRIMARY KEY (site, counter, digest))"
    )


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _create,
    _add_conflicts,
    _add_forks,
)
"""What makes each version of the tables of the one before; the first, of nothing."""

_WORD_INDEX = (
    f"""CREATE VIRTUAL TABLE {WORD_INDEX} USING fts5(
    words, content='alembic_neo4j_entity', content_rowid='number',
    tokenize='unicode61 remove_diacritics 0')""",
    f"""CREATE TRIGGER {_TRIGGERS[0]} AFTER INSERT ON alembic_neo4j_entity BEGIN
    INSERT INTO {WORD_INDEX}(rowid, words) VALUES (new.number, new.words); END""",
    f"""CREATE TRIGGER {_TRIGGERS[1]} AFTER UPDATE ON alembic_neo4j_entity
    WHEN old.words <> new.words OR old.number <> new.number BEGIN
    INSERT INTO {WORD_INDEX}({WORD_INDEX}, rowid, words)
        VALUES ('delete', old.number, old.words);
    INSERT INTO {WORD_INDEX}(rowid, words) VALUES (new.number, new.words); END""",
    f"""CREATE TRIGGER {_TRIGGERS[2]} AFTER DELETE ON alembic_neo4j_entity BEGIN
    INSERT INTO {WORD_INDEX}({WORD_INDEX}, rowid, words)
        VALUES ('delete', old.number, old.words); END""",
    f"INSERT INTO {WORD_INDEX}({WORD_INDEX}) VALUES ('rebuild')",
)


def has_word_index(connection: Connection) -> bool:
    """Tell whether the words of a SQLite store are in an index that is kept right."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN "
    found = connection.exec_driver_sql(f"{query} {_TRIGGERS}").scalar()
    return found == len(_TRIGGERS)


def build_word_index(connection: Connection) -> None:
    """Make the index of the words of a SQLite store anew."""
    drop_word_triggers(connection)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {WORD_INDEX}")
    for statement in _WORD_INDEX:
        connection.exec_driver_sql(statement)


def drop_word_triggers(connection: Connection) -> None:
    """Keep the index of a SQLite store right no longer.

    A SQLite without FTS5 could write nothing with it. One that has it finds no triggers
    and makes the index anew.
    """
    for trigger in _TRIGGERS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
