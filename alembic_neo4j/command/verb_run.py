"""A verb's own run through the journal: recorded, locked, resumed by the same verb."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.checks.runs import of_another_release
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.errors import LedgerError, Neo4jMigrationError
from alembic_neo4j.graph.limits import Interrupted
from alembic_neo4j.graph.marker import clear_markers
from alembic_neo4j.graph.stamp import note_run, read_stamp, write_stamp
from alembic_neo4j.identity import identity
from alembic_neo4j.ledger.journal import OpenRun, Recorder, RunStep, new_run_id
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.audit import (
    ABANDONED,
    RESUMED,
    AuditedAction,
    Successor,
    begin_action,
)
from alembic_neo4j.migration.batch_states import end_run
from alembic_neo4j.migration.plan import check_stamp, unfinished
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session, locked
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.sentences import unended

Result = TypeVar("Result")

log = logging.getLogger(__name__)

_LONGEST = 64
"""How long the name in the ledger of what a unit belongs to may be."""


def run_recorded(
    session: Session,
    step: RunStep,
    act: Callable[[GraphRunner], Result],
    *,
    repeatable: bool = False,
    supersedes: Callable[[RunStep], bool] = lambda _step: False,
) -> Result:
    """Do what a verb does to the graph, exactly once, and return what `act` returns.

    `act` gets a runner whose units the journal knows. Where a killed command has begun
    the same `step`, that run goes on; while another one is open, LedgerError is raised
    and nothing runs, as where graph and ledger do not belong together. LockError is
    raised when another command does not end in time. What `act` raises leaves the run
    open where something may have been written, and ends it where nothing was.

    What is `repeatable` may be begun again from its start: it is where the run that was
    killed was about the same and would do something else now, and an error ends it. A
    run that is open for another step is ended by this one where it `supersedes` that.
    """
    with locked(session):
        recorded, stamp = session.recorded(), read_stamp(session.graph)
        check_stamp(stamp, recorded, heads := session.heads())
        open_run = recorded.open_run
        if open_run is not None and not supersedes(open_run.steps[0]):
            _check_own(open_run, step, heads, repeatable=repeatable)
        ledger = session.materialise()
        goes_on = open_run is not None and open_run.steps == (step,)
        run = open_run.run if open_run is not None and goes_on else new_run_id()
        action = begin_action(
            session,
            step.action,
            [step.subject],
            run=run,
            stamp=stamp,
            successor=_successor(open_run, goes_on=goes_on),
        )
        stamp = _stamped(session, ledger, stamp, action)
        recorder = _recorder(session, step, open_run, run)
        _note_run(session, ledger, stamp, recorder.run, action)
        runner = session.runner(recorder)
        runner.begin(step.subject, Schema())
        try:
            with session.limits.interrupts.deferred():
                result = act(runner)
                runner.flush()
                recorder.journal.finish_step(recorder.run, last=True)
                ledger.remember_data_runs(recorder.run)
                action.succeed()
                session.commit()
        except BaseException as error:
            touched = runner.touched
            ends = repeatable and isinstance(error, Neo4jMigrationError)
            _note_failure(session, step, error, stays=touched and not ends)
            with suppress(CommandError, SQLAlchemyError):
                session.connection.rollback()
                action.fail(error, wrote=touched)
                session.commit()
            raise
        # Garbage only: a run that is killed here has ended all the same.
        clear_markers(session.graph)
        return result


def verb_step(verb: str, subject: str, *does: Any) -> RunStep:
    """Return a verb's step, about a subject; `does` is all that it depends on."""
    if len(subject) > _LONGEST:
        whole = hashlib.sha256(subject.encode()).hexdigest()
        subject = f"…{whole[:8]}…{subject[-(_LONGEST - 10) :]}"
    return RunStep(verb, subject, identity(*does))


def _check_own(
    open_run: OpenRun, step: RunStep, heads: Sequence[str], *, repeatable: bool
) -> None:
    """Raise LedgerError where the run that is open is not this verb's."""
    is_about_it = open_run.steps[0].is_about(step)
    is_it = open_run.is_known_again and open_run.steps == (step,)
    if is_it or (is_about_it and repeatable):
        return
    if not open_run.is_known_again:
        raise LedgerError(of_another_release(open_run, heads))
    why = "what it would do now is something else" if is_about_it else ""
    raise LedgerError(unfinished(open_run, why))


def _successor(open_run: OpenRun | None, *, goes_on: bool) -> Successor | None:
    if open_run is None:
        return None
    return Successor(open_run.run, RESUMED if goes_on else ABANDONED)


def _stamped(
    session: Session, ledger: Ledger, stamp: Stamp | None, action: AuditedAction
) -> Stamp:
    """Return the graph's stamp, which it gets now where it has none.

    The ledger has its identity, and tells of the action, before the graph knows that it
    belongs to it.
    """
    identity = ledger.ensure_identity()
    session.commit()
    if stamp is None:
        stamp = Stamp(identity, session.heads(), audit=action.anchor)
        write_stamp(session.graph, stamp)
        ledger.remember_stamp(stamp.heads)
        session.commit()
    return stamp


def _recorder(
    session: Session, step: RunStep, open_run: OpenRun | None, run: str
) -> Recorder:
    if open_run is not None and open_run.steps != (step,):
        (begun,) = open_run.steps
        if begun.is_about(step):
            log.info("%s is not what it was when it was begun: it begins again", step)
        end_run(session)
        open_run = None
    if open_run is None:
        session.journal.begin([step], run)
        session.commit()
        return session.recorder(run)
    log.info(
        "Going on with %s of %s by %s",
        step,
        f"{open_run.begun_at:%Y-%m-%d %H:%M}",
        open_run.begun_by,
    )
    return session.recorder(open_run.run, resumed=True)


def _note_run(
    session: Session, ledger: Ledger, stamp: Stamp, run: str, action: AuditedAction
) -> None:
    """Tell the graph which run changes its data, after the ledger knows that it will.

    From then on an older copy of the graph is told from it.
    """
    if stamp.run == run:
        return
    ledger.remember_data_runs(stamp.run, run)
    session.commit()
    note_run(session.graph, run, action.anchor)
    ledger.remember_audit_anchor(action.anchor)


def _note_failure(
    session: Session,
    step: RunStep,
    error: BaseException,
    *,
    stays: bool,
) -> None:
    if not stays:
        # There is nothing to go on with.
        with suppress(Neo4jMigrationError, SQLAlchemyError):
            session.connection.rollback()
            end_run(session)
            session.commit()
    again = "run the same command again and it goes on from here"
    if isinstance(error, Interrupted):
        found = f"stopped; {again}" if stays else "stopped; it had written nothing"
        log.warning("%s: %s", step, found)
    elif isinstance(error, Neo4jMigrationError) and stays:
        error.args = (f"{unended(error)}. What was done before this stays; {again}",)
