"""The nodes or relationships that a query is about, as pieces of Cypher."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import EntityType


@dataclass(frozen=True)
class Scope:
    """The nodes with any of some labels, or the relationships of any of some types.

    Without names they are all that there are.
    In its Cypher a node is ``n`` and a relationship ``r``; `where` is a predicate over
    it that narrows it down. Raises SchemaError for a label that this package keeps for
    itself: a migration never touches those nodes.
    """

    entity: EntityType
    names: tuple[str, ...]
    where: str | None = None

    def __post_init__(self) -> None:
        if self.entity is EntityType.NODE:
            for name in self.names:
                refuse_own(name)

    @property
    def variable(self) -> str:
        """How its Cypher calls one of them."""
        return "n" if self.entity is EntityType.NODE else "r"

    @property
    def pattern(self) -> str:
        """What stands after MATCH."""
        names = f":{one_of(self.names)}" if self.names else ""
        if self.where is not None:
            names += f" WHERE {enclosed(self.where)}"
        return f"(n{names})" if self.entity is EntityType.NODE else f"()-[r{names}]->()"

    def value(self, name: str) -> str:
        """The property of this name."""
        return f"{self.variable}.{quote(name)}"

    def __str__(self) -> str:
        names = f":{'|'.join(self.names)}" if self.names else ""
        return f"({names})" if self.entity is EntityType.NODE else f"[{names}]"


def nodes(*labels: str) -> Scope:
    """The nodes that carry any of the labels."""
    return Scope(EntityType.NODE, labels)


def relationships(*types: str) -> Scope:
    """The relationships of any of the types."""
    return Scope(EntityType.RELATIONSHIP, types)


def one_of(names: tuple[str, ...]) -> str:
    """The labels or types as an expression that any of them fulfils."""
    return "|".join(quote(name) for name in names)


def enclosed(expression: str) -> str:
    """A person's expression in parentheses, which a comment in it can't swallow."""
    return f"({expression}\n)" if "//" in expression else f"({expression})"


def refuse_own(label: str) -> None:
    """Raise SchemaError for a label that this package keeps for itself."""
    if label.startswith(OWN_LABEL_PREFIX):
        raise SchemaError(
            f"the label {label!r} belongs to alembic_neo4j: labels that begin with "
            f"{OWN_LABEL_PREFIX!r} can't be migrated; choose another one"
        )
