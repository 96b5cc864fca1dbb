"""The connection to a ledger that is there, ours and whole, or is told not to be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, String, column, inspect, select, table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alembic_neo4j.database import create_private, is_in_memory, shown_url
from alembic_neo4j.errors import ConfigurationError, LedgerError, Neo4jMigrationError
from alembic_neo4j.ledger.engine import (
    connect,
    connect_read_only,
    damaged,
    database_url,
    is_missing,
    open_engine,
    overwrite_removed,
    stand_in_engine,
)
from alembic_neo4j.ledger.journal import Journal
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.ledger.tables import (
    VERSION_TABLE,
    audit_events,
    metadata,
    revisions,
)

# Whose a version table is: one that another project's Alembic writes is left alone ----


def check_ownership(
    connection: Connection, version_table: str, schema: str | None = None
) -> None:
    """Raise LedgerError where the version table has rows that are not of a graph.

    A ledger has its identity before it has a revision: rows without one are those of
    somebody else, such as an SQL project that shares the database.
    """
    # Rows first: whoever makes this ledger at the moment commits its identity first.
    rows = version_rows(connection, version_table, schema)
    if not rows:
        return
    ledger = Ledger(connection, version_table)
    if ledger.exists() and ledger.identity is not None:
        return
    url = shown_url(connection.engine.url)
    raise LedgerError(
        f"the version table {version_table} of {url} is not this graph's: it is at "
        f"{', '.join(rows)}, and alembic_neo4j has recorded nothing beside it. It is "
        "that of another project which Alembic migrates, and is left as it is; nothing "
        "has been written. Give the graph a version table of its own, such as "
        "`version_table = graph_version` in the configuration file, or another "
        "database for the ledger. See the how-to guide on a shared database"
    )


def check_recorded(
    connection: Connection, version_table: str, heads: Sequence[str]
) -> None:
    """Raise LedgerError where a head was never recorded as applied, or none is there.

    A revision's record is committed together with its row in the version table.
    """
    ledger = Ledger(connection, version_table)
    if not heads:
        # Read again where another command has begun to apply since.
        if ledger.exists() and ledger.applied():
            connection.rollback()
            if not version_rows(connection, version_table) and ledger.applied():
                raise damaged(
                    connection.engine.url,
                    f"the version table {version_table} has no rows, and revisions are "
                    "recorded as applied",
                )
        return
    unknown = _unrecorded(connection, version_table, heads)
    if unknown:
        # Another command may have committed between the two readings.
        connection.rollback()
        now = version_rows(connection, version_table)
        unknown = _unrecorded(connection, version_table, now)
    if unknown:
        url = shown_url(connection.engine.url)
        raise LedgerError(
            f"the version table {version_table} of {url} is at {', '.join(unknown)}, "
            "which was never recorded as applied to the graph: another program wrote "
            "to it, or it is damaged. Nothing has been written. Where an SQL project "
            "uses it, too, give the graph one of its own, such as `version_table = "
            "graph_version` in the configuration file; else restore the ledger from a "
            "backup. See `alembic-neo4j verify`"
        )


def _unrecorded(
    connection: Connection, version_table: str, heads: Sequence[str]
) -> list[str]:
    query = select(revisions.c.revision).where(
        revisions.c.version_table == version_table, revisions.c.revision.in_(heads)
    )
    return sorted(set(heads) - set(connection.execute(query).scalars()))


def version_rows(
    connection: Connection, version_table: str, schema: str | None = None
) -> list[str]:
    """Return what a version table has, nothing where there is no such table."""
    if not inspect(connection).has_table(version_table, schema=schema):
        return []
    number = column("version_num", String)
    versions = table(version_table, number, schema=schema)
    return sorted(connection.execute(select(number).select_from(versions)).scalars())


# Whether a ledger is whole: one that is damaged is told of before anything is read ----


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
    "alembic_neo4j_file": "0009",
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
        # An audit trail that is lost is told of by whoever writes to it, and by
        # `audit verify`: the graph can be migrated without it.
        if name not in there
        and name != audit_events.name
        and _SINCE.get(name, "0001") <= version
    )
    if missing:
        raise damaged(url, f"it has no table {', '.join(missing)}")


def _check_values(connection: Connection, version_table: str) -> None:
    ledger = Ledger(connection, version_table)
    if ledger.identity is not None:
        uuid.UUID(ledger.identity)
    for head in ledger.stamped_heads or ():
        _check_id(head)
    _ = ledger.owner, ledger.audit_end, ledger.audit_anchor
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


# The connection to the ledger, which a reading verb does not create -------------------


class LedgerConnection:
    """Opens the ledger's database when there is something to write.

    `given` is what a caller passed in ``config.attributes["connection"]``: it is used
    as it is, and a Connection is left open, in the state in which it came. `origin` is
    where the URL was read, as messages name it.
    """

    def __init__(
        self,
        url: str,
        given: Engine | Connection | None = None,
        origin: str = "sqlalchemy.url",
    ) -> None:
        self._given = given
        self.origin = origin if given is None else "config.attributes['connection']"
        self.url = database_url(url, origin) if given is None else given.engine.url
        self._in_transaction = isinstance(given, Connection) and given.in_transaction()
        self.failure: ConfigurationError | LedgerError | None = None
        """Why the ledger could not be opened for reading."""
        self._checked: Connection | None = None
        self._opened: Connection | None = None
        self._read_only: Connection | None = None
        self._stand_in: Connection | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the ledger is a file that does not exist."""
        if self._opened is not None or isinstance(self._given, Connection):
            return False
        return is_missing(self.url)

    def for_reading(self) -> Connection:
        """Return a connection that creates nothing.

        It is to an empty database where the ledger is missing, or can't be opened: a
        comparison does without it.
        """
        if not self.is_missing:
            try:
                return self.open()
            except ConfigurationError as error:
                self._read_only = self._read_only or connect_read_only(self.url)
                if self._read_only is not None:
                    return self._read_only
                self.failure = error
            except LedgerError as error:
                self.failure = error
        if self._stand_in is None:
            self._stand_in = stand_in_engine(self.url).connect()
        return self._stand_in

    def for_writing(self) -> Connection:
        """Return a connection whose changes last; a file is made where there is none.

        Raises ConfigurationError where they would not outlive the run.
        """
        connection = self.open()
        if is_in_memory(connection.engine.url):
            raise ConfigurationError(
                "the ledger is an in-memory SQLite database, which would be gone "
                "before the graph is: give the URL of a file in sqlalchemy.url, or an "
                "engine on one as config.attributes['connection']"
            )
        if self._in_transaction:
            raise ConfigurationError(
                "config.attributes['connection'] is a Connection inside a transaction: "
                "a ledger that is rolled back would part from the graph. Pass its "
                "engine: config.attributes['connection'] = connection.engine"
            )
        overwrite_removed(connection)
        return connection

    def open(self) -> Connection:
        """Return the connection, creating a SQLite file that does not exist.

        Raises ConfigurationError when the database can't be opened.
        """
        if isinstance(self._given, Connection):
            return self._given
        if self._opened is None:
            create_private(self.url)
            self._opened = connect(
                self._given or open_engine(self.url, self.origin), self.origin
            )
        return self._opened

    def check(self, connection: Connection, table: str, schema: str | None) -> None:
        """Raise LedgerError where a ledger is damaged, or its rows are another's."""
        if isinstance(self.failure, LedgerError):
            raise self.failure
        if connection not in (self._stand_in, self._checked):
            check_soundness(connection, table)
            with reading(connection):
                check_ownership(connection, table, schema)
            self._checked = connection

    def close(self) -> None:
        """Close what was opened here; a transaction that reading began is ended."""
        for connection in (self._opened, self._read_only, self._stand_in):
            if connection is not None:
                connection.close()
                if connection.engine is not self._given:
                    connection.engine.dispose()
        if isinstance(self._given, Connection) and not self._in_transaction:
            self._given.rollback()
