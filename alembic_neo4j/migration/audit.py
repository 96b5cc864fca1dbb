"""What a command does, told in the audit trail: before it begins, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.ledger.audit import (
    BEGUN,
    FAILED,
    PARTIAL,
    SUCCESS,
    AuditEvent,
    ChainEnd,
    Entry,
)
from alembic_neo4j.migration.session import Session

RESUMED, TAKEN_BACK, ABANDONED = "resumed", "taken back", "abandoned"
"""What a command makes of a run that an earlier one has begun."""

FINISHED, UNKNOWN = "finished", "unknown"
"""What has become of an action whose end was not told, as far as the journal knows."""

_UNTOLD = "its command was killed, or lost the ledger, before it could tell of its end"


@dataclass(frozen=True)
class Successor:
    """What a command makes of the run that it found open: `became` says it."""

    run: str
    became: str


class AuditedAction:
    """An action that is in the trail as begun, and its end, which is told once."""

    def __init__(self, session: Session, entry: Entry, begun: AuditEvent) -> None:
        self._session, self._entry, self._begun = session, entry, begun
        self._started = time.monotonic()

    @property
    def anchor(self) -> tuple[int, str]:
        """The event by which it began, for the graph's stamp."""
        return self._begun.end.pair

    def succeed(self, about: Sequence[str] = ()) -> tuple[int, str]:
        """Tell that all of it is done; the caller commits. Return the event's place."""
        return self.end(SUCCESS, about)

    def fail(self, error: BaseException, *, wrote: bool = False) -> tuple[int, str]:
        """Tell that it has failed, and whether in part; the caller commits.

        That is so where it `wrote` something, or the server has counted something.
        """
        wrote = wrote or bool(self._session.graph.changes)
        told = told_error(self._session, error)
        return self.end(PARTIAL if wrote else FAILED, error=told)

    def end(
        self, result: str, about: Sequence[str] = (), error: str | None = None
    ) -> tuple[int, str]:
        """Tell how it ended; the caller commits. Return the event's place."""
        ended = Entry(
            self._entry.action,
            result,
            self._entry.run,
            about or self._entry.about,
            self._session.graph.changes.report(),
            closes=self._begun.sequence,
            seconds=time.monotonic() - self._started,
            error=error,
        )
        return self._session.audit.append(ended).end.pair


def begin_action(
    session: Session,
    action: str,
    about: Sequence[str],
    *,
    run: str | None = None,
    stamp: Stamp | None = None,
    successor: Successor | None = None,
    identity: str | None = None,
    has_lock: bool = True,
) -> AuditedAction:
    """Tell that an action begins; the caller commits before anything is touched.

    What has become of earlier ones whose end nobody has told is told first, where it
    `has_lock`: none of them is still at it then. The `stamp` is what the graph has: a
    trail that lacks the event that it names is broken. A ledger without an identity
    gets one, unless that which it is about to have is given.
    """
    trail = session.audit
    if has_lock:
        close_untold(session, successor)
    entry = Entry(action, BEGUN, run, about)
    anchor = _anchor(session, stamp)
    begun = trail.append(entry, anchor, identity=identity)
    session.graph.changes.reset()
    return AuditedAction(session, entry, begun)


def close_untold(session: Session, successor: Successor | None = None) -> None:
    """Tell what has become of actions whose end nobody has told; the caller commits.

    What is still open in the journal is left to the command that decides on it.
    """
    trail = session.audit
    for begun in trail.unclosed():
        became = _became(session, begun, successor)
        if became is None:
            continue
        told, result = became
        trail.append(
            Entry(
                begun.action,
                result,
                begun.run,
                closes=begun.sequence,
                became=told,
                error=None if result == SUCCESS else _UNTOLD,
            )
        )


@contextmanager
def audited(
    session: Session, action: str, about: Sequence[str]
) -> Iterator[AuditedAction]:
    """Tell of what the block does without a lock, before and after it, and commit."""
    begun = begin_action(session, action, about, has_lock=False)
    session.commit()
    with told_when_it_fails(session, begun):
        yield begun
        begun.succeed()
        session.commit()


@contextmanager
def audited_if_there_is_a_trail(
    session: Session, action: str, about: Sequence[str]
) -> Iterator[None]:
    """Tell of what the block does, where the project has a trail; it makes none."""
    session.check()
    if session.database.is_missing or not session.audit.exists():
        yield
        return
    with audited(session, action, about):
        yield


@contextmanager
def told_when_it_fails(
    session: Session, action: AuditedAction, *, wrote: bool = False
) -> Iterator[None]:
    """Tell of what the block raises, as far as the ledger still can be written to.

    What it `wrote` by then the server need not have counted.
    """
    try:
        yield
    except BaseException as error:
        with suppress(CommandError, SQLAlchemyError):
            session.connection.rollback()
            action.fail(error, wrote=wrote)
            session.commit()
        raise


def told_error(session: Session, error: BaseException) -> str:
    """Return what the trail says of an error, without anything that is secret.

    The text of an error that is not ours may have anything in it.
    """
    if not isinstance(error, (CommandError, Neo4jMigrationError)):
        return type(error).__name__
    text = str(error)
    ledger = session.database.url.password
    for secret in (session.graph.settings.credentials.secret, ledger):
        if secret:
            text = text.replace(secret, "***")
    return f"{type(error).__name__}: {text}"


def _anchor(session: Session, stamp: Stamp | None) -> ChainEnd | None:
    # Another ledger's trail is not this one's.
    if stamp is None or stamp.audit is None:
        return None
    if stamp.ledger != session.ledger.identity:
        return None
    return ChainEnd(*stamp.audit)


def _became(
    session: Session, begun: AuditEvent, successor: Successor | None
) -> tuple[str, str] | None:
    """Return what has become of an action and its result, None where it is open."""
    if begun.run is None:
        return UNKNOWN, PARTIAL
    if successor is not None and begun.run == successor.run:
        return successor.became, _result_so_far(session, begun.run)
    state = session.journal.state(begun.run)
    if state == "open":
        return None
    if state == "done":
        return FINISHED, SUCCESS
    return ABANDONED, _result_so_far(session, begun.run)


def _result_so_far(session: Session, run: str) -> str:
    return PARTIAL if session.journal.units(run) else FAILED
