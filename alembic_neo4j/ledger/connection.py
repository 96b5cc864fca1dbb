"""The connection to the ledger, which a reading verb does not create."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from alembic_neo4j.errors import ConfigurationError, LedgerError
from alembic_neo4j.ledger.engine import (
    connect,
    connect_read_only,
    create_private,
    database_url,
    is_in_memory,
    is_missing,
    open_engine,
    overwrite_removed,
    stand_in_engine,
)
from alembic_neo4j.ledger.ownership import check_ownership
from alembic_neo4j.ledger.soundness import check_soundness, reading


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
