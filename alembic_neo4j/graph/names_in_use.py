"""Which labels and relationship types a graph has anything of."""

from __future__ import annotations

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.elements import Entity

_IN_USE = (
    "RETURN COLLECT { CALL db.labels() YIELD label RETURN label } AS labels, "
    "COLLECT { CALL db.relationshipTypes() YIELD relationshipType AS type "
    "RETURN type } AS types"
)


def names_in_use(graph: Graph) -> dict[Entity, frozenset[str]]:
    """Return the labels that nodes carry and the types that relationships are of.

    The server counts them as it writes: this reads no data. Some that are not in use
    any more may be among them.
    """
    (found,) = graph.read(_IN_USE)
    return {
        Entity.NODE: frozenset(found["labels"]),
        Entity.RELATIONSHIP: frozenset(found["types"]),
    }
