"""SHOW rows as schema values; the rows are those that real servers gave."""

from __future__ import annotations

from typing import Any

import neo4j.exceptions
import pytest

from alembic_neo4j.cypher import catalogue
from alembic_neo4j.cypher.catalogue import IndexState, read_catalogue, same_definition
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index


def index_row(**values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": "i",
        "type": "RANGE",
        "entityType": "NODE",
        "labelsOrTypes": ["Person"],
        "properties": ["name"],
        "options": {"indexProvider": "range-1.0", "indexConfig": {}},
        "owningConstraint": None,
        "state": "ONLINE",
        "populationPercent": 100.0,
        "failureMessage": "",
    }
    return {**row, **values}


def constraint_row(**values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": "c",
        "type": "UNIQUENESS",
        "entityType": "NODE",
        "labelsOrTypes": ["Person"],
        "properties": ["email"],
        "propertyType": None,
    }
    return {**row, **values}


@pytest.mark.parametrize(
    ("shown", "entity", "kind"),
    [
        ("UNIQUENESS", "NODE", "UNIQUE"),
        ("NODE_PROPERTY_UNIQUENESS", "NODE", "UNIQUE"),
        ("RELATIONSHIP_UNIQUENESS", "RELATIONSHIP", "UNIQUE"),
        ("RELATIONSHIP_PROPERTY_UNIQUENESS", "RELATIONSHIP", "UNIQUE"),
        ("NODE_KEY", "NODE", "KEY"),
        ("RELATIONSHIP_KEY", "RELATIONSHIP", "KEY"),
        ("NODE_PROPERTY_EXISTENCE", "NODE", "EXISTENCE"),
        ("RELATIONSHIP_PROPERTY_EXISTENCE", "RELATIONSHIP", "EXISTENCE"),
    ],
)
def test_every_constraint_string_of_every_version_is_known(
    shown: str, entity: str, kind: str
) -> None:
    row = constraint_row(type=shown, entityType=entity)
    found = read_catalogue([row], [])
    (constraint,) = found.schema.constraints.values()
    assert constraint == Constraint(kind, entity, "Person", ("email",))
    assert constraint.name == "c"


def test_a_type_constraint_is_read_as_it_is_declared() -> None:
    row = constraint_row(
        type="NODE_PROPERTY_TYPE", propertyType="STRING | LIST<INTEGER NOT NULL>"
    )
    (constraint,) = read_catalogue([row], []).schema.constraints.values()
    assert constraint.property_type == "LIST<INTEGER> | STRING"
    declared = Constraint(
        "TYPE", EntityType.NODE, "Person", ("email",), "list<integer not null>|string"
    )
    assert same_definition(declared, constraint)


def test_owned_lookup_and_own_objects_are_left_out() -> None:
    own = ["__AlembicNeo4jLock"]
    found = read_catalogue(
        [constraint_row(), constraint_row(name="ours", labelsOrTypes=own)],
        [
            index_row(name="c", properties=["email"], owningConstraint="c"),
            index_row(name="l", type="LOOKUP", labelsOrTypes=None, properties=None),
            index_row(name="ours", labelsOrTypes=own),
        ],
    )
    assert not found.schema.indexes
    assert [c.name for c in found.schema.constraints.values()] == ["c"]
    assert set(found.states) == {"c"}


def test_the_index_that_a_broken_constraint_left_behind_is_an_index() -> None:
    row = index_row(name="constraint_unique_Person_email", state="POPULATING")
    found = read_catalogue([], [row])
    (index,) = found.schema.indexes.values()
    assert index.name == "constraint_unique_Person_email"
    assert not found.states[index.name].online


def test_a_failed_index_keeps_its_message() -> None:
    row = index_row(state="FAILED", populationPercent=0.0, failureMessage="too long")
    found = read_catalogue([], [row])
    assert found.states == {"i": IndexState("FAILED", 0.0, "too long")}


def test_what_there_is_no_word_for_is_named() -> None:
    found = read_catalogue(
        [constraint_row(name="graph type", type="NODE_LABEL_EXISTENCE")],
        [
            index_row(name="filtered", type="VECTOR", properties=["v", "a", "b"]),
            index_row(name="newer", type="QUANTUM"),
            index_row(),
        ],
    )
    assert set(found.unreadable) == {"graph type", "filtered", "newer"}
    assert [i.name for i in found.schema.indexes.values()] == ["i"]


def test_vector_options_of_both_versions_are_reduced_to_declared_ones() -> None:
    config = {
        "vector.dimensions": 8,
        "vector.similarity_function": "COSINE",
        "vector.hnsw.m": 16,
        "vector.quantization.type": "NONE",
    }
    row = index_row(type="VECTOR", options={"indexConfig": config})
    found = read_catalogue([], [row])
    (index,) = found.schema.indexes.values()
    options = (("vector.dimensions", 8), ("vector.similarity_function", "COSINE"))
    assert index.options == options
    declared = Index(
        "VECTOR",
        "NODE",
        ("Person",),
        ("name",),
        (("vector.similarity_function", "cosine"), ("vector.dimensions", 8)),
    )
    assert declared == index
    settings = found.settings["i"]
    for enabled in (True, False):
        quantized = Index(
            "VECTOR",
            "NODE",
            ("Person",),
            ("name",),
            (("vector.quantization.enabled", enabled),),
        )
        same = same_definition(quantized, index, settings=settings)
        assert same is not enabled


def test_no_declared_analyzer_means_the_default_one() -> None:
    plain = Index("FULLTEXT", "NODE", ("A",), ("p",))
    english = Index(
        "FULLTEXT", "NODE", ("A",), ("p",), (("fulltext.analyzer", "english"),)
    )
    explicit = Index(
        "FULLTEXT",
        "NODE",
        ("A",),
        ("p",),
        (("fulltext.analyzer", "standard-no-stop-words"),),
    )
    assert same_definition(plain, explicit)
    assert not same_definition(plain, english)
    assert not same_definition(english, plain)


def test_an_index_is_never_a_constraint_and_names_do_not_count() -> None:
    index = Index("RANGE", "NODE", ("A",), ("p",), name="x")
    constraint = Constraint("UNIQUE", "NODE", "A", ("p",), name="x")
    assert not same_definition(index, constraint)
    assert same_definition(index, Index("RANGE", "NODE", ("A",), ("p",), name="y"))
    assert not same_definition(
        Index("RANGE", "NODE", ("A",), ("p", "q")),
        Index("RANGE", "NODE", ("A",), ("q", "p")),
    )


def test_the_queries_run_on_a_server(driver: neo4j.Driver) -> None:
    driver.execute_query("CREATE (:A {long: $long})", long="x" * 40_000)
    driver.execute_query("CREATE CONSTRAINT c FOR (n:A) REQUIRE n.p IS UNIQUE")
    driver.execute_query("CREATE INDEX own FOR (n:__AlembicNeo4jOdd) ON (n.p)")
    driver.execute_query("CREATE INDEX fails FOR (n:A) ON (n.long)")
    with pytest.raises(neo4j.exceptions.Neo4jError, match="fails"):
        driver.execute_query("CALL db.awaitIndex('fails', 60)")
    found = read_catalogue(
        driver.execute_query(catalogue.CONSTRAINTS).records,
        driver.execute_query(catalogue.INDEXES).records,
    )
    assert [c.name for c in found.schema.constraints.values()] == ["c"]
    assert [i.name for i in found.schema.indexes.values()] == ["fails"]
    assert found.states["c"] == IndexState("ONLINE", 100.0)
    assert found.states["fails"].state == "FAILED"
    assert "too large to index" in found.states["fails"].failure_message
