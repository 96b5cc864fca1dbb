"""Alembic's migration context, with the step loop and the impl that a graph needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeAlias, cast

from alembic.ddl.impl import DefaultImpl
from alembic.runtime.migration import (
    HeadMaintainer,
    MigrationContext,
    RevisionStep,
    StampStep,
)
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, CursorResult, Executable

from alembic_neo4j.cypher.quoting import commented
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.ledger.journal import OpenRun
from alembic_neo4j.ledger.store import quiet_alembic
from alembic_neo4j.migration.deployment import (
    Command,
    Deployment,
    alembic_log,
    tell_beforehand,
)
from alembic_neo4j.migration.operations import GraphOperation, Runner, RunnerBind
from alembic_neo4j.migration.order import by_priority
from alembic_neo4j.migration.plan import PassedOver, PlannedStep, plan, takes_back
from alembic_neo4j.migration.planned_names import check_plan
from alembic_neo4j.migration.revision_code import call, needed_functions, whole_history
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.script import (
    ScriptRunner,
    program_call,
    refuse_asking,
    refuse_ranged,
)
from alembic_neo4j.migration.session import Session
from alembic_neo4j.migration.way_back import take_back

# The impl that sends operations to the graph and version rows to the ledger -----------


class Neo4jImpl(DefaultImpl):
    """Runs our operations and raw Cypher on the graph.

    SQLAlchemy constructs, Alembic's version rows among them, go to `ledger`, the impl
    that Alembic chose for the ledger's database.
    """

    __dialect__ = "neo4j"
    transactional_ddl = False

    def __init__(self, ledger: DefaultImpl, runner: Runner) -> None:
        self.ledger = ledger
        self.runner = runner
        self.dialect = ledger.dialect
        self.as_sql = ledger.as_sql
        self.literal_binds = ledger.literal_binds
        self.output_buffer = ledger.output_buffer
        self.memo: dict[Any, Any] = {}
        if self.as_sql and ledger.output_buffer is not None:
            ledger.output_buffer = cast("TextIO", _Comments(ledger.output_buffer))

    @property
    def connection(self) -> Connection | None:  # type: ignore[override]
        """The connection to the ledger that is in use."""
        return self.ledger.connection

    @property
    def bind(self) -> RunnerBind:  # type: ignore[override]
        """The graph, with ``run``."""
        return RunnerBind(self.runner)

    def run(self, operation: GraphOperation) -> Any:
        """Run one of our operations and return its rows, if it has any."""
        return self.runner.invoke(operation)

    def execute(
        self, sql: Executable | str, execution_options: dict[str, Any] | None = None
    ) -> None:
        """Run what `op.execute` was given: Cypher text, or SQL for the ledger."""
        if isinstance(sql, str):
            self.runner.execute(sql)
            return
        self.runner.on_ledger(
            str(sql), lambda: self._discard(self._exec(sql, execution_options))
        )

    def _discard(self, result: CursorResult[Any] | None) -> None:
        if result is not None:
            result.close()

    def _exec(
        self,
        construct: Executable | str,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> CursorResult[Any] | None:
        if isinstance(construct, str):
            self.runner.execute(construct)
            return None
        return self.ledger._exec(
            construct, execution_options, multiparams, params or {}
        )

    def static_output(self, text: str) -> None:
        """Write a remark of Alembic's to the script: its ``--`` is no Cypher."""
        super().static_output(commented(text.removeprefix("--").strip()))

    def start_migrations(self) -> None:
        """Do nothing: a run of ours begins with its plan."""

    def emit_begin(self) -> None:
        """Do nothing: each statement of a script is its own transaction."""

    def emit_commit(self) -> None:
        """Do nothing: each statement of a script is its own transaction."""


class _Comments:
    """Writes the ledger's SQL into a script of Cypher as comments."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> None:
        lines = (line for line in text.splitlines() if line.strip())
        self._output.writelines(f"// ledger: {line}\n" for line in lines)

    def flush(self) -> None:
        self._output.write("\n")
        self._output.flush()


# Alembic's migration context, with the step loop that a graph needs -------------------


Step: TypeAlias = "RevisionStep | StampStep"

log = logging.getLogger(__name__)


class Neo4jMigrationContext(MigrationContext):
    """What ``op.get_context()`` is: Alembic's context over a graph and its ledger.

    It takes the place of `stock`, which Alembic configured for the ledger's database.
    """

    impl: Neo4jImpl
    script: ScriptDirectory
    replaying = False
    """Whether the revision that asks is replayed in memory (see replay)."""

    def __init__(self, stock: MigrationContext, session: Session) -> None:
        self._stock, self.session = stock, session
        with quiet_alembic():
            super().__init__(
                stock.dialect, stock.connection, stock.opts, stock.environment_context
            )
        self.runner: GraphRunner | ScriptRunner = session.runner()
        if self.as_sql:
            tag = session.options.batch_property
            self.runner = ScriptRunner(
                self.output_buffer, session.files, batch_property=tag
            )
        self.impl = Neo4jImpl(stock.impl, self.runner)
        alembic_log.info("Context impl %s.", type(self.impl).__name__)

    @property
    def connection(self) -> Connection | None:
        """The connection to the ledger that is in use."""
        return self._stock.connection

    @connection.setter
    def connection(self, opened: Connection | None) -> None:
        self._stock.connection = opened

    @property
    def project_root(self) -> Path:
        """The directory that paths of operations on files are below."""
        return self.session.paths.root

    @property
    def hooks_paths(self) -> tuple[Path, ...]:
        """The files that hooks are configured in, from that directory on."""
        return self.session.paths.hooks

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
        return super().get_current_heads() if self.as_sql else self.session.heads()

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
        elif isinstance(self.runner, ScriptRunner):
            self._write_script(self.runner, kw)
        else:
            self._run(self.runner, kw)

    def _compare(self) -> None:
        heads = tuple(self.script.get_heads())
        self.session.check()
        if (failure := self.session.database.failure) is not None:
            log.info("Models are compared without the ledger: %s", failure)
        elif set(current := self.get_current_heads()) != set(heads):
            log.info(
                "The ledger is at %s; models are compared with the history's heads",
                ", ".join(sorted(current)) or "base",
            )
        for _ in self.steps_from(heads):
            raise AssertionError("comparing has no steps")

    def steps_from(self, heads: tuple[str, ...]) -> Sequence[Step]:
        """Return the steps that the command asks for, from these heads on.

        They are in the order in which they run (see by_priority).

        Raises LedgerError where the files are no history: two have the same revision,
        or one follows a revision that is not there.
        """
        asked = self._migrations_fn
        with whole_history(), needed_functions():
            steps = asked(heads, self) if asked else ()
            found = cast("Sequence[Step]", list(steps or ()))
            return by_priority(found, self._open_run)

    def _open_run(self) -> OpenRun | None:
        return None if self.as_sql else self.session.recorded().open_run

    def _ensure_version_table(self, purge: bool = False) -> None:
        if self.as_sql:
            super()._ensure_version_table(purge)
        else:
            self.session.materialise()

    def _run(self, runner: GraphRunner, kw: dict[str, Any]) -> None:
        # What --purge would empty is looked at, too: it may be another project's.
        self.session.check()
        heads = () if self.purge else self.get_current_heads()
        steps = self.steps_from(heads)
        command = Command(
            self.steps_from,
            partial(self._called_back, kw=kw),
            str(self.opts.get("destination_rev")),
            self.purge,
            kw,
        )
        deployment = Deployment(self.session, runner, command)
        if self.purge or any(isinstance(step, StampStep) for step in steps):
            deployment.stamp(steps, heads)
        elif not steps and takes_back(self.session.recorded, self._migrations_fn):
            take_back(self.session, heads)
        elif steps or "destination_rev" in self.opts:
            # An upgrade with nothing to do still tells that it is the wrong graph.
            deployment.migrate(steps, heads)

    def _write_script(self, runner: ScriptRunner, kw: dict[str, Any]) -> None:
        if self.purge:
            raise ConfigurationError("Can't use --purge with --sql mode")
        heads = self.get_current_heads()
        steps = self.steps_from(heads)
        history = self.session.history
        version = self.session.options.app_version
        planned = plan(steps, heads, history, PassedOver(version))
        check_plan(planned, history, heads)
        tell_beforehand(planned, version)
        items = iter(planned)
        maintainer = HeadMaintainer(self, heads)
        for step in steps:
            alembic_log.info("Running %s", step)
            runner.comment(f"Running {step.short_log}")
            if isinstance(step, RevisionStep):
                item = next(items)
                self._write_step(runner, item, kw)
            if not maintainer.heads:
                self._version.create(cast("Connection", self.connection))
            maintainer.update_to_step(step)
            self._called_back(step, maintainer, kw)
        if steps:
            runner.stamp(sorted(maintainer.heads))
            target = " ".join(sorted(maintainer.heads)) or "base"
            runner.comment(
                "The ledger does not know of this script. When it has run, tell it:\n"
                f"{program_call(self.config)} stamp {target}"
            )

    def _write_step(
        self, runner: ScriptRunner, item: PlannedStep, kw: dict[str, Any]
    ) -> None:
        if item.passed_over:
            runner.comment(f"passed over: {item.passed_over}")
            return
        refuse_asking(item.script)
        if item.step.is_downgrade and self.session.options.app_version is not None:
            refuse_ranged(item.script)
        begun = (item.script.revision, item.before, item.script.path)
        runner.begin(*begun, item.recording)
        call(item.script, item.direction, runner.thread, kw)
        runner.end(item.recording)

    def _called_back(
        self, step: Step, maintainer: HeadMaintainer, kw: dict[str, Any]
    ) -> None:
        """Call the ``on_version_apply`` hooks of env.py for a step that was taken."""
        for callback in self.on_version_apply_callbacks:
            callback(ctx=self, step=step.info, heads=set(maintainer.heads), run_args=kw)
