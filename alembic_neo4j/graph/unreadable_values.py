"""Looking for values in the graph that the class of their property can't read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from alembic_neo4j.cypher.data_survey import Unreadable
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import EntityType, Property, Schema
from alembic_neo4j.schema.property_classes import judged_when_read, unreadable


def read_unreadable(graph: Graph, schema: Schema) -> tuple[Unreadable, ...]:
    """Return what the classes of the schema can't read, of all that the graph holds.

    The values come from the server as a stream, one pass for each label and type with
    properties that may refuse a value of their type; nothing but counts is kept.
    """
    found: list[Unreadable] = []
    for entity, owner, properties, others in _owners(schema):
        found += _of_owner(graph, entity, owner, properties, others)
    return tuple(found)


def _owners(
    schema: Schema,
) -> Iterator[tuple[EntityType, str, list[Property], Mapping[str, list[str]]]]:
    """Yield each owner with its properties, and the labels that have their own ones.

    What a base declares alike is looked at with the base.
    """
    for label, node in schema.nodes.items():
        bases = [schema.nodes[base] for base in node.bases if base in schema.nodes]
        own = [
            declared
            for declared in node.properties
            if judged_when_read(declared)
            and not any(base.property(declared.name) == declared for base in bases)
        ]
        below = [n for n in schema.models_with(label) if n.label != label]
        others = {
            declared.name: [
                n.label for n in below if n.property(declared.name) != declared
            ]
            for declared in own
        }
        yield EntityType.NODE, label, own, others
    for name, type_ in schema.relationship_types.items():
        judged = [p for p in type_.properties if judged_when_read(p)]
        yield EntityType.RELATIONSHIP, name, judged, {}


def _of_owner(
    graph: Graph,
    entity: EntityType,
    owner: str,
    properties: Iterable[Property],
    others: Mapping[str, list[str]],
) -> list[Unreadable]:
    found = [Unreadable(entity, owner, declared) for declared in properties]
    if not found:
        return []
    is_node = entity is EntityType.NODE
    variable = "n" if is_node else "r"
    pattern = f"(n:{quote(owner)})" if is_node else f"()-[r:{quote(owner)}]->()"
    values = [
        _value(variable, unread.property.name, others.get(unread.property.name, ()))
        for unread in found
    ]
    present = " OR ".join(
        f"{variable}.{quote(unread.property.name)} IS NOT NULL" for unread in found
    )
    query = (
        f"MATCH {pattern}\nWHERE {present}\n"
        f"RETURN elementId({variable}) AS id, [{', '.join(values)}] AS values"
    )
    for row in graph.stream(query):
        for unread, value in zip(found, row["values"], strict=True):
            if value is not None:
                reason = unreadable(unread.property, value)
                if reason is not None:
                    unread.add(row["id"], value, reason)
    return [unread for unread in found if unread.count]


def _value(variable: str, name: str, others: Iterable[str]) -> str:
    value = f"{variable}.{quote(name)}"
    labels = "|".join(map(quote, others))
    return f"CASE WHEN n:{labels} THEN null ELSE {value} END" if labels else value
