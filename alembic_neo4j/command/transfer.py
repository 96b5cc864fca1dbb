"""Transferring graphs from SQLite: each a batch and a run of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any

from alembic_neo4j.command.verb_run import run_recorded, verb_step
from alembic_neo4j.cypher.batch_rollback import RollbackCounts
from alembic_neo4j.cypher.load_targets import NodeTarget
from alembic_neo4j.errors import CheckFailed, IngestError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.memory import transaction_memory
from alembic_neo4j.graph.transferred import (
    Scope,
    count_in_scope,
    count_nodes,
    presence,
    unconstrained,
)
from alembic_neo4j.ingest.transfer import PartRows, check_something_is_taken, parts_of
from alembic_neo4j.ingest.transfer_mapping import (
    LeftOutCount,
    NodeMapping,
    TransferCounts,
    TransferMapping,
)
from alembic_neo4j.ingest.transfer_source import SourceGraph, TransferSource
from alembic_neo4j.ledger.journal import RunStep
from alembic_neo4j.migration.batch_operations import UndoBatchOp
from alembic_neo4j.migration.batches import LONGEST
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session
from alembic_neo4j.migration.transfer_loads import (
    Report,
    fingerprint,
    load_graph,
    refuse_unknown_parts,
)

# What a transfer would move, and whether the server has the memory for it -------------


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


# Transferring graphs from SQLite: each a batch and a run of its own -------------------


VERB = "transfer"


@dataclass(frozen=True)
class Comparison:
    """How many of something the source has, and how many of these the graph has.

    `scoped` of these are in the scope of the transferred graph, and `there` is how many
    are in it at all; None where there is no scope. `missing` names some that the graph
    lacks. With `shared`, other graphs of the source have the same scope, so that there
    may be more.
    """

    what: str
    name: str
    source: int
    found: int
    scoped: int = 0
    there: int | None = None
    missing: tuple[str, ...] = ()
    shared: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether nothing is missing and nothing there is more."""
        if self.found != self.source:
            return False
        if self.there is None:
            return True
        return self.there >= self.scoped if self.shared else self.there == self.scoped


def batch_of(graph_id: str) -> str:
    """Return the batch that a graph is transferred as."""
    name = f"{VERB}:{graph_id}"
    if len(name) > LONGEST:
        digest = hashlib.sha256(graph_id.encode()).hexdigest()[:16]
        name = f"{name[: LONGEST - 17]}…{digest}"
    return name


def check_constraints(graph: Graph, mapping: TransferMapping) -> None:
    """Raise CheckFailed where nodes would be found by keys that nothing makes unique.

    Each row would look at every node of its label.
    """
    targets = [part.target for part in mapping.nodes]
    lacking = unconstrained(graph, [t for t in targets if isinstance(t, NodeTarget)])
    if lacking:
        raise CheckFailed(
            f"nodes are found by keys without a uniqueness constraint: "
            f"{'; '.join(lacking)}. Nothing was transferred. Apply the schema first "
            "(`alembic -c neo4j.ini upgrade head`), or say --without-constraints"
        )


def check_known(
    session: Session,
    source: TransferSource,
    mapping: TransferMapping,
    graph: SourceGraph,
) -> None:
    """Raise IngestError where rows would become what no model of the history has."""
    schema = session.history.at(session.heads())
    with source.snapshot():
        refuse_unknown_parts(source, mapping, graph, schema)


def in_order(session: Session, graphs: list[SourceGraph]) -> list[SourceGraph]:
    """Return the graphs, first the one whose transfer was killed."""
    open_run = session.recorded().open_run
    begun = open_run.steps[0] if open_run else None
    return sorted(graphs, key=lambda graph: not _is_of(begun, graph))


def _is_of(step: RunStep | None, graph: SourceGraph) -> bool:
    named = verb_step(VERB, graph.id)
    return step is not None and step.is_about(named)


def transfer_graph(
    session: Session,
    source: TransferSource,
    mapping: TransferMapping,
    graph: SourceGraph,
    *,
    batch_size: int,
    report: Report,
    allow_unknown: bool = False,
) -> TransferCounts:
    """Transfer a graph, each row exactly once, and return what became of it.

    What a killed command has begun goes on where the source is as it was, and begins
    again where it is not: nodes and relationships that are there are found. Raises
    IngestError for a value that can't be, before the first row is transferred, and
    StatementError where the server refuses a row; the run ends then, and what was
    transferred stays.
    """

    def act(runner: GraphRunner) -> TransferCounts:
        runner.schema = session.history.at(session.heads())
        runner.batches.start(batch_of(graph.id), revision=None, repeatable=True)
        with source.snapshot():
            return load_graph(
                runner.invoke,
                source,
                mapping,
                graph,
                batch_size=batch_size,
                schema=None if allow_unknown else runner.schema,
                report=report,
            )

    step = verb_step(VERB, graph.id, mapping.digest, fingerprint(source.path))
    return run_recorded(session, step, act, repeatable=True)


def verify_graph(
    graph: Graph,
    source: TransferSource,
    mapping: TransferMapping,
    wanted: SourceGraph,
) -> list[Comparison]:
    """Compare what the graph has of a transfer with the source; nothing is written."""
    scopes = [g.scope for g in source.graphs(mapping)]
    shared = scopes.count(wanted.scope) > 1
    name = mapping.graphs.scope_property if mapping.graphs else None
    scope = Scope(name, wanted.scope) if name else None
    with source.snapshot():
        compared = [
            _compared(graph, rows, scope, shared=shared)
            for rows in parts_of(source, mapping, wanted)
        ]
        left_out = source.left_out(mapping, wanted)
    if scope is not None:
        compared.append(_whole(graph, mapping, scope, compared))
    compared += [Comparison("left out", o.title, o.count, 0) for o in left_out]
    return compared


def _compared(
    graph: Graph, rows: PartRows, scope: Scope | None, *, shared: bool
) -> Comparison:
    part, target = rows.part, rows.part.target
    keys = rows.source.distinct_keys(part, rows.graph, rows.mapping.values)
    present = presence(graph, target, keys, scope)
    there = None if scope is None else count_in_scope(graph, target, scope)
    missing = tuple(", ".join(map(repr, key)) for key in present.missing)
    what, _, name = str(part).partition(" :")
    return Comparison(
        what,
        name,
        present.expected,
        present.found,
        present.scoped,
        there,
        missing,
        shared,
    )


def _whole(
    graph: Graph, mapping: TransferMapping, scope: Scope, compared: list[Comparison]
) -> Comparison:
    nodes = [one for one in compared if one.what == "nodes"]
    labels = [part.labels[0] for part in mapping.nodes]
    return Comparison(
        scope.name,
        str(scope.value),
        sum(one.source for one in nodes),
        sum(one.found for one in nodes),
        sum(one.scoped for one in nodes),
        count_nodes(graph, labels, scope),
        shared=any(one.shared for one in nodes),
    )


def transferred(session: Session, graph_ids: Iterable[str]) -> list[str]:
    """Return ids of graphs that were transferred; raises IngestError with the others.

    Nothing is rolled back then.
    """
    ids = list(graph_ids)
    session.check()
    wrong = [id_ for id_ in ids if not _is_known(session, batch_of(id_))]
    if wrong:
        was, batches = ("was", "batch") if len(wrong) == 1 else ("were", "batches")
        raise IngestError(
            f"{', '.join(map(repr, wrong))} {was} never transferred to this graph: the "
            f"ledger knows no {batches} {', '.join(map(batch_of, wrong))}. Nothing was "
            "rolled back. See `alembic-neo4j ingest list`."
        )
    return ids


def _is_known(session: Session, batch: str) -> bool:
    if session.database.is_missing:
        return False
    return session.journal.batches.find(batch) is not None


def rollback_graph(session: Session, graph_id: str, *, detach: bool) -> RollbackCounts:
    """Undo the transfer of a graph: what it created goes, what it changed comes back.

    The graph is one of `transferred`. Raises CheckFailed where others have led
    relationships to its nodes, unless `detach`. May be called again after it was broken
    off.
    """
    batch = batch_of(graph_id)

    def act(runner: GraphRunner) -> RollbackCounts:
        undone: RollbackCounts = runner.invoke(UndoBatchOp(batch, detach=detach))
        return undone

    step = verb_step(f"{VERB} --rollback", graph_id, detach)
    return run_recorded(session, step, act, repeatable=True)
