"""What a command has changed in a graph, by the server's own summaries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alembic_neo4j.schema.definitions import EntityType
from alembic_neo4j.schema.known_names import Name

if TYPE_CHECKING:
    from neo4j import SummaryCounters

_COUNTED = (
    *("nodes_created", "nodes_deleted"),
    *("relationships_created", "relationships_deleted"),
    *("properties_set", "labels_added", "labels_removed"),
    *("indexes_added", "indexes_removed", "constraints_added", "constraints_removed"),
)
_OURS = re.compile("__alembic_?neo4j", re.IGNORECASE)


def counted_by(text: str, counters: SummaryCounters) -> Counter[str]:
    """Return what a statement has changed; of one about nodes of ours that is nothing.

    Those are the stamp, the lock, the markers and the images of what was before.
    """
    if not counters.contains_updates or _OURS.search(text):
        return Counter()
    return Counter({n: c for n in _COUNTED if (c := getattr(counters, n))})


class Changes:
    """Counts what is committed, in all, and by the labels or types that it is about."""

    def __init__(self) -> None:
        self._total: Counter[str] = Counter()
        self._by_name: dict[Name, Counter[str]] = {}
        self._names: Sequence[Name] = ()

    def __bool__(self) -> bool:
        return bool(self._total)

    def reset(self) -> None:
        """Begin to count."""
        self._total, self._by_name = Counter(), {}

    @contextmanager
    def about(self, names: Sequence[Name]) -> Iterator[None]:
        """Count what the block changes by these labels and types as well."""
        before, self._names = self._names, names
        try:
            yield
        finally:
            self._names = before

    def add(self, counts: Counter[str]) -> None:
        """Count what was committed."""
        self._total += counts
        for name in self._names if counts else ():
            self._by_name[name] = self._by_name.get(name, Counter()) + counts

    def report(self) -> dict[str, Any]:
        """Return the counts: ``total``, ``by_label`` and ``by_type``, where any."""
        by_entity: dict[str, dict[str, Any]] = {
            "by_label": self._of(EntityType.NODE),
            "by_type": self._of(EntityType.RELATIONSHIP),
        }
        found: dict[str, Any] = {"total": dict(self._total), **by_entity}
        return {name: counts for name, counts in found.items() if counts}

    def _of(self, entity: EntityType) -> dict[str, dict[str, int]]:
        return {
            name: dict(counts)
            for (kind, name), counts in self._by_name.items()
            if kind is entity
        }
