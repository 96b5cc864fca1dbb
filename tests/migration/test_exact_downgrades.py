"""A downgrade takes back what its upgrade wrote, and leaves what was there before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.conversions import conversion
from alembic_neo4j.schema.definitions import Property
from tests.migration.conftest import live, project
from tests.migration.project import Project

__all__ = ["live", "project"]

Contents = list[Any]


def contents(graph: Graph) -> Contents:
    """All nodes and relationships but our own, in an order that ids have no part in."""
    nodes = graph.read(
        "MATCH (n) WHERE none(label IN labels(n) WHERE label STARTS WITH "
        "'__AlembicNeo4j') RETURN labels(n) AS labels, "
        "properties(n) AS properties"
    )
    relationships = graph.read(
        "MATCH (s)-[r]->(e) RETURN s.id AS source, type(r) AS type, e.id AS target, "
        "properties(r) AS properties"
    )
    for row in nodes:
        row["labels"] = sorted(row["labels"])
    return sorted(repr(sorted(row.items())) for row in [*nodes, *relationships])


def values(graph: Graph, query: str) -> list[Any]:
    return [row["value"] for row in graph.read(f"{query} AS value ORDER BY n.id")]


def there_and_back(
    project: Project, graph: Graph, models: str, *arguments: str, edits: Any = ()
) -> Contents:
    """Autogenerate, upgrade, downgrade twice; return what the upgrade left."""
    before = contents(graph)
    project.models(models)
    project.done("revision", "--autogenerate", "-m", "change", *arguments)
    newest = max(project.versions.glob("*.py"), key=lambda path: path.stat().st_mtime)
    for old, new in edits:
        text = newest.read_text()
        assert old in text
        newest.write_text(text.replace(old, new))
    for _ in range(2):
        project.done("upgrade", "head")
        made = contents(graph)
        project.done("downgrade", "-1")
        assert contents(graph) == before
    return made


def first(project: Project, graph: Graph, models: str, *data: str) -> None:
    project.models(models)
    project.done("revision", "--autogenerate", "-m", "first")
    project.done("upgrade", "head")
    graph.transaction([(text, {}) for text in data])


PARCEL = """
class Parcel(StructuredNode):
    code = StringProperty()
"""
PARCELS = (
    "UNWIND range(1, 400) AS id CREATE (n:Parcel {id: id, code: 'c' + id}) "
    "FOREACH (_ IN CASE WHEN id IN [7, 8] THEN [1] ELSE [] END | "
    "SET n.status = CASE id WHEN 7 THEN 'lost' ELSE 'ok' END)"
)
WITH_STATUS = PARCEL + "    status = StringProperty(default='ok')\n"


def test_a_default_leaves_what_was_there(live: Project, neo4j_graph: Graph) -> None:
    first(live, neo4j_graph, PARCEL, PARCELS)
    there_and_back(live, neo4j_graph, WITH_STATUS)
    statuses = "MATCH (n:Parcel) WHERE n.status IS NOT NULL RETURN n.status"
    assert values(neo4j_graph, statuses) == ["lost", "ok"]


def test_what_was_written_since_stays(live: Project, neo4j_graph: Graph) -> None:
    first(live, neo4j_graph, PARCEL, PARCELS)
    live.models(WITH_STATUS)
    live.done("revision", "--autogenerate", "-m", "status")
    live.done("upgrade", "head")
    neo4j_graph.transaction(
        [
            ("MATCH (n:Parcel {id: 9}) SET n.status = 'bad'", {}),
            ("CREATE (:Parcel {id: 401, status: 'ok'})", {}),
        ]
    )
    live.done("downgrade", "-1")
    rows = neo4j_graph.read(
        "MATCH (n:Parcel) WHERE n.status IS NOT NULL "
        "RETURN n.id AS id, n.status AS status ORDER BY id"
    )
    found = {row["id"]: row["status"] for row in rows}
    assert found == {7: "lost", 8: "ok", 9: "bad", 401: "ok"}
    keys = "MATCH (n:Parcel) UNWIND keys(n) AS key WITH n, key WHERE key STARTS WITH '_"
    assert values(neo4j_graph, f"{keys}alembic' RETURN key") == []


@pytest.mark.parametrize("default", [1, 1.5, True, "it's", [1, 2], float("inf")])
def test_a_default_of_any_type(live: Project, neo4j_graph: Graph, default: Any) -> None:
    data = "UNWIND range(1, 5) AS id CREATE (n:P {id: id}) SET n.x = [null, $v][id % 2]"
    neo4j_graph.transaction([(data, {"v": default})])
    written = "float('inf')" if default == float("inf") else repr(default)
    live.revision("r1", "op.add_node('P')")
    live.revision(
        "r2",
        f"op.add_node_property('P', 'x', default={written}, allow_nan=True)",
        "op.remove_node_property('P', 'x', undo=True)",
        down="r1",
    )
    before = contents(neo4j_graph)
    live.done("upgrade", "head")
    assert (
        len(values(neo4j_graph, "MATCH (n:P) WHERE n.x IS NOT NULL RETURN n.id")) == 5
    )
    live.done("downgrade", "r1")
    assert contents(neo4j_graph) == before


KNOWS = """
class Knows(StructuredRel):
    since = IntegerProperty()
{property}

class Person(StructuredNode):
    name = StringProperty()
    knows = RelationshipTo("Person", "{type}", model=Knows)
"""


def test_a_default_of_relationships(live: Project, neo4j_graph: Graph) -> None:
    first(
        live,
        neo4j_graph,
        KNOWS.format(property="", type="KNOWS_A"),
        "UNWIND range(1, 20) AS id CREATE (n:Person {id: id})-[r:KNOWS_A {since: id}]->"
        "(:Person {id: -id}) SET r.closeness = CASE id WHEN 3 THEN 0 WHEN 4 THEN 1 END",
    )
    live.revision(
        "r2",
        "op.add_relationship_property('KNOWS_A', 'closeness', 'INTEGER', default=1)",
        "op.remove_relationship_property('KNOWS_A', 'closeness', archive=False)",
        down=live.heads()[0],
    )
    before = contents(neo4j_graph)
    live.done("upgrade", "head")
    count = "MATCH (n)-[r:KNOWS_A]->() WHERE r.closeness = 1 RETURN r.closeness"
    assert len(values(neo4j_graph, count)) == 19
    live.done("downgrade", "-1")
    assert contents(neo4j_graph) == before


def test_what_a_person_fills_in(live: Project, neo4j_graph: Graph) -> None:
    first(live, neo4j_graph, PARCEL, PARCELS)
    there_and_back(
        live,
        neo4j_graph,
        PARCEL + "    status = StringProperty(required=True)\n",
        edits=[("backfill=op.FILL_IN", "backfill='n.code + randomUUID()'")],
    )


def test_a_default_moves_up_from_a_class_below(
    live: Project, neo4j_graph: Graph
) -> None:
    animal = """
class Animal(StructuredNode):
    name = StringProperty()
{base}

class Dog(Animal):
    toy = StringProperty()
{below}
"""
    age = "    age = IntegerProperty(default=1)"
    first(
        live,
        neo4j_graph,
        animal.format(base="", below=age),
        "CREATE (:Animal {id: 1}), (:Animal {id: 2, age: 5}), (:Animal:Dog {id: 3}), "
        "(:Animal:Dog {id: 4, age: 1}), (:Dog {id: 5, age: 7}), "
        "(:Animal {id: 6, age: 1})",
    )
    made = there_and_back(live, neo4j_graph, animal.format(base=age, below=""))
    assert sum("'age': 1" in row for row in made) == 4


CUSTOMER = """
class Party(StructuredNode):
    name = StringProperty(index=True)


class Customer({base}):
    tier = StringProperty()
"""
CUSTOMERS = (
    "CREATE (:Customer {id: 1}), (:Customer:Party {id: 2, name: 'b'}), (:Party {id: 3})"
)


def test_a_base_label_stays_where_it_was(live: Project, neo4j_graph: Graph) -> None:
    first(live, neo4j_graph, CUSTOMER.format(base="StructuredNode"), CUSTOMERS)
    made = there_and_back(live, neo4j_graph, CUSTOMER.format(base="Party"))
    assert sum("'Party'" in row and "'Customer'" in row for row in made) == 2


def test_a_lost_base_label_comes_back_where_it_was(
    live: Project, neo4j_graph: Graph
) -> None:
    first(live, neo4j_graph, CUSTOMER.format(base="Party"), CUSTOMERS)
    made = there_and_back(live, neo4j_graph, CUSTOMER.format(base="StructuredNode"))
    assert not any("'Party'" in row and "'Customer'" in row for row in made)


def test_a_label_below_which_one_had_it(live: Project, neo4j_graph: Graph) -> None:
    """The diff takes the label off those below first, which a downgrade gives back."""
    models = """
class Thing(StructuredNode):
    x = StringProperty()


class Middle({base}):
    y = StringProperty()


class Low(Middle{more}):
    z = StringProperty()
"""
    first(
        live,
        neo4j_graph,
        models.format(base="StructuredNode", more=", Thing"),
        "CREATE (:Low:Middle:Thing {id: 1}), (:Low:Middle {id: 2}), (:Middle {id: 3}), "
        "(:Middle:Thing {id: 4}), (:Low {id: 5})",
    )
    there_and_back(live, neo4j_graph, models.format(base="Thing", more=""))


def test_a_label_is_renamed_onto_one_that_some_have(
    live: Project, neo4j_graph: Graph
) -> None:
    models = "class {name}(StructuredNode):\n    x = StringProperty(unique_index=True)"
    first(
        live,
        neo4j_graph,
        models.format(name="Old"),
        "CREATE (:Old {id: 1, x: 'a'}), (:Old:New {id: 2, x: 'b'}), "
        "(:New {id: 3, x: 'c'}), (:New:Other {id: 4}), (:Other {id: 5})",
    )
    hint = ("-x", "rename=Old:New")
    before = contents(neo4j_graph)
    live.models(models.format(name="New"))
    live.done(*hint, "revision", "--autogenerate", "-m", "change")
    for _ in range(2):
        live.done("upgrade", "head")
        assert values(neo4j_graph, "MATCH (n:New) RETURN n.id") == [1, 2, 3, 4]
        assert values(neo4j_graph, "MATCH (n:Old) RETURN n.id") == []
        live.done("downgrade", "-1")
        assert contents(neo4j_graph) == before


RENAMES = {
    "label": ("op.rename_label('A', 'B')", "op.rename_label('B', 'A')"),
    "label of some": (
        "op.rename_label('A', 'B', where='n.id < 3')",
        "op.rename_label('B', 'A', where='n.id < 3')",
    ),
    "type": (
        "op.rename_relationship_type('R', 'S')",
        "op.rename_relationship_type('S', 'R')",
    ),
    "property": (
        "op.rename_node_property('P', 'a', 'b', where='n.b IS NULL')",
        "op.rename_node_property('P', 'b', 'a')",
    ),
    "property, overwritten": (
        "op.rename_node_property('P', 'a', 'b', on_conflict='overwrite')",
        "op.rename_node_property('P', 'b', 'a')",
    ),
    "property, kept": (
        "op.rename_node_property('P', 'a', 'b', on_conflict='keep')",
        "op.rename_node_property('P', 'b', 'a')",
    ),
    "relationship property": (
        "op.rename_relationship_property('R', 'a', 'b', on_conflict='overwrite')",
        "op.rename_relationship_property('R', 'b', 'a')",
    ),
    "two onto one": (
        "op.rename_label('A', 'C')\nop.rename_label('B', 'C')",
        "op.rename_label('C', 'B')\nop.rename_label('C', 'A')",
    ),
    "turned round": (
        "op.reverse_relationships('A', 'R', 'B')",
        "op.reverse_relationships('B', 'R', 'A')",
    ),
    "added label": ("op.add_label('A', 'B')", "op.remove_label('A', 'B')"),
    "removed label": ("op.remove_label('A', 'B')", "op.add_label('A', 'B')"),
    "there and back": (
        "op.add_label('A', 'B')\nop.remove_label('B', 'A')",
        "op.add_label('B', 'A')\nop.remove_label('A', 'B')",
    ),
}
RENAMED = (
    "CREATE (a:A:P {id: 1, a: 1}), (b:A:B:P {id: 2, a: 1, b: 2}), "
    "(c:B:P {id: 3, b: 3}), (d:A:C:P {id: 4}), (e:C {id: 5, a: 5}), (f:A:B:C {id: 6}), "
    "(a)-[:R {a: 1}]->(c), (c)-[:R {b: 1}]->(a), (a)-[:S {a: 2, b: 3}]->(b), "
    "(b)-[:R {a: 5, b: 6}]->(b), (b)-[:R {a: 4, b: 4}]->(f), (d)-[:S]->(e), "
    "(f)-[:R]->(b), (c)-[:R]->(f), (a)-[:R]->(f)"
)


@pytest.mark.parametrize("kind", RENAMES)
def test_what_a_person_renames(live: Project, neo4j_graph: Graph, kind: str) -> None:
    live.revision("r1", *RENAMES[kind])
    neo4j_graph.transaction([(RENAMED, {})])
    live.set("neo4j.batch_size", "1")
    before = contents(neo4j_graph)
    for _ in range(2):
        live.done("upgrade", "head")
        assert contents(neo4j_graph) != before
        live.done("downgrade", "base")
        assert contents(neo4j_graph) == before


OF_BASES = {
    "renamed": (
        "op.rename_label('Lead', 'Customer')",
        "op.rename_label('Customer', 'Lead')",
    ),
    "some renamed": (
        "op.rename_label('Lead', 'Customer', where='n.id % 3 > 0')",
        "op.rename_label('Customer', 'Lead', where='n.id % 3 > 0')",
    ),
    "some renamed, and all taken back": (
        "op.rename_label('Lead', 'Customer', where='n.id % 3 > 0')",
        "op.rename_label('Customer', 'Lead')",
    ),
    "added to some": (
        "op.add_label('Lead', 'Customer', where='n.id % 3 > 0')",
        "op.remove_label('Lead', 'Customer')",
    ),
    "removed from some": (
        "op.remove_label('Lead', 'Customer', where='n.id % 3 > 0')",
        "op.add_label('Lead', 'Customer', where='n.id % 3 > 0')",
    ),
    "added and renamed": (
        """
        op.add_label('Lead', 'Customer', where='n.id % 3 > 0')
        op.rename_label('Other', 'Customer')
        op.rename_label('Customer', 'Lead', where='n.id % 2 > 0')
        """,
        """
        op.rename_label('Lead', 'Customer')
        op.rename_label('Customer', 'Other')
        op.remove_label('Lead', 'Customer')
        """,
    ),
}


@pytest.mark.parametrize("kind", OF_BASES)
def test_labels_of_bases_are_taken_back_where_they_were_given(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    live.revision(
        "r1",
        """
        op.add_node("Party")
        op.add_node("Open")
        op.add_node("Customer", bases=["Party", "Audited"])
        op.add_node("Lead", bases=["Open", "Party"])
        """,
    )
    live.revision("r2", *OF_BASES[kind], down="r1")
    live.done("upgrade", "r1")
    names = ("Lead", "Customer", "Party", "Audited", "Open", "Other")
    for number in range(64):
        labels = "".join(f":{n}" for i, n in enumerate(names) if number >> i & 1)
        neo4j_graph.transaction([(f"CREATE (n{labels} {{id: {number}}})", {})])
    live.set("neo4j.batch_size", "9")
    before = contents(neo4j_graph)
    for _ in range(2):
        live.done("upgrade", "head")
        made = contents(neo4j_graph)
        assert made != before
        live.done("downgrade", "r1")
        assert contents(neo4j_graph) == before


def test_what_was_made_since_gets_the_labels_of_its_model(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        "op.add_node('Customer', bases=['Party'])\nop.add_node('Lead', bases=['Open'])",
    )
    live.revision(
        "r2",
        "op.rename_label('Lead', 'Customer', where='n.id < 5')",
        "op.rename_label('Customer', 'Lead', where='n.id < 5')",
        down="r1",
    )
    live.done("upgrade", "r1")
    neo4j_graph.transaction([("CREATE (:Lead {id: 1}), (:Lead:Open {id: 2})", {})])
    live.done("upgrade", "r2")
    neo4j_graph.transaction([("CREATE (:Customer:Party {id: 3})", {})])
    live.done("downgrade", "r1")
    rows = neo4j_graph.read("MATCH (n:Lead|Customer) RETURN n.id AS id, labels(n) AS l")
    found = {row["id"]: sorted(row["l"]) for row in rows}
    assert found == {1: ["Lead"], 2: ["Lead", "Open"], 3: ["Lead", "Open", "Party"]}


REFACTORED = {
    "split": (
        "op.split_node_property('P', 'x', ' ', into=['y', 'z'])",
        "op.join_node_properties('P', ['y', 'z'], 'x', ' ')",
    ),
    "some split": (
        "op.split_node_property('P', 'x', ' ', into=['y', 'z'], where='n.id < 3')",
        "op.join_node_properties('P', ['y', 'z'], 'x', ' ')",
    ),
    "split into a list": (
        "op.split_node_property('P', 'x', ' ')",
        "op.join_node_properties('P', 'x', 'x', ' ')",
    ),
    "joined": (
        "op.join_node_properties('P', ['y', 'z'], 'x', ' ', where='n.x IS NULL')",
        "op.split_node_property('P', 'x', ' ', into=['y', 'z'])",
    ),
    "one joined": (
        "op.join_node_properties('P', 'z', 'x', ' ', where='n.x IS NULL')",
        "op.split_node_property('P', 'x', ' ', into=['z'])",
    ),
    "list joined": (
        "op.join_node_properties('P', 'x', 'x', ' ')",
        "op.split_node_property('P', 'x', ' ')",
    ),
    "of relationships split": (
        "op.split_relationship_property('R', 'x', ' ', into=['y'])",
        "op.join_relationship_properties('R', 'y', 'x', ' ')",
    ),
    "list of relationships joined": (
        "op.join_relationship_properties('R', 'x', 'x', ' ')",
        "op.split_relationship_property('R', 'x', ' ')",
    ),
    "relationships to nodes": (
        "op.relationship_to_node('P', 'R', 'Q', 'M', 'IN', 'TO')",
        "op.node_to_relationship('P', 'IN', 'M', 'TO', 'Q', 'R')",
    ),
    "some relationships to nodes": (
        "op.relationship_to_node('P', 'R', 'Q', 'M', 'IN', 'TO', where='r.id > 60')",
        "op.node_to_relationship('P', 'IN', 'M', 'TO', 'Q', 'R')",
    ),
    "nodes to relationships": (
        "op.node_to_relationship('P', 'IN', 'M', 'TO', 'Q', 'R', "
        "where='COUNT { (n)--() } = 2')",
        "op.relationship_to_node('P', 'R', 'Q', 'M', 'IN', 'TO')",
    ),
}
HALF_FITS = (
    "UNWIND [{x: 'a b'}, {x: 'a'}, {x: 'a b c'}, {x: ''}, {x: 7}, {y: 'own'}, "
    "{y: 'own', z: 'more'}, {x: 7, y: 'own'}, {x: ['l', 'm']}, {z: 5}, {x: []}, "
    "{x: [1, 2]}, {x: ['a b', 'c']}, {y: 'a b', z: 'c'}, {y: 1, z: true}, "
    "{y: ['k', 'l']}, {z: 'q'}, {z: 'q r'}, {z: []}] AS one "
    "WITH collect(one) AS ones UNWIND range(0, size(ones) - 1) AS i "
    "CREATE (p:P) SET p = ones[i], p.id = i CREATE (q:Q {id: i + 20}) "
    "CREATE (p)-[r:R]->(q) SET r = ones[i], r.id = i + 50",
    "MATCH (p:P {id: 1}), (q:Q {id: 20}) "
    "CREATE (p)-[:R {x: 'a'}]->(q), (q)-[:R]->(p), (p)-[:R]->(p), "
    "(p)-[:IN {since: 1}]->(:M {id: 40, x: 'b'})-[:TO {until: [2], since: 0}]->(q), "
    "(p)-[:IN]->(:M:Event {id: 41})-[:TO]->(q), "
    "(p)-[:IN]->(:M:Base {id: 42, x: 1})-[:TO]->(q), "
    "(:M {id: 43}), (p)-[:IN]->(:M {id: 44}), (:Event {id: 45})",
)


@pytest.mark.parametrize("kind", REFACTORED)
def test_a_refactoring_and_the_opposite(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    types = "".join(f"op.add_relationship_type('{t}')\n" for t in ("IN", "TO", "R"))
    live.revision("r1", f"op.add_node('M', bases=['Base'])\n{types}")
    live.revision("r2", *REFACTORED[kind], down="r1")
    live.done("upgrade", "r1")
    neo4j_graph.transaction([(text, {}) for text in HALF_FITS])
    live.set("neo4j.batch_size", "4")
    before = contents(neo4j_graph)
    for _ in range(2):
        live.done("upgrade", "head")
        assert contents(neo4j_graph) != before
        live.done("downgrade", "r1")
        assert contents(neo4j_graph) == before


def test_what_was_refactored_and_has_changed_is_turned_back(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        op.join_node_properties("P", ["y", "z"], "x", " ")
        op.split_node_property("S", "x", " ", into=["y", "z"])
        op.relationship_to_node("P", "R", "P", "M", "IN", "TO")
        """,
        """
        op.node_to_relationship("P", "IN", "M", "TO", "P", "R")
        op.join_node_properties("S", ["y", "z"], "x", " ")
        op.split_node_property("P", "x", " ", into=["y", "z"])
        """,
    )
    neo4j_graph.transaction(
        [
            (
                "CREATE (a:P {id: 1, y: 1, z: 2}), (b:P {id: 2, y: 1}), "
                "(:P {id: 3, x: 'old one'}), (:S {id: 4, x: 'a b'}), "
                "(:S {id: 5, y: 'old'}), (a)-[:R {since: 1}]->(b), (:M {id: 6})",
                {},
            )
        ]
    )
    live.done("upgrade", "head")
    neo4j_graph.transaction(
        [
            ("MATCH (n:P {id: 1}) SET n.x = '1 3'", {}),
            ("MATCH (n:S {id: 4}) SET n.z = 'c'", {}),
            ("CREATE (:P {id: 7, x: 'new one'}), (:S {id: 8, y: 'new'})", {}),
            (
                "MATCH (a:P {id: 1}), (b:P {id: 2}), (m:M {since: 1}) SET m.since = 2 "
                "CREATE (b)-[:IN]->(:M {since: 3})-[:TO]->(a)",
                {},
            ),
        ]
    )
    live.done("downgrade", "base")
    rows = neo4j_graph.read("MATCH (n:P|S|M) RETURN properties(n) AS p")
    found = sorted((row["p"] for row in rows), key=lambda p: p["id"])
    assert found == [
        {"id": 1, "y": "1", "z": "3"},
        {"id": 2, "y": 1},
        {"id": 3, "x": "old one"},
        {"id": 4, "x": "a c"},
        {"id": 5, "y": "old"},
        {"id": 6},
        {"id": 7, "y": "new", "z": "one"},
        {"id": 8, "x": "new"},
    ]
    ends = "MATCH (n)-[r:R]->(m) RETURN [n.id, r.since, m.id]"
    assert values(neo4j_graph, ends) == [[1, 2, 2], [2, 3, 1]]
    (row,) = neo4j_graph.read("MATCH (n:M) RETURN count(n) AS count")
    assert row["count"] == 1


CONVERSIONS = {
    "text to whole number": ("STRING", "INTEGER", ["'7'", "'007'", "8", "1.5"]),
    "number to whole number": ("FLOAT", "INTEGER", ["1.0", "1.5", "2", "-0.5"]),
    "whole number to number": ("INTEGER", "FLOAT", ["1", "2.5", "9007199254740993"]),
    "number to text": ("FLOAT", "STRING", ["1.0", "2", "'3'", "1.0/3"]),
    "truth to text": ("BOOLEAN", "STRING", ["true", "'true'", "'yes'"]),
    "text to date": ("STRING", "DATE", ["'2020-01-02'", "date('2020-01-03')"]),
    "one to several": ("STRING", "LIST<STRING>", ["'a'", "['b']", "[]"]),
    "several to one": ("LIST<STRING>", "STRING", ["['a']", "'b'"]),
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_converted_values_come_back_as_they_were(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    old, new, stored = CONVERSIONS[kind]
    known = conversion(Property("x", old), Property("x", new))
    change = "op.alter_node_property('P', 'x', type={type!r}, using={using!r})"
    live.revision("r1", f"op.add_node('P', op.Property('x', {old!r}))")
    live.revision(
        "r2",
        change.format(type=new, using=known.using),
        change.format(type=old, using=known.reverse_using),
        down="r1",
    )
    live.done("upgrade", "r1")
    neo4j_graph.transaction(
        [(f"CREATE (:P {{id: {i}, x: {v}}})", {}) for i, v in enumerate(stored)]
    )
    before = contents(neo4j_graph)
    for _ in range(2):
        live.done("upgrade", "r2")
        live.done("downgrade", "r1")
        assert contents(neo4j_graph) == before


def test_a_converted_value_that_has_changed_is_converted_back(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_node('P', op.Property('x', 'STRING'))")
    live.revision(
        "r2",
        "op.alter_node_property('P', 'x', type='INTEGER', using='toInteger(value)')",
        "op.alter_node_property('P', 'x', type='STRING', using='toString(value)')",
        down="r1",
    )
    live.done("upgrade", "r1")
    neo4j_graph.transaction(
        [("UNWIND ['007', '8', '009'] AS x CREATE (:P {x: x, id: toInteger(x)})", {})]
    )
    live.done("upgrade", "r2")
    neo4j_graph.transaction(
        [
            ("MATCH (n:P {id: 7}) SET n.x = 70", {}),
            ("CREATE (:P {id: 10, x: 10})", {}),
        ]
    )
    live.done("downgrade", "r1")
    assert values(neo4j_graph, "MATCH (n:P) RETURN n.x") == ["70", "8", "009", "10"]


def test_the_way_back_needs_no_expression_where_nothing_is_new(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_node('P', op.Property('x', 'STRING'))")
    live.revision(
        "r2",
        "op.alter_node_property('P', 'x', type='BOOLEAN', using='value = \"y\"')",
        "op.alter_node_property('P', 'x', type='STRING', using=op.FILL_IN)",
        down="r1",
    )
    live.done("upgrade", "r1")
    neo4j_graph.transaction(
        [
            (
                "UNWIND [1, 2, 3] AS i CREATE (:P {id: i, x: ['y', 'n', '?'][i % 3]})",
                {},
            )
        ]
    )
    before = contents(neo4j_graph)
    live.done("upgrade", "r2")
    neo4j_graph.transaction([("CREATE (:P {id: 4, x: true})", {})])
    assert "using=op.FILL_IN" in live.failed("downgrade", "r1")
    live.verb("repair", "--abandon-run")
    neo4j_graph.transaction([("MATCH (n:P {id: 4}) DELETE n", {})])
    live.done("downgrade", "r1")
    assert contents(neo4j_graph) == before


def test_marks_are_listed_and_purged(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.add_node('P')")
    live.revision(
        "r2",
        "op.add_node_property('P', 'x', default=1)\nop.rename_label('A', 'B')",
        "op.rename_label('B', 'A')\nop.remove_node_property('P', 'x')",
        down="r1",
    )
    neo4j_graph.transaction([("CREATE (:P {id: 1}), (:A {id: 2}), (:B {id: 3})", {})])
    live.done("upgrade", "head")
    listed = json.loads(live.verb("archive", "list", "--format", "json").out)
    found = [(a["property"], a["mark"], a["count"]) for a in listed["archives"]]
    assert sorted(found) == [("A.B", "kept", 1), ("x", "filled", 1)]
    assert "marks (filled)" in live.verb("archive", "list").out
    assert "_alembic" not in live.verb("verify", "--full").text
    assert live.verb("archive", "restore", "r2").status == 2
    assert live.verb("archive", "purge", "r2", "--yes").status == 0
    assert live.verb("archive", "list").out == "Nothing is archived.\n"
    live.done("downgrade", "r1")
    # Without its marks a downgrade keeps what may have been there before.
    assert values(neo4j_graph, "MATCH (n:P) RETURN n.x") == [1]


def test_a_script_has_the_same_marks(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "op.add_node('P')")
    live.revision(
        "r2",
        "op.add_node_property('P', 'x', default=1)\nop.rename_label('A', 'B')",
        "op.rename_label('B', 'A')\nop.remove_node_property('P', 'x', archive=False)",
        down="r1",
    )
    neo4j_graph.transaction([("CREATE (:P {id: 1}), (:P {id: 2, x: 1})", {})])
    neo4j_graph.transaction([("CREATE (:A {id: 3}), (:B {id: 4}), (:A:B {id: 5})", {})])
    before = contents(neo4j_graph)
    for verb, way in (("upgrade", "base:head"), ("downgrade", "r2:r1")):
        for statement in live.done(verb, way, "--sql").split(";\n"):
            lines = [x for x in statement.splitlines() if not x.startswith("//")]
            if any(lines):
                neo4j_graph.autocommit("\n".join(lines), {})
        assert (contents(neo4j_graph) == before) is (verb == "downgrade")
