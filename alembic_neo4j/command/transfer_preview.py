"""What a transfer would move, and whether the server has the memory for it."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.memory import transaction_memory
from alembic_neo4j.ingest.transfer import (
    PartRows,
    check_something_is_taken,
    parts_of,
)
from alembic_neo4j.ingest.transfer_mapping import (
    LeftOutCount,
    NodeMapping,
    TransferMapping,
)
from alembic_neo4j.ingest.transfer_source import SourceGraph, TransferSource

_SAMPLED = 1_000
_BYTES_A_ROW = 4_096
"""What a created node or relationship takes in a transaction, without its values."""
_COPIES = 4
"""How often a value is in memory: the message, the row, the command, the state."""


@dataclass(frozen=True)
class PartCount:
    """How many rows become nodes, or relationships, of one kind."""

    what: str
    name: str
    rows: int


@dataclass(frozen=True)
class TransferPreview:
    """What a transfer of one graph would move.

    `batch_rows` is how many rows its largest transaction has,
    `transaction_bytes` is about what its largest transaction takes on the server, and
    `server_bytes` what the server gives to one, None where it does not tell.
    """

    nodes: int
    relationships: int
    parts: tuple[PartCount, ...]
    left_out: tuple[LeftOutCount, ...]
    batch_rows: int
    transaction_bytes: int
    server_bytes: int | None

    @property
    def is_too_large(self) -> bool:
        """Whether a transaction may take more than a quarter of what there is."""
        if self.server_bytes is None:
            return False
        return self.transaction_bytes > self.server_bytes / 4

    @property
    def fitting(self) -> int:
        """The batch size with which a transaction takes a quarter of it at most."""
        if not self.is_too_large or self.server_bytes is None:
            return self.batch_rows
        share = self.server_bytes / 4 / self.transaction_bytes
        return max(1, int(self.batch_rows * share))


def preview_transfer(
    graph: Graph,
    source: TransferSource,
    mapping: TransferMapping,
    wanted: SourceGraph,
    *,
    batch_size: int,
) -> TransferPreview:
    """Count what a transfer of a graph would move; nothing is written.

    Raises IngestError where it would take nothing of a graph that has something, and
    for a value among the first rows that is none of its type.
    """
    with source.snapshot():
        parts = parts_of(source, mapping, wanted)
        counts = [source.row_count(rows.part, wanted) for rows in parts]
        left_out = source.left_out(mapping, wanted)
        if not any(counts):
            check_something_is_taken(source, mapping, wanted, left_out)
        largest, batch_rows = max(
            (_transaction_bytes(rows, size), size)
            for rows, count in zip(parts, counts, strict=True)
            for size in (min(count, batch_size),)
        )
    told = [_told(rows, count) for rows, count in zip(parts, counts, strict=True)]
    nodes = sum(part.rows for part in told if part.what == "nodes")
    return TransferPreview(
        nodes,
        sum(counts) - nodes,
        tuple(told),
        left_out,
        batch_rows,
        largest,
        transaction_memory(graph),
    )


def _told(rows: PartRows, count: int) -> PartCount:
    what = "nodes" if isinstance(rows.part, NodeMapping) else "relationships"
    return PartCount(what, str(rows.part).partition(" :")[2], count)


def _transaction_bytes(rows: PartRows, count: int) -> int:
    sizes = [_BYTES_A_ROW + _COPIES * _size(row) for row in islice(rows, _SAMPLED)]
    return count * sum(sizes) // len(sizes) if sizes else 0


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(len(key) + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return len(value) if isinstance(value, Sized) else 8
