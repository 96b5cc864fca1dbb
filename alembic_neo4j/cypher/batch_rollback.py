"""The changes that undo batches: deletions, and restoring by before-images."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from alembic_neo4j.cypher import before_images
from alembic_neo4j.cypher.data_changes import Rewrite, batched, extent
from alembic_neo4j.cypher.patterns import one_of
from alembic_neo4j.cypher.quoting import commented, inline, quote
from alembic_neo4j.cypher.steps import Atomicity, Batched, Step
from alembic_neo4j.identity import meaning
from alembic_neo4j.schema.definitions import EntityType
from alembic_neo4j.schema.known_names import Name

DELETION_BATCH_SIZE = 2_500
"""How many are deleted at once: more take longer each (benchmarks/loads.py)."""


NEAR_BATCH_SIZE = 1_000
"""How many relationships are deleted at once node by node, for the same reason."""


FEW = 50
"""Up to so many relationships of a node are kept in one chain, which is soon read (the
server's db.relationship_grouping_threshold)."""


@dataclass(frozen=True)
class CreatedContents:
    """What batches are known to have created: under what names, and how much."""

    labels: tuple[str, ...]
    types: tuple[str, ...]
    nodes: int
    relationships: int


@dataclass(frozen=True)
class Undo(Step):
    """What batches have done is undone, the newest of them first.

    What they created is deleted and what they changed gets back what it had, as far as
    it has one of the `labels`, or is of one of the `types`; None is all that there are.
    What is `known` tells where to look first. With `detach` the relationships of others
    are deleted with the nodes that they lead to or from.
    """

    batches: tuple[str, ...]
    tag: str
    labels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    detach: bool = False
    known: CreatedContents | None = None

    atomicity = Atomicity.CHECKED_BATCHES

    @property
    def recorded_as(self) -> Any:
        """What is undone, wherever that is looked for first."""
        names = ("batches", "tag", "labels", "types", "detach")
        return ["undo", meaning(self, *names)]

    @property
    def names(self) -> tuple[Name, ...]:
        """The labels and types of what is undone, as far as they are known."""
        known = self.known
        labels = self.labels or (known.labels if known else None) or ()
        types = self.types or (known.types if known else None) or ()
        return (
            *((EntityType.NODE, label) for label in labels),
            *((EntityType.RELATIONSHIP, type_) for type_ in types),
        )

    @property
    def shown(self) -> str:
        """What is undone."""
        return f"rollback of {', '.join(self.batches)}"

    @property
    def script(self) -> str:
        """All that undoes it, each as an auto-commit statement."""
        changes = (inline(c.offline, c.parameters) for c in undoing(self))
        texts = (*before_images.ensure_text(), *changes)
        return "\n".join([commented(self.shown), *(f"{text};" for text in texts)])


@dataclass(frozen=True)
class RollbackCounts:
    """What was undone: entities that were deleted, and others that were restored."""

    deleted_nodes: int = 0
    deleted_relationships: int = 0
    restored_nodes: int = 0
    restored_relationships: int = 0


def rollback_command(batch: str) -> str:
    """Return the command that rolls a batch back, as a shell reads it."""
    # A name that begins with a dash would be an option.
    end = "-- " if batch.startswith("-") else ""
    return f"alembic-neo4j ingest rollback {end}{shlex.quote(batch)}"


def undoing(undo: Undo) -> Iterator[Batched]:
    """Yield the changes that undo it all, in their order; for a script."""
    yield from forgetting(undo)
    yield from deleting_relationships(undo)
    yield from deleting_nodes(undo)
    for batch in undo.batches:
        yield from restoring(undo, batch)


def forgetting(undo: Undo) -> Iterator[Batched]:
    """Yield what removes the before-images of entities that are going to be deleted."""
    if undo.types != ():
        narrowed = "" if undo.types is None else "type(x) IN $types"
        yield _with(
            before_images.forgetting(
                EntityType.RELATIONSHIP, narrowed, undo.tag, undo.batches
            ),
            types=list(undo.types or ()),
        )
    if undo.labels != ():
        narrowed = "" if undo.labels is None else f"x:{one_of(undo.labels)}"
        yield before_images.forgetting(
            EntityType.NODE, narrowed, undo.tag, undo.batches
        )


def deleting_near_relationships(undo: Undo) -> Iterator[Batched]:
    """Yield the deletion of what is quicker to delete node by node than in its order.

    The next change deletes the relationships of nodes that have many.
    """
    if undo.labels == ():
        return
    nodes, theirs = nodes_of(undo), f"{nodes_of(undo)}-[r]-()"
    left = f"{_going(undo)} AND COUNT {{ (n)--() }} <= {FEW}"
    yield replace(
        _deletion(undo, "relationships of nodes", theirs, "r", left, among=""),
        batch_size=NEAR_BATCH_SIZE,
        extent=extent(nodes, "n"),
        walk=(
            f"MATCH {theirs} WHERE id(n) IN range($first, $last) AND {left}\n"
            "WITH r, min(id(n)) AS _id ORDER BY _id LIMIT $size\nDELETE r\n"
            # The last node may have more of them, and is come to again.
            "RETURN count(*) AS changed, max(_id) - 1 AS last"
        ),
        walks_others=True,
    )


def deleting_relationships(undo: Undo) -> Iterator[Batched]:
    """Yield the deletion of relationships, each by its own id."""
    tagged = f"r.{quote(undo.tag)} IN $batches"
    if undo.types != ():
        types = "" if undo.types is None else f":{one_of(undo.types)}"
        pattern = f"()-[r{types}]->()"
        yield _deletion(undo, "relationships", pattern, "r", tagged, among=pattern)
    if undo.labels != () and (undo.types is not None or undo.detach):
        # Those of nodes that are going to be deleted: bounded by themselves, whatever
        # the degree of a node is.
        theirs, left = f"{nodes_of(undo)}-[r]-()", _going(undo)
        yield _deletion(
            undo, "relationships of nodes", theirs, "r", left, among="()-[r]->()"
        )


def _going(undo: Undo) -> str:
    """Return the predicate of the relationships ``r`` that go with a node ``n``."""
    tag = quote(undo.tag)
    theirs = f"n.{tag} IN $batches"
    return theirs if undo.detach else f"{theirs} AND r.{tag} IN $batches"


def deleting_nodes(undo: Undo) -> Iterator[Batched]:
    """Yield the deletion of the nodes, which have no relationships any more."""
    if undo.labels != ():
        pattern = nodes_of(undo)
        left = f"n.{quote(undo.tag)} IN $batches"
        yield _deletion(undo, "nodes", pattern, "n", left, among=pattern)


def restoring(undo: Undo, batch: str) -> Iterator[Batched]:
    """Yield what puts back the values and labels that one batch changed."""
    for entity, owners in scopes(undo):
        change = before_images.restoring(batch, entity, owners)
        yield _with(change, entity=entity.value)


def scopes(undo: Undo) -> Iterator[tuple[EntityType, tuple[str, ...] | None]]:
    """Yield nodes and relationships, each with the labels or types looked at."""
    if undo.types != ():
        yield EntityType.RELATIONSHIP, undo.types
    if undo.labels != ():
        yield EntityType.NODE, undo.labels


def _deletion(
    undo: Undo, what: str, pattern: str, variable: str, left: str, *, among: str
) -> Batched:
    return batched(
        f"delete the {what} that {named(undo)} created",
        Rewrite(
            f"MATCH {pattern}",
            variable,
            left,
            f"DELETE {variable}",
            {"batches": list(undo.batches)},
            repeats=pattern != among,
            extent=among,
        ),
        usual=DELETION_BATCH_SIZE,
        done="deleted",
    )


def _with(change: Batched, **parameters: object) -> Batched:
    return replace(change, parameters={**change.parameters, **parameters})


def nodes_of(undo: Undo) -> str:
    """Return the pattern of the nodes ``n`` among which the batches have theirs."""
    return "(n)" if undo.labels is None else f"(n:{one_of(undo.labels)})"


def named(undo: Undo) -> str:
    """Return the batches as messages name them."""
    plural = "es" if len(undo.batches) > 1 else ""
    return f"the batch{plural} {', '.join(undo.batches)}"
