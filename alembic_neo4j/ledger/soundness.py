"""Whether a ledger is whole: one that is damaged is told of before anything is read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, String, column, inspect, select, table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.ledger.engine import damaged
from alembic_neo4j.ledger.journal import Journal
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.ledger.tables import VERSION_TABLE, metadata

_VERSIONS = tuple(
    sorted(
        path.name[1:5] for path in (Path(__file__).parent / "versions").glob("r*.py")
    )
)
"""The versions of the ledger's tables that this release knows."""

_SINCE = {
    "alembic_neo4j_run": "0002",
    "alembic_neo4j_unit": "0002",
    "alembic_neo4j_batch": "0004",
}
"""The version that made a table, where it is not the first."""


def check_soundness(connection: Connection, version_table: str) -> None:
    """Raise LedgerError where a ledger is damaged, or of a newer release.

    A SQLite file is looked at as a whole: a byte that changed in a revision's id no
    longer fits its index. What the tables say has to be readable.
    """
    with reading(connection):
        if connection.dialect.name == "sqlite":
            _check_file(connection)
        there = set(inspect(connection).get_table_names())
        if there & {VERSION_TABLE, *metadata.tables}:
            _check_tables(connection, there)
            _check_values(connection, version_table)


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Tell of what can't be read in a ledger as damage of it."""
    try:
        yield
    except Neo4jMigrationError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise damaged(connection.engine.url, _first_line(error.orig)) from error
    except (SQLAlchemyError, ArithmeticError, LookupError, TypeError, ValueError) as e:
        raise damaged(connection.engine.url, _first_line(e)) from e


def _check_file(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise damaged(connection.engine.url, str(found).replace("\n", " "))


def _check_tables(connection: Connection, there: set[str]) -> None:
    url = connection.engine.url
    number = column("version_num", String)
    versions: list[object] = []
    if VERSION_TABLE in there:
        query = select(number).select_from(table(VERSION_TABLE, number))
        versions = list(connection.execute(query).scalars())
    if len(versions) != 1:
        raise damaged(url, f"{VERSION_TABLE} has {len(versions)} rows instead of one")
    version = str(versions[0])
    if version not in _VERSIONS:
        raise damaged(
            url,
            f"its tables are at version {version!a}, and this release knows them up to "
            f"{_VERSIONS[-1]}",
            newer=True,
        )
    missing = sorted(
        name
        for name in metadata.tables
        if name not in there and _SINCE.get(name, "0001") <= version
    )
    if missing:
        raise damaged(url, f"it has no table {', '.join(missing)}")


def _check_values(connection: Connection, version_table: str) -> None:
    ledger = Ledger(connection, version_table)
    if ledger.identity is not None:
        uuid.UUID(ledger.identity)
    for head in ledger.stamped_heads or ():
        _check_id(head)
    _ = ledger.owner
    for revision, record in ledger.applied().items():
        _check_id(revision)
        bytes.fromhex(record.file_hash)
        bytes.fromhex(record.code_hash or "")
        _ = record.applied_at.year
    journal = Journal(connection, version_table)
    open_run = journal.open_run()
    if open_run is not None:
        _ = open_run.begun_at.year
        for unit in journal.units(open_run.run):
            if unit.state not in ("running", "done"):
                raise ValueError(f"a unit's state is {unit.state!a}")
    for batch in journal.batches.all():
        _ = batch.begun_at.year
        if min(vars(batch.counts).values()) < 0:
            raise ValueError(f"the batch {batch.batch!a} has a negative count")


def _check_id(revision: object) -> None:
    if not isinstance(revision, str) or not revision.isprintable():
        raise ValueError(f"a revision's id is {revision!a}")


def _first_line(error: object) -> str:
    text = str(error).strip().splitlines() or [""]
    return text[0].encode("unicode_escape").decode("ascii") or type(error).__name__
