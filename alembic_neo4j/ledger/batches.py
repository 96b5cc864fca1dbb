"""The batches of data that were loaded: where each came from, and what became of it."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    insert,
    update,
)

from alembic_neo4j.ledger.store import user_name
from alembic_neo4j.ledger.tables import batches, rows_of

RUNNING, UNFINISHED, LOADED = "running", "unfinished", "loaded"
ROLLING_BACK, ROLLED_BACK = "rolling back", "rolled back"


@dataclass(frozen=True)
class Source:
    """Where rows came from: an address without credentials, and its SHA-256."""

    uri: str
    sha256: str


@dataclass(frozen=True)
class Loader:
    """The program that made the rows, and its version."""

    name: str
    version: str


@dataclass(frozen=True)
class BatchCounts:
    """What a batch did: entities that it created or changed, and rows without ends."""

    created_nodes: int = 0
    touched_nodes: int = 0
    created_relationships: int = 0
    touched_relationships: int = 0
    unmatched: int = 0


@dataclass(frozen=True)
class BatchRecord:
    """A batch as the ledger knows it.

    `state` is ``running``, ``unfinished`` where the run that loaded it was ended,
    ``loaded``, ``rolling back`` or ``rolled back``. While it is ``running`` the counts
    are those of the loads before the one that runs. `revision` is None for a load of
    its own. `labels` and `types` are those that rows were loaded as.
    """

    batch: str
    revision: str | None
    run: str
    state: str
    sources: tuple[Source, ...]
    loader: Loader
    labels: tuple[str, ...]
    types: tuple[str, ...]
    counts: BatchCounts
    begun_at: datetime
    begun_by: str
    ended_at: datetime | None


class BatchLedger:
    """The batches of one version table, on a connection that the caller commits."""

    def __init__(self, connection: Connection, version_table: str) -> None:
        self._connection = connection
        self._version_table = version_table

    def all(self) -> list[BatchRecord]:
        """Return every batch, those begun first in front."""
        rows = rows_of(
            self._connection,
            batches,
            batches.c.version_table == self._version_table,
            order=(batches.c.begun_at, batches.c.batch),
        )
        return [_record(row) for row in rows]

    def find(self, batch: str) -> BatchRecord | None:
        """Return a batch, None where it was never begun."""
        return next((found for found in self.all() if found.batch == batch), None)

    def of_revision(self, revision: str) -> list[BatchRecord]:
        """Return the batches that a revision loaded, those begun first in front."""
        return [found for found in self.all() if found.revision == revision]

    def begin(
        self, batch: str, *, revision: str | None, run: str, loader: Loader
    ) -> None:
        """Record that a run begins a batch; what was known of it is replaced."""
        self.forget(batch)
        self._connection.execute(
            insert(batches).values(
                version_table=self._version_table,
                batch=batch,
                revision=revision,
                run=run,
                state=RUNNING,
                sources="[]",
                loader=loader.name,
                loader_version=loader.version,
                labels="[]",
                types="[]",
                created_nodes=0,
                touched_nodes=0,
                created_relationships=0,
                touched_relationships=0,
                unmatched=0,
                begun_at=datetime.now(timezone.utc),
                begun_by=f"{user_name()}@{socket.gethostname()}",
            )
        )

    def begin_rows(
        self,
        batch: str,
        *,
        labels: tuple[str, ...] = (),
        types: tuple[str, ...] = (),
        source: Source | None = None,
    ) -> None:
        """Record that rows are going to be loaded, as what, and where they are from."""
        known = self.find(batch)
        assert known is not None
        sources = known.sources if source is None else (*known.sources, source)
        self._update(
            batch,
            state=RUNNING,
            ended_at=None,
            labels=json.dumps([*dict.fromkeys((*known.labels, *labels))]),
            types=json.dumps([*dict.fromkeys((*known.types, *types))]),
            sources=json.dumps([vars(s) for s in dict.fromkeys(sources)]),
        )

    def finish_rows(self, batch: str, counts: BatchCounts) -> None:
        """Record that rows are loaded, and what they became."""
        self._add(batch, LOADED, counts)

    def give_up_rows(self, batch: str, counts: BatchCounts) -> None:
        """Record that a load is not gone on with, and what it has loaded till then."""
        self._add(batch, UNFINISHED, counts)

    def _add(self, batch: str, state: str, counts: BatchCounts) -> None:
        added: dict[str, Any] = {
            field.name: batches.c[field.name] + getattr(counts, field.name)
            for field in fields(counts)
        }
        self._update(batch, state=state, ended_at=datetime.now(timezone.utc), **added)

    def adopt(self, batch: str, counts: BatchCounts) -> None:
        """Record a batch of which nothing is known but what the graph has of it."""
        self.begin(batch, revision=None, run="", loader=Loader("unknown", ""))
        self.give_up_rows(batch, counts)

    def set_state(self, batch: str, state: str) -> None:
        """Record the state of a batch and nothing else."""
        self._update(batch, state=state)

    def finish_rollback(self, batch: str) -> None:
        """Record that nothing of a batch is left in the graph."""
        self._update(batch, state=ROLLED_BACK, ended_at=datetime.now(timezone.utc))

    def forget(self, batch: str) -> None:
        """Record that a batch was never begun."""
        self._connection.execute(delete(batches).where(*self._is(batch)))

    def forget_all(self) -> None:
        """Record that no batch was ever begun."""
        ours = batches.c.version_table == self._version_table
        self._connection.execute(delete(batches).where(ours))

    def _update(self, batch: str, **values: Any) -> None:
        self._connection.execute(update(batches).where(*self._is(batch)).values(values))

    def _is(self, batch: str) -> tuple[ColumnElement[bool], ...]:
        return (
            batches.c.version_table == self._version_table,
            batches.c.batch == batch,
        )


def _record(row: Row[Any]) -> BatchRecord:
    counts = {field.name: getattr(row, field.name) for field in fields(BatchCounts)}
    return BatchRecord(
        batch=row.batch,
        revision=row.revision,
        run=row.run,
        state=row.state,
        sources=tuple(Source(**source) for source in json.loads(row.sources)),
        loader=Loader(row.loader, row.loader_version),
        labels=tuple(json.loads(row.labels)),
        types=tuple(json.loads(row.types)),
        counts=BatchCounts(**counts),
        begun_at=row.begun_at,
        begun_by=row.begun_by,
        ended_at=row.ended_at,
    )
