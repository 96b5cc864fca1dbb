"""A project's revisions, graph and ledger while a command is at them, under a lock."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from alembic.runtime.migration import HeadMaintainer, MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.configuration.project import Options
from alembic_neo4j.errors import (
    ConfigurationError,
    LedgerError,
    LockError,
    StatementError,
)
from alembic_neo4j.files.project_files import ProjectFiles
from alembic_neo4j.graph.before_images import drop_unused_index
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.limits import Interrupts, Limits
from alembic_neo4j.graph.lock import Owner, break_lock, graph_lock, read_owner
from alembic_neo4j.ledger.audit import AuditTrail, Author
from alembic_neo4j.ledger.connection import LedgerConnection, check_recorded
from alembic_neo4j.ledger.engine import committed
from alembic_neo4j.ledger.journal import Journal, Recorder
from alembic_neo4j.ledger.lock import (
    break_ledger_lock,
    check_location,
    is_locked,
    ledger_lock,
    lost_lock,
)
from alembic_neo4j.ledger.store import Ledger, user_name
from alembic_neo4j.migration.file_units import FileUnits
from alembic_neo4j.migration.plan import LedgerState, PassedOver
from alembic_neo4j.migration.replay import History, ProjectPaths
from alembic_neo4j.migration.run import GraphRunner


def paths_of(options: Options) -> ProjectPaths:
    """Return where the files of a project are, by its configuration."""
    return ProjectPaths(options.files_root, options.hooks_paths)


class Session:
    """What every command works with, whoever asked for it.

    `alembic` is the context that Alembic configured for the ledger's database: it has
    the version table. `database` is how the ledger is connected to.
    """

    def __init__(
        self,
        alembic: MigrationContext,
        graph: Graph,
        database: LedgerConnection,
        options: Options,
    ) -> None:
        if alembic.script is None:
            raise ConfigurationError(
                "there is no script directory: the history of the graph is unknown"
            )
        self.script = alembic.script
        self.graph, self.database, self.options = graph, database, options
        self.version_table = alembic.version_table
        self.limits = Limits(
            *(options.schema_timeout, options.batch_size, options.throttle),
            interrupts=Interrupts(),
        )
        self.connection = alembic.connection or database.for_reading()
        self._alembic = alembic
        self._owner: Owner | None = None
        self._fenced = False

    @property
    def history(self) -> History:
        """The revisions of the script directory, replayed on demand."""
        return History(self.script, self.paths)

    @property
    def paths(self) -> ProjectPaths:
        """Where the files of the project are, as a revision may ask."""
        return paths_of(self.options)

    @property
    def ledger(self) -> Ledger:
        """The ledger's tables, whether they are there or not."""
        return Ledger(self.connection, self.version_table)

    @property
    def journal(self) -> Journal:
        """The runs of this history on this graph."""
        return Journal(self.connection, self.version_table)

    @property
    def files(self) -> ProjectFiles:
        """The files of the project that revisions may change: not the ledger."""
        ledger = make_url(self.database.url)
        own = [ledger.database] if ledger.get_backend_name() == "sqlite" else []
        endings = ("", "-wal", "-shm", "-journal")
        reserved = tuple(
            Path(f"{path}{end}") for path in own if path for end in endings
        )
        return ProjectFiles(self.options.files_root, reserved)

    @property
    def author(self) -> Author:
        """Who runs this command, and on which graph."""
        settings = self.graph.settings
        address = self.graph.url + (
            f"/{settings.database}" if settings.database else ""
        )
        return Author(self.options.actor or user_name(), address)

    @property
    def audit(self) -> AuditTrail:
        """The audit trail of this history, written to by who runs this command."""
        return AuditTrail(self.connection, self.version_table, self.author)

    def recorder(self, run: str, *, resumed: bool = False) -> Recorder:
        """Return where the units of a run are written down."""
        return Recorder(self.journal, self.commit, run, resumed)

    def runner(self, recorder: Recorder | None = None) -> GraphRunner:
        """Return what runs operations on the graph."""
        tag = self.options.batch_property
        return GraphRunner(
            *(self.graph, self.limits, recorder),
            batch_property=tag,
            files=FileUnits(self.files),
        )

    def maintainer(self, heads: Iterable[str]) -> HeadMaintainer:
        """Return what writes the version table, from these heads on."""
        return HeadMaintainer(self._alembic, heads)

    # Reading -------------------------------------------------------------------------

    def check(self) -> None:
        """Look at the ledger again: another command may have made it since.

        Raises LedgerError where the version table is another project's.
        """
        self._use(self.database.for_reading())

    def heads(self) -> tuple[str, ...]:
        """Return the heads of the ledger; a ledger that is not there has none.

        Raises ConfigurationError when it can't be opened, and LedgerError where it is
        at what was never recorded as applied.
        """
        heads = self.written_heads()
        check_recorded(self.connection, self.version_table, heads)
        return heads

    def written_heads(self) -> tuple[str, ...]:
        """Return what the version table has, whoever has written it there."""
        self.check()
        if self.database.failure is not None:
            raise self.database.failure
        return () if self.database.is_missing else self._alembic.get_current_heads()

    def recorded(self) -> LedgerState:
        """Return what the ledger says before anything is written, tables included."""
        self.check()
        graph = self.graph.settings.origin("url")
        found = LedgerState(graph_origin=graph, ledger_origin=self.database.origin)
        ledger = self.ledger
        if self.database.is_missing or not ledger.exists():
            return found
        return replace(
            found,
            identity=ledger.identity,
            stamped=ledger.stamped_heads,
            applied=ledger.applied(),
            open_run=self.journal.open_run(),
            data_runs=ledger.data_runs,
        )

    def passed_over(self, recorded: LedgerState) -> PassedOver:
        """Return which revisions do nothing, by the configuration and the ledger."""
        run = recorded.open_run
        units = self.journal.units(run.run) if run else ()
        return PassedOver(
            self.options.app_version,
            frozenset(name for name, one in recorded.applied.items() if one.skipped),
            frozenset(unit.revision for unit in units),
        )

    # Writing -------------------------------------------------------------------------

    def materialise(self) -> Ledger:
        """Return the ledger, made real: its file, Alembic's table, our tables.

        Raises ConfigurationError where it would not outlive the run.
        """
        self._use(self.database.for_writing())
        ledger = self.ledger
        ledger.migrate()
        self._alembic._ensure_version_table(purge=self._alembic.purge)
        if self._owner is not None:
            ledger.take(self._owner.token, str(self._owner))
            # Whoever takes the locks away takes the graph's first, the ledger last.
            first, self._fenced = not self._fenced, True
            if first and self.graph.lock is not None:
                self.graph.lock.check()
        self.commit()
        return ledger

    def forget(self) -> None:
        """Forget all that this history did to the graph; the caller commits.

        The version table is left without a row. The audit trail stays, as does whatever
        else is in the database.
        """
        self._alembic._ensure_version_table(purge=True)
        self.ledger.forget()
        self.journal.forget()

    def commit(self) -> None:
        """Commit what has been written to the ledger.

        Raises LockError where its lock was taken from this command: nothing is written
        then.
        """
        if not self._is_theirs():
            self.connection.rollback()
            raise lost_lock()
        committed(self.connection)

    def _use(self, connection: Connection) -> None:
        self.connection = connection
        self._alembic.connection = self._alembic.impl.connection = connection
        schema = self._alembic.version_table_schema
        self.database.check(connection, self.version_table, schema)

    # The lock on the ledger ----------------------------------------------------------

    @contextmanager
    def owned_by(self, owner: Owner) -> Iterator[None]:
        """Write to the ledger as the owner of its lock, and as nobody else.

        Raises LockError where it has another owner by the time that something fails.
        """
        self._owner = owner
        try:
            yield
        except (SQLAlchemyError, CommandError) as error:
            # What another command has recorded meanwhile is in the way of what this one
            # was about to.
            if isinstance(error, LockError) or not self._was_taken():
                raise
            raise lost_lock() from error
        finally:
            if self._fenced:
                # Garbage where it stays: the lock ends with what holds it.
                with suppress(LockError, SQLAlchemyError):
                    self.connection.rollback()
                    self.ledger.release(owner.token, str(owner))
                    self.connection.commit()
            self._owner, self._fenced = None, False

    def owner(self) -> str | None:
        """Return who holds the lock on the ledger, as far as it knows."""
        if self.database.is_missing or not self.ledger.exists():
            return None
        return self.ledger.owner

    def take_away(self) -> None:
        """Take the ledger from whoever holds its lock: their next commit fails."""
        self.check()
        if self.ledger.exists():
            self.ledger.take_away()
            self.connection.commit()

    def _is_theirs(self) -> bool:
        """Whether the ledger is still this command's, as far as it has taken it."""
        if self._owner is None or not self._fenced:
            return True
        return self.ledger.fence(self._owner.token, str(self._owner))

    def _was_taken(self) -> bool:
        with suppress(SQLAlchemyError):
            if self._fenced:
                self.connection.rollback()
                return not self._is_theirs()
        return False


log = logging.getLogger(__name__)


# The lock of a command that writes: on the graph first, then on the ledger ------------


@contextmanager
def locked(session: Session) -> Iterator[None]:
    """Keep every other command from writing to this graph and this history.

    It waits for ``neo4j.lock_timeout`` seconds and says for whom. Raises LockError;
    what is written to graph or ledger after the lock was lost raises it, too.
    """
    check_location(session.database.url, session.database.origin)
    session.check()
    timeout = session.options.lock_timeout
    owner = Owner.of_this_process()

    with (
        graph_lock(
            session.graph,
            owner,
            timeout=timeout,
            interrupts=session.limits.interrupts,
        ),
        ledger_lock(
            session.database.url,
            session.version_table,
            timeout=timeout,
            holder=session.owner,
        ),
        session.owned_by(owner),
    ):
        yield
        _drop_unused_index(session)


def _drop_unused_index(session: Session) -> None:
    # A load that changed nothing, or one that was killed, has left it.
    if not session.journal.has_begun("load", "undo"):
        return
    try:
        drop_unused_index(
            session.graph,
            timeout=session.options.schema_timeout,
            interrupts=session.limits.interrupts,
        )
    except (StatementError, LockError) as error:
        log.info(
            "An index of ours that nothing needs is left to the next run: %s", error
        )


def lock_holder(session: Session) -> str | None:
    """Return who holds the lock on the graph or the ledger, None where nobody does.

    Raises LedgerError where the ledger is another project's.
    """
    session.check()
    holder = read_owner(session.graph)
    if holder is not None:
        return str(holder)
    held = is_locked(session.database.url, session.version_table)
    return (session.owner() or "another command") if held else None


def visible_holder(session: Session) -> str | None:
    """Return who holds the lock, as far as one who may only read can see that."""
    try:
        return lock_holder(session)
    except (StatementError, LockError, LedgerError):
        return None


def break_locks(session: Session) -> str | None:
    """Take both locks from their holder and return who that was.

    From then on the holder can commit nothing, neither to the graph nor to the ledger.
    """
    holder = lock_holder(session)
    break_lock(session.graph)
    if not session.database.is_missing:
        break_ledger_lock(session.database.url, session.version_table)
        session.take_away()
    return holder
