"""Index and constraint commands: their text, and what a server makes of it."""

from __future__ import annotations

import neo4j
import pytest

from alembic_neo4j.cypher import catalogue
from alembic_neo4j.cypher.catalogue import Catalogue, read_catalogue, same_definition
from alembic_neo4j.cypher.ddl import create_text, drop_text
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
VECTOR_OPTIONS = (
    ("vector.dimensions", 8),
    ("vector.similarity_function", "EUCLIDEAN"),
)
HOSTILE = (
    "a`b",
    "a\\u0060) DETACH DELETE n //",
    "line\nbreak\ttab",
    'quote\'s "double"',
    "\\",
    "\\\\u0041",
    "ключ 鍵 🔑",
    "$name {n} */ /*",
)


def elements(label: str, first: str, second: str) -> list[Index | Constraint]:
    """Every kind that Community Edition has, on nodes and on relationships."""
    text = ("fulltext.analyzer", "english")
    later = ("fulltext.eventually_consistent", True)
    both: list[Index | Constraint] = []
    for entity in EntityType:
        name = f"{entity.value} {label}"
        unique = ConstraintKind.UNIQUE
        both += [
            Index("RANGE", entity, (label,), (first,), name=f"{name} 1"),
            Index("RANGE", entity, (label,), (second, first), name=f"{name} 2"),
            Index("TEXT", entity, (label,), (first,), name=f"{name} 3"),
            Index("POINT", entity, (label,), (first,), name=f"{name} 4"),
            Index("FULLTEXT", entity, (label,), (first,), name=f"{name} 5"),
            Index(
                "FULLTEXT",
                entity,
                (label, "Other"),
                (first, second),
                (text, later),
                name=f"{name} 6",
            ),
            Index(
                "VECTOR", entity, (label,), (first,), VECTOR_OPTIONS, name=f"{name} 7"
            ),
            Constraint(unique, entity, label, (second,), name=f"{name} 8"),
            Constraint(unique, entity, label, (first, second), name=f"{name} 9"),
        ]
    return both


def live(driver: neo4j.Driver) -> Catalogue:
    return read_catalogue(
        driver.execute_query(catalogue.CONSTRAINTS).records,
        driver.execute_query(catalogue.INDEXES).records,
    )


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (
            Index("RANGE", NODE, ("Person",), ("name", "born")),
            "CREATE RANGE INDEX `index_Person_name_born` FOR (n:`Person`) "
            "ON (n.`name`, n.`born`)",
        ),
        (
            Index("TEXT", RELATIONSHIP, ("KNOWS",), ("why",)),
            "CREATE TEXT INDEX `text_index_KNOWS_why` FOR ()-[r:`KNOWS`]-() "
            "ON (r.`why`)",
        ),
        (
            Index("POINT", NODE, ("Place",), ("at",)),
            "CREATE POINT INDEX `point_index_Place_at` FOR (n:`Place`) ON (n.`at`)",
        ),
        (
            Index(
                "FULLTEXT",
                NODE,
                ("Post", "Note"),
                ("title", "body"),
                (("fulltext.analyzer", "english"),),
                name="texts",
            ),
            "CREATE FULLTEXT INDEX `texts` FOR (n:`Note`|`Post`) "
            "ON EACH [n.`body`, n.`title`] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'english'}}",
        ),
        (
            Index("VECTOR", NODE, ("Doc",), ("v",), VECTOR_OPTIONS),
            "CREATE VECTOR INDEX `vector_index_Doc_v` FOR (n:`Doc`) ON (n.`v`) "
            "OPTIONS {indexConfig: {`vector.dimensions`: 8, "
            "`vector.similarity_function`: 'EUCLIDEAN'}}",
        ),
        (
            Constraint("UNIQUE", NODE, "Person", ("email",)),
            "CREATE CONSTRAINT `constraint_unique_Person_email` FOR (n:`Person`) "
            "REQUIRE (n.`email`) IS UNIQUE",
        ),
        (
            Constraint("KEY", NODE, "Person", ("a", "b"), name="k"),
            "CREATE CONSTRAINT `k` FOR (n:`Person`) REQUIRE (n.`a`, n.`b`) IS NODE KEY",
        ),
        (
            Constraint("KEY", RELATIONSHIP, "KNOWS", ("a",), name="k"),
            "CREATE CONSTRAINT `k` FOR ()-[r:`KNOWS`]-() "
            "REQUIRE (r.`a`) IS RELATIONSHIP KEY",
        ),
        (
            Constraint("EXISTENCE", NODE, "Person", ("name",), name="e"),
            "CREATE CONSTRAINT `e` FOR (n:`Person`) REQUIRE (n.`name`) IS NOT NULL",
        ),
        (
            Constraint("TYPE", NODE, "Person", ("n",), "string|list<integer>", "t"),
            "CREATE CONSTRAINT `t` FOR (n:`Person`) "
            "REQUIRE (n.`n`) IS :: LIST<INTEGER NOT NULL> | STRING",
        ),
    ],
)
def test_create_text_is(element: Index | Constraint, text: str) -> None:
    assert create_text(element) == text


def test_drop_text_names_the_element() -> None:
    index = Index("RANGE", NODE, ("A",), ("p",), name="odd`\\u0060")
    constraint = Constraint("UNIQUE", NODE, "A", ("p",), name="c")
    assert drop_text(index) == "DROP INDEX `odd``\\u005Cu0060`"
    assert drop_text(constraint) == "DROP CONSTRAINT `c`"


def test_a_property_type_can_not_smuggle_in_cypher() -> None:
    hostile = Constraint("TYPE", NODE, "A", ("p",), "STRING DETACH DELETE n", "t")
    with pytest.raises(SchemaError, match="not a type that a constraint can ask for"):
        create_text(hostile)


@pytest.mark.parametrize("name", ["Plain", *HOSTILE])
def test_every_kind_is_created_read_back_and_dropped(
    driver: neo4j.Driver, name: str
) -> None:
    declared = elements(name, f"1 {name}", f"2 {name}")
    for element in declared:
        driver.execute_query(create_text(element))
    found = live(driver)
    assert not found.unreadable
    everything = {**found.schema.indexes, **found.schema.constraints}
    assert len(everything) == len(declared)
    for element in declared:
        twin = everything[element.key]
        assert twin == element
        assert twin.name == element.name
        assert same_definition(element, twin)
        assert element.name in found.states
    for element in declared:
        driver.execute_query(drop_text(element))
    assert live(driver) == Catalogue(live(driver).schema)
    assert not live(driver).schema.indexes
    assert not live(driver).schema.constraints


def test_a_vector_index_without_declared_options_is_the_same_definition(
    driver: neo4j.Driver,
) -> None:
    declared = Index("VECTOR", NODE, ("Doc",), ("v",))
    driver.execute_query(create_text(declared))
    found = live(driver)
    (twin,) = found.schema.indexes.values()
    settings = found.settings[twin.name]
    assert same_definition(declared, twin, settings=settings)
    other = Index(
        "VECTOR", NODE, ("Doc",), ("v",), (("vector.similarity_function", "EUCLIDEAN"),)
    )
    assert not same_definition(other, twin, settings=settings)


def test_declared_settings_of_a_vector_index_are_compared(
    driver: neo4j.Driver,
) -> None:
    options = (("vector.dimensions", 4), ("vector.hnsw.m", 8))
    declared = Index("VECTOR", NODE, ("Doc",), ("v",), options)
    driver.execute_query(create_text(declared))
    found = live(driver)
    (twin,) = found.schema.indexes.values()
    assert same_definition(declared, twin, settings=found.settings[twin.name])
    changed = Index("VECTOR", NODE, ("Doc",), ("v",), (("vector.hnsw.m", 9),))
    assert not same_definition(changed, twin, settings=found.settings[twin.name])


def test_point_index_settings_are_kept_apart(driver: neo4j.Driver) -> None:
    driver.execute_query(create_text(Index("POINT", NODE, ("Place",), ("at",))))
    found = live(driver)
    (index,) = found.schema.indexes.values()
    assert index.kind is IndexKind.POINT
    assert index.options == ()
    assert "spatial.wgs-84.min" in found.settings[index.name]
