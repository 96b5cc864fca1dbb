"""Carrying a command out on graph and ledger: checked first, then step by step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from alembic.runtime.migration import HeadMaintainer, RevisionStep, StampStep
from packaging.version import Version
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.checks.runs import way_back
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.errors import (
    ConfigurationError,
    ConnectionFailed,
    LedgerError,
    LockError,
    Neo4jMigrationError,
    RevisionError,
)
from alembic_neo4j.graph.limits import Interrupted
from alembic_neo4j.graph.lock import read_owner
from alembic_neo4j.graph.marker import clear_markers
from alembic_neo4j.graph.stamp import read_stamp, write_stamp
from alembic_neo4j.ledger.journal import OpenRun, Recorder, new_run_id
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.audit import (
    ABANDONED,
    RESUMED,
    AuditedAction,
    Successor,
    begin_action,
    close_untold,
    told_when_it_fails,
)
from alembic_neo4j.migration.backup import back_up_before
from alembic_neo4j.migration.batch_states import accept_data, end_run
from alembic_neo4j.migration.declarations import migration_type, version_range
from alembic_neo4j.migration.file_units import check_unchanged, previewed
from alembic_neo4j.migration.order import contradictions
from alembic_neo4j.migration.plan import (
    LedgerState,
    PlannedStep,
    check_capabilities,
    check_files,
    check_open_run,
    check_placeholders,
    check_stamp,
    check_stamp_owner,
    is_relative,
    plan,
    shown_heads,
)
from alembic_neo4j.migration.planned_names import check_plan
from alembic_neo4j.migration.revision_code import (
    RevisionContext,
    call,
    is_applicable,
)
from alembic_neo4j.migration.revision_files import code_digest, file_digest
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session, locked
from alembic_neo4j.migration_types import MigrationResult
from alembic_neo4j.schema.digest import schema_digest
from alembic_neo4j.sentences import unended

Step: TypeAlias = "RevisionStep | StampStep"

log = logging.getLogger(__name__)
alembic_log = logging.getLogger("alembic.runtime.migration")
"""Steps are reported where Alembic reports them."""


@dataclass(frozen=True)
class Command:
    """What Alembic was asked for.

    `steps_from` returns the steps from some heads on, `called_back` calls the hooks of
    env.py for one that was taken. `arguments` are those of the revisions' functions.
    """

    steps_from: Callable[[tuple[str, ...]], Sequence[Step]]
    called_back: Callable[[Step, HeadMaintainer], None]
    target: str
    purges: bool
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Position:
    """What ledger and graph say of where they are, before a run."""

    heads: tuple[str, ...]
    recorded: LedgerState
    stamp: Stamp | None


@dataclass(frozen=True)
class CheckedPlan:
    """A plan that fits what was found."""

    planned: list[PlannedStep]
    found: Position

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do, and nothing that a killed run has left."""
        # The stamp is remembered last of all that ends a run.
        recorded = self.found.recorded
        stamped = recorded.stamped
        left = stamped is not None and set(stamped) != set(self.found.heads)
        return not self.planned and not (recorded.identity and left)


@dataclass(frozen=True)
class Outcome:
    """What became of a step: passed over, or done, with what it said of itself."""

    result: MigrationResult | None = None
    skipped: bool = False
    seconds: float = 0.0


class Deployment:
    """One upgrade, downgrade or stamp; `runner` is what the revisions' calls come to.

    All that can be known beforehand is checked before the first write. What is begun
    is in the ledger before it is in the graph, so that a killed run is gone on with.
    """

    def __init__(self, session: Session, runner: GraphRunner, command: Command) -> None:
        self._session, self._runner, self._command = session, runner, command
        self._audited: AuditedAction | None = None
        self._wrote = False

    def migrate(self, steps: Sequence[Step], heads: tuple[str, ...]) -> None:
        """Take the steps from these heads on, after those of a run that is open.

        With nothing to do no lock is taken. Raises what is wrong with the plan, the
        ledger or the stamp before anything is written; LockError when another command
        does not end in time; after that what a step raises, the steps before it being
        recorded. A signal ends it between two transactions.
        """
        judged = self._judged(steps, heads)
        if judged is not None and judged.is_done:
            return
        with locked(self._session):
            # Whoever had the lock may have done it all.
            now = self._session.heads()
            if now != heads:
                self._refuse_relative(heads, now)
                steps, judged = self._command.steps_from(now), None
            if judged is None or judged.found != self._found(now):
                judged = self._judge(steps, now)
            if judged.planned:
                if judged.found.recorded.open_run is None:
                    _preflight(self._session, judged.planned)
                    back_up_before(self._session, judged.planned)
                self._run(judged)
                return
            if now != heads:
                log.info("Another command has left nothing to do")
            if not judged.is_done:
                ledger = self._session.materialise()
                close_untold(self._session)
                self._settle(ledger)

    def _judged(
        self, steps: Sequence[Step], heads: tuple[str, ...]
    ) -> CheckedPlan | None:
        # Read while another command writes, ledger and graph may seem not to fit: that
        # is judged again when it has ended.
        try:
            return self._judge(steps, heads)
        except LedgerError:
            if read_owner(self._session.graph) is not None:
                return None
        now = self._session.heads()
        return self._judge(
            steps if now == heads else self._command.steps_from(now), now
        )

    def _judge(self, steps: Sequence[Step], heads: tuple[str, ...]) -> CheckedPlan:
        recorded = self._session.recorded()
        passed_over = self._session.passed_over(recorded)
        planned = plan(steps, heads, self._session.history, passed_over)
        found = Position(heads, recorded, read_stamp(self._session.graph))
        check_open_run(found.recorded.open_run, planned, heads)
        check_placeholders(planned)
        begun = found.recorded.open_run
        check_plan(
            planned,
            self._session.history,
            heads,
            self._session.graph,
            begun=len(begun.steps) if begun else 0,
        )
        check_files(self._session.script, found.recorded.applied)
        check_stamp(found.stamp, found.recorded, heads)
        self._check_files_to_give_back(planned, begun)
        if planned:
            check_capabilities(planned, self._session.graph.server)
        return CheckedPlan(planned, found)

    def _check_files_to_give_back(
        self, planned: Sequence[PlannedStep], begun: OpenRun | None
    ) -> None:
        if any(item.step.is_downgrade for item in planned):
            files = (self._session.journal.files, self._session.files)
            check_unchanged(planned, *files, resumed=begun is not None)

    def _found(self, heads: tuple[str, ...]) -> Position:
        stamp = read_stamp(self._session.graph)
        return Position(heads, self._session.recorded(), stamp)

    def _refuse_relative(self, heads: Sequence[str], now: Sequence[str]) -> None:
        if self._is_relative():
            raise LockError(
                f"while this command waited for the lock, the graph went from "
                f"{shown_heads(heads)} to {shown_heads(now)}, so that "
                f"{self._command.target!r} is another revision than "
                "when it began; nothing has run here. Run it again if it still is what "
                "you want"
            )

    def _run(self, judged: CheckedPlan) -> None:
        tell_beforehand(judged.planned, self._session.options.app_version)
        heads, recorded = judged.found.heads, judged.found.recorded
        ledger = self._session.materialise()
        identity = ledger.ensure_identity()
        stamp, open_run = judged.found.stamp, recorded.open_run
        begun = judged.planned[: len(open_run.steps)] if open_run else []
        run = open_run.run if open_run else new_run_id()
        successor = Successor(run, RESUMED) if open_run else None
        action = self._begin(begun or judged.planned, run, stamp, successor)
        self._session.commit()
        if stamp is None or set(stamp.heads) != set(heads):
            stamped = Stamp(identity, heads, audit=action.anchor)
            write_stamp(self._session.graph, stamped)
        # The graph is stamped when the run ends, since each schema change makes the
        # server plan that statement anew; until then this is what the stamp says.
        ledger.remember_stamp(heads)
        self._session.commit()
        maintainer = self._session.maintainer(heads)
        try:
            with self._session.limits.interrupts.deferred():
                for recorder, items in self._parts(judged.planned, open_run, run):
                    self._take(items, recorder, maintainer, ledger)
        except BaseException as error:
            # What went wrong matters more than a stamp that the next run writes.
            with suppress(Neo4jMigrationError, SQLAlchemyError):
                self._settle(ledger, error)
            raise
        self._settle(ledger)

    def _take(
        self,
        items: Sequence[PlannedStep],
        recorder: Recorder,
        maintainer: HeadMaintainer,
        ledger: Ledger,
    ) -> None:
        for item in items:
            began = time.monotonic()
            outcome = self._perform(item, recorder)
            outcome = replace(outcome, seconds=time.monotonic() - began)
            self._record(item, maintainer, ledger, outcome)
            kept = recorder.run if item.step.is_upgrade else ""
            recorder.journal.files.end(item.script.revision, kept)
            recorder.journal.finish_step(recorder.run, last=item is items[-1])
            self._session.commit()
            self._wrote = True

    def _begin(
        self,
        items: Sequence[PlannedStep],
        run: str,
        stamp: Stamp | None = None,
        successor: Successor | None = None,
    ) -> AuditedAction:
        """Tell the audit trail of a run that is going to begin, or to go on."""
        self._wrote = False
        self._audited = begin_action(
            self._session,
            items[0].run_step.action,
            [item.script.revision for item in items],
            run=run,
            stamp=stamp,
            successor=successor,
        )
        return self._audited

    def _parts(
        self, planned: list[PlannedStep], open_run: OpenRun | None, run: str
    ) -> Iterator[tuple[Recorder, list[PlannedStep]]]:
        # What is left of an open run first, then the rest as a run of its own.
        begun = len(open_run.steps) if open_run else 0
        if open_run:
            log.info(
                "Going on with the run of %s by %s",
                f"{open_run.begun_at:%Y-%m-%d %H:%M}",
                open_run.begun_by,
            )
            yield self._session.recorder(open_run.run, resumed=True), planned[:begun]
            self._told(None)
        # A relative target counts from where the open run began.
        rest = [] if open_run and self._is_relative() else planned[begun:]
        if rest:
            if open_run:
                _preflight(self._session, rest)
                run = new_run_id()
                self._begin(rest, run)
            yield self._session.recorder(self._begun(rest, run)), rest

    def _begun(self, planned: list[PlannedStep], run: str) -> str:
        self._session.journal.begin([item.run_step for item in planned], run)
        self._session.commit()
        return run

    def _is_relative(self) -> bool:
        return is_relative(self._command.target)

    def _settle(self, ledger: Ledger, error: BaseException | None = None) -> None:
        # What the stamp names of the audit trail has to be there by then.
        anchor = self._told(error)
        # From here on an older stamp is a restored graph's.
        heads = self._session.heads()
        stamp = Stamp(ledger.ensure_identity(), heads, audit=anchor)
        write_stamp(self._session.graph, stamp)
        open_run = self._session.journal.open_run()
        clear_markers(self._session.graph, kept=open_run.run if open_run else "")
        ledger.remember_stamp(heads)
        ledger.remember_audit_anchor(anchor)
        self._session.commit()

    def _told(self, error: BaseException | None) -> tuple[int, str] | None:
        """Tell the audit trail how it ended, and return the latest event of it."""
        if self._audited is None:
            self._session.commit()
            end = self._session.audit.end
            return end.pair if end else None
        self._session.connection.rollback()
        action, self._audited = self._audited, None
        if error is None:
            anchor = action.succeed()
        else:
            anchor = action.fail(error, wrote=self._wrote)
        self._session.commit()
        return anchor

    def _perform(self, item: PlannedStep, recorder: Recorder) -> Outcome:
        runner = self._runner
        alembic_log.info("Running %s", item.step)
        runner.recorder, runner.action = recorder, item.direction
        checks = item.step.is_upgrade and self._session.options.checks_rules
        runner.reports_rules = not checks
        begun = (item.script.revision, item.before, item.script.path)
        runner.begin(*begun, item.recording)
        try:
            if why := item.passed_over or self._inapplicable(item):
                log.info("%s is passed over: %s", item.script.revision, why)
                return Outcome(MigrationResult(True, f"passed over: {why}"), True)
            result = call(
                item.script, item.direction, runner.thread, self._command.arguments
            )
            if result is not None and not result.success:
                raise RevisionError(_failed(item, result))
            runner.flush()
            if not item.step.is_upgrade:
                runner.give_files_back()
        except BaseException as error:
            if isinstance(error, SQLAlchemyError):
                self._session.connection.rollback()
            runner.put_files_back()
            touched = runner.touched
            self._wrote = self._wrote or touched
            self._note_failure(error, item, touched=touched)
            raise
        for warning in result.warnings if result is not None else ():
            log.warning("%s: %s", item.script.revision, warning)
        return Outcome(result)

    def _inapplicable(self, item: PlannedStep) -> str:
        # Of one that was begun, what it has done would be an answer to its question.
        if not item.asks:
            return ""
        session = self._session
        context = RevisionContext(
            *(item.script.revision, session.paths.root, session.graph.read)
        )
        is_one = is_applicable(item.script, context)
        if self._runner.has_acted:
            raise RevisionError(
                "check_applicable() changed something, or was about to: it may only "
                "look. What it did to files is put back"
            )
        return "" if is_one else "check_applicable() says that it is not applicable"

    def _record(
        self,
        item: PlannedStep,
        maintainer: HeadMaintainer,
        ledger: Ledger,
        outcome: Outcome,
    ) -> None:
        step, revision = item.step, item.script.revision
        maintainer.update_to_step(step)
        if step.is_upgrade:
            ledger.record_applied(
                revision,
                schema_hash=item.schema_hash,
                file_hash=item.file_hash,
                code_hash=item.code_hash,
                migration_type=migration_type(item.script),
                seconds=outcome.seconds,
                skipped=outcome.skipped,
                result=outcome.result,
            )
        else:
            ledger.record_removed(revision)
        self._command.called_back(step, maintainer)

    def _note_failure(
        self, error: BaseException, item: PlannedStep, *, touched: bool
    ) -> None:
        # Where nothing was written there is nothing to go on with, and the revision
        # may be changed.
        if not touched:
            self._session.connection.rollback()
            self._session.journal.abandon()
            self._session.commit()
        if isinstance(error, Interrupted):
            again = "Run the same command again and it goes on from here"
            ahead = again if touched else "It had written nothing yet"
            log.warning("Stopped in %s. %s", item.step, ahead)
        if isinstance(error, Neo4jMigrationError):
            # The class tells what went wrong, the message where.
            ongoing = (
                ". What the revision did before this stays; run the same command "
                f"again and it goes on from here{self._instead(error, item)}"
            )
            told = unended(error) + ongoing if touched else str(error)
            error.args = (f"{item.step}: {told}",)

    def _instead(self, error: Neo4jMigrationError, item: PlannedStep) -> str:
        # Of a lock, a server or a ledger that was lost the revision is not the cause.
        lost = (ConfigurationError, ConnectionFailed, LockError)
        if item.step.is_upgrade and not isinstance(error, lost):
            with suppress(Neo4jMigrationError, SQLAlchemyError):
                back = way_back(self._session.heads())
                return f". To write it anew, first take back what has run: `{back}`"
        return ""

    def stamp(self, steps: Sequence[Step], heads: tuple[str, ...]) -> None:
        """Say where the graph is, in the ledger and in its stamp; end an open run.

        Raises LedgerError where another ledger wrote the graph's stamp, and LockError
        where another command does not end in time.
        """
        with locked(self._session):
            now = () if self._command.purges else self._session.heads()
            if now != heads:
                heads, steps = now, self._command.steps_from(now)
            self._stamp(steps, heads)

    def _stamp(self, steps: Sequence[Step], heads: tuple[str, ...]) -> None:
        recorded = self._session.recorded()
        stamp = read_stamp(self._session.graph)
        if not self._command.purges:
            check_stamp_owner(stamp, recorded, heads)
        ledger = self._session.materialise()
        open_run = recorded.open_run
        self._audited = begin_action(
            self._session,
            "stamp",
            [self._command.target],
            stamp=stamp,
            successor=Successor(open_run.run, ABANDONED) if open_run else None,
        )
        self._session.commit()
        with told_when_it_fails(self._session, self._audited):
            self._write_stamp(ledger, stamp, steps, heads)
        self._settle(ledger)

    def _write_stamp(
        self,
        ledger: Ledger,
        stamp: Stamp | None,
        steps: Sequence[Step],
        heads: tuple[str, ...],
    ) -> None:
        if self._command.purges:
            ledger.keep_only(())
            # With a new identity, the graph that it was at before is not its own.
            ledger.create_identity()
        ledger.ensure_identity()
        ledger.remember_stamp(stamp.heads if stamp else ())
        maintainer = self._session.maintainer(heads)
        for step in steps:
            alembic_log.info("Running %s", step)
            maintainer.update_to_step(step)
            self._command.called_back(step, maintainer)
        self._record_stamped(ledger, maintainer)
        end_run(self._session)
        if self._command.purges:
            accept_data(self._session, ledger)
        self._session.commit()

    def _record_stamped(self, ledger: Ledger, maintainer: HeadMaintainer) -> None:
        stamped = list(self._session.history.walk(maintainer.heads))
        known = ledger.applied()
        for script, recording in stamped:
            if script.revision not in known:
                ledger.record_applied(
                    script.revision,
                    schema_hash=schema_digest(recording.after),
                    file_hash=file_digest(script),
                    code_hash=code_digest(script),
                    migration_type=migration_type(script),
                )
        applied = {script.revision for script, _ in stamped}
        ledger.keep_only(applied)
        self._session.journal.files.keep_only(applied)


def tell_beforehand(planned: Sequence[PlannedStep], version: Version | None) -> None:
    """Log where priorities contradict the history, and which ranges are not asked."""
    for line in contradictions([item.step for item in planned]):
        log.warning("%s", line)
    asked = [
        item.script.revision
        for item in planned
        if item.step.is_upgrade and version_range(item.script)
    ]
    if asked and version is None:
        log.info(
            "neo4j.app_version is not set: the ranges of versions of %s are not asked, "
            "and they run",
            ", ".join(asked),
        )


def _failed(item: PlannedStep, result: MigrationResult) -> str:
    reasons = "; ".join(filter(None, (result.message, *result.warnings)))
    return (
        f"{item.direction}() says that it failed: {reasons or 'it does not say why'}. "
        "Mend the cause and run the same command again"
    )


def _preflight(session: Session, planned: Sequence[PlannedStep]) -> None:
    # Imported when there is something to do, which most deployments have not.
    from alembic_neo4j.migration.preflight import preflight

    files = (session.journal.files, session.files)
    preview = previewed(planned, session.history, *files)
    preview.check()
    for line in preview.conditional:
        log.warning("%s", line)
    planned = preview.steps
    preflight(session.graph, planned, rules=session.options.checks_rules)
