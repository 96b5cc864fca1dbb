"""Reading the audit trail, verifying it, and handing it out as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from alembic.config import Config

from alembic_neo4j.checks.evidence import UncheckedArea
from alembic_neo4j.command.evidence import reached
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.audit import (
    AuditEvent,
    Break,
    ChainEnd,
    Verdict,
    event_from_json,
    judge_chain,
)
from alembic_neo4j.migration.session import Session


@dataclass(frozen=True)
class Chosen:
    """Which events are asked for: the latest ones that fit."""

    limit: int | None = None
    actor: str | None = None
    action: str | None = None
    result: str | None = None


@dataclass(frozen=True)
class Verified:
    """What was found of a trail, and why the graph could not be asked, if it was."""

    verdict: Verdict
    unchecked: Sequence[UncheckedArea] = ()


def read_events(config: Config, chosen: Chosen) -> list[AuditEvent]:
    """Return the events that are asked for, the last one first; nothing is written."""
    return in_session(config, lambda session: _latest(session, chosen))


def _latest(session: Session, chosen: Chosen) -> list[AuditEvent]:
    _check(session)
    return session.audit.latest(
        chosen.limit, actor=chosen.actor, action=chosen.action, result=chosen.result
    )


def verify_trail(config: Config, *, asks_graph: bool = True) -> Verified:
    """Recompute the chain, and compare its end with what the graph's stamp names.

    Raises LedgerError or ConfigurationError where the ledger can't be read.
    """
    return in_session(config, lambda session: judge_trail(session, asks_graph))


def judge_trail(session: Session, asks_graph: bool) -> Verified:
    """Return what `verify_trail` does, in a session that is open."""
    _check(session)
    unchecked: list[UncheckedArea] = []
    stamp = None
    if asks_graph:
        stamp = reached("graph", lambda: read_stamp(session.graph), unchecked)
    foreign = _foreign(session, stamp)
    anchor = None
    if stamp is not None and stamp.audit is not None and foreign is None:
        anchor = ChainEnd(*stamp.audit)
    is_ours = stamp is not None and foreign is None
    verdict = session.audit.judge(anchor, is_stamped=is_ours)
    if verdict.broken is None and foreign is not None:
        verdict = Verdict(verdict.events, verdict.end, foreign)
    return Verified(verdict, tuple(unchecked))


def _foreign(session: Session, stamp: Stamp | None) -> Break | None:
    """Return what is wrong where the graph has another ledger's event."""
    ledger = session.ledger
    ours = ledger.identity if ledger.exists() else None
    if stamp is None or stamp.audit is None or ours in (None, stamp.ledger):
        return None
    sequence, digest = stamp.audit
    return Break(
        "another-trail",
        sequence,
        f"an event of this ledger ({ours}) in the graph's stamp",
        f"{digest} of the ledger {stamp.ledger}",
    )


def _check(session: Session) -> None:
    session.check()
    if session.database.failure is not None:
        raise session.database.failure


# An export ---------------------------------------------------------------------------


def export_trail(config: Config, target: Path | IO[str]) -> tuple[int, ChainEnd | None]:
    """Write every event in order, one a line; return how many, and the last of them.

    A file is written whole or not at all. Raises ConfigurationError where it is there
    already, or can't be written.
    """
    return in_session(config, lambda session: _exported(session, target))


def _exported(session: Session, target: Path | IO[str]) -> tuple[int, ChainEnd | None]:
    _check(session)
    if not isinstance(target, Path):
        return _written(session, target)
    if target.exists():
        raise ConfigurationError(
            f"{target} is there already, and is left as it is: name another file"
        )
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, delete=False
        ) as file:
            part = Path(file.name)
            try:
                written = _written(session, file)
            except BaseException:
                part.unlink()
                raise
        part.replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"the events can't be written to {target}: {error.strerror}"
        ) from error
    return written


def _written(session: Session, file: IO[str]) -> tuple[int, ChainEnd | None]:
    count, end = 0, None
    for event in session.audit.events():
        file.write(json.dumps(event.as_json(), sort_keys=True) + "\n")
        count, end = count + 1, event.end
    return count, end


def verify_export(path: Path) -> Verified:
    """Recompute the chain of an export, which needs neither ledger nor graph.

    What was cut off at its end it can't tell: that is what its last event is for.
    Raises ConfigurationError where the file can't be read.
    """
    try:
        with path.open("rb") as file:
            return Verified(_judged(file))
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error


def _judged(lines: Iterator[bytes] | Sequence[bytes]) -> Verdict:
    unreadable: list[Break] = []

    def events() -> Iterator[AuditEvent]:
        for number, line in enumerate(lines, start=1):
            try:
                yield event_from_json(json.loads(line))
            except (AttributeError, TypeError, ValueError) as error:
                found = f"line {number}: {error}"
                unreadable.append(
                    Break("unreadable", number, "an event as a JSON object", found)
                )
                return

    verdict = judge_chain(events())
    if verdict.broken is None and unreadable:
        return Verdict(verdict.events, verdict.end, unreadable[0])
    return verdict
