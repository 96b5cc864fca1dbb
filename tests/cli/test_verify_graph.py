"""``alembic-neo4j verify``: indexes, constraints and data of a real graph."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.cli.test_verify import found, only, report
from tests.migration.project import Project

LONG = "x" * 40_000
"""More than an index takes (crash-safety.md, 6)."""


def write(graph: Graph, *statements: str, **parameters: Any) -> None:
    for statement in statements:
        graph.transaction([(statement, parameters)])


def include(project: Project, condition: str) -> None:
    """Let env.py look only at what the condition over name and type_ allows."""
    env = project.path / "migrations" / "env.py"
    filters = (
        f"include_object=lambda _, name, type_, *a: {condition}, "
        f"include_name=lambda name, type_, _: {condition}"
    )
    env.write_text(
        env.read_text().replace("=target_metadata)", f"=target_metadata, {filters})")
    )


def await_indexes(graph: Graph) -> None:
    graph.autocommit("CALL db.awaitIndexes(60)")


# --- indexes and constraints -----------------------------------------------------


def test_a_constraint_that_was_dropped_by_hand(
    applied: Project, neo4j_graph: Graph
) -> None:
    # crochet-defects.md, B1: five times PASS there.
    write(neo4j_graph, "DROP CONSTRAINT person_name")
    finding = only(applied)
    assert finding["code"] == "element-missing"
    assert finding["found"] == "nothing"


def test_foreign_ones(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "CREATE INDEX theirs FOR (n:Person) ON (n.name, n.born)",
        "CREATE CONSTRAINT theirs_too FOR (n:City) REQUIRE n.name IS UNIQUE",
        "CREATE LOOKUP INDEX by_type FOR ()-[r]-() ON EACH type(r)"
        if not neo4j_graph.read("SHOW INDEXES YIELD type WHERE type = 'LOOKUP'")
        else "RETURN 1",
    )
    assert found(applied) == [
        ("element-foreign", "RANGE index theirs on Person(name, born)"),
        ("element-foreign", "UNIQUE constraint theirs_too on City(name)"),
    ]
    include(applied, "not (name or '').startswith('theirs')")
    assert found(applied, status=0) == []


def test_another_name_is_a_remark(applied: Project, neo4j_graph: Graph) -> None:
    # peers.md, P17: `other_name` has the same definition.
    write(
        neo4j_graph,
        "DROP INDEX person_born",
        "CREATE INDEX other_name FOR (n:Person) ON (n.born)",
    )
    finding = only(applied, status=0)
    assert finding["code"] == "element-renamed"
    assert finding["found"] == "the name other_name"
    assert finding["repair"] is None


@pytest.mark.parametrize(
    "statement",
    [
        # peers.md, P17b: the name is taken by another definition.
        "CREATE INDEX person_born FOR (n:Zzz) ON (n.q)",
        "CREATE TEXT INDEX person_born FOR (n:Person) ON (n.born)",
        "CREATE INDEX person_born FOR (n:Person) ON (n.born, n.name)",
        "CREATE CONSTRAINT person_born FOR (n:Person) REQUIRE n.born IS UNIQUE",
    ],
)
def test_the_name_with_another_definition(
    applied: Project, neo4j_graph: Graph, statement: str
) -> None:
    write(neo4j_graph, "DROP INDEX person_born", statement)
    finding = only(applied)
    assert finding["code"] == "element-changed"
    assert finding["subject"] == "RANGE index person_born on Person(born)"
    assert "person_born" in finding["found"]


def test_other_options(live: Project, neo4j_graph: Graph) -> None:
    live.models(
        """
        class Film(StructuredNode):
            plot = StringProperty(fulltext_index=FulltextIndex(analyzer="english"))
            vector = ArrayProperty(
                FloatProperty(), vector_index=VectorIndex(3, "cosine")
            )
        """
    )
    live.done("revision", "--autogenerate", "-m", "films")
    live.done("upgrade", "head")
    assert found(live, status=0) == []
    (fulltext,) = neo4j_graph.read(
        "SHOW FULLTEXT INDEXES YIELD name WHERE NOT name STARTS WITH '_'"
    )
    (vector,) = neo4j_graph.read("SHOW VECTOR INDEXES YIELD name")
    write(
        neo4j_graph,
        f"DROP INDEX {fulltext['name']}",
        f"CREATE FULLTEXT INDEX {fulltext['name']} FOR (n:Film) ON EACH [n.plot]",
        f"DROP INDEX {vector['name']}",
        f"CREATE VECTOR INDEX {vector['name']} FOR (n:Film) ON (n.vector) "
        "OPTIONS {indexConfig: {`vector.dimensions`: 4}}",
    )
    assert [code for code, _ in found(live)] == ["element-changed"] * 2


def test_an_orphan(applied: Project, neo4j_graph: Graph) -> None:
    # What a killed server leaves (crash-safety.md, 0.3).
    write(
        neo4j_graph,
        "DROP CONSTRAINT person_name",
        "CREATE INDEX person_name FOR (n:Person) ON (n.name)",
    )
    finding = only(applied)
    assert finding["code"] == "index-orphan"
    assert finding["subject"] == "UNIQUE constraint person_name on Person(name)"


def test_a_failed_index(applied: Project, neo4j_graph: Graph) -> None:
    write(neo4j_graph, "DROP INDEX person_born")
    write(neo4j_graph, "CREATE (:Person {born: $long})", long=LONG)
    write(neo4j_graph, "CREATE INDEX person_born FOR (n:Person) ON (n.born)")
    with pytest.raises(Exception, match=r"FAILED|failed"):
        await_indexes(neo4j_graph)
    rows = {row["code"]: row for row in report(applied)["findings"]}
    assert set(rows) == {"index-failed", "property-type"}
    assert "FAILED: " in rows["index-failed"]["found"]
    assert "too large" in rows["index-failed"]["found"]


# --- data ------------------------------------------------------------------------


def test_data_as_declared(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "CREATE (p:Person {name: 'Ada', born: 1815, _alembic_batch: 'b'}) "
        "CREATE (c:City {name: 'London', _alembic_archive_r1_x: 1}) "
        "CREATE (p)-[:LIVES_IN {_alembic_batch: 'b'}]->(c) "
        "CREATE (:__AlembicNeo4jBeforeImage {x: 1})",
    )
    for arguments in ((), ("--full",)):
        value = report(applied, *arguments, status=0)
        assert value["findings"] == []
        assert value["read"] == {
            "nodes": 2,
            "of_nodes": 2,
            "relationships": 1,
            "of_relationships": 1,
            "full": bool(arguments),
        }


@pytest.mark.parametrize("arguments", [(), ("--full",)])
def test_what_the_history_does_not_know(
    applied: Project, neo4j_graph: Graph, arguments: tuple[str, ...]
) -> None:
    write(
        neo4j_graph,
        "UNWIND range(1, 3) AS i "
        "CREATE (p:Person {name: 'Ada' + i, nick: 'A'}) "
        "CREATE (:Dog {name: i}) "
        "CREATE (p)-[:LIVES_IN {since: 1815}]->(:City {name: ['London']}) "
        "CREATE (p)-[:OWNS {x: 1}]->(:Person:Dog {born: 'long ago', `b``ad`: 1})",
    )
    rows = report(applied, *arguments)["findings"]
    assert [(row["code"], row["subject"]) for row in rows] == [
        ("label-undeclared", "(:Dog)"),
        ("type-undeclared", "[:OWNS]"),
        ("property-undeclared", "(:Person) b`ad"),
        ("property-undeclared", "(:Person) nick"),
        ("property-undeclared", "[:LIVES_IN] since"),
        ("property-type", "(:City) name"),
        ("property-type", "(:Person) born"),
    ]
    by_subject = {row["subject"]: row for row in rows}
    assert by_subject["(:Dog)"]["found"] == "6 nodes"
    assert by_subject["[:OWNS]"]["found"] == "3 relationships"
    assert by_subject["(:City) name"]["expected"] == "STRING"
    amount = "3" if arguments else "at least 3"
    assert by_subject["(:City) name"]["found"].startswith(
        f"LIST<STRING> in {amount} nodes, such as 4:"
    )
    assert by_subject["[:LIVES_IN] since"]["found"].startswith(
        f"INTEGER in {amount} relationships, such as 5:"
    )


def test_filters_of_env_are_asked(applied: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "CREATE (:Dog {x: 1})-[:OWNS]->(:Person {nick: 'A', name: 'B', pet: 1})",
    )
    include(applied, "name not in ('Dog', 'OWNS', 'nick')")
    for arguments in ((), ("--full",)):
        rows = report(applied, *arguments)["findings"]
        assert [row["subject"] for row in rows if row["severity"] != "remark"] == [
            "(:Person) pet"
        ]


def test_a_sample_is_bounded_and_full_reads_all(
    applied: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "UNWIND range(1, 1500) AS i CREATE (:City {name: 'c' + i})")
    # A label is read in the order of the ids, which are given again when they are free.
    last = "MATCH (n:City) WITH n ORDER BY id(n) DESC LIMIT 1 SET n.mayor = 'last'"
    write(neo4j_graph, last)
    value = report(applied, status=0)
    assert value["findings"] == []
    assert value["read"]["nodes"] == 1000
    assert value["read"]["of_nodes"] == 1500
    assert "1,000 of 1,500 nodes" in applied.verb("verify").out
    value = report(applied, "--full")
    assert ("property-undeclared", "(:City) mayor") in [
        (row["code"], row["subject"]) for row in value["findings"]
    ]
    assert value["read"]["nodes"] == 1500


def test_what_is_declared_and_not_used_is_a_remark(
    applied: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Person {name: 'Ada'})")
    rows = report(applied, "--full", status=0)["findings"]
    assert [(row["code"], row["subject"]) for row in rows] == [
        ("label-unused", "(:City)"),
        ("type-unused", "[:LIVES_IN]"),
    ]


def test_nodes_that_may_have_anything(live: Project, neo4j_graph: Graph) -> None:
    live.models(
        """
        from neomodel.contrib import SemiStructuredNode

        class Note(SemiStructuredNode):
            number = IntegerProperty()

        class Memo(Note):
            text = StringProperty()

        class Person(StructuredNode):
            name = StringProperty()
            scores = ArrayProperty(IntegerProperty())
            anything = JSONProperty()
            knows = RelationshipTo("Person", "KNOWS")
        """
    )
    live.done("revision", "--autogenerate", "-m", "notes", "--rev-id", "r1")
    # The models have no StructuredRel: neomodel takes one only once in a process.
    live.revision(
        "r2",
        "op.add_relationship_type('KNOWS', op.Property('since', 'INTEGER'))",
        down="r1",
    )
    live.done("upgrade", "head")
    write(
        neo4j_graph,
        "CREATE (:Note {number: 1, x: 1}), (:Memo:Note {number: 2, text: 'a', y: 1}) "
        "CREATE (a:Person {name: 'Ada', scores: [1, 2], anything: '{}'}) "
        "CREATE (a)-[:KNOWS {since: 1}]->(:Person {scores: []})",
    )
    assert [code for code, _ in found(live)] == ["models-differ"]
    write(
        neo4j_graph,
        "CREATE (:Note {number: 'one'}) "
        "CREATE (:Person {scores: ['1']})-[:KNOWS {since: 'then'}]->(:Person)",
    )
    for arguments in ((), ("--full",)):
        rows = report(live, *arguments)["findings"]
        assert [(row["code"], row["subject"]) for row in rows] == [
            ("models-differ", "the models"),
            ("property-type", "(:Note) number"),
            ("property-type", "(:Person) scores"),
            ("property-type", "[:KNOWS] since"),
        ]


def test_data_that_only_enterprise_would_refuse(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        """
        from alembic_neo4j import declare

        class Person(StructuredNode):
            first = StringProperty()
            last = StringProperty()
            born = IntegerProperty()
            __neo4j_schema__ = [
                declare.key("first", "last"),
                declare.existence("born"),
                declare.property_type("born", "INTEGER"),
            ]
        """
    )
    live.done("revision", "--autogenerate", "-m", "people")
    # Before it is applied nobody promises anything.
    write(neo4j_graph, "CREATE (:Person {first: 'a'})")
    assert "constraint-violated" not in dict(found(live))
    write(neo4j_graph, "MATCH (p:Person) DELETE p")
    live.done("upgrade", "head")
    write(neo4j_graph, "CREATE (:Person {first: 'a', last: 'b', born: 1})")
    assert found(live, status=0) == []
    write(
        neo4j_graph,
        "CREATE (:Person {first: 'a', last: 'b', born: 2}), "
        "(:Person {first: 'c', born: 3}), (:Person {first: 'd', last: 'e'})",
    )
    write(neo4j_graph, "CREATE (:Person {first: 'f', last: 'g', born: 'h'})")
    rows = [r for r in report(live)["findings"] if r["code"] == "constraint-violated"]
    assert sorted(row["subject"].split(" ")[0] for row in rows) == [
        "EXISTENCE",
        "KEY",
        "KEY",
        "TYPE",
    ]
    assert all("4:" in row["found"] for row in rows)
