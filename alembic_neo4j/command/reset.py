"""Forgetting what was done to a graph, for development; its data and schema stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.ledger_backup import usual_directory
from alembic_neo4j.command.verb_run import verb_step
from alembic_neo4j.configuration.project import PRODUCTION
from alembic_neo4j.database import sqlite_path
from alembic_neo4j.entities.backup import create_backup, list_backups, verify_backup
from alembic_neo4j.errors import ConfigurationError, LockError
from alembic_neo4j.graph.before_images import (
    count_images,
    drop_unused_index,
    remove_images,
)
from alembic_neo4j.graph.stamp import read_stamp, remove_stamp
from alembic_neo4j.ledger.journal import OpenRun, Unit, new_run_id
from alembic_neo4j.migration.audit import (
    ABANDONED,
    RESUMED,
    Successor,
    begin_action,
    told_when_it_fails,
)
from alembic_neo4j.migration.batch_states import end_run
from alembic_neo4j.migration.plan import check_stamp_owner
from alembic_neo4j.migration.session import Session, locked

RESET = "reset"
"""What the journal and the audit trail call it."""

_STEP = verb_step(RESET, "", RESET)


@dataclass(frozen=True)
class Memory:
    """What a ledger and its graph remember, which a reset forgets.

    `files` are those that a downgrade would give back, `images` how many there are of
    what loads have changed, `unfinished` is the run that has not ended. The graph is
    `stamped` where it has this ledger's stamp.
    """

    heads: tuple[str, ...]
    applied: tuple[str, ...]
    runs: int
    batches: tuple[str, ...]
    files: tuple[str, ...]
    unfinished: str | None
    images: int
    stamped: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to forget."""
        return not any(vars(self).values())


@dataclass(frozen=True)
class Look:
    """What there is to forget, and the ledger's file, None where it is none."""

    memory: Memory
    file: Path | None


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten, and where the ledger is kept as it was.

    `backup` is None where there was no ledger, and for one that is no file.
    """

    memory: Memory
    backup: Path | None


def look(config: Config) -> Look:
    """Return what a reset would forget; nothing is written.

    Raises ConfigurationError in production, and LedgerError where the graph is another
    ledger's.
    """
    return in_session(config, _look)


def reset(config: Config, agreed: Memory | None = None) -> Forgotten:
    """Forget what was done to the graph, whose data and schema stay as they are.

    A ledger in a file is backed up before. It is the only thing that is remembered
    until all is forgotten: a reset that was killed is an open run, which the next one
    ends and every other command refuses. `agreed` is what somebody was told of.

    Raises what `look` does, and LockError where another command is at the graph, or has
    changed what there is to forget since it was told: nothing is forgotten then.
    """
    return in_session(config, lambda session: _reset(session, agreed))


def _look(session: Session) -> Look:
    _refuse_production(session)
    file = sqlite_path(session.database.url)
    return Look(_memory(session), file.absolute() if file else None)


def _refuse_production(session: Session) -> None:
    if session.options.environment == PRODUCTION:
        origin = session.graph.settings.origin("environment")
        raise ConfigurationError(
            f"a reset is for development, and {origin} says that this is {PRODUCTION}: "
            "nothing has been changed. To say which revision the graph is at there is "
            "`alembic -c neo4j.ini stamp REVISION`"
        )


def _memory(session: Session) -> Memory:
    heads = session.heads()
    recorded, stamp = session.recorded(), read_stamp(session.graph)
    check_stamp_owner(stamp, recorded, heads)
    open_run = recorded.open_run
    # Without the stamp it is some graph, unless it lost that to a reset.
    is_ours = stamp is not None or _is_reset(open_run)
    has_journal = recorded.identity is not None
    journal = session.journal
    return Memory(
        heads=tuple(sorted(heads)),
        applied=tuple(sorted(recorded.applied)),
        runs=len(journal.runs()) if has_journal else 0,
        batches=tuple(b.batch for b in journal.batches.all()) if has_journal else (),
        files=journal.files.paths() if has_journal else (),
        unfinished=str(open_run.steps[0]) if open_run and open_run.steps else None,
        images=sum(count_images(session.graph).values()) if is_ours else 0,
        stamped=stamp is not None,
    )


def _is_reset(open_run: OpenRun | None) -> bool:
    return open_run is not None and open_run.steps == (_STEP,)


def _reset(session: Session, agreed: Memory | None) -> Forgotten:
    _refuse_production(session)
    if _memory(session).is_empty:
        return Forgotten(_memory(session), None)
    with locked(session):
        memory = _memory(session)
        if agreed not in (None, memory):
            raise LockError(
                "another command has written to the graph or the ledger since you were "
                "told what there is to forget; nothing was forgotten. Look again: "
                "`alembic-neo4j reset`"
            )
        return Forgotten(memory, _forget(session, memory))


def _forget(session: Session, memory: Memory) -> Path | None:
    open_run, stamp = session.recorded().open_run, read_stamp(session.graph)
    resumes = _is_reset(open_run)
    backup = _backup(session, open_run if resumes else None)
    session.materialise()
    run = open_run.run if open_run and resumes else new_run_id()
    became = RESUMED if resumes else ABANDONED
    action = begin_action(
        session,
        RESET,
        memory.heads,
        run=run,
        stamp=stamp,
        successor=Successor(open_run.run, became) if open_run else None,
    )
    if not resumes:
        end_run(session)
        session.journal.begin([_STEP], run)
        session.journal.begin_unit(run, Unit("", 1, RESET, _STEP.digest))
    session.commit()
    with told_when_it_fails(session, action, wrote=True):
        if memory.stamped or resumes:
            _forget_graph(session)
        action.succeed()
        session.forget()
        session.commit()
    return backup


def _forget_graph(session: Session) -> None:
    """Remove what is ours from the graph but for the lock, which this command holds.

    The images go first: a batch of the same name would take them for its own.
    """
    remove_images(session.graph)
    drop_unused_index(
        session.graph,
        timeout=session.options.schema_timeout,
        interrupts=session.limits.interrupts,
    )
    remove_stamp(session.graph)


def _backup(session: Session, resumed: OpenRun | None) -> Path | None:
    """Return a backup of the ledger as it was before a reset began."""
    file = sqlite_path(session.database.url)
    if file is None or not file.exists():
        return None
    directory = usual_directory(file.absolute())
    if resumed is None:
        backup = create_backup(file, directory)
        verify_backup(backup)
        return backup
    begun = resumed.begun_at.timestamp()
    made = [b for b in list_backups(directory) if b.timestamp.timestamp() <= begun]
    return made[-1].path if made else None
