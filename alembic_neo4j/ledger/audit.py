"""The audit trail: who did what to the graph, in a chain that tells of any change.

Each event has the hash of the one before it, the first one the identity of its ledger.
The ledger knows the latest event as well, and the graph's stamp one that is not much
older, so that events that are missing at the end are found, too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timezone
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Row, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from alembic_neo4j import __version__
from alembic_neo4j.errors import LedgerError
from alembic_neo4j.identity import FORMAT, canonical_text, format_of, identity
from alembic_neo4j.ledger.store import Ledger, begin_writing, quiet_alembic
from alembic_neo4j.ledger.tables import audit_events, rows_of
from alembic_neo4j.ledger.versions import r0008_audit
from alembic_neo4j.sentences import ended

log = logging.getLogger(__name__)

BEGUN = "BEGUN"
SUCCESS, FAILED, PARTIAL = "SUCCESS", "FAILED", "PARTIAL"
BROKEN = "BROKEN"
"""What is noted where an event is added to a trail that does not fit any more."""

RESULTS = (BEGUN, SUCCESS, FAILED, PARTIAL, BROKEN)

_FIRST_FORMAT = 2
"""The format of identities that the first trail was written with."""

_AT_ONCE = 2000
"""How many events are in memory while a trail is read."""

_LONGEST = 4000
"""How many characters of an error are kept."""


@dataclass(frozen=True)
class ChainEnd:
    """A place in the chain: an event's sequence and its hash."""

    sequence: int
    hash: str

    @property
    def pair(self) -> tuple[int, str]:
        """Both, as the ledger's facts and the graph's stamp have them."""
        return self.sequence, self.hash

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"event {self.sequence} ({self.hash!a})"


@dataclass(frozen=True)
class Author:
    """Who acts, and on which graph, whose address has no secrets in it."""

    actor: str
    graph: str


@dataclass(frozen=True)
class Entry:
    """What is told of an event by whoever records it.

    `closes` is the sequence of the event by which the same began, `became` what has
    become of it where it is another command that tells. `about` names revisions, a
    batch or a file; `counts` what the server has counted.
    """

    action: str
    result: str = BEGUN
    run: str | None = None
    about: Sequence[str] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    closes: int | None = None
    became: str | None = None
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class AuditEvent:
    """An event as it is stored; `about` and `counts` are JSON, `hash` is of the rest.

    Where the row was tampered with a value may be of any type.
    """

    version_table: str
    sequence: int
    recorded_at: str
    run: str | None
    action: str
    result: str
    closes: int | None
    became: str | None
    actor: str
    host: str
    release: str
    graph: str
    ledger: str
    about: str
    counts: str
    seconds: float | None
    error: str | None
    previous: str
    hash: str = ""

    @property
    def end(self) -> ChainEnd:
        """The place in the chain that it has."""
        return ChainEnd(self.sequence, self.hash)

    @property
    def expected_hash(self) -> str:
        """The hash that it should have, in the format that it is recorded in."""
        values = {k: v for k, v in asdict(self).items() if k != "hash"}
        expected = identity("audit", values)
        return f"{self._format}{expected[expected.index(':') :]}"

    @property
    def _format(self) -> int:
        # Of texts and numbers every format since then has made the same text.
        try:
            recorded = format_of(self.hash)
        except (AttributeError, ValueError):
            return FORMAT
        return recorded if _FIRST_FORMAT <= recorded <= FORMAT else FORMAT

    def as_json(self) -> dict[str, Any]:
        """Return it with `about` and `counts` as values, for a line of an export."""
        return {
            **asdict(self),
            "about": _value(self.about),
            "counts": _value(self.counts),
        }


def event_from_json(line: Mapping[str, Any]) -> AuditEvent:
    """Return the event of a line of an export.

    Raises ValueError where it lacks something, or has something else.
    """
    names = {f.name for f in fields(AuditEvent)}
    if set(line) != names:
        odd = sorted(set(line) ^ names)
        raise ValueError(f"expected the fields of an event, not with or without {odd}")
    parts = {name: _stored(line[name]) for name in ("about", "counts")}
    return AuditEvent(**{**line, **parts})


def _stored(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _value(stored: str) -> Any:
    try:
        return json.loads(stored)
    except (TypeError, ValueError):
        # It was tampered with: shown as it is.
        return stored


# Judging -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Break:
    """Where a trail does not fit, and how; `sequence` is that of the first bad event.

    `code` is ``altered``, ``missing``, ``parted`` (an event does not follow from the
    one before it), ``unreadable``, ``tail``, ``older-ledger``, ``older-graph`` or
    ``another-trail``.
    """

    code: str
    sequence: int
    expected: str
    found: str

    def __str__(self) -> str:
        """Return it as a sentence without its end."""
        return (
            f"event {self.sequence} of the audit trail ({self.code}): expected "
            f"{self.expected}, found {self.found}"
        )


@dataclass(frozen=True)
class Verdict:
    """How many events fit, the last of them, and where they stop fitting, if so."""

    events: int
    end: ChainEnd | None
    broken: Break | None = None


def judge_chain(
    events: Iterable[AuditEvent],
    *,
    recorded: ChainEnd | None = None,
    knows_end: bool = False,
    anchor: ChainEnd | None = None,
    anchored: ChainEnd | None = None,
) -> Verdict:
    """Recompute a chain and tell the first event that does not fit.

    `recorded` is the latest event by the ledger's own account, where it `knows_end`;
    `anchor` the event that the graph's stamp names, and `anchored` the one that the
    ledger gave it last.
    """
    end: ChainEnd | None = None
    at_anchor: str | None = None
    for number, event in enumerate(events, start=1):
        broken = _misfit(event, number, end)
        if broken is not None:
            return Verdict(number - 1, end, broken)
        end = event.end
        if anchor is not None and event.sequence == anchor.sequence:
            at_anchor = event.hash
    count = end.sequence if end else 0
    if knows_end and recorded != end:
        return Verdict(count, end, _misfit_of_end(end, recorded))
    return Verdict(count, end, _misfit_of_anchor(end, at_anchor, anchor, anchored))


def _misfit(event: AuditEvent, number: int, before: ChainEnd | None) -> Break | None:
    if event.sequence != number:
        return Break("missing", number, f"event {number}", f"event {event.sequence!a}")
    if event.hash != event.expected_hash:
        found = f"{event.hash!a}: one of the two was altered"
        return Break("altered", number, f"the hash {event.expected_hash}", found)
    previous = before.hash if before else event.ledger
    if event.previous != previous:
        what = f"event {number - 1}" if before else "the ledger's identity"
        expected = f"that it follows {what} ({previous!a})"
        return Break("parted", number, expected, f"{event.previous!a}")
    return None


def _misfit_of_end(end: ChainEnd | None, recorded: ChainEnd | None) -> Break | None:
    there = str(end) if end else "no event"
    known = str(recorded) if recorded else "no event"
    first = min(end.sequence if end else 0, recorded.sequence if recorded else 0) + 1
    if end and recorded and end.sequence == recorded.sequence:
        first = end.sequence
    expected = f"{known} to be the last one, as the ledger has noted"
    return Break("tail", first, expected, f"that {there} is the last one")


def _misfit_of_anchor(
    end: ChainEnd | None,
    at_anchor: str | None,
    anchor: ChainEnd | None,
    anchored: ChainEnd | None,
) -> Break | None:
    if anchor is not None and at_anchor != anchor.hash:
        expected = f"{anchor}, which the graph's stamp names"
        if at_anchor is None:
            last = str(end) if end else "no event"
            first = (end.sequence if end else 0) + 1
            found = f"that {last} is the last one: the ledger is older than the graph"
            return Break("older-ledger", first, expected, found)
        found = f"{at_anchor!a}: ledger and graph have gone different ways"
        return Break("another-trail", anchor.sequence, expected, found)
    if anchored is None or (anchor and anchor.sequence >= anchored.sequence):
        return None
    names = str(anchor) if anchor else "no event"
    expected = f"the graph's stamp to name {anchored}, which it was given"
    found = f"that it names {names}: the graph is older than the ledger"
    return Break("older-graph", anchored.sequence, expected, found)


# Reading and writing -----------------------------------------------------------------


class AuditTrail:
    """The events of one version table, on a connection that the caller commits.

    Nothing can be added to it without an `author`.
    """

    def __init__(
        self,
        connection: Connection,
        version_table: str,
        author: Author = Author("", ""),
    ) -> None:
        self._connection = connection
        self._version_table = version_table
        self._author = author
        self._ledger = Ledger(connection, version_table)

    def exists(self) -> bool:
        """Tell whether its table is there."""
        return inspect(self._connection).has_table(audit_events.name)

    @property
    def end(self) -> ChainEnd | None:
        """The latest event, as the ledger has noted it; None before the first one."""
        return _chain_end(self._ledger.audit_end)

    def events(self) -> Iterator[AuditEvent]:
        """Yield all events in order, whatever has become of their rows."""
        last: int | None = None
        while True:
            after = () if last is None else (audit_events.c.sequence > last,)
            with _undecoded(self._connection):
                rows = rows_of(
                    self._connection,
                    audit_events,
                    self._is_ours(),
                    *after,
                    order=(audit_events.c.sequence,),
                    most=_AT_ONCE,
                )
            yield from (_event(row) for row in rows)
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1].sequence

    def latest(
        self,
        most: int | None,
        *,
        actor: str | None = None,
        action: str | None = None,
        result: str | None = None,
    ) -> list[AuditEvent]:
        """Return the latest events that fit, the last one first."""
        asked = {"actor": actor, "action": action, "result": result}
        fitting = [
            audit_events.c[name] == value
            for name, value in asked.items()
            if value is not None
        ]
        with _undecoded(self._connection):
            rows = rows_of(
                self._connection,
                audit_events,
                self._is_ours(),
                *fitting,
                order=(audit_events.c.sequence.desc(),),
                most=most,
            )
        return [_event(row) for row in rows]

    def errors(self) -> dict[str, str]:
        """Return what went wrong last in each run that it did in."""
        with _undecoded(self._connection):
            rows = rows_of(
                self._connection,
                audit_events,
                self._is_ours(),
                audit_events.c.run.is_not(None),
                audit_events.c.error.is_not(None),
                order=(audit_events.c.sequence,),
            )
        return {row.run: row.error for row in rows}

    def unclosed(self) -> list[AuditEvent]:
        """Return the events that tell of a beginning, and whose end nobody has told."""
        closed = select(audit_events.c.closes).where(
            self._is_ours(), audit_events.c.closes.is_not(None)
        )
        with _undecoded(self._connection):
            rows = rows_of(
                self._connection,
                audit_events,
                self._is_ours(),
                audit_events.c.result == BEGUN,
                audit_events.c.sequence.not_in(closed),
                order=(audit_events.c.sequence,),
            )
        return [_event(row) for row in rows]

    def judge(
        self, anchor: ChainEnd | None = None, *, is_stamped: bool = False
    ) -> Verdict:
        """Recompute the chain; `anchor` is the event that the graph's stamp names.

        Where that `is_stamped` and names none, it is older than a ledger that has given
        it one.
        """
        if not self._ledger.exists():
            return judge_chain((), anchor=anchor)
        asked = is_stamped or anchor is not None
        return judge_chain(
            self.events(),
            recorded=self.end,
            knows_end=True,
            anchor=anchor,
            anchored=_chain_end(self._ledger.audit_anchor) if asked else None,
        )

    def append(
        self,
        entry: Entry,
        anchor: ChainEnd | None = None,
        *,
        identity: str | None = None,
    ) -> AuditEvent:
        """Add an event and return it; nobody else adds one until the caller commits.

        The ledger gets an identity where it has none, unless it is to have the one that
        is given.

        Where what is there does not fit any more, by its own end or by the `anchor` in
        the graph, that is said in the log and in an event of its own before this one.
        """
        self._hold()
        if not self.exists():
            self._create()
        identity = self._ledger.identity or identity or self._ledger.ensure_identity()
        end, broken = self._checked_end(anchor)
        if broken is not None:
            log.warning(
                "The audit trail is broken: %s. It is gone on with, and this is noted "
                "in it. See `alembic-neo4j audit verify`",
                broken,
            )
            noted = Entry("audit", BROKEN, error=f"{broken}")
            end = self._add(noted, end, identity).end
        return self._add(entry, end, identity)

    def _is_ours(self) -> Any:
        return audit_events.c.version_table == self._version_table

    def _hold(self) -> None:
        """Keep others from adding an event until this transaction ends."""
        begin_writing(self._connection)
        if self._connection.dialect.name == "postgresql":
            key = canonical_text(["alembic_neo4j", "audit", self._version_table])
            digest = hashlib.sha256(key.encode()).digest()
            self._connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"),
                {"key": int.from_bytes(digest[:8], "big") >> 1},
            )

    def _create(self) -> None:
        """Make the table anew, where somebody has dropped it."""
        with quiet_alembic():
            context = MigrationContext.configure(self._connection)
        r0008_audit.upgrade(Operations(context))

    def _checked_end(
        self, anchor: ChainEnd | None
    ) -> tuple[ChainEnd | None, Break | None]:
        """Return what the next event follows, and what is wrong with that, if it is.

        The whole trail is what `audit verify` looks at; here it is its end.
        """
        recorded = self.end
        last = next(iter(self.latest(1)), None)
        there = last.end if last else None
        if last is not None and last.hash != last.expected_hash:
            broken = _misfit(last, last.sequence, None)
        elif there != recorded:
            broken = _misfit_of_end(there, recorded)
        else:
            known = None if anchor is None else self._hash_at(anchor.sequence)
            broken = _misfit_of_anchor(there, known, anchor, None)
        if broken is None:
            return recorded, None
        sequences = [end.sequence for end in (recorded, there) if end is not None]
        following = recorded or there
        return (
            replace(following, sequence=max(sequences)) if following else None,
            broken,
        )

    def _hash_at(self, sequence: int) -> str | None:
        with _undecoded(self._connection):
            rows = rows_of(
                self._connection,
                audit_events,
                self._is_ours(),
                audit_events.c.sequence == sequence,
            )
        return rows[0].hash if rows else None

    def _add(self, entry: Entry, end: ChainEnd | None, identity: str) -> AuditEvent:
        event = AuditEvent(
            version_table=self._version_table,
            sequence=end.sequence + 1 if end else 1,
            recorded_at=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
            run=entry.run,
            action=entry.action,
            result=entry.result,
            closes=entry.closes,
            became=entry.became,
            actor=_storable(self._author.actor, 255),
            host=_storable(socket.gethostname(), 255),
            release=__version__,
            graph=_storable(self._author.graph, 1000),
            ledger=identity,
            about=_stored([_storable(name) for name in entry.about]),
            counts=_stored(entry.counts),
            # SQLite stores no zero with a sign.
            seconds=None if entry.seconds is None else round(entry.seconds, 6) + 0.0,
            error=None if entry.error is None else _storable(entry.error),
            previous=end.hash if end else identity,
        )
        event = replace(event, hash=event.expected_hash)
        try:
            self._connection.execute(insert(audit_events), asdict(event))
        except DBAPIError as error:
            raise self._unwritable(error) from error
        self._ledger.remember_audit_end(event.end.pair)
        return event

    def _unwritable(self, error: DBAPIError) -> LedgerError:
        name = audit_events.name
        return LedgerError(
            f"the audit trail can't be written to: {ended(str(error.orig))} Nothing "
            "has run, since it would not be told of. Where its table is damaged put it "
            f"aside, `ALTER TABLE {name} RENAME TO {name}_damaged`, drop its triggers, "
            "and run the same command again: it makes the table anew and notes in it "
            "what is missing"
        )


def _chain_end(pair: tuple[int, str] | None) -> ChainEnd | None:
    return None if pair is None else ChainEnd(*pair)


def _event(row: Row[Any]) -> AuditEvent:
    # A column that somebody has dropped is found by the hash.
    values: dict[str, Any] = {
        f.name: getattr(row, f.name, None) for f in fields(AuditEvent)
    }
    return AuditEvent(**values)


def _storable(value: str, longest: int = _LONGEST) -> str:
    """Return a text that every database takes, in its first characters."""
    clean = value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


@contextmanager
def _undecoded(connection: Connection) -> Iterator[None]:
    """Let SQLite hand over texts that are none, so that it can be told which it is."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    usual = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = usual
