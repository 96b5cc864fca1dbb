"""The loads that a transfer is made of: one for each part of a graph."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from alembic_neo4j.cypher.load_targets import refuse_targets
from alembic_neo4j.cypher.loads import Row
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.data_rows import kept
from alembic_neo4j.ingest.files import beside_or_above
from alembic_neo4j.ingest.transfer import (
    check_something_is_taken,
    chosen_graphs,
    listed,
    mapping_for,
    parts_of,
)
from alembic_neo4j.ingest.transfer_mapping import (
    LeftOutCount,
    NodeMapping,
    TransferCounts,
    TransferMapping,
)
from alembic_neo4j.ingest.transfer_source import (
    SourceGraph,
    TransferSource,
    open_source,
    source_path,
)
from alembic_neo4j.ledger.batches import Source
from alembic_neo4j.migration.batch_operations import LoadOp
from alembic_neo4j.migration.operations import (
    BatchRunner,
)
from alembic_neo4j.schema.definitions import Schema

log = logging.getLogger(__name__)

Report: TypeAlias = Callable[[int, int], None]
"""Told how many rows of how many have been read."""

Invoke: TypeAlias = Callable[[LoadOp], Any]
"""Carries a load out and returns what became of its rows."""


def carry_out(
    runner: BatchRunner,
    source_file: str,
    mapping_file: str | None,
    graph_ids: Sequence[str],
    *,
    batch_size: int,
    allow_unknown: bool,
) -> TransferCounts:
    """Load graphs of a source, all where none is named, into the batch of a revision.

    Files are looked for beside the revision's and in the directories above it. Raises
    IngestError where source, mapping or graph are not there, and what a load raises.
    """
    given = _found(mapping_file, runner.file) if mapping_file else None
    done = TransferCounts()
    with open_source(_found(source_file, runner.file)) as source:
        mapping = mapping_for(source, given)
        with source.snapshot():
            for graph in chosen_graphs(source, mapping, graph_ids or None):
                loaded = load_graph(
                    *(runner.invoke, source, mapping, graph),
                    batch_size=batch_size,
                    schema=None if allow_unknown else runner.schema,
                )
                done += loaded
                if loaded.left_out:
                    log.warning("%s: left out: %s", graph.id, listed(loaded.left_out))
            elsewhere = source.left_out(mapping)
    if elsewhere:
        log.warning("left out of every graph: %s", listed(elsewhere))
    return done


def load_graph(
    invoke: Invoke,
    source: TransferSource,
    mapping: TransferMapping,
    graph: SourceGraph,
    *,
    batch_size: int,
    schema: Schema | None,
    report: Report = lambda _done, _all: None,
) -> TransferCounts:
    """Load the parts of a graph, in one snapshot; return what became of its rows.

    Raises IngestError where nothing is taken of a graph that has something: before a
    load where no part has a row, after them where no row has found its nodes. Before
    them also for a value that no property can hold, and where a part with rows has
    labels or types that no model of the `schema` has; None allows all.
    """
    parts = parts_of(source, mapping, graph)
    counts = [source.row_count(rows.part, graph) for rows in parts]
    left_out = source.left_out(mapping, graph)
    if not any(counts):
        check_something_is_taken(source, mapping, graph, left_out)
    if schema is not None:
        refuse_unknown_parts(source, mapping, graph, schema)
    origin = Source(source.path.resolve().as_uri(), fingerprint(source.path))
    done = TransferCounts(left_out=left_out)
    with ExitStack() as stack:
        # A value that is none of its type is found before the first write.
        readable = [stack.enter_context(kept(rows)) for rows in parts]
        for number, (rows, count) in enumerate(zip(readable, counts, strict=True)):
            part = parts[number].part
            counted = _Counted(rows, sum(counts[:number]), sum(counts), report)
            loaded = invoke(
                LoadOp(
                    part.target,
                    counted,
                    batch_size,
                    origin,
                    allow_unknown=True,
                    judged=True,
                )
            )
            if isinstance(part, NodeMapping):
                done += TransferCounts(nodes=count, created_nodes=loaded.created)
            else:
                done += TransferCounts(
                    relationships=count,
                    created_relationships=loaded.created,
                    unmatched=loaded.unmatched,
                )
    if done.unmatched and done.unmatched == done.nodes + done.relationships:
        raise IngestError(
            f"{source.path}: expected relationships of {graph.id!r} between nodes that "
            f"are there, found {done.unmatched:,} that lack one to lead from or to, "
            f"and no nodes of its own. Nothing was transferred. {_rest(left_out)}"
        )
    return done


def refuse_unknown_parts(
    source: TransferSource, mapping: TransferMapping, graph: SourceGraph, schema: Schema
) -> None:
    """Raise IngestError where rows would become what no model of a schema has."""
    parts = parts_of(source, mapping, graph)
    filled = [r.part.target for r in parts if source.row_count(r.part, graph)]
    refuse_targets(f"transfer of {graph.id}", filled, schema)


def _rest(left_out: tuple[LeftOutCount, ...]) -> str:
    if not left_out:
        return "Transfer first the graph that has the nodes."
    return f"The mapping leaves out {listed(left_out)}."


def fingerprint(path: Path) -> str:
    """Return what tells, at a glance, whether a database was written to."""
    parts = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            found = file.stat()
            parts.append(f"{found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Counted:
    """Rows that tell how far their reading is, among all of a graph's."""

    def __init__(
        self, rows: Iterable[Row], before: int, total: int, report: Report
    ) -> None:
        self._rows = rows
        self._before = before
        self._total = total
        self._report = report

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self._rows, self._before + 1):
            if number % 100 == 0:
                self._report(number, self._total)
            yield row


def _found(name: str, revision_file: str) -> Path:
    path = source_path(name)
    found = beside_or_above(revision_file, path)
    if found is None:
        raise IngestError(
            f"op.transfer: there is no file {path} beside {revision_file}, nor in a "
            "directory above it."
        )
    return found
