"""Counting what batches have in the graph: by their tag, and by their before-images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from alembic_neo4j.cypher.data_survey import BatchHoldings, LoadRecord, Tally
from alembic_neo4j.cypher.patterns import one_of
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.before_images import count_images
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import EntityType


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
