"""Ten hostile names go through every operation and back; a canary node survives."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    Change,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from tests.migration.running import elements, live, reversed_, run

NAMES = {
    "backtick": "a`b",
    "many backticks": "```",
    "injection": "A`) DETACH DELETE n WITH 1 AS x MATCH (m:Canary) DETACH DELETE m //",
    "escaped injection": "A\\u0060) WITH n MATCH (m:Canary) DETACH DELETE m //",
    "backslash": "a\\b\\\\c",
    "quotes": 'it\'s "quoted"',
    "newline": "line\nbreak\r\nDETACH DELETE",
    "not ASCII": "Straße 人 🙂 é",
    "600 characters": "x" * 600,
    "statement": "n; MATCH (m) DETACH DELETE m; // $ids {map: 1}",
}


def first(name: str) -> list[Change]:
    """Declare all that can bear the name, and every kind of index on it."""
    label, kind = name, f"{name} TYPE"
    on = {"entity": EntityType.NODE, "labels": (label,)}
    between = {"entity": EntityType.RELATIONSHIP, "labels": (kind,)}
    vector = (("vector.dimensions", 2), ("vector.similarity_function", "cosine"))
    return [
        AddNode(Node(label, (Property(name, "STRING"), Property("plain", "STRING")))),
        AddNode(Node("Other", (Property(name, "STRING"),))),
        AddRelationshipType(RelationshipType(kind, (Property(name, "STRING"),))),
        AddRelationship(label, Relationship(kind, "Other", attribute="others")),
        AddIndex(Index(kind="RANGE", properties=("plain", name), **on)),
        AddIndex(Index(kind="TEXT", properties=(name,), **on)),
        AddIndex(Index(kind="POINT", properties=(name,), **on)),
        AddIndex(Index(kind="FULLTEXT", properties=(name, "plain"), **on)),
        AddIndex(Index(kind="VECTOR", properties=(name,), options=vector, **on)),
        AddIndex(Index(kind="RANGE", properties=(name,), name=f"{name}!", **between)),
        AddIndex(Index(kind="TEXT", properties=(name,), **between)),
        AddConstraint(Constraint("UNIQUE", EntityType.NODE, label, (name,))),
    ]


def second(name: str) -> list[Change]:
    """Rename, fill, alter, relabel, reverse and archive all of it."""
    label, kind = f"{name} 2", f"{name} TYPE 2"
    added = Property(f"{name} added", "STRING", default=name)
    to_other = Relationship(kind, "Other", attribute="others")
    return [
        RenameLabel(name, label),
        RenameRelationshipType(f"{name} TYPE", kind),
        RenameProperty(EntityType.NODE, label, name, f"{name} 3"),
        RenameProperty(EntityType.RELATIONSHIP, kind, name, f"{name} 3"),
        AddProperty(EntityType.NODE, label, added, True),
        AddProperty(EntityType.RELATIONSHIP, kind, added, True),
        AlterNode(label, (("optional_labels", (name,)),), (("optional_labels", ()),)),
        AlterProperty(
            EntityType.NODE,
            label,
            f"{name} 3",
            (("max_length", 5000), ("required", True)),
            (("max_length", None), ("required", False)),
        ),
        AlterProperty(
            EntityType.NODE,
            label,
            "plain",
            (("type", "INTEGER"),),
            (("type", "STRING"),),
            "toInteger(value)",
            "toString(value)",
        ),
        AddLabel(label, f"{name} base"),
        AlterRelationship(label, to_other, (("cardinality", "ZeroOrOne"),)),
        ReverseRelationships(label, kind, "Other"),
        RemoveProperty(
            EntityType.NODE, "Other", name, "archive", Property(name, "STRING")
        ),
    ]


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_operation_and_back(name: str, neo4j_graph: Graph) -> None:
    neo4j_graph.transaction(
        [
            ("CREATE (:Canary {sings: true})", {}),
            (
                f"CREATE (:{quote(name)} {{{quote(name)}: $name, plain: '1'}})"
                f"-[:{quote(f'{name} TYPE')} {{{quote(name)}: $name}}]->"
                f"(:Other {{{quote(name)}: $name}})",
                {"name": name},
            ),
        ]
    )
    data = everything(neo4j_graph)

    made = run(neo4j_graph, Schema(), first(name))
    assert live(neo4j_graph) == elements(made)
    reached = run(neo4j_graph, made, second(name))
    assert live(neo4j_graph) == elements(reached)
    assert everything(neo4j_graph) != data
    assert neo4j_graph.read(
        f"MATCH (n:{quote(f'{name} 2')}:{quote(f'{name} base')})"
        f"<-[r:{quote(f'{name} TYPE 2')}]-(:Other) "
        f"RETURN n[$new] AS node, r[$new] AS between, n[$added] AS filled",
        {"new": f"{name} 3", "added": f"{name} added"},
    ) == [{"node": name, "between": name, "filled": name}]

    back = run(neo4j_graph, reached, reversed_(second(name)))
    assert live(neo4j_graph) == elements(made)
    assert everything(neo4j_graph) == data
    gone = run(neo4j_graph, back, reversed_(first(name)))
    assert gone == Schema()
    assert live(neo4j_graph) == set()
    assert neo4j_graph.read("MATCH (c:Canary) RETURN c.sings AS sings") == [
        {"sings": True}
    ]


def everything(graph: Graph) -> list[dict[str, Any]]:
    """Every node and relationship, what they carry, and what they join."""
    return graph.read(
        "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) "
        "RETURN labels(n) AS labels, properties(n) AS properties, type(r) AS type, "
        "properties(r) AS between, labels(m) AS target "
        "ORDER BY reduce(text = '', label IN labels(n) | text + label)"
    )
