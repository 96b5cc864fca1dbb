"""Running a revision's operations: they become steps, each run exactly once."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j import __version__
from alembic_neo4j.checks.runs import shown_release
from alembic_neo4j.cypher.batch_rollback import RollbackCounts, Undo
from alembic_neo4j.cypher.events import ChangeEvent, Recording
from alembic_neo4j.cypher.lexer import classify
from alembic_neo4j.cypher.load_targets import BATCH_PROPERTY
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import (
    Atomicity,
    Run,
    Step,
    digest_of,
    kind_of,
    only_reads,
    ordered,
    units,
)
from alembic_neo4j.errors import (
    FileError,
    LedgerError,
    Neo4jMigrationError,
    StatementError,
)
from alembic_neo4j.files.operations import FileOperation, GiveBack
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.graph.execute import Attempt
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.graph.marker import Mark
from alembic_neo4j.graph.stored_values import rows_from_text, rows_to_text
from alembic_neo4j.identity import identity
from alembic_neo4j.ledger.batches import Loader, Source
from alembic_neo4j.ledger.files import PathState
from alembic_neo4j.ledger.journal import DONE, Recorder, Unit
from alembic_neo4j.migration.batches import Batches
from alembic_neo4j.migration.file_units import KIND, FileUnits
from alembic_neo4j.migration.operations import BatchRunner
from alembic_neo4j.migration.revision_code import OwnThread
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema

# Turning the operations of a revision into steps, whatever becomes of these -----------


class StepRunner(BatchRunner):
    """Turns the operations of one revision after another into steps.

    Those of operations that return nothing are buffered; what is in the buffer comes
    before what one that returns rows does. Where it `reports_rules` those that only the
    models have do not stop it.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.revision = self.file = ""
        self.schema = Schema()
        self.thread = OwnThread()
        self.reports_rules = False
        self._buffer: list[Step] = []
        self._undone: tuple[Change, ...] = ()
        self._replayed: Iterator[ChangeEvent] = iter(())

    def begin(
        self,
        revision: str,
        schema: Schema,
        file: str = "",
        recording: Recording | None = None,
    ) -> None:
        """Start a revision, in its file, upon the schema of the history before it.

        The `recording` of its replay tells what it undoes where it is downgraded.
        """
        self.revision, self.schema, self.file = revision, schema, file
        self._undone = recording.undone if recording else ()
        self._replayed = iter(recording.changes if recording else ())
        self._buffer.clear()

    def change(self, change: Change) -> None:
        """Buffer the steps of a change: those of its replay, where it is the same."""
        change = change.undoing(self._undone)
        event = ChangeEvent(change, self.schema, self.revision)
        replayed = next(self._replayed, event)
        steps = replayed.steps if replayed == event else event.steps
        self._buffer += [s.lenient for s in steps] if self.reports_rules else steps
        self.schema = change.apply(self.schema)

    def add(self, steps: Sequence[Step]) -> None:
        """Buffer steps, of statements those whose kind is known."""
        self._buffer += steps

    def execute(self, cypher: str) -> None:
        """Buffer a raw statement."""
        self.thread.check()
        self.add([Run(cypher, classify(cypher))])

    def ask(self, text: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Any:
        """Run a raw statement after what is buffered, and return its rows."""
        self.add([Run(text, classify(text), parameters, repeatable)])
        return self.answer()

    @abstractmethod
    def answer(self) -> Any:
        """Return the rows of what was buffered last."""


log = logging.getLogger(__name__)


# Running a revision's operations on the graph: by kind, each exactly once -------------


class GraphRunner(StepRunner):
    """Runs the operations of one revision after another.

    With a `recorder` a unit that a killed run has finished is not run again. `action`
    is what the run does to the revision.
    """

    def __init__(
        self,
        graph: Graph,
        limits: Limits,
        recorder: Recorder | None = None,
        *,
        batch_property: str = BATCH_PROPERTY,
        files: FileUnits | None = None,
    ) -> None:
        super().__init__(batch_property)
        self._files = files
        self.action = "upgrade"
        self._graph = graph
        self._limits = limits
        self._autocommit = False
        self._position = 0
        self.recorder = recorder
        self.batches = Batches(graph, batch_property)
        self._void: set[int] = set()
        self._has_changed_files = False

    def begin(
        self,
        revision: str,
        schema: Schema,
        file: str = "",
        recording: Recording | None = None,
        *,
        after: int = 0,
    ) -> None:
        """Start a revision; the positions of its units come `after` a number."""
        super().begin(revision, schema, file, recording)
        self.batches.start(revision, revision=revision)
        self._position = after
        self._void.clear()
        self._has_changed_files = False

    @property
    def has_acted(self) -> bool:
        """Whether the revision has asked for anything but to read."""
        return self._position > 0 or bool(self._buffer)

    @property
    def touched(self) -> bool:
        """Whether the revision may have written anything, in this command or before."""
        if self.recorder is None:
            return False
        try:
            units = self.recorder.journal.units(self.recorder.run)
        except SQLAlchemyError:
            return True
        return any(
            unit.revision == self.revision
            and unit.kind not in _READING
            and unit.position not in self._void
            for unit in units
        )

    def add(self, steps: Sequence[Step]) -> None:
        """Buffer steps, of statements those whose kind is known."""
        self._buffer += [s.by_itself if self._autocommit else s for s in steps]

    def flush(self) -> list[Row]:
        """Run what is buffered; return the rows of the last statement."""
        rows: list[Row] = []
        waiting, self._buffer = ordered(self._buffer), []
        for unit in units(waiting):
            rows = self._once(unit)
        return rows

    answer = flush

    def begin_batch(self, name: str | None, loader: Loader | None = None) -> str:
        """Begin the batch that rows are loaded into from here on; return its name."""
        return self.batches.begin(name, loader)

    def load(self, load: Load, origin: Source | None = None) -> LoadCounts:
        """Load rows of an origin into the batch that was begun."""
        return self.batches.load(load, self, self.recorder, origin)

    def undo(self, undo: Undo) -> RollbackCounts:
        """Undo batches; where none is named, those of the revision."""
        return self.batches.undo(undo, self, self.recorder)

    def check_interrupts(self) -> None:
        """Raise Interrupted where a signal has come."""
        self._limits.interrupts.check()

    def run_step(
        self,
        step: Step,
        *,
        begun: Callable[[], None] = lambda: None,
        finished: Callable[[Row], None] = lambda _row: None,
    ) -> Row:
        """Run a step as a unit of its own, after what is buffered; return its row.

        `begun` and `finished` are called in the ledger's transactions that say so.
        """
        self.flush()
        (row,) = self._once([step], begun, lambda rows: finished(rows[0]))
        return row

    def read_file(self, path: str) -> PathState:
        """Return what a path of the project holds.

        Where a run is gone on with, that is what it was in the first attempt.
        """
        files, _ = self._recorded_files
        return files.read(path, self.recorder, self.revision, self._position)

    def change_files(self, operation: FileOperation) -> None:
        """Do to files what an operation asks for, after what is buffered, and once."""
        self._has_changed_files = True
        self._change_files(operation)

    def give_files_back(self) -> None:
        """Give files what they had before the upgrade of the revision.

        A downgrade that has changed files by itself has done what there is to do.
        """
        _, recorder = self._recorded_files
        made = recorder.journal.files.of_upgrade(self.revision)
        if made and not self._has_changed_files:
            self._change_files(GiveBack(self.revision, made))

    def put_files_back(self) -> None:
        """Give files what they had before this run changed them for the revision."""
        files, recorder = self._recorded_files
        try:
            files.put_back(recorder, self.revision)
        except (Neo4jMigrationError, SQLAlchemyError) as error:
            log.warning(
                "Files of revision %s are not all put back: %s", self.revision, error
            )

    def _change_files(self, operation: FileOperation) -> None:
        self.flush()
        self._limits.interrupts.check()
        files, recorder = self._recorded_files
        self._position += 1
        planned = Unit(self.revision, self._position, KIND, operation.digest)
        known = recorder.known(self.revision, self._position)
        if known is not None:
            _refuse_another(known, planned)
            if known.state == DONE:
                return
        files.carry_out(
            *(operation, planned, recorder),
            action=self.action,
            begun=known is not None,
        )

    @property
    def _recorded_files(self) -> tuple[FileUnits, Recorder]:
        if self._files is None or self.recorder is None:
            raise FileError(
                "files are read and changed in a revision's upgrade or downgrade only, "
                "where the ledger keeps what they had before"
            )
        return self._files, self.recorder

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Run the block's raw statements outside of explicit transactions."""
        self.thread.check()
        self.flush()
        self._autocommit = True
        try:
            yield
            self.flush()
        finally:
            self._autocommit = False

    def _once(
        self,
        unit: Sequence[Step],
        begun: Callable[[], None] = lambda: None,
        finished: Callable[[list[Row]], None] = lambda _rows: None,
    ) -> list[Row]:
        self._limits.interrupts.check()
        if self.recorder is None or only_reads(unit):
            return Attempt(self._graph, unit, self._limits).run()
        journal, run = self.recorder.journal, self.recorder.run
        self._position += 1
        planned = Unit(self.revision, self._position, kind_of(unit), digest_of(unit))
        known = self.recorder.known(self.revision, self._position)
        if known is not None:
            _refuse_another(known, planned)
            if known.state == DONE:
                return rows_from_text(known.rows)
        else:
            begun()
            journal.begin_unit(run, planned)
            self.recorder.commit()
        mark = Mark(run, self.revision, self._position)
        attempt = Attempt(
            *(self._graph, unit, self._limits, mark), resumed=known is not None
        )
        rows = self._attempted(attempt, planned)
        if unit[0].atomicity is Atomicity.AUTOCOMMIT:
            # It has had its effect, whatever its rows are; of any other kind the graph
            # tells, until the next commit does.
            journal.finish_unit(run, planned, _kept(rows))
            self.recorder.commit()
        else:
            journal.finish_unit(run, planned, rows_to_text(rows))
            finished(rows)
        return rows

    def on_ledger(self, text: str, act: Callable[[], None]) -> None:
        """Do what a revision asks of the ledger's database, exactly once.

        It shares its transaction with the record that says so.
        """
        self.thread.check()
        self.flush()
        if self.recorder is None:
            act()
            return
        self._position += 1
        planned = Unit(
            *(self.revision, self._position, "ledger", identity("ledger", text), DONE)
        )
        known = self.recorder.known(self.revision, self._position)
        if known is not None:
            _refuse_another(known, planned)
            return
        act()
        self.recorder.journal.begin_unit(self.recorder.run, planned)
        self.recorder.commit()

    def _attempted(self, attempt: Attempt, planned: Unit) -> list[Row]:
        names = tuple(dict.fromkeys(n for step in attempt.unit for n in step.names))
        try:
            with self._graph.changes.about(names):
                return attempt.run()
        except BaseException as error:
            if attempt.left_nothing(error):
                self._void.add(planned.position)
                if not attempt.unit[0].atomicity.is_marked:
                    self._record_refused(planned)
            raise

    def _record_refused(self, planned: Unit) -> None:
        """Record that a unit did not happen: its next attempt is a first one."""
        assert self.recorder is not None
        with suppress(Neo4jMigrationError, SQLAlchemyError):
            self.recorder.journal.forget_unit(self.recorder.run, planned)
            self.recorder.commit()


_READING = {"check", "stop"}


def _kept(rows: list[Row]) -> str:
    try:
        return rows_to_text(rows)
    except StatementError as error:
        log.warning("The rows are lost when this run is resumed: %s", error)
        return "[]"


def _refuse_another(known: Unit, planned: Unit) -> None:
    if known.digest == planned.digest:
        return
    why = "the revision does not do the same again. Make it do what it did then"
    if known.release != planned.release:
        release = shown_release(known.release)
        why = (
            f"it was begun with {release}, and this is alembic-neo4j {__version__}, "
            "which may carry out the same revision in another way. Go on with that "
            "release, or take back with it what has run"
        )
    raise LedgerError(
        f"unit {known.position} of revision {known.revision} was begun as another one "
        f"({known.kind}, {known.state}): {why}, or undo by hand what it did and end "
        "the run: `alembic-neo4j repair --abandon-run`"
    )
