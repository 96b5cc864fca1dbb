"""Which labels, relationship types and properties a graph has anything of."""

from __future__ import annotations

from alembic_neo4j.cypher.patterns import Scope
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import EntityType

_IN_USE = (
    "RETURN COLLECT { CALL db.labels() YIELD label RETURN label } AS labels, "
    "COLLECT { CALL db.relationshipTypes() YIELD relationshipType AS type "
    "RETURN type } AS types"
)


def names_in_use(graph: Graph) -> dict[EntityType, frozenset[str]]:
    """Return the labels that nodes carry and the types that relationships are of.

    The server counts them as it writes: this reads no data. Some that are not in use
    any more may be among them.
    """
    (found,) = graph.read(_IN_USE)
    return {
        EntityType.NODE: frozenset(found["labels"]),
        EntityType.RELATIONSHIP: frozenset(found["types"]),
    }


def has_property(graph: Graph, scope: Scope, name: str) -> bool:
    """Tell whether any of the nodes or relationships has a value of a property.

    Where nothing in the graph has had one, that is known without reading data.
    """
    if not graph.read(_KEY, {"name": name}):
        return False
    found = f"MATCH {scope.pattern} WHERE {scope.value(name)} IS NOT NULL"
    return bool(graph.read(f"{found} RETURN true AS found LIMIT 1"))


_KEY = (
    "CALL db.propertyKeys() YIELD propertyKey WHERE propertyKey = $name "
    "RETURN propertyKey"
)
