"""The connection to one graph: where it is, opened when it is first used."""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from alembic_neo4j.cypher.capabilities import Server
from alembic_neo4j.errors import ConfigurationError, ConnectionFailed, StatementError
from alembic_neo4j.graph.changes import Changes, counted_by
from alembic_neo4j.graph.driver import load_driver
from alembic_neo4j.graph.stored_values import Row as Row
from alembic_neo4j.graph.stored_values import Rows, sendable
from alembic_neo4j.sentences import ended, unended
from alembic_neo4j.waiting import each_waited_for, waiting_for

if TYPE_CHECKING:
    import neo4j


# Where a graph is and how to get in, and where that was read --------------------------


@dataclass(frozen=True)
class Credentials:
    """How to authenticate: ``none``, ``basic``, ``bearer`` or ``kerberos``.

    `secret` is the password, the token or the ticket; it is never shown.
    """

    scheme: str = "none"
    principal: str = "neo4j"
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class GraphSettings:
    """Where the graph is and how to get in.

    `url` may be ``local`` or ``local:<version>``: a server of our own, whose files are
    under `project` and whose credentials are its own. `origins` are the variables and
    keys that the values were read from.
    """

    url: str
    project: Path
    credentials: Credentials = Credentials()
    database: str | None = None
    trusted_certificates: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    def origin(self, key: str) -> str:
        """Return where a key was read, as messages name it."""
        return self.origins.get(key, f"neo4j.{key}")

    @property
    def is_local(self) -> bool:
        """Whether the server is one that we start ourselves."""
        return self.url == "local" or self.url.startswith("local:")

    @property
    def credentials_origin(self) -> str:
        """Where user and password are read, or are to be given."""
        place, found = self.origin("url"), self.origins
        secret = found.get("password") or found.get("password_file")
        if secret:
            named = [*dict.fromkeys((found.get("username", secret), secret))]
            return " and ".join(named)
        if place.startswith("-x"):
            return "-x neo4j.username and -x neo4j.password_file"
        prefix = "NEO4J_" if place.startswith("NEO4J_") else "ALEMBIC_NEO4J_"
        return f"{prefix}USERNAME and {prefix}PASSWORD (or {prefix}PASSWORD_FILE)"


log = logging.getLogger(__name__)

# The connection to one graph, opened when it is first used ----------------------------


_FORBIDDEN = {"Neo.ClientError.Security.Forbidden"}
"""What a user who was let in may not do."""


TOKEN = "alembic_neo4j"
"""The key of the metadata by which our transactions are told from others."""

CONNECT_SECONDS = 60.0
"""How long a server may take to answer the first time, unless a graph says less."""

_DRIVER_SECONDS = 30.0
"""How long the driver tries to connect, or a read again, as it has it by itself."""

_SHOWN = 80
"""How many characters of a statement a message shows."""

Driver: TypeAlias = "neo4j.Driver"

Run: TypeAlias = "Callable[[str, Mapping[str, Any]], Rows]"
"""What runs a statement in an open transaction and returns its rows."""


class Lock(Protocol):
    """What keeps others out while a graph is written to; it may be lost."""

    token: str

    def fence(self, run: Run) -> None:
        """Begin a transaction that writes; raises LockError where the lock is lost."""

    def prove(self) -> None:
        """Raise LockError where the lock is known to be lost."""

    def check(self) -> None:
        """Raise LockError where somebody has taken the lock by now."""


class Graph:
    """One database of one server.

    Nothing is opened before the first statement, so that verbs which need no graph
    work without one. `report` gets a line of text when a local server is started.
    With a `driver`, which is somebody else's to close, it is what that reaches.
    While it has a `lock`, all that it writes is refused once that is lost.
    """

    def __init__(
        self,
        settings: GraphSettings,
        *,
        report: Callable[[str], None] = log.info,
        driver: Driver | None = None,
    ) -> None:
        self.settings = settings
        self._report = report
        self._driver = driver
        self._is_ours, self._is_closed = driver is None, False
        self._server: Server | None = None
        self._url = settings.url
        self.connect_seconds = CONNECT_SECONDS
        """How long the server may take to answer the first time."""
        self.lock: Lock | None = None
        self.changes = Changes()
        """What has been committed here, as the server has counted it."""

    @property
    def url(self) -> str:
        """The address of the server; a local one has it once it runs."""
        return self._url

    @property
    def server(self) -> Server:
        """What answers at the address: its version and edition."""
        if self._server is None:
            rows = self.read(
                "CALL dbms.components() YIELD name, versions, edition "
                "RETURN name, versions, edition"
            )
            self._server = Server.from_components(rows)
        return self._server

    @property
    def database(self) -> str:
        """The database's name; the user's home database has one, too."""
        (row,) = self.read("CALL db.info() YIELD name RETURN name")
        return str(row["name"])

    def read(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Row]:
        """Return the rows of a statement that writes nothing.

        The server ends it after `timeout` seconds; None is the server's own limit.
        """
        work = _rows
        if timeout is not None:
            load_driver()
            from neo4j import unit_of_work

            work = unit_of_work(timeout=timeout)(_rows)
        with self._session("READ") as session, waiting_for(self._answer_to(text)):
            return session.execute_read(work, text, sendable(parameters))

    def stream(
        self, text: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a reading statement, a bounded number in memory."""
        answer = self._answer_to(text)
        with self._session("READ") as session:
            with waiting_for(answer):
                records = session.run(text, sendable(parameters))
            for record in each_waited_for(records, answer):
                yield record.data()

    def last_write(self) -> frozenset[str]:
        """Return what stands for the last transaction that was committed there.

        It is the bookmark of a transaction that reads: every commit changes it, and
        neither a read nor a write of nothing does.
        """
        with self._session("READ") as session:
            with waiting_for(self._answer_to("RETURN 1")):
                session.run("RETURN 1").consume()
            return session.last_bookmarks().raw_values

    def transaction(
        self, statements: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> list[list[Row]]:
        """Run the statements in one transaction and return the rows of each.

        Nothing of it stays when one of them fails.
        """
        with self.begin() as run:
            return [run(text, parameters) for text, parameters in statements]

    @contextmanager
    def begin(
        self,
        *,
        fenced: bool = True,
        token: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Run]:
        """Open a transaction and yield what runs a statement in it.

        It is committed when the block ends; nothing stays when the block raises. It is
        `fenced` by the lock, unless it writes nothing that another runner could; it
        carries `token`, by default the lock's. `timeout` is in seconds, 0 for none and
        None for the server's.
        """
        load_driver()
        from neo4j import exceptions as driver_errors

        token = token or (self.lock.token if self.lock else None)
        counts: Counter[str] = Counter()
        with self._session("WRITE") as session:
            with waiting_for(self._answer_to("BEGIN")):
                transaction = session.begin_transaction(
                    metadata={TOKEN: token} if token else None, timeout=timeout
                )

            def run(text: str, parameters: Mapping[str, Any]) -> Rows:
                try:
                    with waiting_for(self._answer_to(text)):
                        rows = _rows(transaction, text, sendable(parameters))
                except driver_errors.Neo4jError as error:
                    raise self._refused(error, text) from error
                counts.update(rows.counts)
                return rows

            try:
                if self.lock and fenced:
                    self.lock.fence(run)
                yield run
                with waiting_for(self._answer_to("COMMIT")):
                    transaction.commit()
                self.changes.add(counts)
            finally:
                with waiting_for(self._answer_to("ROLLBACK")):
                    transaction.close()

    def autocommit(
        self, text: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Run a statement that may not be in an explicit transaction."""
        load_driver()
        import neo4j

        metadata = None
        if self.lock:
            self.lock.prove()
            metadata = {TOKEN: self.lock.token}
        query = neo4j.Query(text, metadata=metadata)
        with self._session("WRITE") as session, waiting_for(self._answer_to(text)):
            result = session.run(query, sendable(parameters))
            rows = [record.data() for record in result]
            self.changes.add(counted_by(text, result.consume().counters))
            return rows

    def close(self, *, for_good: bool = False) -> None:
        """Close the driver; a local server goes on running.

        It is opened again when it is used, unless it was closed `for_good`.
        """
        self._is_closed = for_good
        if self._driver is not None and self._is_ours:
            self._driver.close()
            self._driver = None

    @contextmanager
    def _session(self, access: str) -> Iterator[neo4j.Session]:
        # The driver is imported when it is needed: most verbs never reach a graph.
        load_driver()
        from neo4j import exceptions as driver_errors

        try:
            driver = self._open()
            with driver.session(
                database=self.settings.database, default_access_mode=access
            ) as session:
                yield session
        except driver_errors.DriverError as error:
            raise self._unreachable(error) from error
        except driver_errors.Neo4jError as error:
            raise self._refused(error) from error

    def _open(self) -> neo4j.Driver:
        if self._is_closed:
            raise ConnectionFailed(f"the connection to {self._url} has been closed")
        if self._driver is None:
            self._url, credentials = self._endpoint()
            driver = self._connected(credentials)
            try:
                # Asked once, without the retries that a transaction has.
                limit = self.connect_seconds
                with waiting_for(f"the Neo4j at {self._url}", limit=limit):
                    driver.verify_connectivity()
            except ValueError as error:
                driver.close()
                raise self._unreachable(error) from error
            except BaseException:
                driver.close()
                raise
            self._driver = driver
        return self._driver

    def _connected(self, credentials: Credentials) -> neo4j.Driver:
        from neo4j import GraphDatabase
        from neo4j import exceptions as driver_errors

        address, trust = self._url, {}
        if self.settings.trusted_certificates is not None:
            # The driver takes certificates with the plain schemes only.
            address = address.replace("+s://", "://", 1)
            trust = _trust(self.settings.trusted_certificates)
        try:
            return GraphDatabase.driver(
                address,
                auth=_auth(credentials),
                connection_timeout=min(self.connect_seconds, _DRIVER_SECONDS),
                max_transaction_retry_time=min(self.connect_seconds, _DRIVER_SECONDS),
                connection_acquisition_timeout=self.connect_seconds,
                notifications_min_severity="OFF",
                **trust,
            )
        except (driver_errors.ConfigurationError, ValueError) as error:
            raise ConfigurationError(
                f"{self.settings.origin('url')}: {self._url}: {ended(error)} "
                "Expected local, "
                "local:<version> or an address such as bolt://host:7687 or "
                "neo4j+s://host"
            ) from error

    def _endpoint(self) -> tuple[str, Credentials]:
        settings = self.settings
        if not settings.is_local:
            return settings.url, settings.credentials
        from alembic_neo4j import local

        _, _, version = settings.url.partition(":")
        server = local.ensure_started(
            settings.project, version=version or None, report=self._report
        )
        return server.url, Credentials("basic", server.username, server.password)

    def _answer_to(self, text: str) -> Callable[[], str]:
        """Return what a wait for the server's answer to a statement is called."""
        return lambda: f"the Neo4j at {self._url} to answer {_short(text)}"

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"no Neo4j answers at {self._url}: {_reason(error)}. Start the server, "
            f"or correct its address, {self.settings.origin('url')}"
        )

    def _refused(
        self, error: neo4j.exceptions.Neo4jError, statement: str = ""
    ) -> ConnectionFailed | StatementError:
        code = error.code or ""
        if code in _FORBIDDEN:
            return ServerRefused(code, str(error.message), statement)
        if code.startswith("Neo.ClientError.Security."):
            if (
                self.settings.credentials.scheme == "none"
                and not self.settings.is_local
            ):
                return ConnectionFailed(
                    f"{self._url} asks for credentials, and there are none for this "
                    "address. It takes them from where it is given itself, "
                    f"{self.settings.origin('url')}: give "
                    f"{self.settings.credentials_origin}"
                )
            return ConnectionFailed(
                f"{self._url} refuses the credentials: {_reason(error.message)}. "
                f"Give the right ones: {self.settings.credentials_origin}"
            )
        if code == "Neo.ClientError.Database.DatabaseNotFound":
            return ConnectionFailed(
                f"{self._url} has no database {self.settings.database!r}: correct "
                f"{self.settings.origin('database')}, or leave it out for the user's "
                "home database"
            )
        return ServerRefused(code, str(error.message), statement)


class Unreachable(ConnectionFailed):
    """Nothing answers at the address, by now."""


class ServerRefused(StatementError):
    """The server refused a statement; `code` is its status code.

    `statement` is its text, where several share the transaction and it is known which
    of them it was.
    """

    def __init__(self, code: str, message: str, statement: str = "") -> None:
        super().__init__(f"{unended(message)} ({code})")
        self.code = code
        self.server_message = message
        self.statement = statement


def _auth(credentials: Credentials) -> neo4j.Auth | None:
    import neo4j

    if credentials.scheme == "none":
        return None
    if credentials.scheme == "bearer":
        return neo4j.bearer_auth(credentials.secret)
    if credentials.scheme == "kerberos":
        return neo4j.kerberos_auth(credentials.secret)
    return neo4j.basic_auth(credentials.principal, credentials.secret)


def _trust(certificates: Path) -> dict[str, Any]:
    from neo4j import TrustCustomCAs

    try:
        ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise ConfigurationError(
            f"neo4j.trusted_certificates = {certificates}: "
            f"{ended(error.strerror or error)} "
            "Expected a PEM file of the authorities to trust"
        ) from error
    return {
        "encrypted": True,
        "trusted_certificates": TrustCustomCAs(str(certificates)),
    }


def _rows(
    transaction: neo4j.Transaction | neo4j.ManagedTransaction,
    text: str,
    parameters: dict[str, Any],
) -> Rows:
    result = transaction.run(text, parameters)
    rows = Rows(record.data() for record in result)
    counters = result.consume().counters
    rows.nodes_created = counters.nodes_created
    rows.relationships_created = counters.relationships_created
    rows.counts = counted_by(text, counters)
    return rows


def _short(statement: str) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _reason(error: object) -> str:
    """Return what a message says, up to its reason, as a part of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return repr(error)
    # The driver names the address in a first line, and why it failed in the next.
    text = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return text.rstrip(" .:")
