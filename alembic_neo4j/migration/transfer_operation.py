"""`op.transfer`: graphs of a SQLite database are loaded as part of a revision."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from alembic_neo4j.ingest.transfer_mapping import LeftOutCount
from alembic_neo4j.migration.batch_operations import BatchOperation, UndoBatchOp
from alembic_neo4j.migration.operations import GraphOperation


@dataclass(frozen=True)
class Transferred:
    """What became of a graph's rows.

    `nodes` and `relationships` are rows, of which some were created and the others
    found; `unmatched` rows were no relationship for want of an end. `left_out` is what
    the mapping takes nothing of.
    """

    nodes: int = 0
    relationships: int = 0
    created_nodes: int = 0
    created_relationships: int = 0
    unmatched: int = 0
    left_out: tuple[LeftOutCount, ...] = ()

    def __add__(self, other: Transferred) -> Transferred:
        """Return what became of the rows of both."""
        names = [field.name for field in fields(self)]
        return Transferred(
            *(getattr(self, name) + getattr(other, name) for name in names)
        )


@dataclass
class TransferOp(BatchOperation):
    """`op.transfer`; without `graph_ids` it is for all graphs of the source."""

    source: str
    graph_ids: tuple[str, ...]
    mapping: str | None
    batch_size: int
    allow_unknown: bool = False

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return f"transfer of {', '.join(self.graph_ids) or 'all graphs'}"

    @property
    def replayed(self) -> Transferred:
        """Nothing was transferred."""
        return Transferred()

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes it."""
        return UndoBatchOp()

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name, the source and the graphs."""
        return ("transfer", self.source, self.graph_ids)
