"""Reading and writing the ledger's tables on a connection that the caller commits."""

from __future__ import annotations

import getpass
import json
import logging
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, inspect, select, update

from alembic_neo4j.ledger.tables import VERSION_TABLE, facts, revisions, rows_of
from alembic_neo4j.migration_types import MigrationResult


@dataclass(frozen=True)
class AppliedRevision:
    """A revision as it was when it was applied.

    `code_hash` is that of its file without comments and whitespace, None where it was
    not recorded; `seconds` how long it took, None where it was not run. One that was
    `skipped` did nothing; `result` is what it said of itself, as JSON.
    """

    revision: str
    schema_hash: str
    file_hash: str
    applied_at: datetime
    applied_by: str
    code_hash: str | None = None
    seconds: float | None = None
    migration_type: str | None = None
    skipped: bool | None = None
    result: str | None = None

    @property
    def said(self) -> MigrationResult | None:
        """What it said of itself, None where that was nothing."""
        return (
            None if self.result is None else MigrationResult(**json.loads(self.result))
        )


class Ledger:
    """The ledger of one graph; `version_table` tells several on one database apart."""

    def __init__(self, connection: Connection, version_table: str) -> None:
        self._connection = connection
        self._version_table = version_table

    def exists(self) -> bool:
        """Tell whether the ledger's tables are there."""
        return inspect(self._connection).has_table(facts.name)

    def migrate(self) -> None:
        """Bring the ledger's own tables to their head and commit."""
        options = {
            "version_table": VERSION_TABLE,
            "script": (script := ScriptDirectory(str(Path(__file__).parent))),
            "fn": lambda heads, _: script._upgrade_revs("head", heads),
        }
        begin_writing(self._connection)
        with quiet_alembic():
            context = MigrationContext.configure(self._connection, opts=options)
            # A private Operations: Alembic's proxies belong to the revisions that run.
            context.run_migrations(op=Operations(context))
        self._connection.commit()

    @property
    def identity(self) -> str | None:
        """What tells this ledger from every other; None before it has one."""
        value: str | None = self._fact(self._key("identity"))
        return value

    def create_identity(self) -> str:
        """Give the ledger its identity and return it."""
        identity = str(uuid.uuid4())
        self._set_fact(self._key("identity"), identity)
        return identity

    def ensure_identity(self) -> str:
        """Return the ledger's identity, which it gets now where it has none."""
        return self.identity or self.create_identity()

    def take_identity(self, identity: str) -> None:
        """Give the ledger the identity of one that was lost."""
        self._set_fact(self._key("identity"), identity)

    @property
    def stamped_heads(self) -> tuple[str, ...] | None:
        """The heads that this ledger wrote into the graph last, None before that."""
        value = self._fact(self._key("stamped"))
        return None if value is None else tuple(json.loads(value))

    def remember_stamp(self, heads: Sequence[str]) -> None:
        """Record which heads the graph has been stamped with."""
        self._set_fact(self._key("stamped"), json.dumps(sorted(heads)))

    @property
    def data_runs(self) -> tuple[str | None, ...]:
        """The runs of which the graph's stamp names one, None before the first.

        It is the latest by which a verb changed the data; while one is begun, or was
        broken off, that and the one before it.
        """
        value = self._fact(self._key("data-runs"))
        return (None,) if value is None else tuple(json.loads(value))

    def remember_data_runs(self, *runs: str | None) -> None:
        """Record which run the graph's stamp names, or which of two."""
        self._set_fact(self._key("data-runs"), json.dumps(runs))

    @property
    def audit_end(self) -> tuple[int, str] | None:
        """Sequence and hash of the latest event of the audit trail, None before one."""
        return self._chain_end("audit")

    def remember_audit_end(self, end: tuple[int, str]) -> None:
        """Record which event of the audit trail is the latest."""
        self._set_fact(self._key("audit"), json.dumps(end))

    @property
    def audit_anchor(self) -> tuple[int, str] | None:
        """Sequence and hash of the event that the graph's stamp was last given."""
        return self._chain_end("audit-anchor")

    def remember_audit_anchor(self, anchor: tuple[int, str] | None) -> None:
        """Record which event of the audit trail the graph has been stamped with."""
        if anchor is not None and anchor != self.audit_anchor:
            self._set_fact(self._key("audit-anchor"), json.dumps(anchor))

    def _chain_end(self, name: str) -> tuple[int, str] | None:
        value = self._fact(self._key(name))
        if value is None:
            return None
        sequence, digest = json.loads(value)
        return int(sequence), str(digest)

    @property
    def owner(self) -> str | None:
        """Who took the ledger last, in words; None where nobody has it now."""
        value = self._fact(self._key("lock"))
        return json.loads(value)[1] if value else None

    def take(self, token: str, owner: str) -> None:
        """Record whose ledger this is from now on: the one who holds its lock."""
        self._set_fact(self._key("lock"), json.dumps([token, owner]))

    def fence(self, token: str, owner: str) -> bool:
        """Tell whether the ledger is still theirs, for as long as the transaction is.

        It writes, since two that only read would both be told so.
        """
        value = json.dumps([token, owner])
        kept = self._connection.execute(
            update(facts)
            .where(facts.c.key == self._key("lock"), facts.c.value == value)
            .values(value=value)
        )
        return bool(kept.rowcount)

    def release(self, token: str, owner: str) -> None:
        """Record that the ledger is nobody's, where it is still theirs."""
        self._connection.execute(
            update(facts)
            .where(
                facts.c.key == self._key("lock"),
                facts.c.value == json.dumps([token, owner]),
            )
            .values(value="")
        )

    def take_away(self) -> None:
        """Take the ledger from whoever has it: their next commit is refused."""
        self._set_fact(self._key("lock"), "")

    def applied(self) -> dict[str, AppliedRevision]:
        """Return the applied revisions by their id."""
        names = [field.name for field in fields(AppliedRevision)]
        ours = revisions.c.version_table == self._version_table
        return {
            row.revision: AppliedRevision(
                **{name: getattr(row, name) for name in names if hasattr(row, name)}
            )
            for row in rows_of(self._connection, revisions, ours)
        }

    def record_applied(
        self,
        revision: str,
        *,
        schema_hash: str,
        file_hash: str,
        code_hash: str | None = None,
        seconds: float | None = None,
        migration_type: str | None = None,
        skipped: bool = False,
        result: MigrationResult | None = None,
    ) -> None:
        """Record that a revision is applied, or that it was passed over."""
        self.record_removed(revision)
        row = {
            "version_table": self._version_table,
            "revision": revision,
            "schema_hash": schema_hash,
            "file_hash": file_hash,
            "code_hash": code_hash,
            "seconds": seconds,
            "migration_type": migration_type,
            "skipped": skipped,
            "result": None if result is None else json.dumps(asdict(result)),
            "applied_at": datetime.now(timezone.utc),
            "applied_by": user_name(),
        }
        self._connection.execute(insert(revisions), row)

    def accept_file(
        self, revision: str, *, schema_hash: str, file_hash: str, code_hash: str
    ) -> None:
        """Record that an applied revision is what its file is now."""
        self._connection.execute(
            update(revisions)
            .where(*self._row(revision))
            .values(schema_hash=schema_hash, file_hash=file_hash, code_hash=code_hash)
        )

    def record_removed(self, revision: str) -> None:
        """Record that a revision is not applied."""
        self._connection.execute(delete(revisions).where(*self._row(revision)))

    def keep_only(self, applied: Collection[str]) -> None:
        """Forget every revision but these."""
        for revision in self.applied():
            if revision not in applied:
                self.record_removed(revision)

    def forget(self) -> None:
        """Forget what was applied and stamped; it is another ledger from now on.

        Who holds its lock, and the end of its audit trail, stay.
        """
        self.keep_only(())
        keys = [self._key("stamped"), self._key("data-runs")]
        self._connection.execute(delete(facts).where(facts.c.key.in_(keys)))
        self.create_identity()

    def _row(self, revision: str) -> tuple[Any, ...]:
        return (
            revisions.c.version_table == self._version_table,
            revisions.c.revision == revision,
        )

    def _key(self, name: str) -> str:
        return f"{name}:{self._version_table}"

    def _fact(self, key: str) -> str | None:
        query = select(facts.c.value).where(facts.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def _set_fact(self, key: str, value: str) -> None:
        changed = self._connection.execute(
            update(facts).where(facts.c.key == key).values(value=value)
        )
        if not changed.rowcount:
            self._connection.execute(insert(facts).values(key=key, value=value))


def begin_writing(connection: Connection) -> None:
    """Begin SQLite's one transaction that writes, where this is not in one.

    Python's sqlite3 begins none before DDL, so that a table would stay when the process
    is killed before the version is recorded; and one that has read before it writes may
    have read what another process is about to change.
    """
    if connection.dialect.name != "sqlite":
        return
    driver = connection.connection.dbapi_connection
    if driver is not None and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def quiet_alembic() -> Iterator[None]:
    """Keep Alembic from reporting on the ledger's database.

    It is no news to the person who migrates a graph.
    """
    log = logging.getLogger("alembic.runtime.migration")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def user_name() -> str:
    """Return who runs this process, as the ledger records it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
