"""Undoing batches on a server: what they created is deleted, the rest restored.

Each part is safe to run again, so that one that was killed is begun again from its
start. No index on the tag is needed: one scan of a label finds all that a batch has
created, and what is deleted then goes by internal ids.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from alembic_neo4j.cypher.batch_rollback import (
    RollbackCounts,
    Undo,
    deleting_near_relationships,
    deleting_nodes,
    deleting_relationships,
    forgetting,
    named,
    nodes_of,
    restoring,
    scopes,
)
from alembic_neo4j.cypher.before_images import following
from alembic_neo4j.cypher.data_survey import BatchHoldings, LoadRecord, Tally
from alembic_neo4j.cypher.patterns import one_of
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.errors import CheckFailed, StatementError
from alembic_neo4j.graph import before_images
from alembic_neo4j.graph.batches import run_batches
from alembic_neo4j.graph.before_images import count_images
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.graph.limits import Limits
from alembic_neo4j.schema.definitions import EntityType
from alembic_neo4j.sentences import ended

# Counting what batches have in the graph: by their tag, and by their before-images ----


def tally(graph: Graph, tag: str, records: Iterable[LoadRecord]) -> list[Tally]:
    """Return what each batch has in the graph, counted by one scan of its labels.

    Where that gives too few the whole graph is read once: labels may have been renamed
    since.
    """
    known = {record.batch: record for record in records}
    if not known:
        return []
    found = _by_labels(graph, tag, known)
    short = [
        batch
        for batch, record in known.items()
        if found[batch] < record.nodes + record.relationships
    ]
    if short:
        everywhere = _count(graph, "(x)", tag, short)
        everywhere.update(_count(graph, "()-[x]->()", tag, short))
        found |= everywhere
    images = count_images(graph)
    return [
        Tally(
            batch,
            record.nodes + record.relationships,
            record.touched,
            found[batch],
            images.get(batch, 0),
        )
        for batch, record in known.items()
    ]


def count_everywhere(graph: Graph, tag: str) -> dict[str, BatchHoldings]:
    """Return what the graph has of every batch, by one reading of all of it."""
    counts = {
        "created_nodes": _count(graph, "(x)", tag),
        "created_relationships": _count(graph, "()-[x]->()", tag),
    }
    for entity in EntityType:
        counts[f"touched_{entity.value.lower()}s"] = Counter(
            count_images(graph, entity=entity)
        )
    batches = {batch for counter in counts.values() for batch in counter}
    return {
        batch: BatchHoldings(
            **{name: counter[batch] for name, counter in counts.items()}
        )
        for batch in batches
    }


def _by_labels(graph: Graph, tag: str, known: dict[str, LoadRecord]) -> Counter[str]:
    scans: dict[str, list[str]] = {}
    for batch, record in known.items():
        if record.labels:
            scans.setdefault(f"(x:{one_of(record.labels)})", []).append(batch)
        if record.types:
            scans.setdefault(f"()-[x:{one_of(record.types)}]->()", []).append(batch)
    found: Counter[str] = Counter()
    for pattern, batches in scans.items():
        found.update(_count(graph, pattern, tag, batches))
    return found


def _count(
    graph: Graph, pattern: str, tag: str, batches: list[str] | None = None
) -> Counter[str]:
    chosen = "IS NOT NULL" if batches is None else "IN $batches"
    rows = graph.read(
        f"MATCH {pattern} WHERE x.{quote(tag)} {chosen} "
        f"RETURN x.{quote(tag)} AS batch, count(x) AS count",
        {"batches": batches},
    )
    return Counter({row["batch"]: row["count"] for row in rows})


log = logging.getLogger(__name__)


# Undoing batches on a server: what they created is deleted, the rest restored ---------


_STILL_RELATED = "Neo.ClientError.Schema.ConstraintValidationFailed"


def run_undo(graph: Graph, undo: Undo, limits: Limits) -> RollbackCounts:
    """Undo what the batches have done and return what this call has undone.

    Raises CheckFailed, before anything is written, where a node has relationships that
    other batches or programs have made, unless `undo.detach`. May be called again after
    it was broken off.
    """
    return _Undoing(graph, undo, limits).run()


def tagged(graph: Graph, tag: str, prefix: str) -> set[str]:
    """Return the batches whose name begins so that have left anything in the graph."""
    found = set()
    for pattern in ("(x)", "()-[x]->()"):
        rows = graph.read(
            f"MATCH {pattern} WHERE x.{quote(tag)} STARTS WITH $prefix "
            f"RETURN DISTINCT x.{quote(tag)} AS batch",
            {"prefix": prefix},
        )
        found |= {row["batch"] for row in rows}
    images = before_images.imaged_batches(graph)
    return found | {batch for batch in images if batch.startswith(prefix)}


def is_left(
    graph: Graph, tag: str, batch: str, labels: Sequence[str], types: Sequence[str]
) -> bool:
    """Tell whether a batch has left anything of these labels and types in the graph."""
    scopes = [f"(x:{one_of((label,))})" for label in labels]
    scopes += [f"()-[x:{one_of((type_,))}]->()" for type_ in types]
    if batch in before_images.imaged_batches(graph):
        return True
    return any(
        graph.read(
            f"MATCH {scope} WHERE x.{quote(tag)} = $batch RETURN 1 AS one LIMIT 1",
            {"batch": batch},
        )
        for scope in scopes
    )


class _Undoing:
    """What undoes some batches, and counts what it does."""

    def __init__(self, graph: Graph, undo: Undo, limits: Limits) -> None:
        self._graph = graph
        self._undo = undo
        self._limits = limits
        self._imaged = before_images.has_images(graph)

    def run(self) -> RollbackCounts:
        undo, known = self._undo, self._undo.known
        looked = undo
        if known is not None:
            looked = replace(undo, labels=known.labels, types=known.types)
        if not undo.detach:
            _refuse_foreign(self._graph, looked)
        done = self._delete(looked)
        if known is not None and (
            done.deleted_nodes < known.nodes
            or done.deleted_relationships < known.relationships
        ):
            # Renamed since, or deleted by others, or by an attempt that was killed.
            more = self._delete(undo)
            done = RollbackCounts(
                done.deleted_nodes + more.deleted_nodes,
                done.deleted_relationships + more.deleted_relationships,
            )
        if self._imaged:
            done = self._restore(done)
        before_images.drop_unused_index(
            self._graph,
            timeout=self._limits.schema_timeout,
            interrupts=self._limits.interrupts,
        )
        return done

    def _delete(self, undo: Undo) -> RollbackCounts:
        if self._imaged:
            self._run_all(forgetting(undo))
        relationships = self._run_all(deleting_near_relationships(undo))
        relationships += self._run_all(deleting_relationships(undo))
        try:
            nodes = self._run_all(deleting_nodes(undo))
        except ServerRefused as error:
            if error.code != _STILL_RELATED:
                raise
            raise StatementError(
                f"{undo.shown}: other programs relate nodes to those that it deletes: "
                f"{ended(error.server_message)} Stop them, and run the same command "
                "again"
            ) from error
        return RollbackCounts(nodes, relationships)

    def _restore(self, done: RollbackCounts) -> RollbackCounts:
        undo = self._undo
        self._run_all([following()])
        nodes = relationships = 0
        for batch in undo.batches:
            self._tell_lost(batch)
            for change in restoring(undo, batch):
                if change.parameters["entity"] == EntityType.NODE.value:
                    nodes += self._run(change)
                else:
                    relationships += self._run(change)
        return replace(done, restored_nodes=nodes, restored_relationships=relationships)

    def _tell_lost(self, batch: str) -> None:
        for entity, owners in scopes(self._undo):
            lost = before_images.count_lost(self._graph, batch, entity, owners)
            if lost:
                log.warning(
                    "Of the %ss that the batch %s changed, %s are there no longer, or "
                    "are found by other keys: these are left as they are",
                    entity.value.lower(),
                    batch,
                    f"{lost:,}",
                )

    def _run_all(self, changes: Sequence[Batched] | Iterator[Batched]) -> int:
        return sum(map(self._run, changes))

    def _run(self, change: Batched) -> int:
        size = self._limits.batch_size or change.batch_size
        return run_batches(self._graph, change, size, between=self._limits.between)


# The changes -------------------------------------------------------------------------


# What stands in the way --------------------------------------------------------------


def _refuse_foreign(graph: Graph, undo: Undo) -> None:
    if undo.labels == ():
        return
    tag = quote(undo.tag)
    strange = f"coalesce(NOT r.{tag} IN $batches, true)"
    found = graph.read(
        f"{_strangers(graph, undo, strange)}\n"
        f"RETURN type(r) AS type, r.{tag} AS batch, count(DISTINCT r) AS count, "
        "min(elementId(r)) AS example ORDER BY count DESC LIMIT 10",
        {"batches": list(undo.batches)},
    )
    if found:
        shown = "; ".join(
            f"{row['count']:,} :{row['type']}"
            + (f" of the batch {row['batch']}" if row["batch"] else "")
            + f", such as {row['example']}"
            for row in found
        )
        raise CheckFailed(
            f"nodes that {named(undo)} created have relationships that it did not "
            f"make: {shown}. They would be deleted with the nodes. Delete them first, "
            "or have them deleted: detach=True, or --detach. Nothing was deleted or "
            "restored"
        )


def _strangers(graph: Graph, undo: Undo, strange: str) -> str:
    """Return what matches the `strange` relationships ``r`` of the nodes that go.

    Where most of all relationships are the batches' own, one scan of them is quicker
    than to look at each of them from both of its nodes.
    """
    ours, known = f"n.{quote(undo.tag)} IN $batches", undo.known
    total = "MATCH ()-[r]->() RETURN count(r) AS number"
    if known is None or graph.read(total)[0]["number"] > 2 * known.relationships:
        return f"MATCH {nodes_of(undo)}-[r]-() WHERE {ours} AND {strange}"
    if undo.labels is not None:
        ours += f" AND n:{one_of(undo.labels)}"
    return (
        f"MATCH ()-[r]->() WHERE {strange}\n"
        f"WITH r WHERE any(n IN [startNode(r), endNode(r)] WHERE {ours})"
    )
