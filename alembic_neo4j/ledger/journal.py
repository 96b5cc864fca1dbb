"""The journal of a run: what it set out to do, and how far it has got."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from alembic_neo4j import __version__
from alembic_neo4j.identity import FORMAT, format_of
from alembic_neo4j.ledger.batches import BatchLedger
from alembic_neo4j.ledger.engine import mark_remains
from alembic_neo4j.ledger.files import FileJournal
from alembic_neo4j.ledger.store import user_name
from alembic_neo4j.ledger.tables import rows_of, runs, units

RUNNING, DONE = "running", "done"

LOADING = "ingest load"
"""The verb that loads a file; what it is about is a batch."""

TAKING_BACK = "taking back"
"""What is done to a revision whose upgrade stopped and is not to go on."""


@dataclass(frozen=True)
class RunStep:
    """What a run does to what: a revision's upgrade or downgrade, or a verb's own work.

    `action` is ``upgrade``, ``downgrade``, ``taking back`` of an upgrade that stopped,
    or the verb, such as ``ingest load``;
    `subject` the revision's id or what the verb is about, such as a batch, which may be
    called as a revision is, and is empty where it is about all; `digest` the SHA-256 of
    the revision's file, or of what the verb does.
    """

    action: str
    subject: str
    digest: str

    @property
    def revision(self) -> str | None:
        """The revision that it is about; None where it is a verb's own."""
        return self.subject if self.action in _OF_REVISIONS else None

    @property
    def command(self) -> str:
        """The command of a run that is a verb's own."""
        return f"alembic-neo4j {self.action} {self.subject}".rstrip()

    def is_about(self, other: RunStep) -> bool:
        """Tell whether it does to the same what the other does, by whatever means."""
        return (self.action, self.subject) == (other.action, other.subject)

    def __str__(self) -> str:
        """Return it as messages name it."""
        if self.revision is not None:
            return f"the {self.action} of revision {self.revision}"
        if self.action == LOADING:
            return f"the load of the batch {self.subject}"
        return f"`{self.command}`"


_OF_REVISIONS = ("upgrade", "downgrade", TAKING_BACK)


@dataclass(frozen=True)
class OpenRun:
    """A run that has not ended; `steps` are those that it has still to do.

    `release` is the version of this package that began it, None where that was not
    recorded; `format` that of the identities by which its units are known.
    """

    run: str
    steps: tuple[RunStep, ...]
    begun_at: datetime
    begun_by: str
    release: str | None = None
    format: int = FORMAT

    @property
    def is_known_again(self) -> bool:
        """Whether this release records what a run does as the one that began it."""
        return self.format == FORMAT


@dataclass(frozen=True)
class RecordedRun:
    """A run as the ledger has it: ``open``, ``done``, or ``abandoned`` before its end.

    `finished` is how many of its steps are.
    """

    run: str
    state: str
    steps: tuple[RunStep, ...]
    finished: int
    begun_at: datetime
    begun_by: str


@dataclass(frozen=True)
class Unit:
    """A part of a revision that takes effect as a whole, as far as the ledger knows.

    Found `running`, it may or may not have had its effect: the graph knows. `release`
    is the version of this package that began it, None where that was not recorded.
    """

    revision: str
    position: int
    kind: str
    digest: str
    state: str = RUNNING
    rows: str = "[]"
    release: str | None = __version__


def new_run_id() -> str:
    """Return the id of a run that is going to be recorded."""
    return str(uuid.uuid4())


class Journal:
    """The runs of one version table, on a connection that the caller commits."""

    def __init__(self, connection: Connection, version_table: str) -> None:
        self._connection = connection
        self._version_table = version_table

    @property
    def batches(self) -> BatchLedger:
        """The batches of the same history, on the same connection."""
        return BatchLedger(self._connection, self._version_table)

    @property
    def files(self) -> FileJournal:
        """What revisions of the same history do to files, on the same connection."""
        return FileJournal(self._connection, self._version_table)

    def state(self, run: str) -> str | None:
        """Return the state of a run (see RecordedRun), None where it is not known."""
        query = select(runs.c.state).where(
            runs.c.run == run, runs.c.version_table == self._version_table
        )
        state: str | None = self._connection.execute(query).scalar_one_or_none()
        return state

    def open_run(self) -> OpenRun | None:
        """Return the run that has not ended, None where every one has."""
        found = rows_of(
            self._connection,
            runs,
            runs.c.version_table == self._version_table,
            runs.c.state == "open",
        )
        if not found:
            return None
        (row,) = found
        steps = _steps(row.steps)[row.finished :]
        return OpenRun(
            row.run,
            steps,
            row.begun_at,
            row.begun_by,
            _release(row),
            self._format(row.run, steps),
        )

    def _format(self, run: str, steps: Sequence[RunStep]) -> int:
        """Return the format of the identities of a run that is open.

        The digest of a revision's step is that of its file, and no identity.
        """
        recorded = [s.digest for s in steps[:1] if s.revision is None]
        current = {step.subject for step in steps[:1]}
        recorded += [u.digest for u in self.units(run) if u.revision in current]
        formats = {format_of(digest) for digest in recorded}
        return min(formats - {FORMAT}, default=FORMAT)

    def runs(self) -> list[RecordedRun]:
        """Return every run, those begun first in front."""
        found = rows_of(
            self._connection,
            runs,
            runs.c.version_table == self._version_table,
            order=(runs.c.begun_at,),
        )
        return [
            RecordedRun(
                row.run,
                row.state,
                _steps(row.steps),
                row.finished,
                row.begun_at,
                row.begun_by,
            )
            for row in found
        ]

    def steps(self, run: str) -> tuple[RunStep, ...]:
        """Return all that a run set out to do, nothing where it is not known."""
        rows = self._connection.execute(select(runs.c.steps).where(runs.c.run == run))
        return tuple(step for row in rows for step in _steps(row.steps))

    def begin(self, steps: Sequence[RunStep], run: str | None = None) -> str:
        """Record a run and return its id, which `new_run_id` may have given before."""
        run = run or new_run_id()
        self._connection.execute(
            insert(runs).values(
                run=run,
                version_table=self._version_table,
                state="open",
                steps=json.dumps([asdict(step) for step in steps]),
                finished=0,
                begun_at=datetime.now(timezone.utc),
                begun_by=f"{user_name()}@{socket.gethostname()}",
                release=__version__,
            )
        )
        return run

    def finish_step(self, run: str, *, last: bool) -> None:
        """Record that the next step of a run is finished; the last one ends it."""
        state = {"state": "done"} if last else {}
        self._connection.execute(
            update(runs)
            .where(runs.c.run == run)
            .values(finished=runs.c.finished + 1, **state)
        )
        if last:
            self._forget_rows(run)

    def take_back(self, run: str) -> None:
        """Record that a run's next step is taken back, and those after it are not done.

        Its units stay: they tell what there is to take back.
        """
        is_it = runs.c.run == run
        row = self._connection.execute(select(runs).where(is_it)).one()
        *finished, next_ = _steps(row.steps)[: row.finished + 1]
        steps = [*finished, replace(next_, action=TAKING_BACK)]
        text = json.dumps([asdict(step) for step in steps])
        self._connection.execute(update(runs).where(is_it).values(steps=text))

    def abandon(self) -> None:
        """End the open run as it is, if there is one."""
        is_open = (
            runs.c.version_table == self._version_table,
            runs.c.state == "open",
        )
        ended = self._connection.execute(select(runs).where(*is_open)).all()
        self._connection.execute(update(runs).where(*is_open).values(state="abandoned"))
        for row in ended:
            self._forget_rows(row.run)
            left = _steps(row.steps)[row.finished :]
            self.files.abandon(row.run, [s.revision for s in left if s.revision])

    def forget(self) -> None:
        """Forget every run, with its units, its batches, and what it did to files."""
        ours = runs.c.version_table == self._version_table
        named = select(runs.c.run).where(ours)
        self._connection.execute(delete(units).where(units.c.run.in_(named)))
        self._connection.execute(delete(runs).where(ours))
        self.batches.forget_all()
        self.files.keep_only(())
        mark_remains(self._connection)

    def _forget_rows(self, run: str) -> None:
        """Remove what statements returned: only a run that goes on needs it."""
        done = self._connection.execute(
            update(units)
            .where(units.c.run == run, units.c.rows != "[]")
            .values(rows="[]")
        )
        if done.rowcount:
            mark_remains(self._connection)

    def unit(self, run: str, revision: str, position: int) -> Unit | None:
        """Return a unit of a run, None where it was not begun."""
        row = self._connection.execute(
            select(units).where(
                units.c.run == run,
                units.c.revision == revision,
                units.c.position == position,
            )
        ).one_or_none()
        return None if row is None else _unit(row)

    def units(self, run: str) -> tuple[Unit, ...]:
        """Return the units of a run that were begun, a revision's in their order."""
        rows = rows_of(
            self._connection,
            units,
            units.c.run == run,
            order=(units.c.revision, units.c.position),
        )
        return tuple(_unit(row) for row in rows)

    def has_begun(self, *kinds: str) -> bool:
        """Tell whether a unit of one of these kinds was begun in any run."""
        ours = units.c.kind.in_(kinds)
        return bool(rows_of(self._connection, units, ours, most=1))

    def forget_unit(self, run: str, unit: Unit) -> None:
        """Record that a unit was not begun after all: it runs when its turn comes."""
        self._connection.execute(delete(units).where(*_is(run, unit)))

    def reopen_unit(self, run: str, unit: Unit) -> None:
        """Record that a unit may have had its effect, or have it no longer."""
        self._connection.execute(
            update(units).where(*_is(run, unit)).values(state=RUNNING)
        )

    def begin_unit(self, run: str, unit: Unit) -> None:
        """Record that a unit is going to run."""
        self._connection.execute(_BEGIN_UNIT, {"run": run, **vars(unit)})

    def finish_unit(self, run: str, unit: Unit, rows: str) -> None:
        """Record that a unit has had its effect, and the rows that it gave."""
        named = {
            "its_run": run,
            "its_revision": unit.revision,
            "its_position": unit.position,
        }
        self._connection.execute(_FINISH_UNIT, {**named, "state": DONE, "rows": rows})


# Built once: that takes as long as running them, and each unit runs both.
_BEGIN_UNIT = insert(units)
_FINISH_UNIT = update(units).where(
    units.c.run == bindparam("its_run"),
    units.c.revision == bindparam("its_revision"),
    units.c.position == bindparam("its_position"),
)


def _unit(row: Row[Any]) -> Unit:
    return Unit(
        row.revision,
        row.position,
        row.kind,
        row.digest,
        row.state,
        row.rows,
        _release(row),
    )


def _release(row: Row[Any]) -> str | None:
    release: str | None = getattr(row, "release", None)
    return release


def _is(run: str, unit: Unit) -> tuple[ColumnElement[bool], ...]:
    return (
        units.c.run == run,
        units.c.revision == unit.revision,
        units.c.position == unit.position,
    )


def _steps(text: str) -> tuple[RunStep, ...]:
    return tuple(_step(**step) for step in json.loads(text))


def _step(**fields: str) -> RunStep:
    # A run that was begun before 0.1.0 has the names of a revision's fields.
    older = {"direction": "action", "revision": "subject", "file_hash": "digest"}
    return RunStep(**{older.get(name, name): value for name, value in fields.items()})


@dataclass(frozen=True)
class Recorder:
    """Where the units of a run are written down before they run.

    `resumed` says that the run was begun by another command.
    """

    journal: Journal
    commit: Callable[[], None]
    run: str
    resumed: bool = False

    def known(self, revision: str, position: int) -> Unit | None:
        """Return a unit that was begun before, None where it was not."""
        if not self.resumed:
            return None
        return self.journal.unit(self.run, revision, position)
