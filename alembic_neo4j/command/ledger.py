"""The ledger shown as entities, together with those that are stored beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import Script
from sqlalchemy import inspect
from sqlalchemy.engine import URL

from alembic_neo4j.checks.status import file_state
from alembic_neo4j.command.evidence import read_history
from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.ledger_backup import usual_directory
from alembic_neo4j.database import sqlite_path
from alembic_neo4j.entities import Entity, EntityRepository
from alembic_neo4j.entities.backup import list_backups
from alembic_neo4j.entities.entity import checked_status
from alembic_neo4j.entities.filters import (
    Filters,
    check_facet,
    check_filters,
    ordered,
    takes,
    values_of,
)
from alembic_neo4j.entities.tables import facts
from alembic_neo4j.entities.words import is_found
from alembic_neo4j.errors import LedgerError, ValidationError
from alembic_neo4j.ledger.batches import (
    LOADED,
    ROLLED_BACK,
    ROLLING_BACK,
    RUNNING,
    BatchRecord,
)
from alembic_neo4j.ledger.journal import OpenRun, RecordedRun
from alembic_neo4j.ledger.lock import check_location, is_locked
from alembic_neo4j.ledger.store import user_name
from alembic_neo4j.migration.audit import audited_if_there_is_a_trail
from alembic_neo4j.migration.declarations import migration_type
from alembic_neo4j.migration.plan import LedgerState
from alembic_neo4j.migration.session import Session

NOTE = "note"

_RUNS = {"done": "completed", "abandoned": "abandoned"}
_BATCHES = {LOADED: "completed", ROLLED_BACK: "deprecated"}


@dataclass(frozen=True)
class Wanted:
    """Which entities are asked for, and which page of them."""

    filters: Filters = field(default_factory=dict)
    limit: int | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        """Raise ValidationError for a filter that is none."""
        check_filters(self.filters)


@dataclass(frozen=True)
class Page:
    """Some entities, and how many there are of them without a limit.

    `facets` have how many of these have each value, the most frequent first.
    """

    entities: Sequence[Entity]
    of: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """An entity, with the notes that are about it."""

    entity: Entity
    notes: Sequence[Entity]


def listed(config: Config, wanted: Wanted) -> Page:
    """Return what the ledger has, then what is stored beside it, in a stable order.

    Revisions come first in the order in which they run, then runs, batches and backups
    as they began, then entities of one's own. Nothing is created.
    """
    looked = in_session(config, _look)
    with ExitStack() as stack:
        own: Sequence[Entity] = ()
        if (store := looked.opened(stack)) is not None:
            own = store.list(filters=wanted.filters)
        taken = [one for one in looked.entities if takes(wanted.filters, one)]
        return _page([*taken, *own], wanted)


def searched(
    config: Config, query: str, wanted: Wanted, facets: Sequence[str] = ()
) -> Page:
    """Return what has all words of a query, as a search of an entity store finds it.

    Of the ledger the newest comes first, then of what is stored beside it the best.
    Of `facets`, such as ``type`` or ``data.labels``, all that was found is counted.
    """
    for name in facets:
        check_facet(name)
    looked = in_session(config, _look)
    found = [
        entity
        for entity in looked.entities
        if takes(wanted.filters, entity) and is_found(entity, query)
    ]
    found.sort(key=lambda entity: entity.updated_at, reverse=True)
    with ExitStack() as stack:
        own: Sequence[Entity] = ()
        if (store := looked.opened(stack)) is not None:
            own = store.search(query, wanted.filters, limit=None).entities
        return _page([*found, *own], wanted, facets)


def shown(config: Config, entity_id: str) -> Shown:
    """Return an entity by its id; raises LedgerError where there is none."""
    return _shown(in_session(config, _look), entity_id)


def _shown(looked: _Looked, entity_id: str) -> Shown:
    with ExitStack() as stack:
        store = looked.opened(stack)
        entity = looked.find(entity_id)
        if entity is None and store is not None:
            entity = store.read(entity_id)
        if entity is None:
            raise _missing(entity_id, looked.entities)
        notes: Sequence[Entity] = ()
        if store is not None:
            notes = store.list(NOTE, filters={"data.about": entity_id})
        return Shown(entity, notes)


def note(
    config: Config,
    text: str,
    *,
    about: str | None = None,
    slug: str | None = None,
    status: str = "documented",
) -> Entity:
    """Store a note in the entity store beside the ledger, and return it.

    The store's tables are created in the ledger's database where they are not there.
    The audit trail is told, where there is one.
    Raises LedgerError where there is nothing that the note is `about`, ValidationError
    where the note says nothing, and EntityExists where its id is taken.
    """
    if not text.strip():
        raise ValidationError("expected the text of a note, found none; write it")
    checked_status(status)
    moment = datetime.now(timezone.utc)
    slug = slug or moment.strftime("%Y%m%dT%H%M%S.%fZ")
    data = {"text": text, "by": user_name()}
    if about is not None:
        data["about"] = about
    entity = Entity(f"{NOTE}-{slug}", NOTE, status, data)

    def store(session: Session) -> Entity:
        url = session.database.url
        check_location(url)
        if about is not None:
            _shown(_look(session), about)
        with (
            audited_if_there_is_a_trail(session, "ledger note", [entity.id]),
            EntityRepository(url, shared=True) as repository,
        ):
            return repository.create(entity)

    return in_session(config, store)


def _page(found: Sequence[Entity], wanted: Wanted, facets: Sequence[str] = ()) -> Page:
    end = None if wanted.limit is None else wanted.offset + wanted.limit
    counts = {
        facet: ordered((value, 1) for one in found for value in values_of(facet, one))
        for facet in facets
    }
    return Page(found[wanted.offset : end], len(found), counts)


def _missing(entity_id: str, known: Sequence[Entity]) -> LedgerError:
    near = get_close_matches(entity_id, [entity.id for entity in known], 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return LedgerError(
        f"expected something that is remembered, found no {entity_id}; {meant}See "
        "`alembic-neo4j ledger list`"
    )


# What the ledger has, as entities: they are made anew each time, and never stored -----


@dataclass(frozen=True)
class _Looked:
    """What the ledger has; `stored` says whether there is an entity store beside it."""

    url: URL
    stored: bool
    entities: Sequence[Entity]

    def find(self, entity_id: str) -> Entity | None:
        """Return one of the ledger's."""
        return next((one for one in self.entities if one.id == entity_id), None)

    def opened(self, stack: ExitStack) -> EntityRepository | None:
        """Return the store beside the ledger, None where there is none."""
        if not self.stored:
            return None
        store = EntityRepository(self.url, create=False, shared=True)
        return stack.enter_context(store)


def _look(session: Session) -> _Looked:
    url = session.database.url
    recorded = session.recorded()
    open_run = recorded.open_run
    held = open_run is not None and is_locked(url, session.version_table)
    found = [*_revisions(session, recorded, held=held)]
    if recorded.identity is not None:
        found += [_run(run, held=held) for run in session.journal.runs()]
        found += [
            _batch(each, open_run, held=held) for each in session.journal.batches.all()
        ]
    file = sqlite_path(url)
    found += _backups(file) if file is not None else ()
    stored = not session.database.is_missing and inspect(session.connection).has_table(
        facts.name
    )
    return _Looked(url, stored, found)


def _revisions(
    session: Session, recorded: LedgerState, *, held: bool
) -> Iterator[Entity]:
    applied, run = recorded.applied, recorded.open_run
    heads = session.heads()
    history = read_history(session, session.history, heads, replay=False)
    for revision in dict.fromkeys((*history.files, *applied)):
        script: Script | None = None
        if revision in history.files:
            script = session.script.get_revision(revision)
        record = applied.get(revision)
        data: dict[str, Any] = {"revision": revision}
        if script is not None:
            data |= {"message": script.doc, "migration_type": migration_type(script)}
        status, moment = "planned", _written(script)
        if record is not None:
            status, moment = "completed", _utc(record.applied_at)
            data |= {
                "applied_at": moment.isoformat(),
                "applied_by": record.applied_by,
                "seconds": record.seconds,
                "file": file_state(record, history),
            }
        if run is not None and run.steps and revision == run.steps[0].revision:
            status = _under_way(held=held)
        yield _entity("revision", revision, status, data, moment)


def _run(run: RecordedRun, *, held: bool) -> Entity:
    data = {
        "run": run.run,
        "state": run.state,
        "does": [f"{step.action} {step.subject}" for step in run.steps],
        "finished": run.finished,
        "by": run.begun_by,
    }
    status = _RUNS.get(run.state) or _under_way(held=held)
    return _entity("run", run.run, status, data, _utc(run.begun_at))


def _batch(batch: BatchRecord, open_run: OpenRun | None, *, held: bool) -> Entity:
    data = {
        "batch": batch.batch,
        "state": batch.state,
        "revision": batch.revision,
        "run": batch.run,
        "sources": [vars(source) for source in batch.sources],
        "labels": list(batch.labels),
        "types": list(batch.types),
        "counts": vars(batch.counts),
        "by": batch.begun_by,
    }
    status = _BATCHES.get(batch.state, "abandoned")
    # A load whose run was ended is not gone on with; a rollback is.
    loads = open_run is not None and open_run.run == batch.run
    if batch.state == ROLLING_BACK or (batch.state == RUNNING and loads):
        status = _under_way(held=held)
    begun, ended = _utc(batch.begun_at), _utc(batch.ended_at or batch.begun_at)
    return _entity("batch", batch.batch, status, data, begun, ended)


def _backups(ledger: Path) -> Iterator[Entity]:
    for backup in list_backups(usual_directory(ledger)):
        slug = backup.timestamp.strftime("%Y%m%dT%H%M%S.%fZ")
        data = {"path": str(backup.path), "bytes": backup.size}
        yield _entity("backup", slug, "completed", data, backup.timestamp)


def _under_way(*, held: bool) -> str:
    """Return the status of what has not ended: whether anybody is at it."""
    return "in_progress" if held else "paused"


def _entity(
    kind: str,
    name: str,
    status: str,
    data: Mapping[str, Any],
    begun: datetime,
    ended: datetime | None = None,
) -> Entity:
    # The name of a batch may have spaces, which an id may not.
    slug = re.sub(r"\s+", "-", name)
    return Entity(
        *(f"{kind}-{slug}", kind, status, data),
        created_at=begun,
        updated_at=ended or begun,
    )


def _written(script: Script | None) -> datetime:
    """Return when a revision's file was written last."""
    moment = Path(script.path).stat().st_mtime if script else 0.0
    return datetime.fromtimestamp(moment, timezone.utc)


def _utc(moment: datetime) -> datetime:
    # SQLite keeps no time zone.
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment
