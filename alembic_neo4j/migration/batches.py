"""The batches of what runs: their names, their units, and their rows in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j import __version__
from alembic_neo4j.cypher.batch_rollback import (
    CreatedContents,
    RollbackCounts,
    Undo,
    rollback_command,
)
from alembic_neo4j.cypher.load_targets import LoadTarget, NodeTarget
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import Step
from alembic_neo4j.errors import (
    IngestError,
    LedgerError,
    Neo4jMigrationError,
)
from alembic_neo4j.graph.batch_rollback import is_left, tagged
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.ledger.batches import (
    LOADED,
    ROLLED_BACK,
    ROLLING_BACK,
    BatchCounts,
    BatchRecord,
    Loader,
    Source,
)
from alembic_neo4j.ledger.journal import Recorder
from alembic_neo4j.schema.definitions import EntityType

log = logging.getLogger(__name__)

LONGEST = 64
"""How many characters the name of a batch may have."""

OURS = Loader("alembic_neo4j", __version__)


class BatchNames:
    """The names of the batches of one revision: its own id, then that with a number."""

    def __init__(self, revision: str = "") -> None:
        self._revision = revision
        self._unnamed = 0
        self.begun: list[str] = []

    @property
    def current(self) -> str:
        """The batch that rows are loaded into; the revision's own before any other."""
        return self.begun[-1] if self.begun else self.begin()

    def begin(self, name: str | None = None) -> str:
        """Begin a batch and return its name; raises IngestError for a bad one."""
        if name is None:
            self._unnamed += 1
            number = f":{self._unnamed}" if self._unnamed > 1 else ""
            name = f"{self._revision}{number}"
        if name in self.begun:
            self.begun.remove(name)
        self.begun.append(checked_name(name))
        return name


def checked_name(name: str) -> str:
    """Return the name of a batch; raises IngestError where it can't be one."""
    if not name.strip() or len(name) > LONGEST or not name.isprintable():
        raise IngestError(
            f"Expected a name for the batch of 1 to {LONGEST} characters on one line, "
            f"found {name[:80]!r}."
        )
    return name


class UnitRunner(Protocol):
    """What runs a step as a unit of its own, exactly once."""

    @property
    def touched(self) -> bool:
        """Whether anything may have been written."""
        ...

    def run_step(
        self,
        step: Step,
        *,
        begun: Callable[[], None] = ...,
        finished: Callable[[Row], None] = ...,
    ) -> Row:
        """Run a step after what is buffered, and return its row.

        `begun` is called before the ledger's transaction that says that it is going to
        run, `finished` in that which says that it has run.
        """
        ...


class Batches:
    """Carries out the operations on batches of one revision after another.

    What is loaded before any batch was begun is of the revision's own.
    """

    def __init__(self, graph: Graph, tag: str) -> None:
        self.tag = tag
        self._graph = graph
        self._names = BatchNames()
        self._revision: str | None = None
        self._repeatable = False
        self._loader = OURS

    def start(
        self, name: str, *, revision: str | None, repeatable: bool = False
    ) -> None:
        """Start a revision, or a load of its own whose batch has this name.

        A batch that is `repeatable` may be loaded again, into what it has left.
        """
        self._names = BatchNames(name)
        self._repeatable = repeatable
        self._revision, self._loader = revision, OURS

    def begin(self, name: str | None, loader: Loader | None = None) -> str:
        """Begin the batch that rows are loaded into from here on; return its name."""
        self._loader = loader or OURS
        return self._names.begin(name)

    # Loading -------------------------------------------------------------------------

    def load(
        self,
        load: Load,
        runner: UnitRunner,
        recorder: Recorder | None,
        source: Source | None = None,
    ) -> LoadCounts:
        """Load rows into the batch that was begun; return what became of them."""
        load = replace(load, batch=self._names.current)
        if recorder is None:
            return LoadCounts(**runner.run_step(load))
        self._check_free(load.batch, recorder)
        is_new = self._is_new(load.batch, recorder)

        def begun() -> None:
            if is_new:
                recorder.journal.batches.begin(
                    load.batch,
                    revision=self._revision,
                    run=recorder.run,
                    loader=self._loader,
                )
            labels, types = kinds_of(load.target)
            recorder.journal.batches.begin_rows(
                load.batch, labels=labels, types=types, source=source
            )

        def finished(row: Row) -> None:
            counts = counts_of(load.target.entity, LoadCounts(**row))
            recorder.journal.batches.finish_rows(load.batch, counts)

        try:
            return LoadCounts(**runner.run_step(load, begun=begun, finished=finished))
        except BaseException:
            if is_new and not runner.touched:
                with suppress(Neo4jMigrationError, SQLAlchemyError):
                    recorder.journal.batches.forget(load.batch)
                    recorder.commit()
            raise

    def _is_new(self, batch: str, recorder: Recorder) -> bool:
        known = recorder.journal.batches.find(batch)
        if known is not None and self._repeatable:
            return known.state == ROLLED_BACK
        return known is None or known.run != recorder.run

    def _check_free(self, batch: str, recorder: Recorder) -> None:
        """Raise LedgerError where another load has left this batch in the graph."""
        known = recorder.journal.batches.find(batch)
        if known is None or known.state == ROLLED_BACK or known.run == recorder.run:
            return
        if self._repeatable:
            return
        if (
            known.state in (LOADED, ROLLING_BACK)
            and known.revision
            and known.revision == self._revision
        ):
            log.warning(
                "The batch %s was loaded at %s and never rolled back; what it has left "
                "counts as this one's from now on",
                batch,
                f"{known.begun_at:%Y-%m-%d %H:%M}",
            )
            return
        raise LedgerError(_taken(known))

    # Undoing -------------------------------------------------------------------------

    def undo(
        self, undo: Undo, runner: UnitRunner, recorder: Recorder | None
    ) -> RollbackCounts:
        """Undo batches, of the revision where none is named; return what that did."""
        undo = replace(undo, batches=self._to_undo(undo.batches, recorder))
        if recorder is None:
            return RollbackCounts(**runner.run_step(undo))
        known = [r for b in undo.batches if (r := recorder.journal.batches.find(b))]
        if len(known) == len(undo.batches) and undo.labels is None:
            undo = replace(undo, known=_known(known))

        def begun() -> None:
            for record in known if undo.labels is None else ():
                recorder.journal.batches.set_state(record.batch, ROLLING_BACK)

        def finished(_row: Row) -> None:
            for record in known:
                if undo.labels is None or not is_left(
                    self._graph, self.tag, record.batch, record.labels, record.types
                ):
                    recorder.journal.batches.finish_rollback(record.batch)

        try:
            done = RollbackCounts(
                **runner.run_step(undo, begun=begun, finished=finished)
            )
            return _in_all(done, known) if undo.labels is None else done
        except BaseException:
            if not runner.touched:
                with suppress(Neo4jMigrationError, SQLAlchemyError):
                    for record in known:
                        recorder.journal.batches.set_state(record.batch, record.state)
                    recorder.commit()
            raise

    def _to_undo(
        self, batches: tuple[str, ...], recorder: Recorder | None
    ) -> tuple[str, ...]:
        """Return the batches that are meant, the newest first."""
        if batches:
            return tuple(map(checked_name, batches))
        revision = self._revision or ""
        if recorder is not None and (
            known := recorder.journal.batches.of_revision(revision)
        ):
            return tuple(record.batch for record in reversed(known))
        # A script made them, or the ledger was lost.
        numbered = tagged(self._graph, self.tag, f"{revision}:")
        return (*sorted(numbered, key=_number, reverse=True), revision)


def _in_all(done: RollbackCounts, known: Sequence[BatchRecord]) -> RollbackCounts:
    """Return what was deleted in all where a rollback before this one was broken off.

    That is what the batches had created: there is nothing left of it.
    """
    if not known or any(record.state != ROLLING_BACK for record in known):
        return done
    nodes = sum(record.counts.created_nodes for record in known)
    relationships = sum(record.counts.created_relationships for record in known)
    return replace(
        done,
        deleted_nodes=max(done.deleted_nodes, nodes),
        deleted_relationships=max(done.deleted_relationships, relationships),
    )


def _number(batch: str) -> int:
    number = batch.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def kinds_of(target: LoadTarget) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels and the types that the ledger notes of what rows become."""
    if isinstance(target, NodeTarget):
        return (target.owner,), ()
    return (), (target.type,)


def counts_of(entity: EntityType, loaded: LoadCounts) -> BatchCounts:
    """Return what became of the rows of a load, as the ledger counts it."""
    if entity is EntityType.NODE:
        return BatchCounts(loaded.created, loaded.touched)
    return BatchCounts(
        created_relationships=loaded.created,
        touched_relationships=loaded.touched,
        unmatched=loaded.unmatched,
    )


def _known(records: Sequence[BatchRecord]) -> CreatedContents:
    return CreatedContents(
        labels=tuple(dict.fromkeys(label for r in records for label in r.labels)),
        types=tuple(dict.fromkeys(type_ for r in records for type_ in r.types)),
        nodes=sum(r.counts.created_nodes for r in records),
        relationships=sum(r.counts.created_relationships for r in records),
    )


def _taken(known: BatchRecord) -> str:
    of = f" by revision {known.revision}" if known.revision else ""
    became = {
        LOADED: "loaded",
        ROLLING_BACK: "loaded and not taken back whole",
    }.get(known.state, "begun and not finished")
    return (
        f"the batch {known.batch} was {became}{of} at {known.begun_at:%Y-%m-%d %H:%M} "
        f"by {known.begun_by}; nothing was loaded. Roll it back first: "
        f"`{rollback_command(known.batch)}`; or give this one another name"
    )
