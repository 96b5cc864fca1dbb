"""The operations on data in batches: rows are loaded, and batches undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alembic_neo4j.cypher.batch_rollback import Undone
from alembic_neo4j.cypher.load_targets import LoadTarget, NodeTarget
from alembic_neo4j.graph.load_progress import Loaded
from alembic_neo4j.ingest.addresses import address_of
from alembic_neo4j.ledger.batches import Loader, Source
from alembic_neo4j.migration.operations import GraphOperation, IrreversibleOp
from alembic_neo4j.schema.elements import EntityType
from alembic_neo4j.schema.known_names import Name

if TYPE_CHECKING:
    from alembic_neo4j.ingest.data_rows import DataFileSource


class BatchOperation(GraphOperation):
    """An operation on a batch of data; it is no change of the schema."""

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return ""

    @property
    def replayed(self) -> Any:
        """What it returns where nothing runs."""
        return None

    @property
    def wanted(self) -> tuple[Name, ...]:
        """The labels and types that a model has to have."""
        return ()

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types that have to be there for an effect."""
        return ()

    @property
    def made(self) -> tuple[Name, ...] | None:
        """The labels and types that it writes, None where that is not known yet."""
        return None


@dataclass
class BeginBatchOp(BatchOperation):
    """`op.begin_batch`."""

    name: str | None = None
    loader: Loader | None = None

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes the batch."""
        return UndoBatchOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the batch's."""
        return ("begin_batch", self.name)


@dataclass
class LoadOp(BatchOperation):
    """`op.create_nodes`, `op.upsert_nodes` and their like: rows become a `target`.

    `origin` is what the ledger notes of where they are from. With `allow_unknown` its
    labels and types may be such that no model has, with `allow_nan` its values NaN or
    infinite. Values that are `judged` were found to be storable as they were read,
    those that are `stored` are in the form in which their models store them.
    """

    target: LoadTarget
    rows: Iterable[Any] = field(repr=False)
    batch_size: int | None = None
    origin: Source | None = None
    allow_unknown: bool = False
    allow_nan: bool = False
    judged: bool = False
    stored: bool = False

    @property
    def wanted(self) -> tuple[Name, ...]:
        """The labels and types that a model has to have."""
        return () if self.allow_unknown else self.made

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what the rows become."""
        return self.target.names

    @property
    def title(self) -> str:
        """What the rows become."""
        return f"load of {self.target}"

    @property
    def replayed(self) -> Loaded:
        """Nothing was loaded."""
        return Loaded()

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes what was loaded so."""
        if isinstance(self.target, NodeTarget):
            return UndoBatchOp(labels=(self.target.owner,), types=())
        return UndoBatchOp(labels=(), types=(self.target.type,))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and what the rows become."""
        return ("load", str(self.target))


@dataclass
class LoadFileOp(BatchOperation):
    """`op.load_nodes` and `op.load_relationships`: the rows of a file."""

    target: LoadTarget
    source: DataFileSource
    batch_size: int | None = None
    allow_unknown: bool = False

    @property
    def wanted(self) -> tuple[Name, ...]:
        """The labels and types that a model has to have."""
        return () if self.allow_unknown else self.made

    @property
    def made(self) -> tuple[Name, ...]:
        """The labels and types of what the rows become."""
        return self.target.names

    @property
    def title(self) -> str:
        """What the rows become, and where they are."""
        return f"load of {self.target} from {address_of(self.source.uri).name}"

    @property
    def replayed(self) -> Loaded:
        """Nothing was loaded."""
        return Loaded()

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes what was loaded so."""
        return LoadOp(self.target, ()).reverse()

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
    def replayed(self) -> Undone:
        """Nothing was undone."""
        return Undone()

    def reverse(self) -> GraphOperation:
        """Return an operation that refuses: the rows are not known any more."""
        return IrreversibleOp("what a batch loaded is gone once it is rolled back")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the batch's."""
        return ("rollback_batch", self.batch)
