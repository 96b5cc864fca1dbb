"""Entities beside a ledger: synced, exported, imported, and their conflicts decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alembic.config import Config
from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine import URL

from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.ledgers import KnownLedger, compare_ledgers
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.configuration import key_values
from alembic_neo4j.configuration.secrets import secret_variable
from alembic_neo4j.configuration.sources import (
    OURS,
    Origin,
    project_directory,
    variable,
)
from alembic_neo4j.database import sqlite_path
from alembic_neo4j.entities import (
    Entity,
    EntityRepository,
    SyncableRepository,
    SyncClient,
    SyncConfig,
    SyncResult,
    create_sync_client,
)
from alembic_neo4j.entities.backup import is_backup
from alembic_neo4j.entities.bundle import is_bundle
from alembic_neo4j.entities.conflict import (
    Conflict,
    ConflictResolver,
    DeferResolver,
    HigherVersionWinsResolver,
    LastWriteWinsResolver,
    MergeFieldsResolver,
)
from alembic_neo4j.entities.engine import shown, store_url
from alembic_neo4j.entities.sync_client import no_bundle
from alembic_neo4j.entities.tables import facts
from alembic_neo4j.entities.transport import (
    scheme_of,
    shown_location,
    transport_of,
)
from alembic_neo4j.errors import (
    ConfigurationError,
    LedgerError,
    StoreError,
    ValidationError,
)
from alembic_neo4j.ledger.connection import LedgerConnection, version_rows
from alembic_neo4j.ledger.lock import check_location
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.ledger.tables import VERSION_TABLE, audit_events
from alembic_neo4j.migration.audit import audited_if_there_is_a_trail
from alembic_neo4j.migration.session import Session

RESOLVERS: Mapping[str, type[ConflictResolver]] = {
    "lww": LastWriteWinsResolver,
    "higher-version": HigherVersionWinsResolver,
    "merge-fields": MergeFieldsResolver,
    "defer": DeferResolver,
}
"""What decides on conflicts, by the names that verbs have for it."""

PASSPHRASE, EMAIL, PASSWORD = "BUNDLE_PASSPHRASE", "SYNC_EMAIL", "SYNC_PASSWORD"
"""The variables, after ``ALEMBIC_NEO4J_``."""

_SQLITE = b"SQLite format 3\0"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", None)

Done = TypeVar("Done")


@dataclass(frozen=True)
class BundleOptions:
    """What opens a bundle, as far as it was given; else the environment is asked.

    `ask` asks a person for the passphrase, a new one where it is told so, and returns
    None where there is nobody.
    """

    recipients: Sequence[str] = ()
    identities: Sequence[Path] = ()
    passphrase_file: Path | None = None
    ask: Callable[[bool], str | None] = lambda _new: None


@dataclass(frozen=True)
class Own:
    """How the store beside the ledger takes part: by which name and resolver."""

    resolver: str = "lww"
    site_id: str | None = None


@dataclass(frozen=True)
class Synced:
    """What was received and sent, how many conflicts wait, and what contradicts."""

    result: SyncResult
    waiting: int = 0
    findings: Sequence[Finding] = ()


# The verbs ----------------------------------------------------------------------------


def sync(config: Config, other: str, own: Own, options: BundleOptions) -> Synced:
    """Give the store beside the ledger and another one what each of them lacks.

    `other` is a ledger, a store or a bundle. What two ledgers know of applied revisions
    is compared, and never merged. Raises StoreError or LedgerError where one of them
    can't be read or written, ConfigurationError where nothing opens the bundle.
    """
    if _is_bundle_place(other):
        client = _client(config, other, options, makes=True)
        return _in_store(config, own, _Exchange("ledger sync", other, client))
    return in_session(config, lambda session: _with_store(session, other, own))


def receive(config: Config, place: str, own: Own, options: BundleOptions) -> Synced:
    """Give the store beside the ledger what a bundle has, which is only read."""
    client = _client(config, place, options, makes=False)
    only_reads = _Exchange("ledger import", place, client, only_reads=True)
    return _in_store(config, own, only_reads)


def send(config: Config, place: str, options: BundleOptions, *, force: bool) -> Synced:
    """Make a bundle of the store beside the ledger, which is only read.

    One that is there is replaced only with `force`. Raises LedgerError where there is
    nothing stored yet.
    """
    client = _client(config, place, options, makes=True)

    def act(session: Session) -> Synced:
        with _stored(session) as store:
            if store is None:
                raise LedgerError(
                    "expected notes or entities beside the ledger, found none: there "
                    "is nothing to export. `alembic-neo4j ledger note` makes one"
                )
            return Synced(client.send(store, replace=force))

    return in_session(config, act)


def conflicts(config: Config) -> list[Conflict]:
    """Return the conflicts that wait for somebody to decide; nothing is created."""

    def look(session: Session) -> list[Conflict]:
        with _stored(session) as store:
            return [] if store is None else store.conflicts()

    return in_session(config, look)


def resolve(
    config: Config, entity_id: str, decide: Callable[[Conflict], Entity | None]
) -> tuple[Conflict, Entity | None]:
    """Decide a conflict, and return it with what was stored.

    `decide` returns what is to be stored, one of the versions or a copy, or None where
    it was only to be seen. Raises LedgerError where there is no such conflict.
    """

    def act(session: Session) -> tuple[Conflict, Entity | None]:
        with _stored(session) as store:
            waiting = [] if store is None else store.conflicts()
            found = next((each for each in waiting if each.id == entity_id), None)
            if found is None or store is None:
                known = ", ".join(each.id for each in waiting[:5]) or "none waits"
                raise LedgerError(
                    f"expected a conflict that waits, found none of {entity_id} "
                    f"({known}). See `alembic-neo4j ledger conflicts`"
                )
            entity = decide(found)
            if entity is None:
                return found, None
            with audited_if_there_is_a_trail(session, "ledger resolve", [entity_id]):
                return found, store.resolve(found, entity)

    return in_session(config, act)


# The store beside the ledger ----------------------------------------------------------


@dataclass(frozen=True)
class _Exchange:
    """What a verb does with a bundle, and what the audit trail calls it."""

    action: str
    place: str
    client: SyncClient
    only_reads: bool = False

    @property
    def name(self) -> str:
        return shown_location(self.place)

    def check(self) -> None:
        """Raise StoreError where the bundle can't be opened, or is to be there."""
        if not self.client.look() and self.only_reads:
            raise no_bundle(self.name)

    def done_with(self, store: SyncableRepository) -> SyncResult:
        act = self.client.receive if self.only_reads else self.client.sync
        return act(store)


def _in_store(config: Config, own: Own, exchange: _Exchange) -> Synced:
    def within(session: Session) -> Synced:
        check_location(session.database.url)
        with audited_if_there_is_a_trail(session, exchange.action, [exchange.name]):
            if not _has_store(session):
                # Where nothing comes of it no store is made.
                exchange.check()
            with _opened(session, own) as store:
                return Synced(exchange.done_with(store), len(store.conflicts()))

    return in_session(config, within)


def _has_store(session: Session) -> bool:
    session.check()
    missing = session.database.is_missing
    return not missing and inspect(session.connection).has_table(facts.name)


@contextmanager
def _opened(session: Session, own: Own) -> Iterator[SyncableRepository]:
    """Yield the store beside the ledger, which is created where there is none."""
    resolver = RESOLVERS[own.resolver]()
    with EntityRepository(session.database.url, shared=True) as store:
        yield SyncableRepository(store, own.site_id, resolver)


@contextmanager
def _stored(session: Session) -> Iterator[SyncableRepository | None]:
    """Yield the store beside the ledger, None where there is none."""
    if not _has_store(session):
        yield None
        return
    url = session.database.url
    with EntityRepository(url, create=False, shared=True) as store:
        yield SyncableRepository(store, None, DeferResolver())


# Another store, or ledger -------------------------------------------------------------


def _with_store(session: Session, other: str, own: Own) -> Synced:
    mine, url = session.database.url, store_url(other)
    check_location(mine)
    if url.password is not None:
        raise ValidationError(
            f"expected no password in the URL, found one for {shown(url)}: lists of "
            "processes have it. Leave it to PGPASSWORD or to ~/.pgpass"
        )
    if _is_same(mine, url):
        raise ValidationError(
            f"expected another ledger, store or bundle, found this one: {shown(url)}"
        )
    path = sqlite_path(url)
    if path is not None and path.is_file() and is_backup(path):
        raise StoreError(
            f"expected a ledger or a store, found a backup: {path}. It is left as it "
            "is; put it back under another name, and sync that"
        )
    there = _known_there(url, session.version_table)
    findings: list[Finding] = []
    if there is not None:
        findings = compare_ledgers(_known_here(session), there)
    with (
        audited_if_there_is_a_trail(session, "ledger sync", [shown(url)]),
        # A ledger without entities may get some; where nothing is, none is made.
        EntityRepository(url, create=there is not None, shared=True) as another,
        _opened(session, own) as store,
    ):
        result = store.sync_with(another)
        return Synced(result, len(store.conflicts()), findings)


def _is_same(one: URL, other: URL) -> bool:
    paths = sqlite_path(one), sqlite_path(other)
    if paths[0] is not None and paths[1] is not None:
        return paths[0].resolve() == paths[1].resolve()
    plain = [url.set(drivername="", query={}) for url in (one, other)]
    return paths == (None, None) and plain[0] == plain[1]


def _known_here(session: Session) -> KnownLedger:
    url = session.database.url
    if session.database.is_missing:
        return KnownLedger(shown(url))
    return _known(session.connection, url, session.version_table)


def _known_there(url: URL, version_table: str) -> KnownLedger | None:
    """Return what another ledger knows, None where there is none, or only entities."""
    text = url.render_as_string(hide_password=False)
    database = LedgerConnection(text, origin="OTHER")
    try:
        connection = database.for_reading()
        if database.failure is not None:
            raise database.failure
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        database.check(connection, version_table, None)
        return _known(connection, url, version_table)
    finally:
        database.close()


def _known(connection: Connection, url: URL, version_table: str) -> KnownLedger:
    ledger = Ledger(connection, version_table)
    if not ledger.exists():
        return KnownLedger(shown(url))
    return KnownLedger(
        shown(url),
        ledger.identity,
        _graph(connection, version_table),
        version_rows(connection, version_table),
        ledger.applied(),
    )


def _graph(connection: Connection, version_table: str) -> str | None:
    """Return on which graph a ledger was used last, as its audit trail tells."""
    if not inspect(connection).has_table(audit_events.name):
        return None
    query = select(audit_events.c.graph, audit_events.c.host).where(
        audit_events.c.version_table == version_table,
        audit_events.c.action.in_(("upgrade", "downgrade", "stamp")),
    )
    query = query.order_by(audit_events.c.sequence.desc()).limit(1)
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    is_near = urlsplit(found.graph).hostname in _THIS_MACHINE
    return f"{found.graph} on {found.host}" if is_near else str(found.graph)


# A bundle -----------------------------------------------------------------------------


def _is_bundle_place(other: str) -> bool:
    """Tell whether another place is a bundle, and no database.

    Raises StoreError where it is neither.
    """
    scheme = scheme_of(other)
    if scheme.partition("+")[0] in ("sqlite", "postgresql", "postgres"):
        return False
    if scheme != "file":
        return True
    path = Path(transport_of(other).name)
    try:
        with path.open("rb") as file:
            beginning = file.read(32)
    except FileNotFoundError:
        if path.suffix == ".age":
            return True
        raise StoreError(
            f"expected a ledger, a store or a bundle, found nothing at {path}. Correct "
            "its name; a bundle that is to be made ends in .age"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror}") from error
    if beginning.startswith(_SQLITE):
        return False
    if is_bundle(beginning):
        return True
    raise StoreError(
        f"expected a ledger, a store or a bundle, found another file: {path}. Nothing "
        "has been changed. Correct its name"
    )


def _client(
    config: Config, place: str, options: BundleOptions, *, makes: bool
) -> SyncClient:
    project = project_directory(config)
    email = password = None
    if scheme_of(place) in ("http", "https"):
        given = variable(EMAIL)
        email = given[0] if given else None
        password = secret_variable(PASSWORD, "password", project)
    keys = _keys(options, project)
    if not keys and not (email and password):
        passphrase = options.ask(makes and not _is_there(place))
        if not passphrase:
            raise ConfigurationError(
                "expected what opens the bundle, found nothing: set "
                f"{OURS}{PASSPHRASE} or {OURS}{PASSPHRASE}_FILE, or say --identity, "
                "--recipient or --passphrase-file. On a server, "
                f"{OURS}{EMAIL} and {OURS}{PASSWORD} will do"
            )
        keys = {"passphrase": passphrase}
    return create_sync_client(SyncConfig(place, email, password, **keys))


def _keys(options: BundleOptions, project: Path) -> dict[str, Any]:
    if options.recipients or options.identities:
        if options.passphrase_file is not None:
            raise ConfigurationError(
                "expected --passphrase-file, or --recipient and --identity, found both"
            )
        texts = [_text_of(path) for path in options.identities]
        return {"recipients": tuple(options.recipients), "identities": tuple(texts)}
    if options.passphrase_file is not None:
        file, origin = options.passphrase_file, Origin("--passphrase-file")
        text = key_values.first_line(
            str(file.absolute()), project, origin, "passphrase"
        )
        return {"passphrase": text}
    passphrase = secret_variable(PASSPHRASE, "passphrase", project)
    return {"passphrase": passphrase} if passphrase else {}


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigurationError(
            f"the identity file {path} can't be read: {why}"
        ) from None


def _is_there(place: str) -> bool:
    return scheme_of(place) != "file" or Path(transport_of(place).name).exists()
