"""Alembic's migration context, with the step loop that a graph needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, TypeAlias, cast

from alembic.runtime.migration import (
    HeadMaintainer,
    MigrationContext,
    RevisionStep,
    StampStep,
)
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.errors import ConfigurationError, LockError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.interrupts import Interrupts
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.lock import Owner
from alembic_neo4j.ledger.engine import committed
from alembic_neo4j.ledger.journal import Journal
from alembic_neo4j.ledger.lock import lost_lock
from alembic_neo4j.ledger.ownership import check_recorded
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.configuration import Options
from alembic_neo4j.migration.deployment import Deployment, alembic_log
from alembic_neo4j.migration.impl import Neo4jImpl
from alembic_neo4j.migration.ledger_connection import LedgerConnection
from alembic_neo4j.migration.plan import Recorded, takes_back
from alembic_neo4j.migration.planned_names import checked_plan
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.revision_code import call, needed_functions, whole_history
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.script import ScriptRunner, program_call

Step: TypeAlias = "RevisionStep | StampStep"

log = logging.getLogger(__name__)


class Neo4jMigrationContext(MigrationContext):
    """What ``op.get_context()`` is: Alembic's context over a graph and its ledger.

    `stock` is the context that Alembic configured for the ledger's database; this one
    takes its place.
    """

    impl: Neo4jImpl
    script: ScriptDirectory
    replaying = False
    """Whether the revision that asks is replayed in memory (see replay)."""

    def __init__(
        self,
        stock: MigrationContext,
        *,
        graph: Graph,
        ledger: LedgerConnection,
        options: Options,
    ) -> None:
        vars(self).update(vars(stock))
        if stock.script is None:
            raise ConfigurationError(
                "there is no script directory: the history of the graph is unknown"
            )
        self.graph = graph
        self.options = options
        self._ledger = ledger
        self._owner: Owner | None = None
        self._fenced = False
        self._interrupts = Interrupts()
        self.limits = limits = Limits(
            *(options.schema_timeout, options.batch_size, options.throttle),
            interrupts=self._interrupts,
        )
        self.runner: GraphRunner | ScriptRunner
        if stock.as_sql:
            self.runner = ScriptRunner(
                stock.output_buffer, batch_property=options.batch_property
            )
        else:
            self.runner = GraphRunner(
                graph, limits, batch_property=options.batch_property
            )
        self.impl = Neo4jImpl(stock.impl, self.runner)
        alembic_log.info("Context impl %s.", type(self.impl).__name__)

    @property
    def history(self) -> History:
        """The revisions of the script directory, replayed on demand."""
        return History(self.script)

    @property
    def compares(self) -> bool:
        """Whether this is a run of ``revision --autogenerate`` or ``check``."""
        revision_context = self.opts.get("revision_context")
        return bool(revision_context and revision_context.command_args["autogenerate"])

    @property
    def inspects(self) -> bool:
        """Whether somebody only looks (see inspection)."""
        return bool(self.opts.get("inspects"))

    def begin_transaction(
        self, _per_migration: bool = False
    ) -> AbstractContextManager[Any]:
        """Do nothing: the transactions of a run are opened by kind of statement."""
        return nullcontext()

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Run the block's raw statements outside of explicit transactions.

        What was called before it has been committed by then.
        """
        with self.runner.autocommit_block():
            yield

    def get_current_heads(self) -> tuple[str, ...]:
        """Return the heads of the ledger; a ledger that is not there has none.

        Raises ConfigurationError when it can't be opened, and LedgerError where it is
        at what was never recorded as applied.
        """
        heads = self.written_heads()
        if not self.as_sql and self.connection is not None:
            check_recorded(self.connection, self.version_table, heads)
        return heads

    def written_heads(self) -> tuple[str, ...]:
        """Return what the version table has, whoever has written it there."""
        if not self.as_sql:
            self.check_ledger()
            if self._ledger.failure is not None:
                raise self._ledger.failure
            if self._ledger.is_missing:
                return ()
        return super().get_current_heads()

    def check_ledger(self) -> None:
        """Look at the ledger again: another command may have made it since.

        Raises LedgerError where the version table is another project's.
        """
        self._use(self._ledger.for_reading())

    def _use(self, connection: Connection) -> None:
        self.connection = self.impl.connection = connection
        self.impl.ledger.connection = connection
        self._ledger.check(connection, self.version_table, self.version_table_schema)

    def run_migrations(self, **kw: Any) -> None:
        """Run what the command asks for.

        All that can be known beforehand is checked before the first write: the files
        of the applied revisions, the stamp in the graph, the plan, what the server can
        do. Raises the first thing that is wrong; ledger and graph are as they were.
        """
        if self.inspects:
            # Whoever looks asks for the heads, of a ledger that may be out of reach.
            self.steps_from(())
        elif self.compares:
            self._compare()
        elif self.as_sql:
            self._write_script(kw)
        else:
            self._run(kw)

    def _compare(self) -> None:
        heads = tuple(self.script.get_heads())
        self.check_ledger()
        if self._ledger.failure is not None:
            log.info("Models are compared without the ledger: %s", self._ledger.failure)
        elif set(current := self.get_current_heads()) != set(heads):
            log.info(
                "The ledger is at %s; models are compared with the history's heads",
                ", ".join(sorted(current)) or "base",
            )
        for _ in self.steps_from(heads):
            raise AssertionError("comparing has no steps")

    def steps_from(self, heads: tuple[str, ...]) -> Sequence[Step]:
        """Return the steps that the command asks for, from these heads on.

        Raises LedgerError where the files are no history: two have the same revision,
        or one follows a revision that is not there.
        """
        assert self._migrations_fn is not None
        with whole_history(), needed_functions():
            steps = self._migrations_fn(heads, self)
            return cast("Sequence[Step]", list(steps or ()))

    def _ensure_version_table(self, purge: bool = False) -> None:
        if self.as_sql:
            super()._ensure_version_table(purge)
        else:
            self.materialise()

    def materialise(self) -> Ledger:
        """Return the ledger, made real: its file, Alembic's table, our tables.

        Raises ConfigurationError where it would not outlive the run.
        """
        connection = self._ledger.for_writing()
        self._use(connection)
        ledger = Ledger(connection, self.version_table)
        ledger.migrate()
        super()._ensure_version_table(purge=self.purge)
        if self._owner is not None:
            ledger.take(self._owner.token, str(self._owner))
            # Whoever takes the locks away takes the graph's first, the ledger last.
            first, self._fenced = not self._fenced, True
            if first and self.graph.lock is not None:
                self.graph.lock.check()
        self.commit()
        return ledger

    def commit(self) -> None:
        """Commit what has been written to the ledger.

        Raises LockError where its lock was taken from this command: nothing is written
        then.
        """
        assert self.connection is not None
        if not self._is_theirs():
            self.connection.rollback()
            raise lost_lock()
        committed(self.connection)

    def _is_theirs(self) -> bool:
        """Whether the ledger is still this command's, as far as it has taken it."""
        if self.connection is None or self._owner is None or not self._fenced:
            return True
        ledger = Ledger(self.connection, self.version_table)
        return ledger.fence(self._owner.token, str(self._owner))

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
            if self._fenced and self.connection is not None:
                # Garbage where it stays: the lock ends with what holds it.
                with suppress(LockError, SQLAlchemyError):
                    self.connection.rollback()
                    ledger = Ledger(self.connection, self.version_table)
                    ledger.release(owner.token, str(owner))
                    self.connection.commit()
            self._owner, self._fenced = None, False

    def _was_taken(self) -> bool:
        if self.connection is None or not self._fenced:
            return False
        with suppress(SQLAlchemyError):
            self.connection.rollback()
            return not self._is_theirs()
        return False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal end the block between two transactions."""
        with self._interrupts.deferred():
            yield

    @property
    def ledger_url(self) -> URL:
        """The URL of the ledger's database."""
        return self._ledger.url

    @property
    def ledger_origin(self) -> str:
        """Where that URL was read, as messages name it."""
        return self._ledger.origin

    @property
    def is_ledger_missing(self) -> bool:
        """Whether the ledger is a file that does not exist."""
        return self._ledger.is_missing

    def take_ledger_away(self) -> None:
        """Take the ledger from whoever holds its lock: their next commit fails."""
        self.check_ledger()
        assert self.connection is not None
        if (ledger := Ledger(self.connection, self.version_table)).exists():
            ledger.take_away()
            self.connection.commit()

    def ledger_owner(self) -> str | None:
        """Return who holds the lock on the ledger, as far as it knows."""
        if self._ledger.is_missing or self.connection is None:
            return None
        ledger = Ledger(self.connection, self.version_table)
        return ledger.owner if ledger.exists() else None

    @property
    def journal(self) -> Journal:
        """The runs of this history on this graph."""
        assert self.connection is not None
        return Journal(self.connection, self.version_table)

    def recorded(self) -> Recorded:
        """Return what the ledger says before anything is written, tables included."""
        self.check_ledger()
        graph = self.graph.settings.origin("url")
        found = Recorded(graph_origin=graph, ledger_origin=self.ledger_origin)
        if self._ledger.is_missing or self.connection is None:
            return found
        ledger = Ledger(self.connection, self.version_table)
        if not ledger.exists():
            return found
        return replace(
            found,
            identity=ledger.identity,
            stamped=ledger.stamped_heads,
            applied=ledger.applied(),
            open_run=self.journal.open_run(),
            data_runs=ledger.data_runs,
        )

    def _run(self, kw: dict[str, Any]) -> None:
        # What --purge would empty is looked at, too: it may be another project's.
        self.check_ledger()
        heads = () if self.purge else self.get_current_heads()
        steps = self.steps_from(heads)
        if self.purge or any(isinstance(step, StampStep) for step in steps):
            Deployment(self).stamp(steps, heads, kw)
        elif not steps and takes_back(self.recorded, self._migrations_fn):
            Deployment(self).take_back(heads)
        elif steps or "destination_rev" in self.opts:
            # An upgrade with nothing to do still tells that it is the wrong graph.
            Deployment(self).migrate(steps, heads, kw)

    def _write_script(self, kw: dict[str, Any]) -> None:
        if self.purge:
            raise ConfigurationError("Can't use --purge with --sql mode")
        runner = self.runner
        assert isinstance(runner, ScriptRunner)
        heads = self.get_current_heads()
        steps = self.steps_from(heads)
        planned = iter(checked_plan(steps, heads, self.history))
        maintainer = HeadMaintainer(self, heads)
        for step in steps:
            alembic_log.info("Running %s", step)
            runner.comment(f"Running {step.short_log}")
            if isinstance(step, RevisionStep):
                item = next(planned)
                runner.begin(
                    item.script.revision,
                    item.before,
                    item.script.path,
                    item.recording.loaded,
                    item.recording.undone,
                )
                call(item.script, item.direction, runner.thread, kw)
                runner.flush()
            if not maintainer.heads:
                self._version.create(cast("Connection", self.connection))
            maintainer.update_to_step(step)
            self.called_back(step, maintainer, kw)
        if steps:
            runner.stamp(sorted(maintainer.heads))
            target = " ".join(sorted(maintainer.heads)) or "base"
            runner.comment(
                "The ledger does not know of this script. When it has run, tell it:\n"
                f"{program_call(self.config)} stamp {target}"
            )

    def called_back(
        self, step: Step, maintainer: HeadMaintainer, kw: dict[str, Any]
    ) -> None:
        """Call the ``on_version_apply`` hooks of env.py for a step that was taken."""
        for callback in self.on_version_apply_callbacks:
            callback(ctx=self, step=step.info, heads=set(maintainer.heads), run_args=kw)
