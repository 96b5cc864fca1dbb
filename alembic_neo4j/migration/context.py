"""Alembic's migration context, with the step loop that a graph needs."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeAlias, cast

from alembic.config import Config
from alembic.runtime.migration import (
    HeadMaintainer,
    MigrationContext,
    RevisionStep,
    StampStep,
)
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.errors import ConfigurationError, Neo4jMigrationError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.execute import Limits
from alembic_neo4j.graph.marker import clear_markers
from alembic_neo4j.graph.stamp import Stamp, read_stamp, write_stamp
from alembic_neo4j.ledger.engine import is_in_memory
from alembic_neo4j.ledger.journal import Journal, OpenRun
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.configuration import Options
from alembic_neo4j.migration.impl import Neo4jImpl
from alembic_neo4j.migration.ledger_connection import LedgerConnection
from alembic_neo4j.migration.plan import (
    PlannedStep,
    Recorded,
    check_capabilities,
    check_files,
    check_open_run,
    check_placeholders,
    check_stamp,
    check_stamp_owner,
    file_digest,
    plan,
)
from alembic_neo4j.migration.replay import History
from alembic_neo4j.migration.run import GraphRunner, Recorder
from alembic_neo4j.migration.script import ScriptRunner
from alembic_neo4j.schema.digest import schema_digest

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
        limits = Limits(options.schema_timeout, options.batch_size)
        self._runner: GraphRunner | ScriptRunner
        if stock.as_sql:
            self._runner = ScriptRunner(stock.output_buffer)
        else:
            self._runner = GraphRunner(graph, limits)
        self.impl = Neo4jImpl(stock.impl, self._runner)
        logging.getLogger("alembic.runtime.migration").info(
            "Context impl %s.", type(self.impl).__name__
        )

    @property
    def history(self) -> History:
        """The revisions of the script directory, replayed on demand."""
        return History(self.script)

    @property
    def compares(self) -> bool:
        """Whether this is a run of ``revision --autogenerate`` or ``check``."""
        revision_context = self.opts.get("revision_context")
        return bool(revision_context and revision_context.command_args["autogenerate"])

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
        with self._runner.autocommit_block():
            yield

    def get_current_heads(self) -> tuple[str, ...]:
        """Return the heads of the ledger; a ledger that is not there has none.

        Raises ConfigurationError when it can't be opened.
        """
        if not self.as_sql and self._ledger.failure is not None:
            raise self._ledger.failure
        if not self.as_sql and self._ledger.is_missing:
            return ()
        return super().get_current_heads()

    def run_migrations(self, **kw: Any) -> None:
        """Run what the command asks for.

        All that can be known beforehand is checked before the first write: the files
        of the applied revisions, the stamp in the graph, the plan, what the server can
        do. Raises the first thing that is wrong; ledger and graph are as they were.
        """
        if self.compares:
            self._compare()
        elif self.as_sql:
            self._write_script(kw)
        else:
            self._run(kw)

    def _compare(self) -> None:
        heads = tuple(self.script.get_heads())
        if self._ledger.failure is not None:
            log.info("Models are compared without the ledger: %s", self._ledger.failure)
        elif set(current := self.get_current_heads()) != set(heads):
            log.info(
                "The ledger is at %s; models are compared with the history's heads",
                ", ".join(sorted(current)) or "base",
            )
        for _ in self._steps(heads):
            raise AssertionError("comparing has no steps")

    def _steps(self, heads: tuple[str, ...]) -> Sequence[Step]:
        assert self._migrations_fn is not None
        steps = self._migrations_fn(heads, self)
        return cast("Sequence[Step]", list(steps or ()))

    def _ensure_version_table(self, purge: bool = False) -> None:
        if self.as_sql:
            super()._ensure_version_table()
        else:
            self._materialise()

    def _materialise(self) -> Ledger:
        # Makes the ledger real: its file, Alembic's table, our tables.
        connection = self._ledger.open()
        if is_in_memory(connection.engine.url):
            raise ConfigurationError(
                "the ledger is an in-memory SQLite database, which would be gone "
                "before the graph is: give the URL of a file in sqlalchemy.url, or an "
                "engine on one as config.attributes['connection']"
            )
        if self._in_external_transaction:
            raise ConfigurationError(
                "config.attributes['connection'] is a Connection inside a transaction: "
                "a ledger that is rolled back would part from the graph. Pass its "
                "engine: config.attributes['connection'] = connection.engine"
            )
        self.connection = self.impl.connection = connection
        self.impl.ledger.connection = connection
        ledger = Ledger(connection, self.version_table)
        ledger.migrate()
        super()._ensure_version_table(purge=self.purge)
        self._commit()
        return ledger

    def _commit(self) -> None:
        assert self.connection is not None
        self.connection.commit()

    def _recorded(self) -> Recorded:
        # What the ledger says before anything is written, its tables included.
        if self._ledger.is_missing or self.connection is None:
            return Recorded()
        ledger = Ledger(self.connection, self.version_table)
        if not ledger.exists():
            return Recorded()
        return Recorded(
            ledger.identity,
            ledger.stamped_heads,
            ledger.applied(),
            self._journal.open_run(),
        )

    def _run(self, kw: dict[str, Any]) -> None:
        heads = () if self.purge else self.get_current_heads()
        steps = self._steps(heads)
        if self.purge or any(isinstance(step, StampStep) for step in steps):
            self._stamp(steps, heads, kw)
        elif steps or "destination_rev" in self.opts:
            # An upgrade with nothing to do still tells that it is the wrong graph.
            self._migrate(steps, heads, kw)

    def _migrate(
        self, steps: Sequence[Step], heads: tuple[str, ...], kw: dict[str, Any]
    ) -> None:
        planned = plan(steps, heads, self.history)
        recorded = self._recorded()
        check_open_run(recorded.open_run, planned)
        check_placeholders(planned)
        check_files(self.script, recorded.applied)
        stamp = read_stamp(self.graph)
        check_stamp(stamp, recorded, heads)
        if not planned:
            return
        check_capabilities(planned, self.graph.server)

        ledger = self._materialise()
        identity = recorded.identity or ledger.create_identity()
        # The graph is stamped when the run ends, since each schema change makes the
        # server plan that statement anew; until then this is what the stamp says.
        ledger.remember_stamp(heads)
        self._commit()
        if stamp is None or set(stamp.heads) != set(heads):
            write_stamp(self.graph, Stamp(identity, heads))
        maintainer = HeadMaintainer(self, heads)
        try:
            for run, items in self._parts(planned, recorded.open_run):
                for item in items:
                    last = item is items[-1]
                    self._take(item, maintainer, ledger, kw, run=run, last=last)
        except BaseException:
            # What went wrong matters more than a stamp that the next run writes.
            with suppress(Neo4jMigrationError, SQLAlchemyError):
                self._settle(ledger, identity)
            raise
        self._settle(ledger, identity)

    def _parts(
        self, planned: list[PlannedStep], open_run: OpenRun | None
    ) -> Iterator[tuple[str, list[PlannedStep]]]:
        # What is left of an open run first, then the rest as a run of its own.
        begun = len(open_run.steps) if open_run else 0
        if open_run:
            log.info(
                "Going on with the run of %s by %s",
                f"{open_run.begun_at:%Y-%m-%d %H:%M}",
                open_run.begun_by,
            )
            yield open_run.run, planned[:begun]
        rest = planned[begun:]
        if rest:
            run = self._journal.begin([item.run_step for item in rest])
            self._commit()
            yield run, rest

    @property
    def _journal(self) -> Journal:
        assert self.connection is not None
        return Journal(self.connection, self.version_table)

    def _settle(self, ledger: Ledger, identity: str) -> None:
        # From here on an older stamp is a restored graph's.
        assert self.connection is not None
        self.connection.rollback()
        heads = self.get_current_heads()
        write_stamp(self.graph, Stamp(identity, heads))
        open_run = self._journal.open_run()
        clear_markers(self.graph, kept=open_run.run if open_run else "")
        ledger.remember_stamp(heads)
        self.connection.commit()

    def _take(
        self,
        item: PlannedStep,
        maintainer: HeadMaintainer,
        ledger: Ledger,
        kw: dict[str, Any],
        *,
        run: str,
        last: bool,
    ) -> None:
        step, revision = item.step, item.script.revision
        log.info("Running %s", step)
        self._perform(item, run, kw)
        maintainer.update_to_step(step)
        if step.is_upgrade:
            ledger.record_applied(
                revision, schema_hash=item.schema_hash, file_hash=item.file_hash
            )
        else:
            ledger.record_removed(revision)
        self._journal.finish_step(run, last=last)
        self._called_back(step, maintainer, kw)
        self._commit()

    def _perform(self, item: PlannedStep, run: str, kw: dict[str, Any]) -> None:
        runner = self._runner
        assert isinstance(runner, GraphRunner)
        assert self.connection is not None
        runner.recorder = Recorder(self._journal, self.connection, run)
        runner.begin(item.script.revision, item.before)
        try:
            item.step.migration_fn(**kw)
            runner.flush()
        except BaseException as error:
            self._note_failure(error, item, touched=runner.touched)
            raise

    def _note_failure(
        self, error: BaseException, item: PlannedStep, *, touched: bool
    ) -> None:
        # Where nothing was written there is nothing to go on with, and the revision
        # may be changed.
        assert self.connection is not None
        if not touched:
            self.connection.rollback()
            self._journal.abandon()
            self.connection.commit()
        if isinstance(error, Neo4jMigrationError):
            # The class tells what went wrong, the message where.
            ongoing = (
                ". What the revision did before this stays; run the same command "
                "again and it goes on from here"
            )
            error.args = (f"{item.step}: {error}{ongoing if touched else ''}",)

    def _stamp(
        self, steps: Sequence[Step], heads: tuple[str, ...], kw: dict[str, Any]
    ) -> None:
        recorded = self._recorded()
        stamp = read_stamp(self.graph)
        if not self.purge:
            check_stamp_owner(stamp, recorded, heads)
        ledger = self._materialise()
        if self.purge:
            ledger.keep_only(())
        # With a new identity, the graph that this ledger was at before is not its own.
        known = None if self.purge else recorded.identity
        identity = known or ledger.create_identity()
        ledger.remember_stamp(stamp.heads if stamp else ())
        maintainer = HeadMaintainer(self, heads)
        for step in steps:
            log.info("Running %s", step)
            maintainer.update_to_step(step)
            self._called_back(step, maintainer, kw)
        self._record_stamped(ledger, maintainer)
        self._journal.abandon()
        self._commit()
        self._settle(ledger, identity)

    def _record_stamped(self, ledger: Ledger, maintainer: HeadMaintainer) -> None:
        stamped = list(self.history.walk(maintainer.heads))
        known = ledger.applied()
        for script, recording in stamped:
            if script.revision not in known:
                ledger.record_applied(
                    script.revision,
                    schema_hash=schema_digest(recording.after),
                    file_hash=file_digest(script),
                )
        ledger.keep_only({script.revision for script, _ in stamped})

    def _write_script(self, kw: dict[str, Any]) -> None:
        if self.purge:
            raise ConfigurationError("Can't use --purge with --sql mode")
        runner = self._runner
        assert isinstance(runner, ScriptRunner)
        heads = self.get_current_heads()
        steps = self._steps(heads)
        planned = iter(plan(steps, heads, self.history))
        maintainer = HeadMaintainer(self, heads)
        for step in steps:
            log.info("Running %s", step)
            runner.comment(f"Running {step.short_log}")
            if isinstance(step, RevisionStep):
                item = next(planned)
                runner.begin(item.script.revision, item.before)
                step.migration_fn(**kw)
                runner.flush()
            if not maintainer.heads:
                self._version.create(cast("Connection", self.connection))
            maintainer.update_to_step(step)
            self._called_back(step, maintainer, kw)
        if steps:
            runner.stamp(sorted(maintainer.heads))
            target = " ".join(sorted(maintainer.heads)) or "base"
            runner.comment(
                "The ledger does not know of this script. When it has run, tell it:\n"
                f"{_program(self.config)} stamp {target}"
            )

    def _called_back(
        self, step: Step, maintainer: HeadMaintainer, kw: dict[str, Any]
    ) -> None:
        for callback in self.on_version_apply_callbacks:
            callback(ctx=self, step=step.info, heads=set(maintainer.heads), run_args=kw)


def _program(config: Config | None) -> str:
    """Return how the program was called, up to its verb."""
    options = getattr(config, "cmd_opts", None)
    words = ["alembic"]
    for name in getattr(options, "config", None) or ():
        words += ["-c", name]
    if (section := getattr(options, "name", "alembic")) != "alembic":
        words += ["-n", section]
    return shlex.join(words)
