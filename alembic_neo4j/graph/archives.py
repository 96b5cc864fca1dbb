"""What revisions have left on the data: found, brought back, removed for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_neo4j.cypher import data_changes, data_checks
from alembic_neo4j.cypher.data_changes import ARCHIVE_PREFIX, MARK_PREFIX, Mark
from alembic_neo4j.cypher.patterns import Scope
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Step, identified
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.changes import OnConflict
from alembic_neo4j.schema.definitions import EntityType

_KEYS = (
    "CALL db.propertyKeys() YIELD propertyKey "
    "WHERE any(prefix IN $prefixes WHERE propertyKey STARTS WITH prefix) "
    "RETURN propertyKey AS key ORDER BY key"
)


@dataclass(frozen=True)
class Archive:
    """The values of one property that a revision archived, of entities of one kind.

    `owners` are the labels of the nodes, or the type of the relationships; `count` is
    how many there are. With a `mark` they are no values but marks, by which the
    revision's downgrade knows what its upgrade wrote; `name` says what they are about.
    """

    revision: str
    name: str
    entity: EntityType
    owners: tuple[str, ...]
    count: int
    mark: Mark | None = None

    @property
    def key(self) -> str:
        """The property that they are in."""
        if self.mark is not None:
            return self.mark.of(self.revision, self.name)
        return f"{ARCHIVE_PREFIX}{self.revision}_{self.name}"


def find_archives(graph: Graph, revisions: Iterable[str]) -> list[Archive]:
    """Return what is archived or marked in the graph, by `revisions` and by others.

    Every node and every relationship is read where there may be something.
    """
    known = sorted(revisions, key=len, reverse=True)
    found = []
    for row in graph.read(_KEYS, {"prefixes": [ARCHIVE_PREFIX, MARK_PREFIX]}):
        # The server keeps the names of properties that nothing has any more.
        mark, revision, name = _parts(row["key"], known)
        for entity, query in _COUNTS.items():
            counts = graph.read(query.format(key=quote(row["key"])))
            found += [
                Archive(revision, name, entity, tuple(c["owners"]), c["count"], mark)
                for c in counts
            ]
    return found


def restoring(archive: Archive, on_conflict: OnConflict) -> list[Step]:
    """Return the steps that bring values back to the property they were of."""
    scope = Scope(archive.entity, ())
    key = archive.key
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
    about = ("restore", archive.key, archive.name, archive.entity, on_conflict)
    return [*identified([*steps, restore], *about)]


def purging(archive: Archive) -> list[Step]:
    """Return the steps that remove archived values, or marks, for good."""
    done = f"marked as {archive.mark.value}" if archive.mark else "archived"
    title = f"purge {archive.name} that revision {archive.revision} {done}"
    scope = Scope(archive.entity, ())
    remove = data_changes.remove_property(scope, archive.key, title=title)
    return [*identified([remove], "purge", archive.key, archive.entity)]


_COUNTS = {
    EntityType.NODE: "MATCH (n) WHERE n.{key} IS NOT NULL "
    "RETURN labels(n) AS owners, count(*) AS count ORDER BY owners",
    EntityType.RELATIONSHIP: "MATCH ()-[r]->() WHERE r.{key} IS NOT NULL "
    "RETURN [type(r)] AS owners, count(*) AS count ORDER BY owners",
}


def _parts(key: str, revisions: Iterable[str]) -> tuple[Mark | None, str, str]:
    # Revision and name may have underscores in them; a revision that is known decides.
    mark = None
    rest = key.removeprefix(ARCHIVE_PREFIX)
    for known in Mark:
        if key.startswith(known.prefix):
            mark, rest = known, key.removeprefix(known.prefix)
    for revision in revisions:
        if rest.startswith(f"{revision}_"):
            return mark, revision, rest.removeprefix(f"{revision}_")
    revision, _, name = rest.partition("_")
    return mark, revision, name
