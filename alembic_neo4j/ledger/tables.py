"""The tables of the ledger, as they are at the head of ``ledger/versions``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    inspect,
    select,
)
from sqlalchemy.exc import NoSuchTableError

VERSION_TABLE = "alembic_neo4j_version"
"""The version table of the ledger's own tables."""

metadata = MetaData()

facts = Table(
    "alembic_neo4j_ledger",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("value", String(2000), nullable=False),
)
"""What the ledger knows of itself: its identity, the heads it stamped last."""

revisions = Table(
    "alembic_neo4j_revision",
    metadata,
    Column("version_table", String(128), primary_key=True),
    Column("revision", String(64), primary_key=True),
    Column("schema_hash", String(80), nullable=False),
    Column("file_hash", String(64), nullable=False),
    Column("applied_at", DateTime(timezone=True), nullable=False),
    Column("applied_by", String(255), nullable=False),
    Column("code_hash", String(64)),
    Column("seconds", Float),
    Column("migration_type", String(16)),
    Column("skipped", Boolean),
    Column("result", Text),
)
"""The applied revisions: the replayed schema's hash and the file's SHA-256.

`code_hash` is that of the file without comments and whitespace; `seconds` is how long
the command took that brought it to its end. One that was `skipped` did nothing, since
it was not applicable; `result` is JSON, what it said of itself.
"""

runs = Table(
    "alembic_neo4j_run",
    metadata,
    Column("run", String(36), primary_key=True),
    Column("version_table", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("steps", Text, nullable=False),
    Column("finished", Integer, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("begun_by", String(255), nullable=False),
    Column("release", String(64)),
)
"""What a command set out to do, its steps in order, and how many are finished.

`release` is the version of this package that began it.
"""

units = Table(
    "alembic_neo4j_unit",
    metadata,
    Column("run", String(36), primary_key=True),
    Column("revision", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rows", Text, nullable=False),
    Column("release", String(64)),
)
"""The units of a run: written just before each, so what is not here was not begun.

`digest` is the identity of what it does, `release` the version of this package that
began it.
"""

batches = Table(
    "alembic_neo4j_batch",
    metadata,
    Column("version_table", String(128), primary_key=True),
    Column("batch", String(64), primary_key=True),
    Column("revision", String(64)),
    Column("run", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sources", Text, nullable=False),
    Column("loader", String(255), nullable=False),
    Column("loader_version", String(64), nullable=False),
    Column("labels", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("created_nodes", BigInteger, nullable=False),
    Column("touched_nodes", BigInteger, nullable=False),
    Column("created_relationships", BigInteger, nullable=False),
    Column("touched_relationships", BigInteger, nullable=False),
    Column("unmatched", BigInteger, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("begun_by", String(255), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)
"""The batches of data, each with the run that loaded it last.

`revision` is null for a load of its own; `sources`, `labels` and `types` are JSON.
"""

audit_events = Table(
    "alembic_neo4j_audit",
    metadata,
    Column("version_table", String(128), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", String(32), nullable=False),
    Column("run", String(36)),
    Column("action", String(32), nullable=False),
    Column("result", String(16), nullable=False),
    Column("closes", BigInteger),
    Column("became", String(16)),
    Column("actor", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("release", String(64), nullable=False),
    Column("graph", String(1000), nullable=False),
    Column("ledger", String(36), nullable=False),
    Column("about", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("seconds", Float),
    Column("error", Text),
    Column("previous", String(80), nullable=False),
    Column("hash", String(80), nullable=False),
)
"""The audit trail (see ``ledger/audit.py``); triggers refuse to change or remove a row.

`closes` is the sequence of the event that tells of the beginning, `became` what a later
command found of one that has no end of its own; `about` and `counts` are JSON.
"""

files = Table(
    "alembic_neo4j_file",
    metadata,
    Column("version_table", String(128), primary_key=True),
    Column("run", String(36), primary_key=True),
    Column("revision", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("before_kind", String(16), nullable=False),
    Column("before_sha256", String(64), nullable=False),
    Column("before_mode", Integer),
    Column("before_content", LargeBinary),
    Column("after_kind", String(16), nullable=False),
    Column("after_sha256", String(64), nullable=False),
    Column("after_mode", Integer),
)
"""What revisions do to files: a row for each path that a unit of a run changes.

`position` is that of the unit, `number` the order in it; `action` is what the run does
to the revision. The bytes that a path had before are here, those after are not.
"""

RESERVED = frozenset({VERSION_TABLE, *metadata.tables})
"""The tables' names, which no version table of a graph may have."""


def rows_of(
    connection: Connection,
    table: Table,
    *where: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]] = (),
    most: int | None = None,
) -> Sequence[Row[Any]]:
    """Return the rows of a table as far as this ledger has it, `most` of them.

    One that an older release wrote to lacks tables and columns until the next run:
    there are no rows then, or they are without these columns.
    """
    try:
        there = inspect(connection).get_columns(table.name)
    except NoSuchTableError:
        return []
    columns = [table.c[column["name"]] for column in there]
    query = select(*columns).where(*where).order_by(*order).limit(most)
    return connection.execute(query).all()
