"""What rows become: nodes of some labels, or relationships of a type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from alembic_neo4j.cypher.patterns import refuse_own
from alembic_neo4j.errors import IngestError
from alembic_neo4j.schema.changes.touched import TouchedNames, labels, properties, types
from alembic_neo4j.schema.definitions import EntityType, Schema
from alembic_neo4j.schema.known_names import ALLOW, KnownNames, Name

BATCH_PROPERTY = "_alembic_batch"
"""The property by which what a batch has created is known, unless it is called else."""

OnUnmatched: TypeAlias = Literal["report", "fail"]
"""What becomes of a relationship without both its ends: it is told, or an error."""


@dataclass(frozen=True)
class NodeTarget:
    """Nodes with some labels; the first of them is what keys are looked up by.

    With `merge_keys`, a row whose values of them a node has changes that node, and
    only another one creates a node. Raises SchemaError for a label of our own,
    IngestError without a label, or with keys that are none.
    """

    labels: tuple[str, ...]
    merge_keys: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.labels:
            raise IngestError("Expected a label for the nodes, found none.")
        for label in self.labels:
            refuse_own(label)
        if self.merge_keys is not None:
            check_keys("merge_keys", self.merge_keys)

    @property
    def names(self) -> tuple[Name, ...]:
        """Its labels."""
        return tuple((EntityType.NODE, label) for label in self.labels)

    def writes(self, schema: Schema) -> TouchedNames:
        """Return what of the data it changes, with the models of a schema."""
        created = labels(*schema.labels_of(*self.labels))
        if self.merge_keys is None:
            return created
        return created | properties(EntityType.NODE, None)

    @property
    def owner(self) -> str:
        """The label that keys are looked up by."""
        return self.labels[0]

    @property
    def entity(self) -> EntityType:
        """What the rows become."""
        return EntityType.NODE

    def __str__(self) -> str:
        return f":{':'.join(self.labels)}"


@dataclass(frozen=True)
class Endpoint:
    """The nodes that a relationship starts or ends at: those with values of keys."""

    label: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class RelationshipTarget:
    """Relationships of a type between nodes that are there.

    With `merge_keys`, of which there may be none, a relationship with these values
    between the same nodes is changed, and else created. Raises as `NodeTarget` does.
    """

    type: str
    source: Endpoint
    target: Endpoint
    merge_keys: tuple[str, ...] | None = None
    on_unmatched: OnUnmatched = "report"

    def __post_init__(self) -> None:
        refuse_own(self.source.label)
        refuse_own(self.target.label)
        check_keys("source_key", self.source.keys)
        check_keys("target_key", self.target.keys)
        if self.merge_keys:
            check_keys("merge_keys", self.merge_keys)
        if self.on_unmatched not in ("report", "fail"):
            raise IngestError(
                f"Expected on_unmatched 'report' or 'fail', found "
                f"{self.on_unmatched!r}."
            )

    @property
    def names(self) -> tuple[Name, ...]:
        """Its type, and the labels of its ends."""
        return (
            (EntityType.RELATIONSHIP, self.type),
            (EntityType.NODE, self.source.label),
            (EntityType.NODE, self.target.label),
        )

    def writes(self, schema: Schema) -> TouchedNames:
        """Return what of the data it changes; the schema makes no difference."""
        del schema
        created = types(self.type)
        if self.merge_keys is None:
            return created
        return created | properties(EntityType.RELATIONSHIP, None)

    @property
    def owner(self) -> str:
        """The type."""
        return self.type

    @property
    def entity(self) -> EntityType:
        """What the rows become."""
        return EntityType.RELATIONSHIP

    def __str__(self) -> str:
        return f"(:{self.source.label})-[:{self.type}]->(:{self.target.label})"


LoadTarget: TypeAlias = "NodeTarget | RelationshipTarget"


def completed(target: LoadTarget, schema: Schema) -> LoadTarget:
    """Return the target with every label that the models of a schema give its nodes.

    A node that is found by its keys gets those that it lacks, and loses them again
    when the batch is rolled back.
    """
    if not isinstance(target, NodeTarget):
        return target
    return replace(target, labels=schema.labels_of(*target.labels))


def refuse_targets(title: str, targets: Iterable[LoadTarget], schema: Schema) -> None:
    """Raise IngestError where rows would become what no model of a schema has.

    Nobody would find them.
    """
    names = [name for target in targets for name in target.names]
    found = list(KnownNames.of(schema).unknown(names))
    if found:
        raise IngestError(f"{title}: {' '.join(found)} Nothing was loaded. {ALLOW}.")


def check_keys(what: str, keys: tuple[str, ...]) -> None:
    """Raise IngestError where there are no keys, or one twice."""
    if not keys or len(set(keys)) < len(keys):
        found = ", ".join(map(repr, keys)) or "none"
        raise IngestError(f"Expected {what}: properties to find by, found {found}.")
