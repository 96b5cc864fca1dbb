"""`op.transfer`: graphs of a SQLite database are loaded as part of a revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic_neo4j.ingest.transfer_mapping import (
    TransferCounts,
)
from alembic_neo4j.migration.batch_operations import UndoBatchOp
from alembic_neo4j.migration.operations import (
    BatchOperation,
    BatchRunner,
    GraphOperation,
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
    def replayed(self) -> TransferCounts:
        """Nothing was transferred."""
        return TransferCounts()

    @property
    def unwritten(self) -> str:  # type: ignore[override]
        """What can't be written to a script."""
        return f"what is in {self.source}"

    def perform(self, runner: BatchRunner) -> TransferCounts:
        """Load the graphs, each part by a load of its own."""
        # What reads a source imports the driver, which a history does without.
        from alembic_neo4j.migration.transfer_loads import carry_out

        return carry_out(
            *(runner, self.source, self.mapping, self.graph_ids),
            batch_size=self.batch_size,
            allow_unknown=self.allow_unknown,
        )

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes it."""
        return UndoBatchOp()

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name, the source and the graphs."""
        return ("transfer", self.source, self.graph_ids)
