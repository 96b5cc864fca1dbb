"""The values that revisions have archived: found, brought back, removed for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_neo4j.graph import data_changes, data_checks
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.data_changes import ARCHIVE_PREFIX, archive_name
from alembic_neo4j.graph.patterns import Scope
from alembic_neo4j.graph.quoting import quote
from alembic_neo4j.graph.steps import Step
from alembic_neo4j.schema.changes import OnConflict
from alembic_neo4j.schema.elements import Entity

_KEYS = (
    "CALL db.propertyKeys() YIELD propertyKey WHERE propertyKey STARTS WITH $prefix "
    "RETURN propertyKey AS key ORDER BY key"
)


@dataclass(frozen=True)
class Archive:
    """The values of one property that a revision archived, of entities of one kind.

    `owners` are the labels of the nodes, or the type of the relationships; `count` is
    how many there are.
    """

    revision: str
    name: str
    entity: Entity
    owners: tuple[str, ...]
    count: int


def find_archives(graph: Graph, revisions: Iterable[str]) -> list[Archive]:
    """Return what is archived in the graph, by `revisions` and by others.

    Every node and every relationship is read where there may be something.
    """
    known = sorted(revisions, key=len, reverse=True)
    found = []
    for row in graph.read(_KEYS, {"prefix": ARCHIVE_PREFIX}):
        # The server keeps the names of properties that nothing has any more.
        revision, name = _parts(row["key"], known)
        for entity, query in _COUNTS.items():
            counts = graph.read(query.format(key=quote(row["key"])))
            found += [
                Archive(revision, name, entity, tuple(c["owners"]), c["count"])
                for c in counts
            ]
    return found


def restoring(archive: Archive, on_conflict: OnConflict) -> list[Step]:
    """Return the steps that bring values back to the property they were of."""
    scope = Scope(archive.entity, ())
    key = archive_name(archive.revision, archive.name)
    among = f"{scope.value(key)} IS NOT NULL"
    steps: list[Step] = []
    if on_conflict == "fail":
        conflict = data_checks.both_present(
            *(scope, key, archive.name, among),
            advice="These have got other values meanwhile. Say --on-conflict overwrite "
            "or keep, or remove one of the two.",
        )
        steps.append(conflict)
    restore = data_changes.move_property(
        *(scope, key, archive.name),
        among=among,
        on_conflict=on_conflict,
        title=f"bring back {archive.name} that revision {archive.revision} archived",
    )
    return [*steps, restore]


def purging(archive: Archive) -> list[Step]:
    """Return the steps that remove archived values for good."""
    key = archive_name(archive.revision, archive.name)
    title = f"purge {archive.name} that revision {archive.revision} archived"
    scope = Scope(archive.entity, ())
    return [data_changes.remove_property(scope, key, title=title)]


_COUNTS = {
    Entity.NODE: "MATCH (n) WHERE n.{key} IS NOT NULL "
    "RETURN labels(n) AS owners, count(*) AS count ORDER BY owners",
    Entity.RELATIONSHIP: "MATCH ()-[r]->() WHERE r.{key} IS NOT NULL "
    "RETURN [type(r)] AS owners, count(*) AS count ORDER BY owners",
}


def _parts(key: str, revisions: Iterable[str]) -> tuple[str, str]:
    # Both parts may have underscores in them; a revision that is known decides.
    rest = key.removeprefix(ARCHIVE_PREFIX)
    for revision in revisions:
        if rest.startswith(f"{revision}_"):
            return revision, rest.removeprefix(f"{revision}_")
    revision, _, name = rest.partition("_")
    return revision, name
