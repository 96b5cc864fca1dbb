"""The connection to the ledger, which a reading verb does not create."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine

from alembic_neo4j.ledger.engine import is_missing, open_engine


class LedgerConnection:
    """Opens the ledger's database when there is something to write.

    `given` is what a caller passed in ``config.attributes["connection"]``: it is used
    as it is, and a Connection is left open.
    """

    def __init__(self, url: str, given: Engine | Connection | None = None) -> None:
        self._url = url
        self._given = given
        self._opened: Connection | None = None
        self._placeholder: Connection | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the ledger is a file that does not exist."""
        if self._given is not None or self._opened is not None:
            return False
        return is_missing(self._url)

    def for_reading(self) -> Connection:
        """Return a connection that creates nothing: an empty one where none is."""
        if self.is_missing:
            self._placeholder = create_engine("sqlite://").connect()
            return self._placeholder
        return self.open()

    def open(self) -> Connection:
        """Return the connection, creating a SQLite file that does not exist."""
        if isinstance(self._given, Connection):
            return self._given
        if self._opened is None:
            self._opened = (self._given or open_engine(self._url)).connect()
        return self._opened

    def close(self) -> None:
        """Close what was opened here."""
        for connection in (self._opened, self._placeholder):
            if connection is not None:
                connection.close()
                if connection.engine is not self._given:
                    connection.engine.dispose()
