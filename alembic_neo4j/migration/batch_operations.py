"""The operations on data in batches: rows are loaded, and batches undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alembic_neo4j.cypher.batch_rollback import RollbackCounts, Undo
from alembic_neo4j.cypher.load_targets import (
    LoadTarget,
    NodeTarget,
    completed,
    defaults_of,
    refuse_targets,
    stored_rows,
)
from alembic_neo4j.cypher.loads import Load, judge_rows
from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.ingest.files import address_of
from alembic_neo4j.ledger.batches import Loader, Source
from alembic_neo4j.migration.operations import (
    BatchOperation,
    BatchRunner,
    GraphOperation,
    IrreversibleOp,
    Runner,
)
from alembic_neo4j.schema.changes.change import TouchedNames
from alembic_neo4j.schema.definitions import EntityType, Schema
from alembic_neo4j.schema.known_names import Name

if TYPE_CHECKING:
    from alembic_neo4j.ingest.data_rows import DataFileSource


@dataclass
class BeginBatchOp(BatchOperation):
    """`op.begin_batch`."""

    name: str | None = None
    loader: Loader | None = None

    def carry_out(self, runner: Runner) -> str:
        """Begin it and return its name."""
        return self.perform(runner)

    def perform(self, runner: Runner) -> str:
        """Begin it and return its name."""
        return runner.begin_batch(self.name, self.loader)

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes the batch."""
        return UndoBatchOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the batch's."""
        return ("begin_batch", self.name)


class RowsOperation(BatchOperation):
    """An operation whose rows become a `target`.

    With `allow_unknown` its labels and types may be such that no model has.
    """

    target: LoadTarget
    batch_size: int | None
    allow_unknown: bool

    @property
    def wanted(self) -> tuple[Name, ...]:
        """The labels and types that a model has to have."""
        return () if self.allow_unknown else self.made

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what the rows become."""
        return self.target.names

    def writes(self, schema: Schema) -> TouchedNames:
        """Return what of the data it changes, with the models of a schema."""
        return self.target.writes(schema)

    @property
    def title(self) -> str:
        """What the rows become."""
        return f"load of {self.target}"

    @property
    def replayed(self) -> LoadCounts:
        """Nothing was loaded."""
        return LoadCounts()

    def load(self, rows: Iterable[Any], runner: BatchRunner) -> Load:
        """Return the step that loads the rows; the runner knows into which batch.

        Raises IngestError where no model has what they would become.
        """
        if not self.allow_unknown:
            refuse_targets(self.title, [self.target], runner.schema)
        target = completed(self.target, runner.schema)
        return Load(
            *(target, rows, "", runner.tag),
            batch_size=self.batch_size,
            defaults=defaults_of(target, runner.schema),
        )

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes what was loaded so."""
        if isinstance(self.target, NodeTarget):
            return UndoBatchOp(labels=(self.target.owner,), types=())
        return UndoBatchOp(labels=(), types=(self.target.type,))


@dataclass
class LoadOp(RowsOperation):
    """`op.create_nodes`, `op.upsert_nodes` and their like: rows become a `target`.

    `origin` is what the ledger notes of where they are from. With `allow_nan` values
    may be NaN or infinite. Values that are `judged` were found to be storable as they
    were read, those that are `stored` are in the form in which their models store them.
    """

    target: LoadTarget
    rows: Iterable[Any] = field(repr=False)
    batch_size: int | None = None
    origin: Source | None = None
    allow_unknown: bool = False
    allow_nan: bool = False
    judged: bool = False
    stored: bool = False

    def problem(self, schema: Schema) -> str:
        """Return what is wrong with the rows, if there is anything.

        Those that can be gone through only once are left to the load itself.
        """
        if self.judged or not isinstance(self.rows, Collection):
            return ""
        rows = stored_rows(self.rows, self.target, schema)
        # The property of batches is told of by the load: a replay has no configuration.
        try:
            judge_rows(Load(self.target, rows, "", "", allow_nan=self.allow_nan))
        except IngestError as error:
            return str(error)
        return ""

    def perform(self, runner: BatchRunner) -> LoadCounts:
        """Load the rows."""
        rows = self.rows
        if not self.stored:
            rows = stored_rows(rows, self.target, runner.schema)
        load = self.load(rows, runner)
        known = replace(load, allow_nan=self.allow_nan, judged=self.judged)
        return runner.load(known, self.origin)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and what the rows become."""
        return ("load", str(self.target))


@dataclass
class LoadFileOp(RowsOperation):
    """`op.load_nodes` and `op.load_relationships`: the rows of a file."""

    target: LoadTarget
    source: DataFileSource
    batch_size: int | None = None
    allow_unknown: bool = False

    unwritten = "the rows of a file"

    @property
    def title(self) -> str:
        """What the rows become, and where they are."""
        return f"{super().title} from {address_of(self.source.uri).name}"

    def perform(self, runner: BatchRunner) -> LoadCounts:
        """Load the rows, when all of them were read and found to be good."""
        # It imports the driver, which most verbs do without.
        from alembic_neo4j.ingest.data_rows import DataRows

        located = self.source.located(runner.file)
        found = located.obtain()
        with DataRows(found, located, self.target, runner.schema) as data:
            data.check(keep=True, report=lambda _: runner.check_interrupts())
            load = replace(self.load(data, runner), source=found.sha256, judged=True)
            return runner.load(load, Source(found.uri, found.sha256))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name, what the rows become and where they are."""
        return ("load_file", str(self.target), address_of(self.source.uri).shown)


@dataclass
class UndoBatchOp(BatchOperation):
    """`op.rollback_batch`, `op.delete_nodes_by_batch` and its twin.

    None for the labels or the types means all of them; without a batch it is those
    that the revision loaded. With `allow_unknown` they may be such that no model has.
    """

    batch: str | None = None
    labels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    detach: bool = False
    allow_unknown: bool = False

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types that it is narrowed down to."""
        labels = ((EntityType.NODE, label) for label in self.labels or ())
        types = ((EntityType.RELATIONSHIP, type_) for type_ in self.types or ())
        return () if self.allow_unknown else (*labels, *types)

    @property
    def made(self) -> tuple[Name, ...]:
        """It writes nothing new."""
        return ()

    @property
    def title(self) -> str:
        """What is undone."""
        narrowed = ", ".join((*(self.labels or ()), *(self.types or ())))
        of = self.batch or "the revision's batches"
        return f"rollback of {of}{narrowed and f', only {narrowed}'}"

    @property
    def replayed(self) -> RollbackCounts:
        """Nothing was undone."""
        return RollbackCounts()

    def perform(self, runner: BatchRunner) -> RollbackCounts:
        """Undo it."""
        batches = () if self.batch is None else (self.batch,)
        narrowed = (self.labels, self.types, self.detach)
        return runner.undo(Undo(batches, runner.tag, *narrowed))

    def reverse(self) -> GraphOperation:
        """Return an operation that refuses: the rows are not known any more."""
        return IrreversibleOp("what a batch loaded is gone once it is rolled back")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the batch's."""
        return ("rollback_batch", self.batch)
