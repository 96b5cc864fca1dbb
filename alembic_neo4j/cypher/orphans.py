"""Statements that count what no model accounts for: stray nodes and relationships."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.schema.definitions import Direction, Relationship, Schema

_UNRESOLVED = "?"


@dataclass(frozen=True)
class OrphanQuery:
    """A statement that gives a row: `count`, and the element id of an `example`.

    `subject` is what it is about, `expected` what the models say of that.
    """

    subject: str
    expected: str
    text: str


def orphan_queries(schema: Schema, known: Iterable[str]) -> Iterator[OrphanQuery]:
    """Yield what to ask for nodes of no known label, and relationships between others.

    `known` are the labels that need not be declared. Of a type whose ends no model
    gives, or which may lead anywhere, nothing is asked, and of nodes nothing where no
    model is known. Neo4j itself has no relationship without both of its ends.
    """
    if schema.nodes:
        yield _nodes(known)
    for name, ends in sorted(_ends(schema).items()):
        yield _relationships(name, sorted(ends))


def _nodes(known: Iterable[str]) -> OrphanQuery:
    labels = "|".join(quote(label) for label in sorted(known))
    return OrphanQuery(
        "nodes",
        "a label that the history knows",
        f"MATCH (n:!({labels}))\n"
        f"WHERE none(label IN labels(n) WHERE label STARTS WITH '{OWN_LABEL_PREFIX}')\n"
        "RETURN count(n) AS count, min(elementId(n)) AS example",
    )


def _relationships(name: str, ends: list[tuple[str, str]]) -> OrphanQuery:
    allowed = " OR ".join(f"(a:{quote(a)} AND b:{quote(b)})" for a, b in ends)
    said = ", ".join(f"(:{a})-[:{name}]->(:{b})" for a, b in ends)
    return OrphanQuery(
        f"relationships of type {name}",
        said,
        f"MATCH (a)-[r:{quote(name)}]->(b)\nWHERE NOT ({allowed})\n"
        "RETURN count(r) AS count, min(elementId(r)) AS example",
    )


def _ends(schema: Schema) -> dict[str, set[tuple[str, str]]]:
    """Return between which labels each type may be, from the start to the end."""
    found: dict[str, set[tuple[str, str]]] = {}
    anywhere = set()
    for node in schema.nodes.values():
        for relationship in node.relationships:
            if relationship.target.startswith(_UNRESOLVED):
                anywhere.add(relationship.type)
            ends = found.setdefault(relationship.type, set())
            ends.update(_of(node.label, relationship))
    return {name: ends for name, ends in found.items() if name not in anywhere}


def _of(owner: str, relationship: Relationship) -> Iterator[tuple[str, str]]:
    if relationship.direction is not Direction.IN:
        yield owner, relationship.target
    if relationship.direction is not Direction.OUT:
        yield relationship.target, owner
