"""What models declare is what neomodel itself installs on a server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from neomodel import StructuredNode, db

from alembic_neo4j.schema.definitions import Constraint, Index, Schema
from alembic_neo4j.schema.loading import load_node_classes
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]
Shown = set[tuple[Any, ...]]

_OPTIONS = {
    "fulltext.analyzer": "standard-no-stop-words",
    "fulltext.eventually_consistent": False,
    "vector.dimensions": None,
    "vector.similarity_function": None,
}


@pytest.fixture
def neomodel_connection(driver: Any, neo4j_server: Any) -> Iterator[None]:
    """Connect neomodel to the server with the empty graph."""
    scheme, _, address = neo4j_server.url.partition("://")
    login = f"{neo4j_server.username}:{neo4j_server.password}"
    db.set_connection(f"{scheme}://{login}@{address}")
    try:
        yield
    finally:
        db.close_connection()


def install(*packages: str) -> None:
    for cls in load_node_classes(packages):
        if issubclass(cls, StructuredNode):
            db.install_labels(cls, stdout=io.StringIO())


def shown_by(driver: Any) -> Shown:
    indexes = driver.execute_query(
        "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, "
        "options, owningConstraint WHERE type <> 'LOOKUP' AND owningConstraint IS NULL"
    ).records
    constraints = driver.execute_query(
        "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties"
    ).records
    return {_row(r, _options(r["options"]["indexConfig"])) for r in indexes} | {
        _row(r, ()) for r in constraints
    }


def _options(config: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    declared = {k: v for k, v in config.items() if k in _OPTIONS}
    return tuple(sorted((k, v) for k, v in declared.items() if v != _OPTIONS[k]))


def _row(record: Any, options: tuple[tuple[str, Any], ...]) -> tuple[Any, ...]:
    kind = "UNIQUE" if "UNIQUE" in record["type"] else record["type"]
    labels = tuple(record["labelsOrTypes"])
    properties = tuple(record["properties"])
    entity = record["entityType"]
    return (record["name"], kind, entity, labels, properties, options)


def declared_by(schema: Schema) -> Shown:
    elements: list[Index | Constraint] = [
        *schema.indexes.values(),
        *schema.constraints.values(),
    ]
    return {
        (
            e.name,
            e.kind.value,
            e.entity.value,
            e.labels,
            e.properties,
            e.options if isinstance(e, Index) else (),
        )
        for e in elements
    }


@pytest.mark.usefixtures("shop", "neomodel_connection")
def test_install_labels_makes_the_elements_of_the_schema(driver: Any) -> None:
    schema = read_models(["shop"]).schema

    install("shop")

    declared = declared_by(schema)
    assert len(declared) == len(schema.indexes) + len(schema.constraints) == 31
    assert shown_by(driver) == declared


@pytest.mark.usefixtures("neomodel_connection")
def test_a_collision_neomodel_refuses_gets_a_name_of_its_own(
    driver: Any, read: Read
) -> None:
    schema = read(
        """
        class First(StructuredNode):
            __label__ = "A_b"
            c = StringProperty(index=True)

        class Second(StructuredNode):
            __label__ = "A"
            b_c = StringProperty(index=True)
        """
    ).schema

    with pytest.raises(Exception, match="There already exists an index called"):
        install("app")

    declared = {row[0]: row[1:] for row in declared_by(schema)}
    (installed,) = shown_by(driver)
    assert installed[0] == "index_A_b_c"
    assert installed[1:] in declared.values()
    assert sorted(name.rpartition("_")[0] for name in declared) == [
        "index_A_b",
        "index_A_b_c",
    ]
