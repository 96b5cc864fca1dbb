"""What batches are at this moment: the ledger, and the graph while one is under way."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields, replace

from alembic_neo4j.cypher.data_survey import LoadRecord, Tally
from alembic_neo4j.errors import ConfigurationError, ConnectionFailed, StatementError
from alembic_neo4j.graph.batch_rollback import count_everywhere, tally
from alembic_neo4j.graph.loading import loaded_so_far
from alembic_neo4j.graph.lock import read_owner
from alembic_neo4j.graph.marker import Mark
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.batches import (
    LOADED,
    ROLLED_BACK,
    ROLLING_BACK,
    RUNNING,
    UNFINISHED,
    BatchCounts,
    BatchRecord,
)
from alembic_neo4j.ledger.journal import RUNNING as RUNS
from alembic_neo4j.ledger.journal import OpenRun
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.migration.batches import counts_of
from alembic_neo4j.migration.session import Session

log = logging.getLogger(__name__)

STOPPED = "stopped"
"""The state of a batch whose load was broken off; the same command goes on with it."""

PARTLY_ROLLED_BACK = "partly rolled back"
"""The state of a batch whose rollback was broken off."""

UNKNOWN = "unknown"
"""The state of a batch that was begun, where the graph can't be asked."""


def batches_now(session: Session) -> list[BatchRecord]:
    """Return the batches as they are now, those begun first in front; nothing is made.

    The graph is asked only where the ledger says that one is under way: whether anybody
    is at it, and how much is there. Where it can't be asked, that one is `UNKNOWN` and
    its counts are those of the ledger.
    """
    recorded = session.recorded()
    if recorded.identity is None:
        return []
    return [
        _now(session, record, recorded.open_run)
        for record in session.journal.batches.all()
    ]


def accept_data(session: Session, ledger: Ledger) -> None:
    """Take the graph's data for what they are to be; the caller commits.

    Where it does not know the latest run by which this ledger changed them, what each
    loaded batch has there is counted: a batch of which nothing is left counts as rolled
    back, one that is not all there as unfinished, and so does one that only the graph
    knows.
    """
    stamp = read_stamp(session.graph)
    run = stamp.run if stamp else None
    if run in ledger.data_runs:
        return
    batches = session.journal.batches
    known = batches.all()
    there = count_everywhere(session.graph, session.options.batch_property)
    for batch in sorted(there.keys() - {record.batch for record in known}):
        log.warning("The graph has a batch %s that the ledger does not know", batch)
        batches.adopt(batch, BatchCounts(**vars(there[batch])))
    loaded = [record for record in known if record.state == LOADED]
    for found in tallies(session, loaded):
        if found.is_missing:
            batches.set_state(found.batch, ROLLED_BACK)
        elif found.is_incomplete:
            batches.set_state(found.batch, UNFINISHED)
        if found.is_incomplete:
            log.warning("Of the batch %s there are %s", found.batch, found)
    ledger.remember_data_runs(run)


def tallies(session: Session, records: Sequence[BatchRecord]) -> list[Tally]:
    """Return what each of some batches has in the graph, which is read for it."""
    return tally(
        session.graph,
        session.options.batch_property,
        [
            LoadRecord(
                record.batch,
                record.labels,
                record.types,
                record.counts.created_nodes,
                record.counts.created_relationships,
                record.counts.touched_nodes + record.counts.touched_relationships,
            )
            for record in records
        ],
    )


def end_run(session: Session) -> None:
    """End the open run as it is, if there is one; the caller commits.

    What its load has written until then is recorded.
    """
    run = session.journal.open_run()
    if run is not None:
        _give_up_loads(session, run)
    session.journal.abandon()


def _now(session: Session, record: BatchRecord, run: OpenRun | None) -> BatchRecord:
    if record.state not in (RUNNING, ROLLING_BACK):
        return record
    loads = record.state == RUNNING
    if run is None or (loads and record.run != run.run):
        return replace(record, state=UNFINISHED if loads else PARTLY_ROLLED_BACK)
    try:
        at_it = read_owner(session.graph) is not None
        counts = _counts_now(session, record, run) if loads else record.counts
    except (ConnectionFailed, ConfigurationError, StatementError):
        return replace(record, state=UNKNOWN)
    stopped = STOPPED if loads else PARTLY_ROLLED_BACK
    return replace(record, state=record.state if at_it else stopped, counts=counts)


def _give_up_loads(session: Session, run: OpenRun) -> None:
    batches = session.journal.batches
    for record in batches.all():
        if record.state == RUNNING and record.run == run.run:
            batches.give_up_rows(record.batch, _under_way(session, run))


def _counts_now(session: Session, record: BatchRecord, run: OpenRun) -> BatchCounts:
    more = _under_way(session, run)
    return BatchCounts(
        *(
            getattr(record.counts, field.name) + getattr(more, field.name)
            for field in fields(BatchCounts)
        )
    )


def _under_way(session: Session, run: OpenRun) -> BatchCounts:
    """Return what the unit that was begun last has loaded, as its marker has it."""
    for unit in session.journal.units(run.run) if run.steps else ():
        if unit.state == RUNS and unit.revision == run.steps[0].subject:
            mark = Mark(run.run, unit.revision, unit.position)
            if (found := loaded_so_far(session.graph, mark)) is not None:
                return counts_of(*found)
    return BatchCounts()
