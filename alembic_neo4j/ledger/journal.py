"""The journal of a run: what it set out to do, and how far it has got."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from sqlalchemy import Connection, insert, inspect, select, update

from alembic_neo4j.ledger.store import user_name
from alembic_neo4j.ledger.tables import runs, units

RUNNING, DONE = "running", "done"


@dataclass(frozen=True)
class RunStep:
    """One revision of a run, its direction and the SHA-256 of its file."""

    revision: str
    direction: str
    file_hash: str


@dataclass(frozen=True)
class OpenRun:
    """A run that has not ended; `steps` are those that it has still to do."""

    run: str
    steps: tuple[RunStep, ...]
    begun_at: datetime
    begun_by: str


@dataclass(frozen=True)
class Unit:
    """A part of a revision that takes effect as a whole, as far as the ledger knows.

    Found `running`, it may or may not have had its effect: the graph knows.
    """

    revision: str
    position: int
    kind: str
    digest: str
    state: str = RUNNING
    rows: str = "[]"


class Journal:
    """The runs of one version table, on a connection that the caller commits."""

    def __init__(self, connection: Connection, version_table: str) -> None:
        self._connection = connection
        self._version_table = version_table

    def open_run(self) -> OpenRun | None:
        """Return the run that has not ended, None where every one has."""
        if not inspect(self._connection).has_table(runs.name):
            return None
        row = self._connection.execute(
            select(runs).where(
                runs.c.version_table == self._version_table, runs.c.state == "open"
            )
        ).one_or_none()
        if row is None:
            return None
        steps = tuple(RunStep(**step) for step in json.loads(row.steps))
        return OpenRun(row.run, steps[row.finished :], row.begun_at, row.begun_by)

    def begin(self, steps: Sequence[RunStep]) -> str:
        """Record a run and return its id."""
        run = str(uuid.uuid4())
        self._connection.execute(
            insert(runs).values(
                run=run,
                version_table=self._version_table,
                state="open",
                steps=json.dumps([asdict(step) for step in steps]),
                finished=0,
                begun_at=datetime.now(timezone.utc),
                begun_by=f"{user_name()}@{socket.gethostname()}",
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

    def abandon(self) -> None:
        """End the open run as it is, if there is one."""
        self._connection.execute(
            update(runs)
            .where(runs.c.version_table == self._version_table, runs.c.state == "open")
            .values(state="abandoned")
        )

    def unit(self, run: str, revision: str, position: int) -> Unit | None:
        """Return a unit of a run, None where it was not begun."""
        row = self._connection.execute(
            select(units).where(
                units.c.run == run,
                units.c.revision == revision,
                units.c.position == position,
            )
        ).one_or_none()
        if row is None:
            return None
        return Unit(
            row.revision, row.position, row.kind, row.digest, row.state, row.rows
        )

    def begin_unit(self, run: str, unit: Unit) -> None:
        """Record that a unit is going to run."""
        self._connection.execute(insert(units).values(run=run, **asdict(unit)))

    def finish_unit(self, run: str, unit: Unit, rows: str) -> None:
        """Record that a unit has had its effect, and the rows that it gave."""
        self._connection.execute(
            update(units)
            .where(
                units.c.run == run,
                units.c.revision == unit.revision,
                units.c.position == unit.position,
            )
            .values(state=DONE, rows=rows)
        )
